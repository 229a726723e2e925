/** Gradient clipping of a stack: every cell by its own gradient. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { GradientClipping } from '#shared/experiment/training-options.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';

/** Added to the norm, as PyTorch's clip_grad_norm_ does. */
const NORM_EPSILON = 1e-6;

/** `gradients`: [cells, …shape] each. A cell whose gradient is not a number stays so, and no other one notices. */
export function clipGradients(
  tf: TensorFlow,
  gradients: readonly Tensor[],
  clipping: GradientClipping | undefined,
): readonly Tensor[] {
  if (clipping === undefined) return gradients;
  const { kind, limit } = clipping;
  if (kind === 'value') return gradients.map((gradient) => tf.maximum(tf.minimum(gradient, limit), -limit));
  const squares = gradients.map((gradient) =>
    tf.sum(
      tf.square(gradient),
      gradient.shape.slice(1).map((_, axis) => axis + 1),
    ),
  );
  const norm = tf.sqrt(squares.reduce((total, square) => tf.add(total, square)));
  const factor = tf.minimum(tf.div(limit, tf.add(norm, NORM_EPSILON)), 1);
  return gradients.map((gradient) =>
    tf.mul(gradient, tf.reshape(factor, [-1, ...gradient.shape.slice(1).map(() => 1)])),
  );
}
