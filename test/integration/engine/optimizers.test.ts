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

/** A vector, or a matrix row by row. */
type Nested = readonly (number | readonly number[])[];
const flat = (values: Nested): number[] => values.flat();
const shapeOf = (values: Nested): number[] =>
  typeof values[0] === 'number' ? [values.length] : [values.length, values[0].length];

interface GoldenOptimizer {
  readonly id: string;
  readonly inputs: {
    readonly hyper: Readonly<Record<string, number>>;
    readonly A: readonly (readonly number[])[];
    readonly b: Nested;
    readonly theta0: Nested;
    readonly noise: readonly Nested[];
  };
  /** theta after each step, and the optimizer's state after the last one. */
  readonly expected: {
    readonly theta: readonly Nested[];
    readonly final_state: Readonly<Record<string, Nested>>;
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
  'h.nesterov': (h) => ({ kind: 'nesterov', momentum: h.mu }),
  'h.signum': (h) => ({ kind: 'signum', beta: h.beta }),
  'h.adamw': (h) => ({ kind: 'adamw', beta1: h.b1, beta2: h.b2, epsilon: h.eps, weightDecay: h.wd }),
  'h.adagrad': (h) => ({ kind: 'adagrad', epsilon: h.eps }),
  'h.rmsprop': (h) => ({ kind: 'rmsprop', alpha: h.alpha, epsilon: h.eps }),
  'h.lion': (h) => ({ kind: 'lion', beta1: h.b1, beta2: h.b2, weightDecay: h.wd }),
  'h.adafactor_matrix_4x3': adafactor,
  'h.adafactor_matrix_4x3_decay': adafactor,
  'h.adafactor_vector': adafactor,
};

function adafactor(h: GoldenOptimizer['inputs']['hyper']): StackConfiguration['optimizer'] {
  return {
    kind: 'adafactor',
    beta2Decay: h.beta2_decay,
    epsilon1: h.eps1,
    epsilon2: h.eps2,
    clip: h.d,
    weightDecay: h.wd,
  };
}

/** Gradient A theta − b + noise, the noise of each step being a per-step input; two cells that start alike. */
function goldenWorkload({ A, b, theta0, noise }: GoldenOptimizer['inputs']): Workload {
  const shape = shapeOf(theta0);
  const [n, columns = 1] = shape;
  return {
    parameters: [{ name: 'theta', shape }],
    initial: () => Float32Array.from([...flat(theta0), ...flat(theta0)]),
    buffers: [],
    initialBuffer: () => new Float32Array(0),
    resident: [
      { name: 'A', shape: [1, n, n], dtype: 'float32', values: Float32Array.from(A.flat()) },
      { name: 'b', shape: [1, n, columns], dtype: 'float32', values: Float32Array.from(flat(b)) },
    ],
    batchInputs: [
      {
        name: 'noise',
        shape: [1, n, columns],
        dtype: 'float32',
        fill: (out, first, steps) => out.set(noise.slice(first, first + steps).flatMap(flat)),
      },
    ],
    lossAndGradients(tf, [theta], [matrix, offset], [drawn]) {
      const wide = tf.reshape(theta, [2, n, columns]);
      const product = tf.matMul(tf.tile(matrix, [2, 1, 1]), wide);
      const loss = tf.sum(tf.mul(wide, tf.sub(tf.mul(product, 0.5), offset)), [1, 2]);
      const gradient = tf.reshape(tf.add(tf.sub(product, offset), drawn), theta.shape);
      return { loss, gradients: [gradient], buffers: [] };
    },
    evaluationTiles: 1,
    evaluationData: [{ name: 'one', shape: [1, 1], dtype: 'float32', values: Float32Array.of(1) }],
    evaluationMetrics: ['evaluationLoss'],
    evaluate: (tf, [theta], [one]) => [tf.mul(tf.sum(tf.reshape(theta, [2, -1]), 1), one)],
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
  it('covers every entry of group h', () => {
    const ids = entries.map((e) => e.id).filter((id) => id.startsWith('h.'));
    expect(Object.keys(specifications).sort()).toEqual(ids.sort());
  });
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
        const n = flat(inputs.b).length;
        let state: Float32Array[] = [];
        expected.theta.forEach((theta, step) => {
          session.train({ steps: 1, perStep: stack.inputs(step, 1) });
          state = session.getState();
          flat(theta).forEach((value, i) =>
            expect(Math.abs(state[0][i] - value), `theta ${i} after step ${step + 1}`).toBeLessThanOrEqual(
              tolerance,
            ),
          );
        });
        const slots = Object.values(expected.final_state);
        expect(state.length).toBe(1 + slots.length);
        slots.forEach((values, s) =>
          flat(values).forEach((value, i) =>
            expect(Math.abs(state[1 + s][i] - value)).toBeLessThanOrEqual(tolerance),
          ),
        );
        expect(state[0].slice(n)).not.toEqual(state[0].slice(0, n));
        session.dispose();
      });
});
