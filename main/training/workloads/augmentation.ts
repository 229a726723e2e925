/**
 * Random crops and flips of training images, inside the program: the images are padded with zeros, a window of the old
 * size is cut out anywhere, and half of them are mirrored (as is usual since arXiv 1409.5185). What happens to an example
 * depends on the replicate and on its position in the replicate's order alone.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Augmentation } from '#shared/experiment/specification.ts';
import { stream } from '#shared/random/index.ts';
import type { ImageShape } from '../data/classification.ts';
import { DataError } from '../data/classification.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { counting, integer } from './layers/integer.ts';
import type { BatchInput, StackLayout } from './workload.ts';

/** Rows and columns that the window moves by, from 0 to twice the padding, and whether the image is mirrored. */
const DRAWS = 3;

/** int32 [groups, batchSize, 3]. Throws a DataError when the data are no images or smaller than the padding. */
export function augmentationInput(
  { crop = 0, flip = false }: Augmentation,
  { groups, batchSize, dataSeeds }: StackLayout,
  image: ImageShape | null,
): BatchInput {
  if (image === null)
    throw new DataError(
      'workload.augmentation: needs images, but the examples are plain rows of features; leave it out',
    );
  if (crop >= Math.min(image.height, image.width))
    throw new DataError(
      `workload.augmentation.crop: must be below the side of the images, ${image.height} × ${image.width} pixels (got ${crop})`,
    );
  const streams = dataSeeds.map((seed) => stream('augmentation', seed));
  const places = 2 * crop + 1;
  return {
    name: 'augmentation',
    shape: [groups, batchSize, DRAWS],
    dtype: 'int32',
    fill(out, firstStep, steps) {
      for (let s = 0; s < steps; s++)
        streams.forEach((draws, g) => {
          for (let b = 0; b < batchSize; b++) {
            const draw = draws.below((firstStep + s) * batchSize + b, 2 * places * places);
            const at = ((s * groups + g) * batchSize + b) * DRAWS;
            out[at] = Math.floor(draw / 2 / places);
            out[at + 1] = Math.floor(draw / 2) % places;
            out[at + 2] = flip ? draw % 2 : 0;
          }
        });
    },
  };
}

/** images: [groups, examples, features]; draws: int32 [groups, examples, 3]. Returns images of the same shape. */
export function augmented(
  tf: TensorFlow,
  { crop = 0 }: Augmentation,
  { channels, height, width }: ImageShape,
  images: Tensor,
  draws: Tensor,
): Tensor {
  const [groups, examples]: number[] = images.shape;
  const count = groups * examples;
  const rows = tf.reshape(draws, [count, DRAWS]);
  const draw = (i: number) => tf.reshape(tf.slice(rows, [0, i], [count, 1]), [count, 1, 1, 1]);
  const along = (n: number, shape: number[]) => tf.reshape(counting(tf, n), shape);
  const y = tf.add(along(height, [1, 1, height, 1]), tf.sub(draw(0), integer(tf, crop)));
  const column = along(width, [1, 1, 1, width]);
  const mirrored = tf.sub(integer(tf, width - 1), tf.mul(column, integer(tf, 2)));
  const x = tf.add(tf.add(column, tf.mul(draw(2), mirrored)), tf.sub(draw(1), integer(tf, crop)));
  const within = (t: Tensor, size: number) =>
    tf.logicalAnd(tf.greaterEqual(t, integer(tf, 0)), tf.less(t, integer(tf, size)));
  const bounded = (t: Tensor, size: number) =>
    tf.minimum(tf.maximum(t, integer(tf, 0)), integer(tf, size - 1));
  const plane = tf.add(
    tf.mul(along(count, [count, 1, 1, 1]), integer(tf, channels)),
    along(channels, [1, channels, 1, 1]),
  );
  const line = tf.add(tf.mul(plane, integer(tf, height)), bounded(y, height));
  const index = tf.add(tf.mul(line, integer(tf, width)), bounded(x, width));
  const taken = tf.gather(tf.reshape(images, [-1]), tf.reshape(index, [-1]).toInt());
  const inside = tf.cast(tf.logicalAnd(within(y, height), within(x, width)), 'float32');
  return tf.reshape(tf.mul(tf.reshape(taken, [count, channels, height, width]), inside), images.shape);
}
