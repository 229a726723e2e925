/**
 * Bootstrap over replicates. A resample draws seeds once and uses them for every learning rate, batch size and mark:
 * learning rates of a replicate share its minibatches, so their differences are paired and keep their small error.
 */
import { stream } from '../random/index.ts';

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

const LOW = 0.05;
const HIGH = 0.95;

/**
 * 5–95 % quantiles of the finite values; null when fewer than half of them are finite. Between two values it
 * interpolates, unless they are from a grid: then the outer one is taken, so that the interval ends on the grid.
 */
export function interval(values: Float64Array, kind: 'continuous' | 'grid' = 'continuous'): Interval | null {
  const usable = values.filter(Number.isFinite).sort();
  if (usable.length === 0 || usable.length < values.length / 2) return null;
  if (kind === 'grid')
    return {
      low: usable[Math.floor(LOW * (usable.length - 1))],
      high: usable[Math.ceil(HIGH * (usable.length - 1))],
    };
  const at = (q: number) => {
    const place = q * (usable.length - 1);
    const low = Math.floor(place);
    const t = place - low;
    return t === 0 ? usable[low] : (1 - t) * usable[low] + t * usable[low + 1];
  };
  return { low: at(LOW), high: at(HIGH) };
}
