import { describe, expect, it } from 'vitest';
import { adamPeak } from '#shared/theory/adam-law.ts';
import { equicorrelatedQuadratic } from '#shared/theory/equicorrelated.ts';
import { signPeak } from '#shared/theory/peak-search.ts';
import type { CheckpointPrediction } from '#shared/theory/predict.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { checkRegime, regimeBounds } from '#shared/theory/regime.ts';
import { exactSignLaw } from '#shared/theory/sign-descent.ts';
import {
  warnAboutCriticalBatch,
  warnAboutNoiseScale,
  warnAboutOptimum,
  warnAboutPeak,
  warnAboutPrediction,
  warnAboutRegime,
  warnAboutStrongSurge,
} from '#shared/theory/warnings.ts';
import type { Warning } from '#shared/theory/warnings.ts';
import { DIAGONAL, THREE_PARAMETERS } from './support.ts';

const codes = (warnings: readonly Warning[]) => warnings.map(({ code }) => code);
const equicorrelated = (rho: number) =>
  signPeak(equicorrelatedQuadratic({ n: 100, rho, mu: 0.02, sigma: 1 }))!;

describe('warnings', () => {
  it('a peak of Theorem 3 that the exact law does not have is called out with its number', () => {
    const [warning] = warnAboutPeak(equicorrelated(0.005), 7933.3, null);
    expect(warning.code).toBe('small-batch-peak-not-real');
    expect(warning.sentence).toContain('7930');
    expect(warning.numbers).toEqual({ bNoise: 7933.3 });
    expect(codes(warnAboutPeak(signPeak(noisyQuadratic(DIAGONAL))!, null, null))).toEqual(['no-peak']);
  });
  it('a peak outside the sweep, near its end, or below its resolution', () => {
    const search = equicorrelated(0.05); // Peak at 891, 34 % above the plateau.
    const sweep = (batchSizes: number[], learningRateFactor: number | null) =>
      codes(warnAboutPeak(search, 793, { batchSizes, learningRateFactor }));
    expect(sweep([1, 10, 100], 1.2)).toEqual(['peak-outside-sweep']);
    expect(sweep([1, 10, 100, 1000, 2000], 1.2)).toEqual(['few-batches-beside-peak']);
    expect(sweep([1, 10, 100, 1000, 2000, 4000], 1.2)).toEqual([]);
    expect(sweep([1, 10, 100, 1000, 2000, 4000], 2)).toEqual(['prominence-below-resolution']);
    expect(sweep([], 2)).toEqual([]);
  });
  it('a strong surge, and none where the peak is weak', () => {
    const quadratic = noisyQuadratic(THREE_PARAMETERS);
    expect(codes(warnAboutStrongSurge(adamPeak(quadratic, 0.9)!))).toEqual(['strong-surge']);
    expect(warnAboutStrongSurge(signPeak(quadratic)!)).toEqual([]);
  });
  it('curvature that is not positive', () => {
    const saddle = noisyQuadratic({
      mu: [0.1, -0.1],
      sigma: [1, 1],
      hessian: [
        [1, 3],
        [3, 1],
      ],
    });
    expect(codes(warnAboutOptimum(exactSignLaw(saddle, 1e4), 1e4))).toEqual(['no-finite-optimum']);
    expect(warnAboutOptimum(exactSignLaw(saddle, 1), 1)).toEqual([]);
    expect(codes(warnAboutPeak(signPeak(saddle)!, null, null))).toContain('no-finite-optimum');
  });
  it('the regime, the noise scale, the critical batch', () => {
    const bounds = regimeBounds([0.1], [1]);
    expect(codes(warnAboutRegime(checkRegime(bounds, 100), 100))).toEqual(['regime-violated']);
    expect(warnAboutRegime(checkRegime(bounds, 1), 1)).toEqual([]);
    expect(codes(warnAboutNoiseScale(null, 7))).toEqual(['noise-scale-not-positive']);
    expect(warnAboutNoiseScale(3, 7)).toEqual([]);
    expect(warnAboutCriticalBatch(10, null)[0].numbers).toEqual({ bCrit: 10 });
    expect(warnAboutCriticalBatch(10, 20)[0].numbers).toEqual({ bCrit: 10, bPeak: 20 });
  });
  it('a prediction that its errors or its samples do not carry', () => {
    const prediction: CheckpointPrediction = {
      trace: { value: 10, standardError: 1 },
      offDiagonal: { value: 1, standardError: 0.8 },
      weightedTrace: { value: 1, standardError: 0.1 },
      gradientMass: 1,
      bNoise: 15,
      epsMax: 1,
      adam: [],
    };
    const context = { samples: 1000, largestBatch: 100, zeroShare: [0, 0.2, 1] };
    expect(codes(warnAboutPrediction(prediction, context))).toEqual(['curvature-undetermined']);
    const certain = { ...prediction, offDiagonal: { value: 1, standardError: 0.1 } };
    expect(warnAboutPrediction(certain, context)).toEqual([]);
    expect(
      codes(warnAboutPrediction(certain, { samples: 100, largestBatch: 60, zeroShare: [0.9, 0] })),
    ).toEqual(['too-few-samples', 'beyond-samples', 'zero-gradients']);
    const single = { ...prediction, offDiagonal: { value: 1, standardError: null } };
    expect(warnAboutPrediction(single, context)[0].sentence).toContain('single probe');
    const falling = {
      ...certain,
      adam: [{ beta1: 0.9, a: 0.05, weightedTrace: 1, k: -1, bPeak: null, epsPeak: null }],
    };
    expect(warnAboutPrediction(falling, context)[0].numbers).toEqual({ k: -1, beta1: 0.9 });
  });
});
