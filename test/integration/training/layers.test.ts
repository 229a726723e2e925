/** Gradients of single layers against central differences along random directions, and what layers say of special inputs. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { expect, it } from 'vitest';
import type { TensorFlow } from '#main/training/engine/tensorflow.ts';
import { gelu, relu, silu } from '#main/training/workloads/layers/activation.ts';
import { causalAttention } from '#main/training/workloads/layers/attention.ts';
import { convolution, sharedConvolution } from '#main/training/workloads/layers/convolution.ts';
import { softmaxCrossEntropy } from '#main/training/workloads/layers/cross-entropy.ts';
import { dense } from '#main/training/workloads/layers/dense.ts';
import { embedding } from '#main/training/workloads/layers/embedding.ts';
import { batchNorm, layerNorm, rmsNorm } from '#main/training/workloads/layers/normalization.ts';
import { averagePool, globalAveragePool, maxPool } from '#main/training/workloads/layers/pooling.ts';
import { balancePenalty, expertWeights } from '#main/training/workloads/layers/routing.ts';
import { stridedConvolution } from '#main/training/workloads/layers/strided-convolution.ts';
import { stream } from '#shared/random/index.ts';
import { describeWithEngine, engine } from '../../support/engine.ts';

type Layer = (tf: TensorFlow, inputs: readonly Tensor[]) => Tensor;

/** One of three classes for each of five examples of two groups, [2, 3, 5]. */
function classes(tf: TensorFlow): Tensor {
  const numbers = tf.tensor2d([0, 2, 1, 1, 0, 2, 2, 0, 1, 0], [2, 5], 'int32');
  return tf.transpose(tf.cast(tf.oneHot(numbers, 3), 'float32'), [0, 2, 1]);
}

/** Shapes of the differentiated inputs; the first axis is the cells. */
const layers: Record<string, { shapes: number[][]; apply: Layer }> = {
  relu: { shapes: [[2, 3, 4]], apply: (tf, [x]) => relu(tf, x) },
  gelu: { shapes: [[2, 3, 4]], apply: (tf, [x]) => gelu(tf, x) },
  silu: { shapes: [[2, 3, 4]], apply: (tf, [x]) => silu(tf, x) },
  'dense, one example': {
    shapes: [
      [2, 3, 4],
      [2, 3, 1],
      [2, 4, 1],
    ],
    apply: (tf, [w, b, x]) => dense(tf, w, b, x),
  },
  dense: {
    shapes: [
      [2, 3, 4],
      [2, 3, 1],
      [2, 4, 5],
    ],
    apply: (tf, [w, b, x]) => dense(tf, w, b, x),
  },
  'softmax cross-entropy': {
    shapes: [[4, 3, 5]],
    apply: (tf, [logits]) => softmaxCrossEntropy(tf, logits, classes(tf)),
  },
  'layer norm': {
    shapes: [
      [2, 5, 3],
      [2, 5, 1],
      [2, 5, 1],
    ],
    apply: (tf, [x, scale, shift]) => layerNorm(tf, x, scale, shift),
  },
  'root-mean-square norm': {
    shapes: [
      [2, 5, 3],
      [2, 5, 1],
    ],
    apply: (tf, [x, scale]) => rmsNorm(tf, x, scale),
  },
  'batch norm': {
    shapes: [
      [2, 3, 2, 2, 3],
      [2, 3, 1],
      [2, 3, 1],
    ],
    apply: (tf, [x, scale, shift]) => {
      const zeros = tf.zeros([2, 3, 1]);
      const state = { scale, shift, runningMean: zeros, runningVariance: zeros };
      return batchNorm(tf, x, state, true).y;
    },
  },
  'batch norm in evaluation': {
    shapes: [
      [2, 3, 2, 2, 3],
      [2, 3, 1],
      [2, 3, 1],
    ],
    apply: (tf, [x, scale, shift]) => {
      const statistics = { runningMean: tf.fill([2, 3, 1], 0.3), runningVariance: tf.fill([2, 3, 1], 2) };
      return batchNorm(tf, x, { scale, shift, ...statistics }, false).y;
    },
  },
  'convolution 3': {
    shapes: [
      [2, 9, 6],
      [2, 2, 4, 5, 3],
    ],
    apply: (tf, [w, x]) => convolution(tf, w, x, 3),
  },
  'convolution 5': {
    shapes: [
      [2, 15, 10],
      [2, 2, 6, 5, 1],
    ],
    apply: (tf, [w, x]) => convolution(tf, w, x, 5),
  },
  'shared convolution': {
    shapes: [[4, 3, 18]],
    apply: (tf, [w]) => {
      const values = new Float32Array(2 * 2 * 4 * 5 * 3);
      stream('test/images', 0).fillNormal(values, 0);
      return sharedConvolution(tf, w, tf.tensor(values, [2, 2, 4, 5, 3]), 3);
    },
  },
  'strided convolution 3': {
    shapes: [
      [2, 3, 18],
      [2, 2, 6, 4, 2],
    ],
    apply: (tf, [w, x]) => stridedConvolution(tf, w, x, 3),
  },
  'strided convolution 3, odd sides': {
    shapes: [
      [2, 3, 18],
      [2, 2, 5, 7, 2],
    ],
    apply: (tf, [w, x]) => stridedConvolution(tf, w, x, 3),
  },
  'strided convolution 1': {
    shapes: [
      [2, 3, 2],
      [2, 2, 5, 4, 2],
    ],
    apply: (tf, [w, x]) => stridedConvolution(tf, w, x, 1),
  },
  'max pool': { shapes: [[2, 2, 4, 6, 3]], apply: (tf, [x]) => maxPool(tf, x) },
  'average pool': { shapes: [[2, 2, 4, 6, 3]], apply: (tf, [x]) => averagePool(tf, x) },
  'global average pool': { shapes: [[2, 2, 3, 5, 3]], apply: (tf, [x]) => globalAveragePool(tf, x) },
  'causal attention': {
    shapes: [[2, 12, 15]],
    apply: (tf, [x]) => causalAttention(tf, x, { heads: 2, sequences: 3, context: 5 }),
  },
  embedding: {
    shapes: [[4, 6, 3]],
    apply: (tf, [table]) => embedding(tf, table, tf.tensor2d([0, 5, 5, 2, 1, 5], [2, 3], 'int32')),
  },
  'embedding of a large vocabulary': {
    shapes: [[4, 1500, 3]],
    apply: (tf, [table]) => embedding(tf, table, tf.tensor2d([0, 5, 5, 1499, 1, 5], [2, 3], 'int32')),
  },
  'expert weights': { shapes: [[2, 5, 4]], apply: (tf, [x]) => expertWeights(tf, x, 2) },
  'balance penalty': { shapes: [[2, 5, 4]], apply: (tf, [x]) => balancePenalty(tf, x, 2) },
};

const STEP = 5e-3;

describeWithEngine('gradients of layers equal central differences', () => {
  for (const [name, { shapes, apply }] of Object.entries(layers))
    it(name, () => {
      const { tf } = engine();
      tf.tidy(() => {
        const random = (label: string, shape: readonly number[]) => {
          const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
          stream(`test/${label}`, 1).fillNormal(values, 0);
          return tf.tensor(values, [...shape]);
        };
        const inputs = shapes.map((shape, i) => random(`input${i}`, shape));
        const weights = random('weights', apply(tf, inputs).shape);
        const scalar = (t: Tensor) =>
          tf.customGrad((x) => ({
            value: tf.sum(tf.mul(x as Tensor, weights)),
            gradFunc: (dy: Tensor) => tf.mul(weights, dy),
          }))(t);
        const gradients = tf.grads((...x: Tensor[]) => scalar(apply(tf, x)))(inputs);
        inputs.forEach((input, i) => {
          // One direction could miss an error; the sum over several does not.
          for (let direction = 0; direction < 4; direction++) {
            const v = random(`direction${direction}/${i}`, input.shape);
            const valueAt = (step: number) => {
              const moved = inputs.map((x, j) => (j === i ? tf.add(x, tf.mul(v, step)) : x));
              // Differences of each output, summed in double precision.
              return tf.mul(apply(tf, moved), weights).dataSync<'float32'>();
            };
            const [above, below] = [valueAt(STEP), valueAt(-STEP)];
            const numeric = above.reduce((sum, x, k) => sum + (x - below[k]), 0) / (2 * STEP);
            const ours = tf.sum(tf.mul(gradients[i], v)).dataSync<'float32'>()[0];
            const size = Math.sqrt(
              tf.sum(tf.square(gradients[i])).dataSync<'float32'>()[0] *
                tf.sum(tf.square(v)).dataSync<'float32'>()[0],
            );
            expect(size).toBeGreaterThan(0);
            expect(Math.abs(ours - numeric) / size, `input ${i}`).toBeLessThanOrEqual(5e-4);
          }
        });
      });
    });
});

describeWithEngine('layers', () => {
  it('give the gradient of a pool with equal pixels to the first of them', () => {
    const { tf } = engine();
    const x = tf.tensor([3, 3, 1, 5, 2, 3, 5, 5], [1, 1, 2, 4, 1]);
    const gradient = tf.grad((t: Tensor) => maxPool(tf, t).sum())(x);
    expect([...gradient.dataSync()]).toEqual([1, 0, 0, 1, 0, 0, 0, 0]);
  });

  it('refuse to halve an odd image', () => {
    const { tf } = engine();
    expect(() => maxPool(tf, tf.zeros([1, 1, 3, 4, 1]))).toThrow('must be even, not 3 × 4');
  });

  it('let no token see a later one', () => {
    const { tf } = engine();
    const shape = { heads: 1, sequences: 1, context: 4 };
    const values = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
    const before = causalAttention(tf, tf.tensor(values, [1, 6, 4]), shape).arraySync() as number[][][];
    // Features are rows: the last token is the last number of each.
    const changed = values.map((value, i) => (i % 4 === 3 ? value + 1 : value));
    const after = causalAttention(tf, tf.tensor(changed, [1, 6, 4]), shape).arraySync() as number[][][];
    before[0].forEach((row, f) => {
      expect(after[0][f].slice(0, 3)).toEqual(row.slice(0, 3));
      expect(after[0][f][3]).not.toBe(row[3]);
    });
  });

  it('route a token to its best experts, to the first of equal ones', () => {
    const { tf } = engine();
    // Two tokens, three experts.
    const scores = tf.tensor([1, 2, 3, 2, 0, 2], [1, 3, 2]);
    const weights = expertWeights(tf, scores, 2).arraySync() as number[][][];
    const [a, b] = [1 / (1 + Math.exp(2)), 1 / (1 + Math.exp(0))];
    expect(weights[0].map((row) => row[0])).toEqual([expect.closeTo(a, 6), expect.closeTo(1 - a, 6), 0]);
    expect(weights[0].map((row) => row[1])).toEqual([expect.closeTo(b, 6), expect.closeTo(b, 6), 0]);
    const even = balancePenalty(tf, tf.tensor([1, 0, 0, 1], [1, 2, 2]), 1).dataSync()[0];
    expect(even).toBeCloseTo(1, 6);
  });

  it('gather running statistics as PyTorch does and use them in evaluation', () => {
    const { tf } = engine();
    const values = [1, 2, 3, 6];
    const x = tf.tensor(values, [1, 1, 2, 2, 1]);
    const one = tf.tensor([1], [1, 1, 1]);
    const state = { scale: one, shift: tf.zeros([1, 1, 1]), runningMean: one, runningVariance: one };
    const { running } = batchNorm(tf, x, state, true);
    // Mean 3, unbiased variance 14/3; a tenth of the new, nine tenths of the old.
    expect(running[0].dataSync()[0]).toBeCloseTo(0.9 + 0.3, 6);
    expect(running[1].dataSync()[0]).toBeCloseTo(0.9 + 14 / 30, 6);
    const evaluated = batchNorm(tf, x, state, false);
    values.forEach((value, i) =>
      expect(evaluated.y.dataSync()[i]).toBeCloseTo((value - 1) / Math.sqrt(1 + 1e-5), 5),
    );
    expect(evaluated.running).toEqual([state.runningMean, state.runningVariance]);
  });
});
