/** Differences between two experiments at the same stop, paired over seeds where both have the same ones. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { interval, type Interval } from '#shared/analysis/resampling.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { studentQuantile } from '#shared/laws/intervals.ts';
import { code, scoreTable } from '#shared/analysis/scores.ts';
import type { ScrubDefinition } from '#renderer/watch/model/stops.ts';

export interface Difference {
  readonly batchSize: number;
  /** Ratio of the optimal learning rates, or difference of the losses at them. */
  readonly value: number;
  /** 5–95 %, over paired seeds; null where seeds do not match or are too few. */
  readonly interval: Interval | null;
  readonly seeds: number;
}

/** Whether replicate i is the same seed in both. */
export function seedsMatch(one: CurveSet, other: CurveSet): boolean {
  return one.seeds.length === other.seeds.length && one.seeds.every((seed, i) => seed === other.seeds[i]);
}

/**
 * Optimal learning rate of `other` over that of `base`, for the batch sizes that both have. With matching seeds the same
 * resamples were drawn in both (shared/analysis/resampling.ts), so that resample r of one belongs to r of the other.
 */
export function rateRatios(base: Ridge, other: Ridge, paired: boolean): Difference[] {
  return base.points.flatMap((point) => {
    const beside = other.points.find(({ batchSize }) => batchSize === point.batchSize);
    if (beside === undefined || point.learningRate === null || beside.learningRate === null) return [];
    const seeds = Math.min(point.seeds, beside.seeds);
    const drawn =
      paired && point.resampled.length > 0 && point.resampled.length === beside.resampled.length
        ? beside.resampled.map((value, r) => value - point.resampled[r])
        : null;
    const logs = drawn === null ? null : interval(drawn, seeds);
    return [
      {
        batchSize: point.batchSize,
        value: beside.learningRate / point.learningRate,
        interval: logs && { low: Math.exp(logs.low), high: Math.exp(logs.high) },
        seeds,
      },
    ];
  });
}

/** With fewer differences the spread says little, and the quantile is no good. */
const FEW_SEEDS = 4;

/**
 * Loss of `other` minus loss of `base`, each at the best learning rate of its own grid, averaged over seeds; 5–95 % by
 * Student's t over the paired differences. Choosing the best rate of each makes both losses look a little too low.
 */
export function lossDifferences(
  base: { readonly curves: CurveSet; readonly ridge: Ridge },
  other: { readonly curves: CurveSet; readonly ridge: Ridge },
  definition: ScrubDefinition,
  paired: boolean,
): Difference[] {
  return base.ridge.points.flatMap((point) => {
    const beside = other.ridge.points.find(({ batchSize }) => batchSize === point.batchSize);
    if (beside === undefined) return [];
    const [one, two] = [
      scoresAt(base.curves, point.batchSize, point.gridLearningRate, definition),
      scoresAt(other.curves, point.batchSize, beside.gridLearningRate, definition),
    ];
    if (one === null || two === null) return [];
    if (!paired) {
      const value = meanOf(two) - meanOf(one);
      return Number.isFinite(value)
        ? [{ batchSize: point.batchSize, value, interval: null, seeds: Math.min(point.seeds, beside.seeds) }]
        : [];
    }
    const differences = one.flatMap((score, i) => (Number.isFinite(two[i] - score) ? [two[i] - score] : []));
    if (differences.length === 0) return [];
    const n = differences.length;
    const value = meanOf(differences);
    const square = differences.reduce((sum, d) => sum + (d - value) ** 2, 0) / (n - 1);
    const reach = n < FEW_SEEDS ? NaN : studentQuantile(0.9, n - 1) * Math.sqrt(square / n);
    return [
      {
        batchSize: point.batchSize,
        value,
        interval: Number.isFinite(reach) ? { low: value - reach, high: value + reach } : null,
        seeds: n,
      },
    ];
  });
}

/** Scores of the seeds at one place; NaN without one. Null where the grid has no such place. */
function scoresAt(
  curves: CurveSet,
  batchSize: number,
  rate: number | null,
  definition: ScrubDefinition,
): number[] | null {
  const batch = curves.batchSizes.indexOf(batchSize);
  const index = rate === null ? -1 : curves.learningRates.indexOf(rate);
  if (batch < 0 || index < 0) return null;
  const table = scoreTable(curves, batch, [definition]);
  return Array.from({ length: table.seeds }, (_, seed) => {
    const at = index * table.seeds + seed;
    return table.states[at] === code.finite ? table.values[at] : NaN;
  });
}

function meanOf(values: readonly number[]): number {
  const known = values.filter(Number.isFinite);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
