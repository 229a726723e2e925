/** Causal self-attention (arXiv 1706.03762), features-first. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';
import { softmax } from './activation.ts';

export interface AttentionShape {
  readonly heads: number;
  readonly sequences: number;
  readonly context: number;
}

/** Finite, so that a row never is all −∞; far below any score. */
const MASKED = -1e30;

/**
 * joined: [cells, 3·width, sequences·context], queries then keys then values, each cut into heads; a token sees itself and
 * earlier ones. Returns [cells, width, sequences·context] before the output projection.
 */
export function causalAttention(tf: TensorFlow, joined: Tensor, shape: AttentionShape): Tensor {
  const { heads, sequences, context } = shape;
  const cells = joined.shape[0];
  const width = joined.shape[1]! / 3;
  const size = width / heads;
  // One matrix [size, context] for each cell, head and sequence.
  const split = tf.transpose(tf.reshape(joined, [cells * 3 * heads, size, sequences, context]), [0, 2, 1, 3]);
  const parts = tf.reshape(split, [cells, 3, heads * sequences * size * context]);
  const [queries, keys, values] = [0, 1, 2].map((part) =>
    tf.reshape(tf.slice(parts, [0, part, 0], [cells, 1, heads * sequences * size * context]), [
      cells * heads * sequences,
      size,
      context,
    ]),
  );
  // [keys, queries]: softmax then sums over rows, which vectorizes.
  const scores = tf.mul(tf.matMul(keys, queries, true), 1 / Math.sqrt(size));
  const position = tf.tensor1d(Float32Array.from({ length: context }, (_, t) => t));
  const seen = tf.lessEqual(tf.reshape(position, [1, context, 1]), tf.reshape(position, [1, 1, context]));
  const weights = softmax(tf, tf.where(seen, scores, tf.scalar(MASKED)), 1);
  const mixed = tf.reshape(tf.matMul(values, weights), [cells * heads, sequences, size, context]);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [cells, width, sequences * context]);
}
