/**
 * The noisy quadratic, the world of the theory (arXiv 2405.14578, section 2): L(theta) = mu'theta + theta'H theta/2,
 * minibatch gradient mu + H theta + sigma*z/sqrt(B), z standard normal. The mean of B Gaussian per-sample gradients is
 * drawn at once, exactly distributed; replicates share z across learning rates and, step by step, across batch sizes.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { stream } from '#shared/random/index.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import type { StackLayout, Workload } from './workload.ts';

export interface QuadraticOptions {
  readonly mu: readonly number[];
  readonly sigma: readonly number[];
  readonly hessian: readonly (readonly number[])[];
  readonly start?: readonly number[] | undefined;
}

export function quadratic(options: QuadraticOptions, layout: StackLayout): Workload {
  const { groups, cellsPerGroup, batchSize } = layout;
  const cells = groups * cellsPerGroup;
  const n = options.mu.length;
  const flat = (rows: readonly (readonly number[])[]) => Float32Array.from(rows.flat());
  const noises = layout.dataSeeds.map((seed) => stream('quadratic/noise', seed));

  const curvature = (tf: TensorFlow, theta: Tensor, hessian: Tensor) =>
    tf.matMul(tf.reshape(theta, [cells, n]), tf.reshape(hessian, [n, n]));
  const lossOf = (tf: TensorFlow, theta: Tensor, mu: Tensor, hTheta: Tensor) =>
    tf.sum(tf.mul(theta, tf.add(mu, tf.mul(hTheta, 0.5))), 1);

  const model = [
    { name: 'mu', shape: [1, n], dtype: 'float32' as const, values: Float32Array.from(options.mu) },
    { name: 'hessian', shape: [n, n], dtype: 'float32' as const, values: flat(options.hessian) },
  ];
  return {
    parameters: [{ name: 'theta', shape: [n] }],
    initial() {
      const out = new Float32Array(cells * n);
      const start = options.start;
      if (start !== undefined) for (let c = 0; c < cells; c++) out.set(start, c * n);
      return out;
    },
    buffers: [],
    initialBuffer: () => new Float32Array(0),
    resident: model,
    batchInputs: [
      {
        name: 'noise',
        shape: [groups, n],
        dtype: 'float32',
        fill(out, firstStep, steps) {
          const row = new Float64Array(n);
          for (let s = 0; s < steps; s++)
            noises.forEach((noise, g) => {
              noise.fillNormal(row, (firstStep + s) * n);
              const at = (s * groups + g) * n;
              for (let i = 0; i < n; i++) out[at + i] = (options.sigma[i] * row[i]) / Math.sqrt(batchSize);
            });
        },
      },
    ],
    lossAndGradients(tf, [theta], [mu, hessian], [noise]) {
      const hTheta = curvature(tf, theta, hessian);
      const spread = tf.reshape(tf.tile(tf.reshape(noise, [groups, 1, n]), [1, cellsPerGroup, 1]), [
        cells,
        n,
      ]);
      // The minibatch loss of the same draw: its gradient is exactly the noisy gradient below.
      const noisy = tf.add(mu, spread);
      return { loss: lossOf(tf, theta, noisy, hTheta), gradients: [tf.add(noisy, hTheta)], buffers: [] };
    },
    evaluationTiles: 1,
    evaluationData: model.map((m) => ({ ...m, shape: [1, ...m.shape] })),
    evaluationMetrics: ['evaluationLoss'],
    evaluate(tf, [theta], [mu, hessian]) {
      return [lossOf(tf, theta, mu, curvature(tf, theta, hessian))];
    },
  };
}
