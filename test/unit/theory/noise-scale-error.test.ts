import { describe, expect, it } from 'vitest';
import { stream } from '#shared/random/index.ts';
import { noiseScaleWithError, twoBatchEstimate } from '#shared/theory/noise-scale.ts';
import type { TwoBatchEstimate } from '#shared/theory/noise-scale.ts';

const SIZES = { small: 1, big: 32 };
const MU = [0.3, -0.2, 0.1, 0];
const SIGMA = [1, 2, 0.5, 1.5];
const SQUARE = MU.reduce((sum, x) => sum + x * x, 0);
const TRACE = SIGMA.reduce((sum, x) => sum + x * x, 0);

/** Norms as the probe takes them: the mean squared norm of single samples, and that of their mean. */
function estimates(seed: number, pairs: number): TwoBatchEstimate[] {
  const normals = stream('test/noise-scale', seed);
  return Array.from({ length: pairs }, (_, pair) => {
    let single = 0;
    const sum = new Float64Array(MU.length);
    for (let b = 0; b < SIZES.big; b++)
      MU.forEach((mu, i) => {
        const g = mu + SIGMA[i] * normals.normal((pair * SIZES.big + b) * MU.length + i);
        single += g ** 2 / SIZES.big;
        sum[i] += g / SIZES.big;
      });
    return twoBatchEstimate(
      SIZES,
      single,
      sum.reduce((total, x) => total + x * x, 0),
    );
  });
}

const spread = (values: readonly number[]) => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return {
    mean,
    deviation: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1)),
  };
};

describe('the two-batch noise scale', () => {
  it('has unbiased numerator and denominator', () => {
    const all = estimates(0, 20_000);
    for (const [values, wanted] of [
      [all.map((e) => e.gradientSquare), SQUARE],
      [all.map((e) => e.noiseTrace), TRACE],
    ] as const) {
      const { mean, deviation } = spread(values);
      const error = deviation / Math.sqrt(values.length);
      expect(Math.abs(mean - wanted)).toBeLessThan(3 * error);
      // The test can see a bias of two per cent.
      expect(3 * error).toBeLessThan(0.05 * wanted);
    }
  });

  for (const decay of [1, 0.99])
    it(`claims the error that repeated estimates have (decay ${decay})`, () => {
      const found = Array.from({ length: 300 }, (_, seed) =>
        noiseScaleWithError(estimates(1 + seed, 200), decay),
      );
      const { mean, deviation } = spread(found.map((f) => f.value!));
      const claimed = Math.sqrt(found.reduce((sum, f) => sum + f.standardError! ** 2, 0) / found.length);
      // A ratio is biased to second order in its error only.
      expect(Math.abs(mean - TRACE / SQUARE)).toBeLessThan(0.25 * deviation);
      expect(claimed / deviation).toBeGreaterThan(0.85);
      expect(claimed / deviation).toBeLessThan(1.2);
    });

  it('is null without a positive average, leaves out what is not finite, and refuses decays that mean nothing', () => {
    expect(noiseScaleWithError([])).toEqual({ value: null, standardError: null });
    expect(noiseScaleWithError([{ gradientSquare: -1, noiseTrace: 2 }]).value).toBeNull();
    const one = { gradientSquare: 1, noiseTrace: 2 };
    expect(noiseScaleWithError([one])).toEqual({ value: 2, standardError: null });
    const same = noiseScaleWithError([one, { gradientSquare: NaN, noiseTrace: 1 }, one], 0.5);
    expect(same).toEqual({ value: 2, standardError: 0 });
    for (const decay of [0, -1, 1.1, NaN]) expect(() => noiseScaleWithError([one], decay)).toThrow('decay');
  });
});
