/**
 * Dense layers of a stack. Activations are features-first, [cells, features, examples]: reductions over features are
 * then sums of rows, which vectorize, and no layer transposes.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';

/** weights: [cells, out, in]; bias: [cells, out, 1] or none; x: [cells, in, examples]. Returns [cells, out, examples]. */
export function dense(tf: TensorFlow, weights: Tensor, bias: Tensor | null, x: Tensor): Tensor {
  const product = x.shape[2] === 1 ? vectorProduct(tf, weights, x) : tf.matMul(weights, x);
  return bias === null ? product : tf.add(product, bias);
}

/**
 * For one example the gradient of the weights is an outer product, which XLA writes as a multiplication and fuses with
 * whatever made x, computing that again for every weight. A second example of zeros keeps it a matrix product.
 */
function vectorProduct(tf: TensorFlow, weights: Tensor, x: Tensor): Tensor {
  const widened = (t: Tensor) =>
    tf.pad(t, [
      [0, 0],
      [0, 0],
      [0, 1],
    ]);
  return tf.customGrad((w, input, save) => {
    (save as (t: Tensor[]) => void)([w as Tensor, input as Tensor]);
    return {
      value: tf.matMul(w as Tensor, input as Tensor),
      gradFunc: (dy: Tensor, saved: Tensor[]) => [
        tf.matMul(widened(dy), widened(saved[1]), false, true),
        tf.matMul(saved[0], dy, true),
      ],
    };
  })(weights, x);
}

/**
 * The first layer: all cells of a group see the same minibatch, so their weights are stacked into ONE matrix product
 * [groups, K·out, in] × [groups, in, examples], whose result is [cells, out, examples] without a transposition.
 * weights: [cells, out, in]; input: [groups, in, examples], or with `transposed` [groups, examples, in].
 */
export function sharedProduct(tf: TensorFlow, weights: Tensor, input: Tensor, transposed = false): Tensor {
  const [cells, out, features]: number[] = weights.shape;
  const groups = input.shape[0];
  const stacked = tf.reshape(weights, [groups, (cells / groups) * out, features]);
  const product = tf.matMul(stacked, input, false, transposed);
  return tf.reshape(product, [cells, out, -1]);
}
