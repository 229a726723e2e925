/** Training images on the device: numbers as they are, bytes four in a word, a quarter of the memory. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Pixels } from '../data/classification.ts';
import type { ResidentTensor } from '../engine/program.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { bitwise, integer } from './layers/integer.ts';

const PER_WORD = 4;

/** pixels: [examples, features]. */
export function residentImages(pixels: Pixels, examples: number, features: number): ResidentTensor {
  if (!(pixels instanceof Uint8Array))
    return { name: 'images', shape: [examples, features], dtype: 'float32', values: pixels };
  const words = Math.ceil(features / PER_WORD);
  return {
    name: 'images',
    shape: [examples, words],
    dtype: 'int32',
    values: packed(pixels, features, words),
  };
}

function packed(bytes: Uint8Array, features: number, words: number): Int32Array {
  const width = words * PER_WORD;
  if (width === features && bytes.byteOffset % PER_WORD === 0)
    return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / PER_WORD);
  const rows = new Uint8Array((bytes.length / features) * width);
  for (let from = 0, to = 0; from < bytes.length; from += features, to += width)
    rows.set(bytes.subarray(from, from + features), to);
  return new Int32Array(rows.buffer);
}

/** resident: what residentImages describes; examples: int32 [n]. Returns float32 [n, features], bytes scaled to 0…1. */
export function gatherImages(tf: TensorFlow, resident: Tensor, examples: Tensor, features: number): Tensor {
  const rows = tf.gather(resident, examples.as1D());
  if (resident.dtype !== 'int32') return rows;
  const [count, words]: number[] = rows.shape;
  // Words are little-endian, as every machine that the engine runs on.
  const shifts = tf.tensor(Int32Array.of(0, 8, 16, 24), [1, 1, PER_WORD], 'int32');
  const shifted = bitwise(tf, 'RightShift', tf.reshape(rows, [count, words, 1]), shifts);
  const bytes = tf.reshape(bitwise(tf, 'BitwiseAnd', shifted, integer(tf, 255)), [count, words * PER_WORD]);
  return tf.div(tf.cast(tf.slice(bytes, [0, 0], [count, features]), 'float32'), 255);
}
