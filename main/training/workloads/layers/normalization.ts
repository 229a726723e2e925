/** Normalization. Activations are features-first, [cells, features, …]; scale and shift are [cells, features, 1]. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';

const LAYER_EPSILON = 1e-5;

/** Layer norm (arXiv 1607.06450) over the features of each example; x: [cells, features, examples]. */
export function layerNorm(tf: TensorFlow, x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  return tf.add(tf.mul(centred(tf, x, true), scale), shift);
}

/** Root-mean-square norm (arXiv 1910.07467) over the features of each example, without a shift. */
export function rmsNorm(tf: TensorFlow, x: Tensor, scale: Tensor): Tensor {
  return tf.mul(centred(tf, x, false), scale);
}

/** (x − mean)/√(variance + ε) along the features, or x/√(mean square + ε). */
function centred(tf: TensorFlow, x: Tensor, subtractMean: boolean): Tensor {
  return tf.customGrad((input, save) => {
    const value = input as Tensor;
    const deviation = subtractMean ? tf.sub(value, tf.mean(value, 1, true)) : value;
    const variance = tf.mean(tf.mul(deviation, deviation), 1, true);
    const inverse = tf.rsqrt(tf.add(variance, LAYER_EPSILON));
    const normal = tf.mul(deviation, inverse);
    (save as (t: Tensor[]) => void)([normal, inverse]);
    return {
      value: normal,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [unit, scale] = saved;
        const along = tf.mul(unit, tf.mean(tf.mul(dy, unit), 1, true));
        const rest = subtractMean ? tf.sub(dy, tf.mean(dy, 1, true)) : dy;
        return tf.mul(tf.sub(rest, along), scale);
      },
    };
  })(x);
}

const BATCH_EPSILON = 1e-5;
/** Weight of a new batch in the running statistics. */
const BATCH_MOMENTUM = 0.1;

export interface BatchNormState {
  /** [cells, features, 1] each. */
  readonly scale: Tensor;
  readonly shift: Tensor;
  readonly runningMean: Tensor;
  readonly runningVariance: Tensor;
}

/**
 * Batch norm (arXiv 1502.03167) over everything but cells and features; x: [cells, features, height, width, examples].
 * In training the batch's own statistics normalize and are gathered into the running ones (variance with divisor n − 1,
 * as PyTorch has it; n where n is 1); otherwise the running ones normalize.
 */
export function batchNorm(
  tf: TensorFlow,
  x: Tensor,
  state: BatchNormState,
  training: boolean,
): { y: Tensor; running: [mean: Tensor, variance: Tensor] } {
  const shape: number[] = [...x.shape];
  const [cells, features] = shape;
  const flat = tf.reshape(x, [cells, features, -1]);
  const { scale, shift, runningMean, runningVariance } = state;
  const finish = (normal: Tensor) => tf.reshape(tf.add(tf.mul(normal, scale), shift), shape);
  if (!training) {
    const inverse = tf.rsqrt(tf.add(runningVariance, BATCH_EPSILON));
    const normal = tf.mul(tf.sub(flat, runningMean), inverse);
    return { y: finish(normal), running: [runningMean, runningVariance] };
  }
  const n: number = flat.shape[2]!;
  const statistics: Tensor[] = [];
  const normal = tf.customGrad((input, save) => {
    const value = input as Tensor;
    const mean = tf.mean(value, 2, true);
    const deviation = tf.sub(value, mean);
    const variance = tf.mean(tf.mul(deviation, deviation), 2, true);
    statistics.push(tf.keep(mean), tf.keep(variance));
    const inverse = tf.rsqrt(tf.add(variance, BATCH_EPSILON));
    const unit = tf.mul(deviation, inverse);
    (save as (t: Tensor[]) => void)([unit, inverse]);
    return {
      value: unit,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [u, i] = saved;
        const along = tf.mul(u, tf.mean(tf.mul(dy, u), 2, true));
        return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, 2, true)), along), i);
      },
    };
  })(flat);
  const [mean, variance] = statistics;
  const mixed = (old: Tensor, fresh: Tensor, factor: number) =>
    tf.add(tf.mul(old, 1 - BATCH_MOMENTUM), tf.mul(fresh, BATCH_MOMENTUM * factor));
  const running: [Tensor, Tensor] = [
    mixed(runningMean, mean, 1),
    mixed(runningVariance, variance, n > 1 ? n / (n - 1) : 1),
  ];
  tf.dispose(statistics);
  return { y: finish(normal), running };
}
