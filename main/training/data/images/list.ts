/**
 * Which images a folder holds, in a fixed order, and their classes. Two layouts are read: one folder a class, as
 * torchvision's ImageFolder has it (below train/ and val/, or at once), and Tiny ImageNet's, where the images of a class
 * lie in CLASS/images and those of val/ are told apart by val_annotations.txt.
 */
import { createHash } from 'node:crypto';
import { DataError } from '../classification.ts';
import type { FileTree } from './tree.ts';

export interface ListedImage {
  readonly path: string;
  readonly label: number;
}

export interface ImageListing {
  readonly classes: readonly string[];
  readonly training: readonly ListedImage[];
  /** Null where the folder has no part of its own for evaluation. */
  readonly evaluation: readonly ListedImage[] | null;
  /** SHA-256 of names, sizes and times: the same images have not to be decoded again. */
  readonly mark: string;
}

const IMAGE = /\.(jpe?g|png|bmp)$/i;
const ANNOTATIONS = 'val_annotations.txt';

/** Throws a DataError that names the folder, file or line. */
export function listImages(tree: FileTree & { readonly rootMark: string }): ImageListing {
  const split = tree.list('train') !== null;
  const root = split ? 'train' : '';
  const classes = tree.list(root)?.folders ?? [];
  if (classes.length < 2)
    throw new DataError(
      `${tree.name(root)}: has ${classes.length === 0 ? 'no folder' : 'one folder'} in it; images lie in one folder a class, of at least two classes`,
    );
  const training = inFolders(tree, root, classes);
  const evaluation = split ? evaluationPart(tree, classes) : null;
  const hash = createHash('sha256').update(tree.rootMark);
  for (const { path, label } of [...training, ...(evaluation ?? [])])
    hash.update(`${path}\0${label}\0${tree.mark(path)}\n`);
  return { classes, training, evaluation, mark: hash.digest('hex') };
}

function evaluationPart(tree: FileTree, classes: readonly string[]): ListedImage[] | null {
  const val = tree.list('val');
  if (val === null) return null;
  if (val.files.includes(ANNOTATIONS)) return annotated(tree, classes);
  const unknown = val.folders.find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw new DataError(
      `${tree.name(`val/${unknown}`)}: is a class that ${tree.name('train')} does not have`,
    );
  return inFolders(
    tree,
    'val',
    classes.filter((name) => val.folders.includes(name)),
    classes,
  );
}

function inFolders(
  tree: FileTree,
  root: string,
  present: readonly string[],
  classes: readonly string[] = present,
): ListedImage[] {
  return present.flatMap((name) => {
    const folder = root === '' ? name : `${root}/${name}`;
    const direct = imagesIn(tree, folder);
    const images = direct.length > 0 ? direct : imagesIn(tree, `${folder}/images`);
    if (images.length === 0)
      throw new DataError(
        `${tree.name(folder)}: the class has no images (.jpg, .jpeg, .png or .bmp); add some or remove its folder`,
      );
    return images.map((path) => ({ path, label: classes.indexOf(name) }));
  });
}

function imagesIn(tree: FileTree, folder: string): string[] {
  const files = tree.list(folder)?.files ?? [];
  return files.filter((file) => IMAGE.test(file)).map((file) => `${folder}/${file}`);
}

/** Lines of file name, class and the corners of a box, with tabs between. */
function annotated(tree: FileTree, classes: readonly string[]): ListedImage[] {
  const place = tree.name(`val/${ANNOTATIONS}`);
  const files = new Set(tree.list('val/images')?.files ?? []);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const lines = tree.read(`val/${ANNOTATIONS}`).toString('utf8').split(/\r?\n/);
  const images = lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const [file, name = ''] = line.split('\t');
    const label = labels.get(name);
    if (label === undefined)
      throw new DataError(`${place}:${i + 1}: "${name}" is a class that ${tree.name('train')} does not have`);
    if (!files.has(file)) throw new DataError(`${place}:${i + 1}: there is no image val/images/${file}`);
    return [{ path: `val/images/${file}`, label }];
  });
  if (images.length === 0) throw new DataError(`${place}: names no image`);
  return images;
}
