/**
 * ResNet-18 (arXiv 1512.03385) for small images: the first convolution has 3 × 3 pixels and stride 1, and no pool follows
 * it, as is usual for images of 32 or 64 pixels. `width` is the number of channels of the first stage, 64 in the paper.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { ClassificationData } from '../data/classification.ts';
import { imageShape } from '../data/classification.ts';
import type { Network } from './classifier.ts';
import type { Parameter } from './initialization.ts';
import { relu } from './layers/activation.ts';
import { convolution, sharedConvolution } from './layers/convolution.ts';
import { dense } from './layers/dense.ts';
import { batchNorm } from './layers/normalization.ts';
import { globalAveragePool } from './layers/pooling.ts';
import { stridedConvolution } from './layers/strided-convolution.ts';

const STAGES = 4;
const BLOCKS = 2;

interface Convolution {
  readonly name: string;
  readonly within: number;
  readonly out: number;
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
}

export function resnet18(
  { width }: { readonly width: number },
  data: Pick<ClassificationData, 'image' | 'classes'>,
): Network {
  const { channels, height, width: imageWidth } = imageShape(data);
  const stem: Convolution = { name: 'stem', within: channels, out: width, kernel: 3, stride: 1 };
  const blocks = Array.from({ length: STAGES * BLOCKS }, (_, i) => {
    const stage = Math.floor(i / BLOCKS);
    const out = width * 2 ** stage;
    const halves = i % BLOCKS === 0 && stage > 0;
    const within = halves ? out / 2 : out;
    const name = `stage${stage + 1}.block${(i % BLOCKS) + 1}`;
    const first: Convolution = {
      name: `${name}.convolution1`,
      within,
      out,
      kernel: 3,
      stride: halves ? 2 : 1,
    };
    const second: Convolution = { name: `${name}.convolution2`, within: out, out, kernel: 3, stride: 1 };
    const shortcut: Convolution | null = halves
      ? { name: `${name}.shortcut`, within, out, kernel: 1, stride: 2 }
      : null;
    return { first, second, shortcut };
  });
  const convolutions = [
    stem,
    ...blocks.flatMap(({ first, second, shortcut }) => [
      first,
      second,
      ...(shortcut === null ? [] : [shortcut]),
    ]),
  ];
  const features = width * 2 ** (STAGES - 1);
  const vector = (name: string, size: number, constant: number): Parameter => ({
    name,
    shape: [size, 1],
    start: { constant },
  });
  return {
    parameters: [
      ...convolutions.flatMap((c): Parameter[] => {
        const fanIn = c.kernel ** 2 * c.within;
        // The layout that the layer wants: see convolution.ts.
        const stacked = c !== stem && c.stride === 1;
        const shape = stacked ? [c.kernel * c.out, c.kernel * c.within] : [c.out, fanIn];
        return [
          { name: `${c.name}.weights`, shape, start: { deviation: Math.sqrt(2 / fanIn) } },
          vector(`${c.name}.scale`, c.out, 1),
          vector(`${c.name}.shift`, c.out, 0),
        ];
      }),
      {
        name: 'logits.weights',
        shape: [data.classes, features],
        start: { deviation: Math.sqrt(1 / features) },
      },
      vector('logits.bias', data.classes, 0),
    ],
    buffers: convolutions.flatMap((c) => [
      vector(`${c.name}.mean`, c.out, 0),
      vector(`${c.name}.variance`, c.out, 1),
    ]),
    widest: 3 * width * height * imageWidth,
    logits(tf, { parameters, buffers }, images, training) {
      const [groups, examples]: number[] = images.shape;
      const running: Tensor[] = [];
      const normalized = (c: Convolution, apply: (weights: Tensor) => Tensor): Tensor => {
        const at = convolutions.indexOf(c);
        const [weights, scale, shift] = parameters.slice(3 * at, 3 * at + 3);
        const [runningMean, runningVariance] = buffers.slice(2 * at, 2 * at + 2);
        const state = { scale, shift, runningMean, runningVariance };
        const result = batchNorm(tf, apply(weights), state, training);
        running[2 * at] = result.running[0];
        running[2 * at + 1] = result.running[1];
        return result.y;
      };
      const convolved = (c: Convolution, x: Tensor) =>
        normalized(c, (weights) =>
          c.stride === 1
            ? convolution(tf, weights, x, c.kernel)
            : stridedConvolution(tf, weights, x, c.kernel),
        );
      const input = tf.reshape(tf.transpose(images, [0, 2, 1]), [
        groups,
        channels,
        height,
        imageWidth,
        examples,
      ]);
      let x = relu(
        tf,
        normalized(stem, (weights) => sharedConvolution(tf, weights, input, stem.kernel)),
      );
      for (const { first, second, shortcut } of blocks) {
        const inside = convolved(second, relu(tf, convolved(first, x)));
        x = relu(tf, tf.add(inside, shortcut === null ? x : convolved(shortcut, x)));
      }
      const pooled = globalAveragePool(tf, x);
      const [weights, bias] = parameters.slice(3 * convolutions.length);
      return { logits: dense(tf, weights, bias, pooled), buffers: running };
    },
  };
}
