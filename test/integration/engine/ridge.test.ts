/** What the engine is for: after 160 steps the compiled and the eager path give the same ridge, within its interval. */
import { expect, test } from 'vitest';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { buildStack } from '#main/training/build-stack.ts';
import { openSession } from '#main/training/open-session.ts';
import { describeWithEngine, engine, optimizers } from '../../support/engine.ts';

const batchSizes = [2, 16, 128];
const learningRates = Array.from({ length: 10 }, (_, i) => 5e-4 * 2 ** (i / 1.5));
const seeds = [0, 1, 2, 3];
const STEPS = 160;

async function trained(mode: 'compiled' | 'eager', optimizer: keyof typeof optimizers): Promise<CurveSet> {
  const { tf } = engine();
  const values = new Float64Array(batchSizes.length * learningRates.length * seeds.length);
  for (const [b, batchSize] of batchSizes.entries()) {
    const stack = buildStack(tf, {
      workload: { kind: 'mlp', hidden: [16], activation: 'relu', data: { source: 'digits' } },
      optimizer: optimizers[optimizer],
      batchSize,
      learningRates,
      seeds,
      evaluationExamples: 1000,
      streams: 'common',
    });
    const { session } = await openSession(tf, stack, mode, 32);
    session.setState(stack.initialState());
    for (let step = 0; step < STEPS; step += 32)
      session.train({ steps: 32, perStep: stack.inputs(step, 32) });
    const [losses] = session.evaluate();
    session.dispose();
    for (let r = 0; r < learningRates.length; r++)
      for (let s = 0; s < seeds.length; s++)
        values[(b * learningRates.length + r) * seeds.length + s] = losses[s * learningRates.length + r];
  }
  return {
    batchSizes,
    learningRates,
    seeds,
    marks: batchSizes.map(() => [STEPS]),
    stride: 1,
    values,
    recorded: new Uint32Array(values.length).fill(1),
    divergedAt: new Float64Array(values.length).fill(Infinity),
  };
}

describeWithEngine('the ridge after 160 steps', () => {
  test.each(['sign', 'adam'] as const)('is the same compiled and eager (%s)', async (optimizer) => {
    const definition = { kind: 'equal-steps', step: STEPS } as const;
    const compiled = ridgeOf(await trained('compiled', optimizer), definition);
    const eager = ridgeOf(await trained('eager', optimizer), definition);
    compiled.points.forEach((point, i) => {
      const reference = eager.points[i];
      expect(reference.learningRate).not.toBeNull();
      expect(point.learningRate).toBeGreaterThanOrEqual(reference.interval!.low);
      expect(point.learningRate).toBeLessThanOrEqual(reference.interval!.high);
      expect(Math.abs(point.score! - reference.score!)).toBeLessThan(0.03 * reference.score!);
    });
  });
});
