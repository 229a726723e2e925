/**
 * Dropout (Srivastava et al., JMLR 15, 2014), scaled in training so that evaluation needs nothing: an activation is kept
 * with the probability 1 − rate and divided by it. Whether it is kept depends on the replicate, on the position of the
 * example in the replicate's order and on the place of the activation, so that the learning rates of a replicate drop the
 * same, a restart changes nothing, and parts of a minibatch drop what the whole would.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { stream } from '#shared/random/index.ts';
import type { TensorFlow } from '../../engine/tensorflow.ts';
import type { BatchInput, StackLayout } from '../workload.ts';
import { counting, integer, scrambled } from './integer.ts';

/** x: [cells, features, examples·n], n values of each example side by side. Called in the same order at every step. */
export type Drop = (x: Tensor) => Tensor;

export const keepAll: Drop = (x) => x;

/** An odd number near 2^32 divided by the golden ratio: neighbours are far apart. */
const SPREAD = 0x9e3779b9;

/** int32 [groups, batchSize]: a random word for each position of each replicate's order. */
export function dropoutInput({ groups, batchSize, dataSeeds }: StackLayout): BatchInput {
  const streams = dataSeeds.map((seed) => stream('dropout', seed));
  return {
    name: 'dropout',
    shape: [groups, batchSize],
    dtype: 'int32',
    fill(out, firstStep, steps) {
      for (let s = 0; s < steps; s++)
        streams.forEach((words, g) => {
          for (let b = 0; b < batchSize; b++)
            // Storing in an Int32Array takes the word's bits.
            out[(s * groups + g) * batchSize + b] = words.uint32((firstStep + s) * batchSize + b);
        });
    },
  };
}

/** `words` is what dropoutInput gave for this step. */
export function dropWith(tf: TensorFlow, rate: number, words: Tensor): Drop {
  const [groups, examples]: number[] = words.shape;
  let places = 0;
  return (x) => {
    const [cells, features, columns]: number[] = x.shape;
    const each = columns / examples;
    const place = tf.add(counting(tf, features * each), integer(tf, places));
    places += features * each;
    const numbered = tf.add(
      tf.reshape(tf.mul(place, integer(tf, SPREAD)), [1, features, 1, each]),
      tf.reshape(words, [groups, 1, examples, 1]),
    );
    // A word is below the threshold, as a signed number, with the probability `rate`.
    const threshold = Math.round(rate * 2 ** 32) - 2 ** 31;
    const kept = tf.greaterEqual(scrambled(tf, numbered), integer(tf, threshold));
    const mask = tf.mul(tf.cast(kept, 'float32'), 1 / (1 - rate));
    const shared = tf.reshape(mask, [groups, 1, features, columns]);
    const grouped = tf.reshape(x, [groups, cells / groups, features, columns]);
    return tf.reshape(tf.mul(grouped, shared), [cells, features, columns]);
  };
}
