/**
 * NumPy arrays: .npy files (format versions 1 to 3) and members of .npz archives. A header of Python text tells type, order
 * and shape; only C order and plain numbers are read.
 */
import { readFileSync } from 'node:fs';
import type { LabelledExamples } from './classification.ts';
import { DataError } from './classification.ts';
import { zipMember } from './zip.ts';

interface NumpyArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
  /** Whole numbers from 0 to 255, as images are kept. */
  readonly isBytes: boolean;
}

/** Numbers of one element at a byte, for each type code that NumPy writes (little-endian or single bytes). */
const readers: Readonly<Record<string, { width: number; read: (view: DataView, at: number) => number }>> = {
  '|u1': { width: 1, read: (view, at) => view.getUint8(at) },
  '|i1': { width: 1, read: (view, at) => view.getInt8(at) },
  '|b1': { width: 1, read: (view, at) => view.getUint8(at) },
  '<u2': { width: 2, read: (view, at) => view.getUint16(at, true) },
  '<i2': { width: 2, read: (view, at) => view.getInt16(at, true) },
  '<u4': { width: 4, read: (view, at) => view.getUint32(at, true) },
  '<i4': { width: 4, read: (view, at) => view.getInt32(at, true) },
  '<u8': { width: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  '<i8': { width: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  '<f4': { width: 4, read: (view, at) => view.getFloat32(at, true) },
  '<f8': { width: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** `place` is a .npy file, or `archive.npz#member`. Throws a DataError that names the place and what is wrong. */
export function readNumpy(place: string): NumpyArray {
  const [file, member] = place.includes('.npz#') ? place.split('.npz#') : [place, null];
  let bytes: Buffer;
  try {
    bytes = readFileSync(member === null ? file : `${file}.npz`);
  } catch (error) {
    throw new DataError(`${place}: cannot be read (${(error as Error).message})`);
  }
  return parseNumpy(member === null ? bytes : zipMember(bytes, `${member}.npy`, place), place);
}

function parseNumpy(bytes: Buffer, place: string): NumpyArray {
  if (bytes.length < 10 || bytes.toString('latin1', 0, 6) !== '\x93NUMPY')
    throw new DataError(`${place}: is not a NumPy array (it must start with \\x93NUMPY)`);
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  if (bytes.length < start) throw new DataError(`${place}: ends inside its header`);
  const end = start + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  if (bytes.length < end) throw new DataError(`${place}: ends inside its header`);
  const header = bytes.toString('latin1', start, end);
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (type === undefined || sizes === undefined)
    throw new DataError(`${place}: has a header without a plain type and shape: ${header.trim()}`);
  const reader = readers[type];
  if (reader === undefined)
    throw new DataError(
      `${place}: holds values of type ${type}; these are read: ${Object.keys(readers).join(', ')}`,
    );
  if (/'fortran_order':\s*True/.test(header))
    throw new DataError(`${place}: is in Fortran order; save it with numpy.ascontiguousarray`);
  const shape = sizes
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const count = shape.reduce((product, n) => product * n, 1);
  if (bytes.length - end !== count * reader.width)
    throw new DataError(
      `${place}: has ${bytes.length - end} bytes of values where its header promises ${count * reader.width} (${shape.join(' × ')} of ${type}); the file is truncated or damaged`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset + end);
  const values = Float64Array.from({ length: count }, (_, i) => reader.read(view, i * reader.width));
  return { shape, values, isBytes: type === '|u1' };
}

/**
 * images: [n, …]; [n, height, width] and [n, channels, height, width] count as images. Bytes are scaled to 0…1, other
 * types are taken as they are. labels: whole numbers [n].
 */
export function readNumpyExamples(imagePlace: string, labelPlace: string): LabelledExamples {
  const images = readNumpy(imagePlace);
  const labels = readNumpy(labelPlace);
  if (labels.shape.length !== 1)
    throw new DataError(
      `${labelPlace}: labels must have one dimension, this array has ${labels.shape.length}`,
    );
  const [n, ...inner] = images.shape;
  if (images.shape.length < 2 || n === 0)
    throw new DataError(
      `${imagePlace}: must have one row an example, its shape is (${images.shape.join(', ')})`,
    );
  if (n !== labels.shape[0])
    throw new DataError(`${labelPlace}: has ${labels.shape[0]} labels for the ${n} rows of ${imagePlace}`);
  const wrong = labels.values.findIndex((label) => !Number.isInteger(label) || label < 0 || label > 1e6);
  if (wrong >= 0)
    throw new DataError(
      `${labelPlace}: label ${wrong} is ${labels.values[wrong]}; classes are whole numbers from 0`,
    );
  const strange = images.values.findIndex((value) => !Number.isFinite(value));
  if (strange >= 0)
    throw new DataError(`${imagePlace}: value ${strange} is ${images.values[strange]}, not a finite number`);
  const scale = images.isBytes ? 1 / 255 : 1;
  const [channels, height, width] = inner.length === 2 ? [1, ...inner] : inner;
  return {
    features: inner.reduce((product, size) => product * size, 1),
    image: inner.length === 2 || inner.length === 3 ? { channels, height, width } : null,
    images: Float32Array.from(images.values, (value) => value * scale),
    labels: Int32Array.from(labels.values),
  };
}
