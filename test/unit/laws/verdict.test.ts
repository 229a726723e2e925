import { randomLcg, randomNormal } from 'd3';
import { describe, expect, it } from 'vitest';
import { resampleReplicates } from '#shared/laws/bootstrap.ts';
import { announceRate, budgetControl, permutationControl } from '#shared/laws/controls.ts';
import { fitLaws } from '#shared/laws/fit.ts';
import { evaluateLaw } from '#shared/laws/laws.ts';
import type { LawName, LawParameters } from '#shared/laws/laws.ts';
import { gridFactor, judgeRidge } from '#shared/laws/verdict.ts';
import { equicorrelatedQuadratic } from '#shared/theory/equicorrelated.ts';
import { exactSignLaw, signQuantities, smallBatchLaw } from '#shared/theory/sign-descent.ts';

const batchSizes = Array.from({ length: 10 }, (_, i) => 4 * 2 ** i);
const ridge = (law: LawName, parameters: LawParameters, noise: () => number = () => 0) =>
  batchSizes.map((batchSize) => ({
    batchSize,
    learningRate: evaluateLaw(law, parameters, batchSize) * Math.exp(noise()),
  }));
const gaussian = (seed: number, deviation: number) => randomNormal.source(randomLcg(seed))(0, deviation);
const SURGE = { epsMax: 2e-3, bNoise: 90 };

describe('the verdict', () => {
  it('names surge when it rises and falls beyond error', () => {
    const verdict = judgeRidge(fitLaws(ridge('surge', SURGE, gaussian(0.4, 0.08))), {
      gridFactor: Math.SQRT2,
    });
    expect(verdict).toMatchObject({ choice: 'winner', law: 'surge', shape: 'peak', surge: true });
    expect(verdict.sentence).toBe('surge: the optimum rises and falls beyond error.');
  });

  it('says "no surge" of a saturating ridge', () => {
    const verdict = judgeRidge(fitLaws(ridge('alpha1', SURGE, gaussian(0.4, 0.08))));
    expect(verdict).toMatchObject({ law: 'alpha1', shape: 'rise', surge: false });
    expect(verdict.sentence).toMatch(/^alpha1, no surge: monotone within error\./);
  });

  it('prefers no law between two that fit alike, and gives the reasons', () => {
    const verdict = judgeRidge(
      fitLaws(ridge('alpha_free', { epsMax: 2e-3, bNoise: 200, alpha: 0.7 }, gaussian(0.7, 0.15))),
    );
    expect(verdict).toMatchObject({ choice: 'undecided', law: null, surge: false });
    expect(verdict.sentence).toMatch(/^No law is preferred/);
    expect(verdict.reasons.length).toBeGreaterThan(0);
  });

  it('does not tell laws apart below the quantization of the grid', () => {
    // A ridge so short that surge and alpha1 both pass within the grid's own rounding.
    const short = ridge('surge', { epsMax: 2e-3, bNoise: 4000 }, gaussian(0.2, 0.01));
    const free = judgeRidge(fitLaws(short));
    const coarse = judgeRidge(fitLaws(short), { gridFactor: 4 });
    expect(free.choice).toBe('winner');
    expect(coarse).toMatchObject({ choice: 'undecided', law: null });
    expect(coarse.quantizationVariance).toBeCloseTo(Math.log(4) ** 2 / 12, 12);
    expect(coarse.belowQuantization.length).toBeGreaterThan(1);
    expect(coarse.reasons.join()).toContain('below the quantization');
  });

  it('mentions a free exponent that fits better than the law it names', () => {
    const verdict = judgeRidge(
      fitLaws(ridge('alpha_free', { epsMax: 2e-3, bNoise: 90, alpha: 2 }, gaussian(0.3, 0.01))),
    );
    expect(verdict.law).not.toBe('alpha_free');
    expect(verdict.sentence).toMatch(/A free exponent fits better: alpha = (1\.9|2\.0|2\.1)\./);
  });

  it('reads rise and fall off the bootstrap when there is one', () => {
    const normal = gaussian(0.5, 0.3);
    const replicates = Array.from({ length: 16 }, () =>
      ridge('surge', SURGE, normal).map((point) => point.learningRate),
    );
    const mean = resampleReplicates(replicates, 1, () => 0.5)[0];
    const points = batchSizes.map((batchSize, b) => ({ batchSize, learningRate: mean[b]! }));
    const resamples = resampleReplicates(replicates, 200, randomLcg(0.1));
    const verdict = judgeRidge(fitLaws(points), { gridFactor: Math.SQRT2, resamples });
    expect(verdict.fall!.probability).toBeGreaterThan(0.95);
    expect(verdict.rise!.probability).toBeGreaterThan(0.95);
    expect(verdict.shape).toBe('peak');
    // A grid step wider than the fall leaves it within error.
    const coarse = judgeRidge(fitLaws(points), { gridFactor: 10, resamples });
    expect(coarse.fall!.beyondError).toBe(false);
  });

  it('says when a ridge only falls, and when there are too few points', () => {
    const falling = judgeRidge(
      fitLaws(ridge('power', { amplitude: 1, exponent: -0.5 }, gaussian(0.4, 0.05))),
    );
    expect(falling).toMatchObject({ shape: 'fall', surge: false });
    expect(falling.sentence).toMatch(/falls with batch size/);
    expect(judgeRidge(fitLaws([]))).toMatchObject({
      choice: 'too-few-points',
      shape: null,
      rise: null,
      sentence: 'No law can be fitted to 0 points.',
    });
    expect(judgeRidge(fitLaws(ridge('constant', { amplitude: 1 })))).toMatchObject({
      shape: 'flat',
      surge: false,
    });
  });

  it('finds no surge where only the small-batch law sees one (equicorrelated, rho = 0.005)', () => {
    const quadratic = equicorrelatedQuadratic({ n: 100, rho: 0.005, mu: 0.02, sigma: 1 });
    const { trace, offDiagonal, gradientMass } = signQuantities(quadratic);
    expect(smallBatchLaw(trace, offDiagonal, gradientMass).bNoise).toBeCloseTo(7933, 0);
    const points = Array.from({ length: 14 }, (_, i) => {
      const batchSize = 16 * 2 ** i;
      return { batchSize, learningRate: exactSignLaw(quadratic, batchSize).learningRate! };
    });
    const verdict = judgeRidge(fitLaws(points));
    expect(verdict.surge).toBe(false);
    expect(verdict.sentence).toContain('no surge: monotone within error');
  });

  it('takes the typical ratio of a grid as its factor', () => {
    expect(gridFactor([1, 2, 4, 8, 100])).toBe(2);
    expect(gridFactor([3, 3, 1])).toBe(3);
    expect(gridFactor([1])).toBeNull();
    expect(gridFactor([])).toBeNull();
  });
});

describe('negative controls', () => {
  const learningRates = Array.from({ length: 14 }, (_, i) => 1e-4 * Math.SQRT2 ** i);
  it.each([
    ['alpha1', { epsMax: 3e-3, bNoise: 90 }],
    ['constant', { amplitude: 1e-3 }],
  ] as const)('announce a surge on at most 5 %% of ridges from %s', (law, parameters) => {
    for (const snapToGrid of [false, true]) {
      const control = announceRate({
        truth: { law, parameters },
        batchSizes,
        noise: 0.2,
        learningRates,
        snapToGrid,
        count: 150,
        random: randomLcg(0.6),
      });
      console.log(`${control.sentence} Named: ${JSON.stringify(control.named)}`);
      expect(control.rate).toBeLessThanOrEqual(0.05);
      expect(control.interval[0]).toBeLessThanOrEqual(control.rate);
      expect(Object.values(control.named).reduce((sum, count) => sum + count, 0)).toBe(150);
    }
  });

  it('would announce a surge that is there', () => {
    const control = announceRate({
      truth: { law: 'surge', parameters: SURGE },
      batchSizes,
      noise: Array<number>(10).fill(0.1),
      learningRates,
      count: 100,
      random: randomLcg(0.6),
    });
    console.log(control.sentence);
    expect(control.rate).toBeGreaterThan(0.6);
    expect(
      announceRate({
        truth: { law: 'surge', parameters: SURGE },
        batchSizes,
        noise: 0,
        count: 0,
        random: randomLcg(0),
      }),
    ).toMatchObject({
      rate: 0,
      interval: [0, 1],
    });
  });

  it('find a shuffled ridge no better than chance, and a real one better', () => {
    const real = permutationControl(ridge('surge', SURGE, gaussian(0.4, 0.1)), {
      count: 99,
      random: randomLcg(0.3),
      laws: ['surge', 'alpha1'],
    });
    expect(real.map((result) => result.law).sort()).toEqual(['alpha1', 'surge']);
    const surge = real.find((result) => result.law === 'surge')!;
    expect(surge.pValue).toBe(0.01);
    expect(surge.gain).toBeGreaterThan(10);
    expect(surge.chanceRate).toBeLessThan(0.1);
    // p-values of ridges without any law are uniform: about half above one half.
    const normal = gaussian(0.8, 0.2);
    const above = Array.from({ length: 40 }, (_, i) =>
      permutationControl(ridge('constant', { amplitude: 1 }, normal), {
        count: 39,
        random: randomLcg(i / 40),
        laws: ['surge'],
      }),
    ).filter(([result]) => result.pValue > 0.5).length;
    expect(above).toBeGreaterThanOrEqual(11);
    expect(above).toBeLessThanOrEqual(29);
  });

  it('call a fall at equal tokens only no surge', () => {
    const falling = judgeRidge(fitLaws(ridge('surge', SURGE, gaussian(0.4, 0.05))));
    const rising = judgeRidge(fitLaws(ridge('alpha1', SURGE, gaussian(0.4, 0.05))));
    expect(budgetControl(rising, falling)).toEqual({
      onlyAtEqualTokens: true,
      sentence: 'The fall shows only at equal tokens: it is not the surge.',
    });
    expect(budgetControl(falling, falling).onlyAtEqualTokens).toBe(false);
    expect(budgetControl(falling, rising).sentence).toContain('not at equal tokens');
    expect(budgetControl(rising, rising).sentence).toMatch(/^No fall/);
  });
});
