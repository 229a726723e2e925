import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { optimizerFor } from '#main/training/optimizers/optimizer.ts';
import { assembleStack } from '#main/training/stack-program.ts';
import type { StackConfiguration } from '#main/training/build-stack.ts';
import type { Workload } from '#main/training/workloads/workload.ts';
import { describeWithEngine, engine } from '../../support/engine.ts';
import { referenceFolder } from '../../support/reference.ts';

interface GoldenOptimizer {
  readonly id: string;
  readonly inputs: {
    readonly hyper: Readonly<Record<string, number>>;
    readonly A: readonly (readonly number[])[];
    readonly b: readonly number[];
    readonly theta0: readonly number[];
    readonly noise: readonly (readonly number[])[];
  };
  /** theta after each step, and the optimizer's state after the last one. */
  readonly expected: {
    readonly theta: readonly (readonly number[])[];
    readonly final_state: Readonly<Record<string, readonly number[]>>;
  };
  readonly atol_float32: number;
}

const specifications: Record<
  string,
  (hyper: GoldenOptimizer['inputs']['hyper']) => StackConfiguration['optimizer']
> = {
  'h.sgd': () => ({ kind: 'sgd' }),
  'h.momentum': (h) => ({ kind: 'momentum', momentum: h.mu }),
  'h.sign': () => ({ kind: 'sign' }),
  'h.adam': (h) => ({ kind: 'adam', beta1: h.b1, beta2: h.b2, epsilon: h.eps }),
  'h.adam_beta_0_0': (h) => ({ kind: 'adam', beta1: h.b1, beta2: h.b2, epsilon: h.eps }),
};

/** Gradient A theta − b + noise, the noise of each step being a per-step input; two cells that start alike. */
function goldenWorkload({ A, b, theta0, noise }: GoldenOptimizer['inputs']): Workload {
  const n = b.length;
  return {
    parameters: [{ name: 'theta', shape: [n] }],
    initial: () => Float32Array.from([...theta0, ...theta0]),
    resident: [
      { name: 'A', shape: [n, n], dtype: 'float32', values: Float32Array.from(A.flat()) },
      { name: 'b', shape: [1, n], dtype: 'float32', values: Float32Array.from(b) },
    ],
    batchInputs: [
      {
        name: 'noise',
        shape: [1, n],
        dtype: 'float32',
        fill: (out, first, steps) => out.set(noise.slice(first, first + steps).flat()),
      },
    ],
    lossAndGradients(tf, [theta], [matrix, offset], [drawn]) {
      // A is symmetric, so theta A is A theta.
      const product = tf.matMul(theta, matrix);
      const loss = tf.sum(tf.mul(theta, tf.sub(tf.mul(product, 0.5), offset)), 1);
      return { loss, gradients: [tf.add(tf.sub(product, offset), drawn)] };
    },
    evaluationTiles: 1,
    evaluationData: [{ name: 'one', shape: [1, 1], dtype: 'float32', values: Float32Array.of(1) }],
    evaluationMetrics: ['evaluationLoss'],
    evaluate: (tf, [theta], [one]) => [tf.mul(tf.sum(theta, 1), one)],
  };
}

const folder = referenceFolder();
describeWithEngine('optimizers equal the golden trajectories', () => {
  if (folder === null) {
    it.skip('skipped: ../shared is absent', () => undefined);
    return;
  }
  const { entries } = JSON.parse(readFileSync(`${folder}/golden/theory.json`, 'utf8')) as {
    entries: readonly GoldenOptimizer[];
  };
  for (const [id, specification] of Object.entries(specifications))
    for (const backend of [eagerBackend, compiledBackend])
      it(`${id}, ${backend === eagerBackend ? 'eager' : 'compiled'}`, async () => {
        const { inputs, expected, atol_float32: tolerance } = entries.find((e) => e.id === id)!;
        const { tf } = engine();
        const optimizer = optimizerFor(specification(inputs.hyper));
        const layout = {
          batchSize: 1,
          groups: 1,
          cellsPerGroup: 2,
          initialisationSeeds: [0, 0],
          dataSeeds: [0],
        };
        const stack = assembleStack(tf, goldenWorkload(inputs), optimizer, layout);
        // The second cell has another learning rate; the first one must not notice.
        const rates = Float32Array.of(inputs.hyper.lr, inputs.hyper.lr / 2);
        const session = await backend(tf).open(stack.program, rates, 1);
        session.setState(stack.initialState());
        const n = inputs.b.length;
        let state: Float32Array[] = [];
        expected.theta.forEach((theta, step) => {
          session.train({ steps: 1, perStep: stack.inputs(step, 1) });
          state = session.getState();
          theta.forEach((value, i) =>
            expect(Math.abs(state[0][i] - value), `theta ${i} after step ${step + 1}`).toBeLessThanOrEqual(
              tolerance,
            ),
          );
        });
        const slots = Object.values(expected.final_state);
        expect(state.length).toBe(1 + slots.length);
        slots.forEach((values, s) =>
          values.forEach((value, i) =>
            expect(Math.abs(state[1 + s][i] - value)).toBeLessThanOrEqual(tolerance),
          ),
        );
        expect(state[0].slice(n)).not.toEqual(state[0].slice(0, n));
        session.dispose();
      });
});
