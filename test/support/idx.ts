/** IDX files for tests: the format of main/training/data/idx.ts, written by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Bytes of an IDX file of unsigned bytes. */
export function idxBytes(shape: readonly number[], values: ArrayLike<number>): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 0x08, shape.length]);
  shape.forEach((size, d) => header.writeUInt32BE(size, 4 + 4 * d));
  return Buffer.concat([header, Uint8Array.from(values)]);
}

export interface SmallImages {
  readonly images: string;
  readonly labels: string;
  remove(): void;
}

/**
 * Files of `count` gray images of side × side pixels in `classes` classes that can be learnt: a class has its own bright
 * pixels, the rest is noise. The images are gzipped, the labels plain.
 */
export function writeSmallImages(count: number, side: number, classes: number): SmallImages {
  const folder = mkdtempSync(join(tmpdir(), 'surge-idx-test-'));
  const pixels = side * side;
  // A small linear congruential generator: the same images in every run.
  let state = 12345;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const labels = Array.from({ length: count }, (_, i) => i % classes);
  const values = labels.flatMap((label) =>
    Array.from({ length: pixels }, (_, p) => Math.floor(random() * 120) + (p % classes === label ? 100 : 0)),
  );
  const files = { images: join(folder, 'images.idx.gz'), labels: join(folder, 'labels.idx') };
  writeFileSync(files.images, gzipSync(idxBytes([count, side, side], values)));
  writeFileSync(files.labels, idxBytes([count], labels));
  return { ...files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
