/**
 * Optimizers as chains of pure parts, each turning a gradient into an update, in the manner of Optax. A part never
 * touches the learning rate: the optimizer applies theta ← theta − lr·update at the end, so a learning rate is one
 * input a cell and never frozen into a program.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../engine/tensorflow.ts';

export interface Transformation {
  /** State tensors kept for each parameter, with that parameter's shape and zero at the start. */
  readonly slots: readonly string[];
  /** Numbers that depend on the step only; they are inputs of the program. */
  readonly scalars: readonly string[];
  /** Their values at step `step` (1 is the first), computed in double precision. */
  scalarValues(step: number): number[];
  /** Elementwise; `scalars` are scalar tensors in the order above. Returns the new update and the new slots. */
  apply(
    tf: TensorFlow,
    update: Tensor,
    slots: readonly Tensor[],
    scalars: readonly Tensor[],
  ): { update: Tensor; slots: Tensor[] };
}

/** update ← g: plain gradient descent. */
export function identity(): Transformation {
  return {
    slots: [],
    scalars: [],
    scalarValues: () => [],
    apply: (_tf, update) => ({ update, slots: [] }),
  };
}

/** update ← sign(g) with sign(0) = 0 and sign(NaN) = NaN (arXiv 2405.14578, eq 5). */
export function scaleBySign(): Transformation {
  return {
    slots: [],
    scalars: [],
    scalarValues: () => [],
    apply: (tf, update) => ({ update: tf.sign(update), slots: [] }),
  };
}

/** Heavy ball: m ← momentum·m + g, update ← m. */
export function trace(momentum: number): Transformation {
  return {
    slots: ['trace'],
    scalars: [],
    scalarValues: () => [],
    apply(tf, update, [previous]) {
      const next = tf.add(tf.mul(previous, momentum), update);
      return { update: next, slots: [next] };
    },
  };
}

/**
 * Adam (arXiv 1412.6980, algorithm 1): m ← β1 m + (1−β1) g, v ← β2 v + (1−β2) g²,
 * update ← m̂ / (√v̂ + ε) with m̂ = m/(1−β1^t), v̂ = v/(1−β2^t); epsilon stands outside the root.
 */
export function scaleByAdam(beta1: number, beta2: number, epsilon: number): Transformation {
  return {
    slots: ['firstMoment', 'secondMoment'],
    scalars: ['firstCorrection', 'secondCorrection'],
    scalarValues: (step) => [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)],
    apply(tf, gradient, [first, second], [firstCorrection, secondCorrection]) {
      const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const denominator = tf.add(tf.sqrt(tf.mul(v, secondCorrection)), epsilon);
      return { update: tf.div(tf.mul(m, firstCorrection), denominator), slots: [m, v] };
    },
  };
}
