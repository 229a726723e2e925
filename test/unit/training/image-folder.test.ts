/** Which images a folder holds, how they are scaled, and what is said of folders that are not right. Decoding: see the integration tests. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '#main/training/data/classification.ts';
import { headerBytes, readDecoded } from '#main/training/data/images/decoded-file.ts';
import { listImages } from '#main/training/data/images/list.ts';
import { fitted, planes } from '#main/training/data/images/resize.ts';
import { openTree } from '#main/training/data/images/tree.ts';
import { readImages } from '#main/training/data/images/read.ts';
import { zip } from '../../support/zip.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'surge-images-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
const list = (prefix = '') => listImages(openTree(root, prefix));
const paths = (images: readonly { path: string; label: number }[] | null) =>
  images?.map(({ path, label }) => `${label} ${path}`);

const tiny = {
  'train/n02/images/n02_0.JPEG': 'b',
  'train/n02/n02_boxes.txt': 'boxes',
  'train/n01/images/n01_1.JPEG': 'a1',
  'train/n01/images/n01_0.JPEG': 'a0',
  'val/images/val_0.JPEG': 'v0',
  'val/images/val_1.JPEG': 'v1',
  'val/val_annotations.txt': 'val_1.JPEG\tn01\t0\t0\t9\t9\nval_0.JPEG\tn02\t0\t0\t9\t9\n',
  'test/images/test_0.JPEG': 't',
};

describe('the images of a folder', () => {
  it('in one folder a class come in the order of their names', () => {
    write({
      'b/2.png': '',
      'b/10.jpg': '',
      'a/x.PNG': '',
      'a/notes.txt': '',
      'a/.hidden.png': '',
      'readme.md': '',
    });
    const { classes, training, evaluation } = list();
    expect(classes).toEqual(['a', 'b']);
    expect(paths(training)).toEqual(['0 a/x.PNG', '1 b/10.jpg', '1 b/2.png']);
    expect(evaluation).toBeNull();
  });

  it('below train and val are told apart, and val may lack a class', () => {
    write({ 'train/a/1.png': '', 'train/b/1.png': '', 'val/b/2.bmp': '' });
    const { training, evaluation } = list();
    expect(paths(training)).toEqual(['0 train/a/1.png', '1 train/b/1.png']);
    expect(paths(evaluation)).toEqual(['1 val/b/2.bmp']);
  });

  it('of Tiny ImageNet’s layout have their classes from the annotations', () => {
    write(tiny);
    const { classes, training, evaluation } = list();
    expect(classes).toEqual(['n01', 'n02']);
    expect(paths(training)).toEqual([
      '0 train/n01/images/n01_0.JPEG',
      '0 train/n01/images/n01_1.JPEG',
      '1 train/n02/images/n02_0.JPEG',
    ]);
    expect(paths(evaluation)).toEqual(['0 val/images/val_1.JPEG', '1 val/images/val_0.JPEG']);
  });

  it('are the same in an archive', () => {
    write(tiny);
    const folder = list();
    const members = Object.entries(tiny).map(([path, text]) => [`set/${path}`, Buffer.from(text)] as const);
    const archive = join(root, 'set.zip');
    writeFileSync(archive, zip(Object.fromEntries(members)));
    const tree = openTree(archive, 'set');
    const packed = listImages(tree);
    expect(packed).toMatchObject({
      classes: folder.classes,
      training: folder.training,
      evaluation: folder.evaluation,
    });
    expect(tree.read('train/n01/images/n01_1.JPEG').toString()).toBe('a1');
    expect(tree.name('val')).toBe(`${archive}/set/val`);
  });

  it('may be linked, and are known again until one of them changes', () => {
    write({ 'a/1.png': 'x', 'elsewhere/2.png': 'y' });
    rmSync(join(root, 'b'), { force: true });
    mkdirSync(join(root, 'data'));
    symlinkSync(join(root, 'a'), join(root, 'data', 'a'));
    symlinkSync(join(root, 'elsewhere'), join(root, 'data', 'b'));
    const inside = () => listImages(openTree(join(root, 'data')));
    expect(paths(inside().training)).toEqual(['0 a/1.png', '1 b/2.png']);
    const { mark } = inside();
    expect(inside().mark).toBe(mark);
    utimesSync(join(root, 'a', '1.png'), 1, 1);
    expect(inside().mark).not.toBe(mark);
  });
});

describe('a folder that is not right', () => {
  const refused = (files: Readonly<Record<string, string>>, message: string) => {
    write(files);
    expect(() => list()).toThrow(DataError);
    expect(() => list()).toThrow(message);
  };

  it('has a class without images', () => {
    refused({ 'a/1.png': '', 'b/notes.txt': '' }, `${join(root, 'b')}: the class has no images`);
  });
  it('has a class in val that train lacks', () => {
    refused(
      { 'train/a/1.png': '', 'train/b/1.png': '', 'val/c/1.png': '' },
      `${join(root, 'val/c')}: is a class that ${join(root, 'train')} does not have`,
    );
  });
  it('has an annotation of an unknown class or of a missing image', () => {
    refused(
      { ...tiny, 'val/val_annotations.txt': 'val_0.JPEG\tn01\nval_1.JPEG\tn09\n' },
      `${join(root, 'val/val_annotations.txt')}:2: "n09" is a class`,
    );
    refused(
      { 'val/val_annotations.txt': 'val_7.JPEG\tn01\n' },
      `${join(root, 'val/val_annotations.txt')}:1: there is no image val/images/val_7.JPEG`,
    );
  });
  it('has fewer than two classes, is a file, or is not there', () => {
    expect(() => list()).toThrow(`${root}: has no folder in it`);
    refused({ 'a/1.png': '' }, `${root}: has one folder in it`);
    const none = join(root, 'none');
    expect(() => readImages({ root: none, color: 'rgb' })).toThrow(`${none}: there is no such folder`);
    const file = join(root, 'a/1.png');
    expect(() => readImages({ root: file, color: 'rgb' })).toThrow('neither a folder nor a zip archive');
    const archive = join(root, 'broken.zip');
    writeFileSync(archive, zip({ 'a/1.png': Buffer.alloc(50) }).subarray(0, 60));
    expect(() => readImages({ root: archive, color: 'rgb' })).toThrow(`${archive}: there is no directory`);
  });
});

describe('scaling', () => {
  const gray = (height: number, width: number, value: (y: number, x: number) => number) => ({
    height,
    width,
    channels: 1,
    pixels: Uint8Array.from({ length: height * width }, (_, i) => value(Math.floor(i / width), i % width)),
  });

  it('to the same size changes nothing', () => {
    const picture = gray(4, 4, (y, x) => 16 * y + x);
    expect([...fitted(picture, 4)]).toEqual([...picture.pixels]);
  });
  it('keeps a constant, up and down', () => {
    for (const size of [1, 3, 5, 16])
      expect(
        new Set(
          fitted(
            gray(7, 9, () => 77),
            size,
          ),
        ),
      ).toEqual(new Set([77]));
  });
  it('down takes every pixel into account', () => {
    // Weights 1/8, 3/8, 3/8, 1/8 of the triangle of twice the width, cut off at the ends.
    expect([
      ...fitted(
        gray(1, 4, (_, x) => [0, 80, 0, 0][x]),
        1,
      ),
    ]).toHaveLength(1);
    const row = gray(4, 4, (_, x) => [0, 0, 80, 80][x]);
    const [left, right] = fitted(row, 2);
    expect(left + right).toBe(80);
    expect(left).toBe(Math.round((80 * 1) / 7));
  });
  it('cuts out the middle of the longer side', () => {
    expect([
      ...fitted(
        gray(2, 6, (_, x) => 10 * x),
        2,
      ),
    ]).toEqual([20, 30, 20, 30]);
    expect([
      ...fitted(
        gray(5, 2, (y) => 10 * y),
        2,
      ),
    ]).toEqual([10, 10, 20, 20]);
  });
  it('puts channels one after the other', () => {
    const picture = { height: 1, width: 2, channels: 3, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect([...planes(picture)]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

describe('decoded images on disk', () => {
  it('are read as they were written, and told when damaged', () => {
    const file = join(root, 'x.pixels');
    expect(readDecoded(file)).toBeNull();
    const header = headerBytes({ format: 1, images: 2, channels: 1, height: 1, width: 3 });
    writeFileSync(file, Buffer.concat([header, Buffer.from([1, 2, 3, 4, 5, 6])]));
    expect(readDecoded(file)).toEqual({
      shape: { channels: 1, height: 1, width: 3 },
      pixels: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    writeFileSync(file, header);
    expect(() => readDecoded(file)).toThrow(`${file}: is damaged`);
    writeFileSync(file, 'nonsense');
    expect(() => readDecoded(file)).toThrow(`${file}: is damaged`);
  });
});
