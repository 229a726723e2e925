/**
 * Bootstrap over replicates. A resample draws seeds once and uses them for every learning rate, batch size and mark:
 * learning rates of a replicate share its minibatches, so their differences are paired and keep their small error.
 */
import { studentQuantile } from '../laws/intervals.ts';
import { stream } from '../random/index.ts';
import { erfc } from '../theory/erf.ts';

export interface Resampling {
  readonly resamples: number;
  readonly seeds: number;
  /** How often each seed was drawn, [resample][seed]. */
  readonly weights: Float64Array;
}

export const DEFAULT_RESAMPLES = 400;

/** The same resamples every time, since they come from a named stream. `seeds` is their number. */
export function resampling(seeds: number, resamples = DEFAULT_RESAMPLES): Resampling {
  const weights = new Float64Array(resamples * seeds);
  const draws = stream('bootstrap', 0);
  for (let r = 0; r < resamples; r++)
    for (let i = 0; i < seeds; i++) weights[r * seeds + draws.below(r * seeds + i, seeds)]++;
  return { resamples, seeds, weights };
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Student's t that is exceeded with probability 5 %. */
export function student95(degrees: number): number {
  // Closed forms where the expansion of studentQuantile is no good.
  if (degrees === 1) return Math.tan(0.45 * Math.PI);
  if (degrees === 2) return 0.9 * Math.sqrt(2 / (4 * 0.95 * 0.05));
  return studentQuantile(0.9, degrees);
}

/**
 * Share of resamples beyond either end of a 5–95 % interval. The plain 5 % gives intervals that are too short for few
 * replicates (with 8 they cover the truth in 82 % instead of 90 %), since resamples spread by sqrt((n − 1)/n) too
 * little and normal tails are too thin. The expanded percentile interval corrects both: Phi(−sqrt(n/(n − 1)) t), t the
 * quantile of Student's t with n − 1 degrees of freedom (Hesterberg 2015, arXiv 1411.5279).
 */
export function tailShare(seeds: number): number {
  if (seeds < 2) return 0;
  return erfc((student95(seeds - 1) * Math.sqrt(seeds / (seeds - 1))) / Math.SQRT2) / 2;
}

/**
 * Interval of 5–95 % from the finite values of the resamples of `seeds` replicates; null when fewer than half of the
 * values are finite. Between two values it interpolates, unless they are from a grid: then the outer one is taken, so
 * that the interval ends on the grid.
 */
export function interval(
  values: Float64Array,
  seeds: number,
  kind: 'continuous' | 'grid' = 'continuous',
): Interval | null {
  const usable = values.filter(Number.isFinite).sort();
  if (usable.length === 0 || usable.length < values.length / 2) return null;
  const tail = tailShare(seeds);
  const last = usable.length - 1;
  if (kind === 'grid')
    return { low: usable[Math.floor(tail * last)], high: usable[Math.ceil((1 - tail) * last)] };
  const at = (share: number) => {
    const place = share * last;
    const below = Math.floor(place);
    const t = place - below;
    return t === 0 ? usable[below] : (1 - t) * usable[below] + t * usable[below + 1];
  };
  return { low: at(tail), high: at(1 - tail) };
}
