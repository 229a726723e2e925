/**
 * Both ways of reading an optimum off simulated curves: the 5–95 % interval must cover the truth in 85 to 95 % of them.
 * Noise has a part that all learning rates of a seed share and a part of each run; where the optimum lies between two
 * learning rates is drawn anew each time. Sixty batch sizes of one experiment are independent simulations.
 */
import { randomLcg, randomNormal } from 'd3';
import { describe, expect, it } from 'vitest';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { optimumMethods } from '#shared/analysis/optimum.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';

const FACTOR = Math.SQRT2;
const SIMULATIONS = 600;

/** An asymmetric valley: gentle below the optimum, steep above it. */
function valley(x: number): number {
  return 1 + 0.25 * (Math.exp(0.9 * x) - 0.9 * x - 1) + 0.02 * x * x;
}

function simulate(seeds: number): { curves: CurveSet; optima: number[] } {
  const random = randomLcg(0.31 + seeds / 1000);
  const normal = randomNormal.source(random)(0, 1);
  const learningRates = Array.from({ length: 15 }, (_, i) => 1e-4 * FACTOR ** i);
  const batchSizes = Array.from({ length: SIMULATIONS }, (_, i) => i + 1);
  const cells = SIMULATIONS * learningRates.length * seeds;
  const optima = batchSizes.map(() => 1e-4 * FACTOR ** (5 + 4 * random()));
  const values = new Float64Array(cells);
  let cell = 0;
  for (const optimum of optima) {
    const shared = Array.from({ length: seeds }, () => 0.1 * normal());
    for (const rate of learningRates)
      for (let seed = 0; seed < seeds; seed++)
        values[cell++] = valley(Math.log(rate / optimum)) + shared[seed] + 0.04 * normal();
  }
  return {
    optima,
    curves: {
      batchSizes,
      learningRates,
      seeds: Array.from({ length: seeds }, (_, i) => i),
      marks: batchSizes.map(() => [1]),
      stride: 1,
      values,
      recorded: new Uint32Array(cells).fill(1),
      divergedAt: new Float64Array(cells).fill(Infinity),
    },
  };
}

describe.each([8, 16])('optima of %i seeds', (seeds) => {
  const { curves, optima } = simulate(seeds);
  const results = optimumMethods.map((method) => {
    const { points } = ridgeOf(curves, { kind: 'equal-steps', step: 1 }, { method });
    const errors = points.map((point, i) => Math.log(point.learningRate! / optima[i]));
    const mean = errors.reduce((sum, error) => sum + error, 0) / SIMULATIONS;
    const variance = errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / (SIMULATIONS - 1);
    const covered = points.filter(
      ({ interval }, i) => interval!.low <= optima[i] && optima[i] <= interval!.high,
    ).length;
    return { method, mean, variance, coverage: covered / SIMULATIONS };
  });
  for (const { method, mean, variance, coverage } of results)
    console.log(
      `${seeds} seeds, ${method}: covered ${(100 * coverage).toFixed(1)} %, variance of ln LR ${variance.toPrecision(3)}, bias ${mean.toPrecision(2)}`,
    );

  it.each(results)('$method: the interval covers the truth in 85 to 95 %', ({ coverage }) => {
    expect(coverage).toBeGreaterThanOrEqual(0.85);
    expect(coverage).toBeLessThanOrEqual(0.95);
  });

  it('the smooth fit has the smaller variance, and next to no bias', () => {
    const [threePoint, smooth] = results;
    expect(smooth.variance).toBeLessThan(0.7 * threePoint.variance);
    expect(Math.abs(smooth.mean)).toBeLessThan(0.1);
  });
});
