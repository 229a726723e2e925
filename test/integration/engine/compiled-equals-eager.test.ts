import { afterAll, expect, it } from 'vitest';
import { buildStack, type StackConfiguration } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import {
  describeWithEngine,
  engine,
  ofCell,
  optimizers,
  relativeDifference,
  smallQuadratic,
} from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';

const files = writeSmallImages(240, 6, 4);
afterAll(() => files.remove());

const data = { source: 'idx', images: files.images, labels: files.labels } as const;
const workloads: Record<string, StackConfiguration['workload']> = {
  'softmax regression': { kind: 'mlp', hidden: [], activation: 'relu', data },
  'mlp 8 relu': { kind: 'mlp', hidden: [8], activation: 'relu', data },
  'mlp 8 tanh': { kind: 'mlp', hidden: [8], activation: 'tanh', data },
  'mlp 16-8 relu': { kind: 'mlp', hidden: [16, 8], activation: 'relu', data },
  'mlp 16-8 tanh': { kind: 'mlp', hidden: [16, 8], activation: 'tanh', data },
  quadratic: smallQuadratic,
};
const STEPS = 20;
/** Their updates are signs: see expectSameButFlips. */
const signLike = ['sign', 'signum', 'lion'];
/** Allowed relative difference of losses after 20 steps. Without bias correction RMSProp starts with steps of 10·lr. */
const laterTolerance = (optimizer: string) =>
  signLike.includes(optimizer) ? 1e-2 : optimizer === 'rmsprop' ? 2e-3 : 1e-4;

async function trainBoth(configuration: StackConfiguration) {
  const { tf } = engine();
  const stack = buildStack(tf, configuration);
  const train = async (backend: 'compiled' | 'eager') => {
    const make = backend === 'compiled' ? compiledBackend : eagerBackend;
    const session = await make(tf).open(stack.program, stack.cellLearningRates, STEPS);
    session.setState(stack.initialState());
    const first = session.train({ steps: 1, perStep: stack.inputs(0, 1) });
    const state = session.getState();
    const rest = session.train({ steps: STEPS - 1, perStep: stack.inputs(1, STEPS - 1) });
    const evaluation = session.evaluate();
    session.dispose();
    return { first, state, rest, evaluation };
  };
  return { stack, compiled: await train('compiled'), eager: await train('eager') };
}

describeWithEngine('compiled equals eager', () => {
  for (const [workloadName, workload] of Object.entries(workloads))
    for (const [optimizerName, optimizer] of Object.entries(optimizers))
      it(`${workloadName}, ${optimizerName}`, async () => {
        const { stack, compiled, eager } = await trainBoth({
          workload,
          optimizer,
          batchSize: 6,
          learningRates: [0.001, 0.01, 0.03],
          seeds: [0, 5],
          evaluationExamples: 40,
          streams: 'common',
        });
        const { cells, state } = stack.program;
        expect(relativeDifference(compiled.first, eager.first)).toBeLessThanOrEqual(1e-5);
        for (const [t, { name }] of state.entries())
          for (let cell = 0; cell < cells; cell++) {
            const [a, b] = [compiled, eager].map((run) => ofCell(run.state[t], cells, cell));
            if (signLike.includes(optimizerName)) expectSameButFlips(a, b, stack.cellLearningRates[cell]);
            else expect(relativeDifference(a, b), `${name} of cell ${cell}`).toBeLessThanOrEqual(1e-5);
          }
        // Rounding differences grow as training goes on; they stay far below what a learning rate changes.
        expect(eager.rest.every(Number.isFinite)).toBe(true);
        expect(relativeDifference(compiled.rest, eager.rest)).toBeLessThanOrEqual(
          laterTolerance(optimizerName),
        );
        expect(compiled.evaluation.length).toBe(stack.program.evaluationMetrics.length);
        const [loss, accuracy] = compiled.evaluation;
        expect(relativeDifference(loss, eager.evaluation[0])).toBeLessThanOrEqual(
          laterTolerance(optimizerName),
        );
        // One of 40 examples may change sides.
        accuracy?.forEach((value, cell) =>
          expect(Math.abs(value - eager.evaluation[1][cell])).toBeLessThanOrEqual(1.001 / 40),
        );
        // Training did something, and learning rates matter.
        expect(new Set(eager.rest.slice(-cells)).size).toBe(cells);
      });
});

/** sign(g) may differ where g is a rounding error: those coordinates are off by up to 2·lr, all others equal. */
function expectSameButFlips(a: Float32Array, b: Float32Array, rate: number): void {
  const differences = Array.from(a, (value, i) => Math.abs(value - b[i]));
  const flipped = differences.filter((d) => d > 1e-6);
  expect(Math.max(...differences)).toBeLessThanOrEqual(2 * rate * 1.001);
  expect(flipped.length).toBeLessThanOrEqual(Math.ceil(a.length * 0.005));
}
