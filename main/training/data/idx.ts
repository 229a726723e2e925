/**
 * IDX files as Yann LeCun published MNIST in them (and Fashion-MNIST, EMNIST after it): two zero bytes, a type byte,
 * the number of dimensions, each size as a big-endian uint32, then the values. Files may be gzipped.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { LabelledExamples } from './classification.ts';
import { DataError } from './classification.ts';

export interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/** Reads one IDX file of unsigned bytes. Throws a DataError that names the file and what is wrong with it. */
export function readIdx(file: string): IdxArray {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new DataError(`${file}: cannot be read (${(error as Error).message})`);
  }
  return parseIdx(bytes, file);
}

/** As readIdx, of bytes that are there already; `file` is what messages call them. */
export function parseIdx(packed: Buffer, file: string): IdxArray {
  let bytes = packed;
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new DataError(`${file}: cannot be read (${(error as Error).message})`);
  }
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0)
    throw new DataError(`${file}: is not an IDX file (it must start with two zero bytes)`);
  if (bytes[2] !== UNSIGNED_BYTE)
    throw new DataError(
      `${file}: holds values of type 0x${bytes[2].toString(16).padStart(2, '0')}; only unsigned bytes (0x08) are read`,
    );
  const dimensions = bytes[3];
  const header = 4 + 4 * dimensions;
  if (dimensions === 0 || bytes.length < header) throw new DataError(`${file}: ends inside its header`);
  const shape = Array.from({ length: dimensions }, (_, d) => bytes.readUInt32BE(4 + 4 * d));
  const expected = shape.reduce((product, n) => product * n, 1);
  if (bytes.length - header !== expected)
    throw new DataError(
      `${file}: has ${bytes.length - header} values where its header promises ${expected} (${shape.join(' × ')}); the file is truncated or damaged`,
    );
  return { shape, values: new Uint8Array(bytes.buffer, bytes.byteOffset + header, expected) };
}

/** Images scaled to 0…1 and their labels. */
export function readIdxExamples(imageFile: string, labelFile: string): LabelledExamples {
  return idxExamples(readIdx(imageFile), readIdx(labelFile), imageFile, labelFile);
}

export function idxExamples(
  images: IdxArray,
  labels: IdxArray,
  imageFile: string,
  labelFile: string,
): LabelledExamples {
  if (labels.shape.length !== 1)
    throw new DataError(`${labelFile}: labels must have one dimension, this file has ${labels.shape.length}`);
  if (images.shape[0] !== labels.shape[0])
    throw new DataError(
      `${labelFile}: has ${labels.shape[0]} labels for the ${images.shape[0]} images of ${imageFile}`,
    );
  if (images.shape[0] === 0) throw new DataError(`${imageFile}: has no images`);
  const [, height, width] = images.shape;
  return {
    image: images.shape.length === 3 ? { channels: 1, height, width } : null,
    features: images.shape.slice(1).reduce((product, n) => product * n, 1),
    images: Float32Array.from(images.values, (value) => value / 255),
    labels: Int32Array.from(labels.values),
  };
}
