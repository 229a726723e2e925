/** Pooling over windows of 2 × 2 pixels and over whole images; images are [cells, channels, height, width, examples]. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';

/** [n, 2, width/2, 2, examples] with n = cells·channels·height/2: a window is the two axes of size 2. */
function windows(tf: TensorFlow, x: Tensor): Tensor {
  const [cells, channels, height, width, examples]: number[] = x.shape;
  if (height % 2 !== 0 || width % 2 !== 0)
    throw new Error(`pooling halves the image, whose sides must be even, not ${height} × ${width}`);
  return tf.reshape(x, [(cells * channels * height) / 2, 2, width / 2, 2, examples]);
}

function halved(x: Tensor): number[] {
  const [cells, channels, height, width, examples]: number[] = x.shape;
  return [cells, channels, height / 2, width / 2, examples];
}

/** Repeats [n, 1, w, 1, b] over its windows. */
function repeated(tf: TensorFlow, x: Tensor): Tensor {
  return tf.tile(x, [1, 2, 1, 2, 1]);
}

/** Reduces the windows, rows first. Reductions are kept by XLA, where cheap arithmetic would be done again by every reader. */
function overWindows(tf: TensorFlow, inside: Tensor, reduce: (t: Tensor, axis: number) => Tensor): Tensor {
  const [n, , half, , examples]: number[] = inside.shape;
  const rows = reduce(tf.reshape(inside, [n, 2, half * 2 * examples]), 1);
  return tf.reshape(reduce(tf.reshape(rows, [n * half, 2, examples]), 1), [n, 1, half, 1, examples]);
}

/** The largest of each window; the gradient goes to the first one where several are equal, as in PyTorch. */
export function maxPool(tf: TensorFlow, x: Tensor): Tensor {
  const shape: number[] = [...x.shape];
  return tf.customGrad((input, save) => {
    const inside = windows(tf, input as Tensor);
    const [n, , half, , examples]: number[] = inside.shape;
    const most = overWindows(tf, inside, (t, axis) => tf.max(t, axis));
    // Pixels of a window, numbered in reading order.
    const pixel = tf.tensor([0, 1, 2, 3], [1, 2, 1, 2, 1], 'float32');
    const candidates = tf.where(tf.equal(inside, repeated(tf, most)), pixel, tf.scalar(3));
    const winner = overWindows(tf, candidates, (t, axis) => tf.min(t, axis));
    (save as (t: Tensor[]) => void)([winner, pixel]);
    return {
      value: tf.reshape(most, halved(input as Tensor)),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const wide = repeated(tf, tf.reshape(dy, [n, 1, half, 1, examples]));
        const chosen = tf.equal(repeated(tf, saved[0]), saved[1]);
        return tf.reshape(tf.mul(wide, tf.cast(chosen, 'float32')), shape);
      },
    };
  })(x);
}

/** The mean of each window. */
export function averagePool(tf: TensorFlow, x: Tensor): Tensor {
  const shape: number[] = [...x.shape];
  return tf.customGrad((input) => {
    const sums = overWindows(tf, windows(tf, input as Tensor), (t, axis) => tf.sum(t, axis));
    return {
      value: tf.reshape(tf.mul(sums, 0.25), halved(input as Tensor)),
      gradFunc: (dy: Tensor) => tf.reshape(repeated(tf, tf.mul(tf.reshape(dy, sums.shape), 0.25)), shape),
    };
  })(x);
}

/** The mean over each image: [cells, channels, examples]. The gradient is given: the library's own keeps a tensor of ones. */
export function globalAveragePool(tf: TensorFlow, x: Tensor): Tensor {
  const [cells, channels, height, width, examples]: number[] = x.shape;
  return tf.customGrad((input) => ({
    value: tf.mean(input as Tensor, [2, 3]),
    gradFunc: (dy: Tensor) => {
      const one = tf.reshape(tf.div(dy, height * width), [cells, channels, 1, 1, examples]);
      return tf.tile(one, [1, 1, height, width, 1]);
    },
  }))(x);
}
