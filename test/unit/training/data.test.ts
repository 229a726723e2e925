import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { DataError, holdOut, type Pixels } from '#main/training/data/classification.ts';
import { readDigits } from '#main/training/data/digits.ts';
import { readIdx, readIdxExamples } from '#main/training/data/idx.ts';
import { loadClassification } from '#main/training/data/load.ts';
import { idxBytes } from '../../support/idx.ts';

const folder = mkdtempSync(join(tmpdir(), 'surge-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const write = (name: string, bytes: Uint8Array) => {
  writeFileSync(at(name), bytes);
  return at(name);
};

/** An image as text, to tell images apart. */
const imagesOf = (data: { features: number; images: Pixels }) =>
  Array.from({ length: data.images.length / data.features }, (_, i) =>
    data.images.subarray(i * data.features, (i + 1) * data.features).join(),
  );

describe('digits', () => {
  const digits = readDigits();

  it('are 10,000 images of 28 × 28 pixels in 0…1, about a thousand a class', () => {
    expect(digits.labels.length).toBe(10_000);
    expect(digits.images.length).toBe(10_000 * 784);
    expect(digits.images.every((pixel) => pixel >= 0 && pixel <= 1)).toBe(true);
    expect(digits.images.some((pixel) => pixel > 0.99)).toBe(true);
    const counts = new Array<number>(10).fill(0);
    digits.labels.forEach((label) => counts[label]++);
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1200);
  });

  it('are split into disjoint parts that hold everything, every time alike', () => {
    // Numbered images: a digit may be drawn twice, a number is not.
    const numbered = {
      features: 1,
      image: null,
      images: Float32Array.from({ length: 10_000 }, (_, i) => i),
      labels: digits.labels,
    };
    const { training, evaluation } = holdOut(numbered, 2000);
    expect(training.labels.length).toBe(8000);
    expect(evaluation.labels.length).toBe(2000);
    expect(new Set([...training.images, ...evaluation.images]).size).toBe(10_000);
    [...evaluation.images].forEach((index, i) => expect(evaluation.labels[i]).toBe(digits.labels[index]));
    // Sorted by class in the files, every class in the held-out part.
    expect(new Set(evaluation.labels).size).toBe(10);
    expect(holdOut(numbered, 2000).evaluation.images).toEqual(evaluation.images);
  });

  it('have a checksum that depends on the split and on nothing else', () => {
    const two = loadClassification({ source: 'digits' }, 2000);
    const one = loadClassification({ source: 'digits' }, 1000);
    const again = loadClassification({ source: 'digits' }, 2000);
    expect(two).not.toBe(again);
    expect(again.checksum).toBe(two.checksum);
    expect(one.checksum).not.toBe(two.checksum);
    expect(two).toMatchObject({
      features: 784,
      classes: 10,
      trainingExamples: 8000,
      evaluationExamples: 2000,
    });
  });

  it('cannot all be held out', () => {
    for (const count of [10_000, 10_001, 1e7])
      expect(() => holdOut(digits, count)).toThrow(/^evaluation\.examples: .*at least one must be left/);
    expect(holdOut(digits, 9_999).training.labels.length).toBe(1);
  });
});

describe('IDX files', () => {
  const pixels = Array.from({ length: 24 }, (_, i) => i * 10);
  let images = '';
  let labels = '';
  beforeEach(() => {
    images = write('images.idx', idxBytes([6, 2, 2], pixels));
    labels = write('labels.idx', idxBytes([6], [0, 1, 2, 0, 1, 2]));
  });

  it('are read, gzipped or not, with pixels in 0…1', () => {
    const zipped = write('images.idx.gz', gzipSync(idxBytes([6, 2, 2], pixels)));
    expect(readIdx(zipped)).toEqual({ shape: [6, 2, 2], values: Uint8Array.from(pixels) });
    for (const file of [images, zipped]) {
      const read = readIdxExamples(file, labels);
      expect(read.features).toBe(4);
      expect([...read.labels]).toEqual([0, 1, 2, 0, 1, 2]);
      expect(read.images).toEqual(Float32Array.from(pixels, (p) => p / 255));
    }
  });

  it('become training and held-out examples', () => {
    const data = loadClassification({ source: 'idx', images, labels }, 2);
    expect(data).toMatchObject({ features: 4, classes: 3, trainingExamples: 4, evaluationExamples: 2 });
    const all = imagesOf(readIdxExamples(images, labels)).sort();
    const parts = [
      ...imagesOf({ features: 4, images: data.trainingImages }),
      ...imagesOf({ features: 4, images: data.evaluationImages }),
    ].sort();
    expect(parts).toEqual(all);
  });

  it('of their own for evaluation give its first examples', () => {
    const evaluationImages = write('test-images.idx', idxBytes([3, 2, 2], pixels.slice(0, 12).reverse()));
    const evaluationLabels = write('test-labels.idx', idxBytes([3], [3, 0, 1]));
    const source = { source: 'idx', images, labels, evaluationImages, evaluationLabels } as const;
    const data = loadClassification(source, 2);
    expect(data).toMatchObject({ classes: 4, trainingExamples: 6, evaluationExamples: 2 });
    expect([...data.evaluationLabels]).toEqual([3, 0]);
    expect(() => loadClassification(source, 4)).toThrow(
      `evaluation.examples: 4 asked for, ${evaluationImages} has 3`,
    );
    write('test-images.idx', idxBytes([3, 2, 1], pixels.slice(0, 6)));
    expect(() => loadClassification(source, 1)).toThrow(`${evaluationImages}: images have 2 pixels`);
  });

  const rejects = (work: () => unknown, message: string) => {
    expect(work).toThrow(DataError);
    expect(work).toThrow(message);
  };

  it('cut off anywhere are refused by name', () => {
    const whole = idxBytes([6, 2, 2], pixels);
    for (let length = 0; length < whole.length; length++) {
      write('images.idx', whole.subarray(0, length));
      rejects(() => readIdx(images), `${images}: `);
    }
    rejects(() => readIdx(images), `${images}: has 23 values where its header promises 24 (6 × 2 × 2)`);
    write('images.idx', Buffer.concat([whole, Buffer.alloc(1)]));
    rejects(() => readIdx(images), `${images}: has 25 values where its header promises 24`);
    const zipped = write('images.idx.gz', gzipSync(whole).subarray(0, 30));
    rejects(() => readIdx(zipped), `${zipped}: cannot be read`);
  });

  it('that are something else are refused by name', () => {
    rejects(() => readIdx(at('absent.idx')), `${at('absent.idx')}: cannot be read (ENOENT`);
    rejects(() => readIdx(folder), `${folder}: cannot be read (EISDIR`);
    const png = write('a.png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
    rejects(() => readIdx(png), `${png}: is not an IDX file`);
    const floats = idxBytes([6, 2, 2], pixels);
    floats[2] = 0x0d;
    rejects(() => readIdx(write('floats.idx', floats)), 'holds values of type 0x0d; only unsigned bytes');
    const flat = idxBytes([6], pixels.slice(0, 6));
    flat[3] = 0;
    rejects(() => readIdx(write('flat.idx', flat)), `${at('flat.idx')}: ends inside its header`);
    const huge = idxBytes([6, 2, 2], pixels);
    huge.writeUInt32BE(0xffffffff, 4);
    rejects(
      () => readIdx(write('huge.idx', huge)),
      `${at('huge.idx')}: has 24 values where its header promises`,
    );
  });

  it('that do not belong together are refused by name', () => {
    write('labels.idx', idxBytes([5], [0, 1, 2, 0, 1]));
    rejects(() => readIdxExamples(images, labels), `${labels}: has 5 labels for the 6 images of ${images}`);
    rejects(() => readIdxExamples(images, images), `${images}: labels must have one dimension`);
    write('images.idx', idxBytes([0, 2, 2], []));
    write('labels.idx', idxBytes([0], []));
    rejects(() => readIdxExamples(images, labels), `${images}: has no images`);
  });
});
