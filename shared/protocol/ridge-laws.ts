/** Rival laws fitted to a measured ridge, with its own errors as weights and its own resamples as the jury. */
import type { Ridge } from '../analysis/ridge.ts';
import type { BootstrapFit } from '../laws/bootstrap.ts';
import { bootstrapLaws } from '../laws/bootstrap.ts';
import type { RidgeFit, RidgePoint } from '../laws/fit.ts';
import { fitLaws } from '../laws/fit.ts';
import type { BatchScaleProfile } from '../laws/profile.ts';
import { profileBatchScale } from '../laws/profile.ts';
import type { Verdict } from '../laws/verdict.ts';
import { gridFactor, judgeRidge } from '../laws/verdict.ts';

export interface RidgeLaws {
  readonly points: readonly RidgePoint[];
  readonly weighted: boolean;
  readonly fit: RidgeFit;
  readonly intervals: readonly BootstrapFit[];
  /** Likelihood interval of the surge law's B_noise. */
  readonly profile: BatchScaleProfile | null;
  readonly verdict: Verdict;
}

/** Resamples refitted for intervals; more would change the third digit of a quantile. */
const REFITS = 200;

export function lawsOfRidge(ridge: Ridge, learningRates: readonly number[]): RidgeLaws {
  const known = ridge.points.filter((p) => p.learningRate !== null);
  const variances = known.map((p) => varianceOf(p.resampled));
  const weighted = variances.length > 0 && variances.every((v) => v !== null && v > 0);
  const points = known.map((p, i) => ({
    batchSize: p.batchSize,
    learningRate: p.learningRate!,
    ...(weighted ? { weight: 1 / variances[i]! } : {}),
  }));
  const fit = fitLaws(points);
  const resamples = resampledRidges(known);
  const factor = gridFactor(learningRates);
  return {
    points,
    weighted,
    fit,
    intervals: bootstrapLaws(
      known.map((p) => p.batchSize),
      resamples.slice(0, REFITS),
    ),
    profile: profileBatchScale(points, 'surge'),
    verdict: judgeRidge(fit, {
      ...(factor === null ? {} : { gridFactor: factor }),
      ...(resamples.length > 0 ? { resamples } : {}),
    }),
  };
}

/** [resample][batch size]; empty without replicates. */
export function resampledRidges(points: Ridge['points']): (number | null)[][] {
  const count = Math.min(...points.map((p) => p.resampled.length));
  if (!Number.isFinite(count) || points.some((p) => p.resampled.every(Number.isNaN))) return [];
  return Array.from({ length: count }, (_, r) =>
    points.map((p) => (Number.isFinite(p.resampled[r]) ? Math.exp(p.resampled[r]) : null)),
  );
}

function varianceOf(values: Float64Array): number | null {
  const known = values.filter(Number.isFinite);
  if (known.length < values.length / 2 || known.length < 2) return null;
  const mean = known.reduce((sum, v) => sum + v, 0) / known.length;
  return known.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (known.length - 1);
}
