/**
 * Bootstrap of ridges: replicates (seeds) are resampled together over all batch sizes, since they share initial
 * weights and example order, and every law is refitted to each resampled ridge.
 */
import { quantileSorted } from 'd3';
import { parameterCount } from './fit.ts';
import { LAW_NAMES } from './laws.ts';
import type { LawName, ParameterName } from './laws.ts';
import { LawSolver } from './solver.ts';
import type { ScanCache } from './solver.ts';

/** Optimal learning rates of one ridge by batch size; null (or a non-finite number) where there is none. */
export type RidgeRates = readonly (number | null)[];

export interface ParameterInterval {
  readonly parameter: ParameterName;
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  /** Share of resamples with the parameter on the end of its range. */
  readonly atBound: number;
}

export interface BootstrapFit {
  readonly law: LawName;
  readonly intervals: readonly ParameterInterval[];
  /** Resamples with points enough for the law, out of all. */
  readonly used: number;
  readonly resamples: number;
}

const usable = (rate: number | null | undefined): rate is number =>
  typeof rate === 'number' && rate > 0 && Number.isFinite(rate);

/**
 * Ridges resampled from the optima of each replicate, [replicate][batch]: the geometric mean over as many replicates as
 * there are, drawn with replacement. `random` gives numbers in [0, 1).
 */
export function resampleReplicates(
  replicates: readonly RidgeRates[],
  count: number,
  random: () => number,
): RidgeRates[] {
  const width = Math.max(0, ...replicates.map((ridge) => ridge.length));
  return Array.from({ length: count }, () => {
    const drawn = replicates.map(() => replicates[Math.floor(random() * replicates.length)]);
    return Array.from({ length: width }, (_, batch) => {
      const logs = drawn
        .map((ridge) => ridge[batch])
        .filter(usable)
        .map(Math.log);
      return logs.length === 0 ? null : Math.exp(logs.reduce((sum, value) => sum + value, 0) / logs.length);
    });
  });
}

/** 90 % percentile intervals of every law's parameters over resampled ridges, [resample][batch]. */
export function bootstrapLaws(
  batchSizes: readonly number[],
  resamples: readonly RidgeRates[],
  options: { laws?: readonly LawName[]; cache?: ScanCache } = {},
): BootstrapFit[] {
  const cache = options.cache ?? new Map<string, Float64Array>();
  return (options.laws ?? LAW_NAMES).map((law) => {
    const solver = new LawSolver(law, batchSizes, cache);
    const values = new Map<ParameterName, number[]>();
    const bounds = new Map<ParameterName, number>();
    let used = 0;
    for (const rates of resamples) {
      const weights = Float64Array.from(batchSizes, (_, i) => (usable(rates[i]) ? 1 : 0));
      if (weights.reduce((sum, weight) => sum + weight, 0) <= parameterCount(law) + 1) continue;
      used++;
      const lnRates = Float64Array.from(batchSizes, (_, i) => (weights[i] === 1 ? Math.log(rates[i]!) : 0));
      const solution = solver.solve(lnRates, weights);
      for (const [name, value] of Object.entries(solver.parameters(solution)) as [ParameterName, number][]) {
        const list = values.get(name);
        if (list === undefined) values.set(name, [value]);
        else list.push(value);
      }
      for (const name of solution.atBound) bounds.set(name, (bounds.get(name) ?? 0) + 1);
    }
    const intervals = [...values].map(([parameter, list]) => {
      list.sort((a, b) => a - b);
      return {
        parameter,
        lower: quantileSorted(list, 0.05)!,
        median: quantileSorted(list, 0.5)!,
        upper: quantileSorted(list, 0.95)!,
        atBound: (bounds.get(parameter) ?? 0) / used,
      };
    });
    return { law, intervals, used, resamples: resamples.length };
  });
}

/**
 * Mean squared error of ln LR when one replicate is left out: the law is fitted to the geometric mean of the others
 * and compared with the one left out. Null with fewer than two replicates or too few batch sizes.
 */
export function leaveOneReplicateOut(
  batchSizes: readonly number[],
  replicates: readonly RidgeRates[],
  law: LawName,
): number | null {
  if (replicates.length < 2) return null;
  const solver = new LawSolver(law, batchSizes);
  let sum = 0;
  let count = 0;
  replicates.forEach((left, index) => {
    const others = replicates.filter((_, other) => other !== index);
    const lnRates = new Float64Array(batchSizes.length);
    const weights = new Float64Array(batchSizes.length);
    batchSizes.forEach((_, batch) => {
      const logs = others
        .map((ridge) => ridge[batch])
        .filter(usable)
        .map(Math.log);
      if (logs.length === 0) return;
      weights[batch] = 1;
      lnRates[batch] = logs.reduce((total, value) => total + value, 0) / logs.length;
    });
    if (weights.reduce((total, weight) => total + weight, 0) <= parameterCount(law) + 1) return;
    const solution = solver.solve(lnRates, weights);
    batchSizes.forEach((_, batch) => {
      const rate = left[batch];
      if (!usable(rate)) return;
      sum += (Math.log(rate) - solver.predict(solution, batch)) ** 2;
      count++;
    });
  });
  return count === 0 ? null : sum / count;
}
