/**
 * Convolutional network for small images: convolutions with rectifiers, halving max pools after some of them, one hidden
 * dense layer. The defaults are the five layers of arXiv 2405.14578's Fashion-MNIST experiment as far as it tells them
 * (sizes are ours).
 */
import type { ClassificationData } from '../data/classification.ts';
import { DataError, imageShape } from '../data/classification.ts';
import type { Network } from './classifier.ts';
import type { Parameter } from './initialization.ts';
import { relu } from './layers/activation.ts';
import { convolution, sharedConvolution } from './layers/convolution.ts';
import { dense } from './layers/dense.ts';
import { averagePool, maxPool } from './layers/pooling.ts';

export interface CnnOptions {
  /** Output channels of each convolution. */
  readonly channels: readonly number[];
  /** Convolutions (1 is the first) that are followed by a pool. */
  readonly poolAfter: readonly number[];
  readonly pooling: 'max' | 'average';
  /** Width of the hidden dense layer. */
  readonly dense: number;
  /** Odd side of the kernels. */
  readonly kernel: number;
}

export function cnn(options: CnnOptions, data: Pick<ClassificationData, 'image' | 'classes'>): Network {
  const { channels, kernel } = options;
  const { channels: planes, height, width } = imageShape(data);
  const scale = 2 ** channels.map((_, l) => l + 1).filter((l) => options.poolAfter.includes(l)).length;
  if (height % scale !== 0 || width % scale !== 0)
    throw new DataError(
      `workload.poolAfter: an image of ${height} × ${width} pixels cannot be halved ${Math.log2(scale)} times`,
    );
  const flat = (channels[channels.length - 1] * height * width) / scale ** 2;
  const he = (fanIn: number) => ({ deviation: Math.sqrt(2 / fanIn) });
  const parameters: Parameter[] = channels.flatMap((out, l) => {
    const within = l === 0 ? planes : channels[l - 1];
    const shape = l === 0 ? [out, kernel * kernel * within] : [kernel * out, kernel * within];
    return [
      { name: `convolution${l + 1}.weights`, shape, start: he(kernel * kernel * within) },
      { name: `convolution${l + 1}.bias`, shape: [out, 1], start: { constant: 0 } },
    ];
  });
  for (const [name, out, within] of [
    ['dense', options.dense, flat],
    ['logits', data.classes, options.dense],
  ] as const)
    parameters.push(
      { name: `${name}.weights`, shape: [out, within], start: he(within) },
      { name: `${name}.bias`, shape: [out, 1], start: { constant: 0 } },
    );
  return {
    parameters,
    buffers: [],
    widest: kernel * Math.max(...channels) * height * width,
    logits(tf, { parameters: p }, images, _training, drop) {
      const [groups, examples]: number[] = images.shape;
      const cells = p[0].shape[0];
      let x = tf.reshape(tf.transpose(images, [0, 2, 1]), [groups, planes, height, width, examples]);
      channels.forEach((out, l) => {
        const [weights, bias] = [p[2 * l], p[2 * l + 1]];
        x = l === 0 ? sharedConvolution(tf, weights, x, kernel) : convolution(tf, weights, x, kernel);
        x = tf.add(x, tf.reshape(bias, [cells, out, 1, 1, 1]));
        const pools = options.poolAfter.includes(l + 1);
        // The largest may be taken before the rectifier: the same numbers and a quarter of the work.
        if (pools && options.pooling === 'max') x = maxPool(tf, x);
        x = relu(tf, x);
        if (pools && options.pooling === 'average') x = averagePool(tf, x);
      });
      const at = 2 * channels.length;
      const hidden = relu(tf, dense(tf, p[at], p[at + 1], tf.reshape(x, [cells, flat, examples])));
      return { logits: dense(tf, p[at + 2], p[at + 3], drop(hidden)), buffers: [] };
    },
  };
}
