/** Activation functions, element by element, with gradients of their own where those are shorter or safer. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';

/** Rectifier whose gradient passes where the output is positive; NaN passes through both ways. */
export function relu(tf: TensorFlow, x: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const value = tf.relu(input as Tensor);
    (save as (t: Tensor[]) => void)([value]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, tf.cast(tf.greater(saved[0], 0), 'float32')),
    };
  })(x);
}

const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

/** Gaussian error linear unit in the tanh form of GPT-2 (arXiv 1606.08415): x/2 (1 + tanh(√(2/π)(x + 0.044715 x³))). */
export function gelu(tf: TensorFlow, x: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const value = input as Tensor;
    const square = tf.mul(value, value);
    const inner = tf.mul(tf.mul(value, GELU_SCALE), tf.add(tf.mul(square, GELU_CUBIC), 1));
    const tanh = tf.tanh(inner);
    (save as (t: Tensor[]) => void)([value, tanh]);
    return {
      value: tf.mul(tf.mul(value, 0.5), tf.add(tanh, 1)),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [v, t] = saved;
        const slope = tf.mul(tf.add(tf.mul(tf.mul(v, v), 3 * GELU_CUBIC), 1), GELU_SCALE);
        const bend = tf.mul(tf.mul(v, slope), tf.sub(1, tf.mul(t, t)));
        return tf.mul(dy, tf.mul(tf.add(tf.add(t, 1), bend), 0.5));
      },
    };
  })(x);
}

/** Sigmoid linear unit x·σ(x); σ by tanh, which cannot overflow. */
export function silu(tf: TensorFlow, x: Tensor): Tensor {
  return tf.customGrad((input, save) => {
    const value = input as Tensor;
    const sigmoid = tf.add(tf.mul(tf.tanh(tf.mul(value, 0.5)), 0.5), 0.5);
    (save as (t: Tensor[]) => void)([value, sigmoid]);
    return {
      value: tf.mul(value, sigmoid),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [v, s] = saved;
        return tf.mul(dy, tf.mul(s, tf.add(tf.mul(v, tf.sub(1, s)), 1)));
      },
    };
  })(x);
}

/** Softmax along any axis, shifted by the largest value. */
export function softmax(tf: TensorFlow, x: Tensor, axis: number): Tensor {
  return tf.customGrad((input, save) => {
    const shifted = tf.sub(input as Tensor, tf.max(input as Tensor, axis, true));
    const exponentials = tf.exp(shifted);
    const value = tf.div(exponentials, tf.sum(exponentials, axis, true));
    (save as (t: Tensor[]) => void)([value]);
    return {
      value,
      gradFunc: (dy: Tensor, [p]: Tensor[]) => {
        const weighted = tf.mul(dy, p);
        return tf.sub(weighted, tf.mul(p, tf.sum(weighted, axis, true)));
      },
    };
  })(x);
}
