import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adamLaw, adamPeak, adamSmallBatch } from '#shared/theory/adam-law.ts';
import { correlatedSignLaw, signCovariance, signCovarianceAtZero } from '#shared/theory/correlated-signs.ts';
import { equicorrelatedPeak, equicorrelatedQuadratic } from '#shared/theory/equicorrelated.ts';
import { meanFieldLaw, meanFieldSummary } from '#shared/theory/mean-field.ts';
import {
  adamUpdateRms,
  bMeanFieldFromUpdateRms,
  meanFieldOf,
  momentumVariance,
} from '#shared/theory/momentum.ts';
import type { MeanFieldOptimizer } from '#shared/theory/momentum.ts';
import { lawOfOptimizer } from '#shared/theory/optimizer-law.ts';
import type { TheoryOptimizer } from '#shared/theory/optimizer-law.ts';
import { peakRange, searchPeak, signPeak } from '#shared/theory/peak-search.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { exactSignLaw, plateau, signQuantities, smallBatchLaw } from '#shared/theory/sign-descent.ts';
import { DIAGONAL, randomQuadratic, THREE_PARAMETERS } from './support.ts';

const optimizers = fc.constantFrom<MeanFieldOptimizer>('sign', 'signMomentum', 'adam');
const beta1s = fc.double({ min: 0, max: 0.99, noNaN: true });

describe('mean field, momentum and Adam', () => {
  it('the summary is what a search of the law finds', () => {
    fc.assert(
      fc.property(
        optimizers,
        beta1s,
        fc.double({ min: -0.8, max: 50, noNaN: true }),
        fc.double({ min: 1, max: 1e4, noNaN: true }),
        (optimizer, beta1, signOffDiagonal, bMeanField) => {
          const form = meanFieldOf(
            { trace: 1, signOffDiagonal, absoluteGradient: 3, bMeanField },
            optimizer,
            beta1,
          );
          const summary = meanFieldSummary(form);
          // A peak this close to the plateau is beyond what a search can tell from rounding.
          fc.pre(summary.betaStar === null || Math.abs(summary.betaStar - 1) > 1e-3);
          const search = searchPeak(
            (b) => meanFieldLaw(form, b),
            [1e-5 * form.scale, 1e7 * form.scale],
            summary.etaInf,
          );
          expect(search.peak === null).toBe(summary.bPeak === null);
          if (search.peak === null || summary.bPeak === null) return;
          expect(search.peak.batchSize / summary.bPeak).toBeCloseTo(1, 3);
          expect(search.peak.learningRate / summary.etaPeak!).toBeCloseTo(1, 10);
          expect(1 + search.peak.prominence!).toBeCloseTo(summary.peakOverPlateau!, 8);
          // Relation of the two batch scales: the steps/examples fit lies below the peak.
          expect(summary.inverseGap! * form.scale).toBeCloseTo(2, 6);
          expect(summary.bNoise!).toBeLessThan(summary.bPeak);
        },
      ),
    );
  });
  it('with a diagonal Hessian Adam has a peak iff beta1 > 1/3, Signum never', () => {
    const input = { trace: 1, signOffDiagonal: 0, absoluteGradient: 1, bMeanField: 1000 };
    for (const beta1 of [0, 0.25, 0.33, 0.34, 0.5, 0.9, 0.95]) {
      const adam = meanFieldSummary(meanFieldOf(input, 'adam', beta1));
      expect(adam.bPeak !== null).toBe(beta1 > 1 / 3);
      if (adam.bPeak !== null) expect(adam.bPeak).toBeCloseTo((1000 * (1 - beta1)) / (3 * beta1 - 1), 6);
      expect(meanFieldSummary(meanFieldOf(input, 'signMomentum', beta1)).bPeak).toBeNull();
    }
  });
  it('more momentum moves the peak of Adam left and makes it stronger', () => {
    const quadratic = noisyQuadratic(THREE_PARAMETERS);
    const peaks = [0, 0.5, 0.8, 0.9, 0.95].map((beta1) => adamPeak(quadratic, beta1)!.peak!);
    peaks.slice(1).forEach((peak, i) => {
      expect(peak.batchSize).toBeLessThan(peaks[i].batchSize);
      expect(peak.prominence!).toBeGreaterThan(peaks[i].prominence!);
    });
    expect(peaks[3].prominence! + 1).toBeCloseTo(3.2, 1);
  });
  it('B_mf comes back from the update norm, and is null where the norm says nothing', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.integer({ min: 1, max: 5000 }),
        (beta1, batch) => {
          const rms = adamUpdateRms(beta1, 700, batch);
          expect(bMeanFieldFromUpdateRms(rms, beta1, batch)! / 700).toBeCloseTo(1, 6);
        },
      ),
    );
    expect(bMeanFieldFromUpdateRms(0.1, 0.9, 10)).toBeNull();
    expect(bMeanFieldFromUpdateRms(1.2, 0.9, 10)).toBeNull();
    expect(adamUpdateRms(0.9, 1e12, 1)).toBeCloseTo(0.229, 3);
    for (const beta1 of [-0.1, 1, NaN]) expect(() => momentumVariance(beta1)).toThrow('beta1');
  });
  it('the coordinate law of Adam has its small-batch and large-batch limits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), beta1s, (seed, beta1) => {
        const quadratic = randomQuadratic(seed);
        const quantities = signQuantities(quadratic);
        const limit = plateau(quantities).learningRate!;
        expect(adamLaw(quadratic, beta1, Infinity).learningRate! / limit).toBeCloseTo(1, 12);
        const { a, k } = adamSmallBatch(quadratic, beta1);
        const batch = 1e-6 * quantities.regimeBound;
        const formula = (Math.sqrt(batch) * quantities.gradientMass!) / (a * quantities.trace + batch * k!);
        expect(adamLaw(quadratic, beta1, batch).learningRate! / formula).toBeCloseTo(1, 4);
      }),
    );
  });
});

describe('correlated signs', () => {
  it.each([
    [0.3, -0.5, 0.7, 0.37033490543576255],
    [1.2, 1.1, 0.95, 0.33007623946221015],
    [2, 1, -0.6, -0.014297827924152642],
    [0.5, 0.49, 0.999, 0.8302552495910256],
  ])('cov at (%d, %d; %d) equals 40-digit arithmetic', (h, k, rho, wanted) => {
    expect(Math.abs(signCovariance(h, k, rho) / wanted - 1)).toBeLessThan(1e-11);
  });
  it('is symmetric, odd under a flip, and within its bounds', () => {
    const level = fc.double({ min: -4, max: 4, noNaN: true });
    const rho = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(level, level, rho, (h, k, correlation) => {
        const value = signCovariance(h, k, correlation);
        expect(signCovariance(k, h, correlation)).toBeCloseTo(value, 12);
        expect(signCovariance(-h, k, -correlation)).toBeCloseTo(-value, 12);
        expect(signCovariance(h, k, 0)).toBeCloseTo(0, 15);
        expect(Math.abs(value)).toBeLessThanOrEqual(1 + 1e-15);
        expect(Math.sign(value) * Math.sign(correlation)).toBeGreaterThanOrEqual(0);
        expect(signCovariance(1e-9, -1e-9, correlation)).toBeCloseTo(signCovarianceAtZero(correlation), 8);
      }),
    );
  });
  it('runs into its closed form as |rho| tends to 1', () => {
    for (const [h, k] of [
      [0.4, 0.1],
      [-0.3, 0.9],
      [1.5, 1.5],
    ]) {
      for (const sign of [1, -1])
        expect(signCovariance(h, k, sign * (1 - 1e-10))).toBeCloseTo(signCovariance(h, k, sign), 4);
    }
    expect(() => signCovariance(0, 0, 1.1)).toThrow('correlation');
  });
  it('without correlation is the exact law; noise aligned with curvature lowers the optimum', () => {
    const quadratic = noisyQuadratic(THREE_PARAMETERS);
    const matrix = (rho: number) => [0, 1, 2].map((i) => [0, 1, 2].map((j) => (i === j ? 1 : rho)));
    for (const batch of [1, 100, 1e4]) {
      const exact = exactSignLaw(quadratic, batch).learningRate!;
      expect(correlatedSignLaw(quadratic, matrix(0), batch).optimum.learningRate).toBeCloseTo(exact, 15);
      expect(correlatedSignLaw(quadratic, matrix(0.4), batch).optimum.learningRate!).toBeLessThan(exact);
      expect(correlatedSignLaw(quadratic, matrix(-0.4), batch).optimum.learningRate!).toBeGreaterThan(exact);
    }
    expect(() => correlatedSignLaw(quadratic, [[1]], 1)).toThrow('3 rows');
  });
});

/** The controls that a pipeline for peaks must pass: cases with and without one, known in advance. */
describe('negative controls', () => {
  const peakOf = (optimizer: TheoryOptimizer, input: typeof DIAGONAL) => {
    const quadratic = noisyQuadratic(input);
    const law = lawOfOptimizer(quadratic, optimizer);
    return searchPeak(law, peakRange(quadratic.r, 1e4, null)!, law(Infinity).learningRate).peak;
  };
  it('1: sign descent on a diagonal Hessian is monotone', () => {
    const search = signPeak(noisyQuadratic(DIAGONAL))!;
    expect(search.peak).toBeNull();
    expect(search.extrema).toEqual([]);
  });
  it('2: Theorem 3 announces a peak at 7933 for rho = 0.005 where there is none', () => {
    const at = (rho: number) => {
      const input = { n: 100, rho, mu: 0.02, sigma: 1 };
      const quadratic = equicorrelatedQuadratic(input);
      const { trace, offDiagonal, gradientMass } = signQuantities(quadratic);
      const { bNoise } = smallBatchLaw(trace, offDiagonal, gradientMass);
      const peak = signPeak(quadratic)!.peak;
      expect(equicorrelatedPeak(input).bPeak === null).toBe(peak === null);
      return { formula: bNoise!, peak: peak?.batchSize ?? null };
    };
    const weak = at(0.005);
    expect(Math.round(weak.formula)).toBe(7933);
    expect(weak.peak).toBeNull();
    const middle = at(0.05);
    expect([middle.formula, middle.peak!].map((b) => b.toFixed(1))).toEqual(['793.3', '890.9']);
    const strong = at(0.5);
    expect([strong.formula, strong.peak!].map((b) => b.toFixed(2))).toEqual(['79.33', '80.18']);
  });
  it('3: S_off < 0 leaves B_noise undefined, and the exact law decides', () => {
    const { mu, sigma, hessian } = THREE_PARAMETERS;
    const quadratic = noisyQuadratic({ mu: [mu[0], -mu[1], mu[2]], sigma, hessian });
    const { trace, offDiagonal, gradientMass } = signQuantities(quadratic);
    expect(offDiagonal!).toBeLessThan(0);
    expect(smallBatchLaw(trace, offDiagonal, gradientMass).bNoise).toBeNull();
    expect(signPeak(quadratic)!.peak).toBeNull();
  });
  it('4: SGD saturates where sign descent and Adam peak', () => {
    expect(peakOf({ kind: 'sgd' }, THREE_PARAMETERS)).toBeNull();
    expect(peakOf({ kind: 'sign' }, THREE_PARAMETERS)).not.toBeNull();
  });
  it('5: on a diagonal Hessian Signum and Adam 0.25 have no peak, Adam 0.9 has one', () => {
    expect(peakOf({ kind: 'signum', beta1: 0.9 }, DIAGONAL)).toBeNull();
    expect(peakOf({ kind: 'adam', beta1: 0.25, beta2: 0.999 }, DIAGONAL)).toBeNull();
    expect(peakOf({ kind: 'adam', beta1: 0.9, beta2: 0.999 }, DIAGONAL)!.batchSize).toBeCloseTo(116.4, 1);
  });
});
