/**
 * Intervals that the worker found, laid over the optima of the moment. An interval stays only as long as its optimum
 * stands on the same numbers; otherwise it is gone until the worker has answered anew.
 */
import type { Optimum } from '#shared/analysis/optimum.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';

function sameNumbers(a: Optimum, b: Optimum): boolean {
  return (
    a.batchSize === b.batchSize &&
    a.learningRate === b.learningRate &&
    a.score === b.score &&
    a.seeds === b.seeds &&
    a.used.length === b.used.length &&
    a.used.every((rate, i) => rate === b.used[i])
  );
}

/** `fresh` has no intervals; `resampled` has them, and may be older. */
export function withIntervals(fresh: Ridge, resampled: Ridge | undefined): Ridge {
  if (resampled === undefined || resampled.points.length !== fresh.points.length) return fresh;
  const same = fresh.points.map((point, i) => sameNumbers(point, resampled.points[i]));
  return {
    ...fresh,
    points: fresh.points.map((point, i) => (same[i] ? resampled.points[i] : point)),
    peak: same.every(Boolean) ? resampled.peak : fresh.peak,
  };
}
