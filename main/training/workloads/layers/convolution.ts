/**
 * Convolutions of stacks with stride 1, odd square kernels and zero padding that keeps the image size. Images are
 * [cells, channels, height, width, examples]: examples last, so that a shift by a pixel moves whole runs of memory.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';
import { sharedProduct } from './dense.ts';

/** y[i] = x[i + offset] along `axis`, zero outside. */
export function shifted(tf: TensorFlow, x: Tensor, offset: number, axis: number): Tensor {
  if (offset === 0) return x;
  const shape: number[] = [...x.shape];
  const kept = shape[axis] - Math.abs(offset);
  const part = tf.slice(
    x,
    shape.map((_, d) => (d === axis ? Math.max(0, offset) : 0)),
    shape.map((size, d) => (d === axis ? kept : size)),
  );
  return tf.pad(
    part,
    shape.map((_, d): [number, number] => (d === axis ? (offset > 0 ? [0, offset] : [-offset, 0]) : [0, 0])),
  );
}

const offsets = (kernel: number) => Array.from({ length: kernel }, (_, k) => k - (kernel - 1) / 2);

/**
 * First convolution, of images that all cells of a group share: the patches are small then and are made once.
 * weights: [cells, out, kernel²·in], columns ordered (row of the kernel, column, channel); images: [groups, in, height,
 * width, examples]. Returns [cells, out, height, width, examples].
 */
export function sharedConvolution(tf: TensorFlow, weights: Tensor, images: Tensor, kernel: number): Tensor {
  const [groups, channels, height, width, examples]: number[] = images.shape;
  const [cells, out]: number[] = weights.shape;
  const patches = tf.concat(
    offsets(kernel).flatMap((dy) =>
      offsets(kernel).map((dx) => shifted(tf, shifted(tf, images, dy, 2), dx, 3)),
    ),
    1,
  );
  const columns = tf.reshape(patches, [groups, kernel * kernel * channels, height * width * examples]);
  return tf.reshape(sharedProduct(tf, weights, columns), [cells, out, height, width, examples]);
}

/**
 * Convolution with weights [cells, kernel·out, kernel·in], rows ordered (row of the kernel, out channel), columns (column
 * of the kernel, in channel); x: [cells, in, height, width, examples]. Only the shifts along the width are laid out before
 * the matrix product; its result has a part for each row of the kernel, and these are shifted along the height and
 * summed. That moves 2·kernel copies of the image through memory where patches (im2col) would move kernel².
 */
export function convolution(tf: TensorFlow, weights: Tensor, x: Tensor, kernel: number): Tensor {
  const [cells, channels, height, width, examples]: number[] = x.shape;
  const out = weights.shape[1]! / kernel;
  const pixels = height * width * examples;
  // Axes stay apart: where they are merged, XLA tests the borders of the padding for every number.
  const axes = { height: 2, width: 3 };
  type Axis = keyof typeof axes;
  const image = (t: Tensor, count: number) => tf.reshape(t, [cells, count, height, width, examples]);
  const spread = (t: Tensor, axis: Axis, sign: 1 | -1) => {
    const parts = offsets(kernel).map((d) => shifted(tf, t, sign * d, axes[axis]));
    return tf.reshape(tf.concat(parts, 1), [cells, -1, pixels]);
  };
  const gather = (t: Tensor, count: number, axis: Axis, sign: 1 | -1) =>
    offsets(kernel)
      .map((d, k) => {
        const part = tf.slice(t, [0, k * count, 0], [cells, count, pixels]);
        return shifted(tf, image(part, count), sign * d, axes[axis]);
      })
      .reduce((sum, part) => tf.add(sum, part));
  return tf.customGrad((w, input, save) => {
    const columns = spread(input as Tensor, 'width', 1);
    (save as (t: Tensor[]) => void)([w as Tensor, columns]);
    return {
      value: gather(tf.matMul(w as Tensor, columns), out, 'height', 1),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const spreadGradient = spread(dy, 'height', -1);
        return [
          tf.matMul(spreadGradient, saved[1], false, true),
          gather(tf.matMul(saved[0], spreadGradient, true), channels, 'width', -1),
        ];
      },
    };
  })(weights, x);
}
