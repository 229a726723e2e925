/** Data sets of the data folder as examples or text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSetName, ImageSetName, TextSetName } from '#shared/experiment/data-sets.ts';
import { cifarExamples } from '../cifar.ts';
import type { LabelledExamples } from '../classification.ts';
import { DataError } from '../classification.ts';
import { idxExamples, parseIdx, readIdxExamples } from '../idx.ts';
import { readImages } from '../images/read.ts';
import { readTar } from '../tar.ts';
import { openZip } from '../zip.ts';
import { catalog } from './catalog.ts';
import { dataFolder, notHere, presentSet } from './folder.ts';

export interface SetExamples {
  readonly training: LabelledExamples;
  readonly evaluation: LabelledExamples;
}

/** Throws a DataError that says how to fetch a set that is not there. */
export function readImageSet(name: ImageSetName): SetExamples {
  const path = pathsOf(name);
  switch (name) {
    case 'mnist':
    case 'fashion-mnist':
    case 'kmnist': {
      const part = (prefix: string) =>
        readIdxExamples(path(`${prefix}-images-idx3-ubyte.gz`), path(`${prefix}-labels-idx1-ubyte.gz`));
      return { training: part('train'), evaluation: part('t10k') };
    }
    case 'cifar-10':
      return cifar(path('cifar-10-binary.tar.gz'), 'cifar-10-batches-bin', 1, {
        training: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
        evaluation: ['test_batch.bin'],
      });
    case 'cifar-100':
      return cifar(path('cifar-100-binary.tar.gz'), 'cifar-100-binary', 2, {
        training: ['train.bin'],
        evaluation: ['test.bin'],
      });
    case 'tiny-imagenet': {
      const root = path('tiny-imagenet-200.zip');
      const { training, evaluation } = readImages({ root, prefix: 'tiny-imagenet-200', color: 'rgb' });
      if (evaluation === null) throw new DataError(`${root}: has no folder tiny-imagenet-200/val`);
      return { training, evaluation };
    }
    default:
      return emnist(path('gzip.zip'), name.slice('emnist-'.length));
  }
}

export function readTextSet(name: TextSetName): { readonly file: string; readonly bytes: Buffer } {
  const file = pathsOf(name)(catalog[name].files[0].name);
  try {
    return { file, bytes: readFileSync(file) };
  } catch (error) {
    throw new DataError(`${file}: cannot be read (${(error as Error).message})`);
  }
}

function pathsOf(name: DataSetName): (file: string) => string {
  const present = presentSet(catalog[name], dataFolder());
  if (present === null) throw new DataError(notHere(name));
  return (file) => join(present.folder, file);
}

function cifar(
  file: string,
  folder: string,
  labelBytes: 1 | 2,
  names: { readonly training: readonly string[]; readonly evaluation: readonly string[] },
): SetExamples {
  const members = readTar(file);
  const part = (which: readonly string[]) =>
    cifarExamples(
      which.map((name) => {
        const bytes = members.get(`${folder}/${name}`);
        if (bytes === undefined) throw new DataError(`${file}: has no member ${folder}/${name}`);
        return bytes;
      }),
      labelBytes,
      file,
    );
  return { training: part(names.training), evaluation: part(names.evaluation) };
}

function emnist(file: string, part: string): SetExamples {
  const archive = openZip(readFileSync(file), file);
  const read = (split: string) => {
    const name = (what: string) => `gzip/emnist-${part}-${split}-${what}-ubyte.gz`;
    const [images, labels] = [name('images-idx3'), name('labels-idx1')];
    const idx = (member: string) => parseIdx(archive.read(member), `${file}/${member}`);
    return upright(idxExamples(idx(images), idx(labels), `${file}/${images}`, `${file}/${labels}`), part);
  };
  return { training: read('train'), evaluation: read('test') };
}

/** EMNIST's files have rows for columns, and the letters are numbered from 1. */
function upright(examples: LabelledExamples, part: string): LabelledExamples {
  const { image, features, images } = examples;
  if (image?.height !== image?.width || image === null) return examples;
  const side = image.width;
  const turned = new Float32Array(images.length);
  for (let first = 0; first < images.length; first += features)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) turned[first + y * side + x] = images[first + x * side + y];
  return {
    ...examples,
    images: turned,
    labels: part === 'letters' ? examples.labels.map((label) => label - 1) : examples.labels,
  };
}
