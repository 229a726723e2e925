/** The peak of a ridge: the batch size at which the optimal learning rate is highest. */
import type { Optimum } from './optimum.ts';
import { parabolaVertex } from './parabola.ts';
import type { Interval } from './resampling.ts';
import { interval } from './resampling.ts';

export interface Peak {
  /** Batch size of the grid. */
  readonly batchSize: number;
  /** Vertex of the parabola in (ln B, ln LR) through the peak and its neighbours; null at an edge. */
  readonly refinedBatchSize: number | null;
  readonly learningRate: number;
  readonly learningRateInterval: Interval | null;
  /** 5–95 % of the resampled peaks' grid batch sizes; null with one seed. */
  readonly interval: Interval | null;
  /** The first or last batch size with an optimum: the ridge may go on rising beyond. */
  readonly atEdge: 'smallest' | 'largest' | null;
  /** Peak over the optimum at the smallest and at the largest batch size. */
  readonly riseFromSmallest: number;
  readonly fallToLargest: number;
  /**
   * Share of resamples in which the optimum at the smallest (largest) batch size lies below the peak by more than one
   * step of the learning-rate grid; null with one seed.
   */
  readonly probabilityOfRise: number | null;
  readonly probabilityOfFall: number | null;
}

/** `points` ascending in batch size; `gridStep` in ln LR. Null when no point has an optimum. */
export function peakOf(points: readonly Optimum[], gridStep: number): Peak | null {
  const known = points.filter((p) => p.learningRate !== null);
  if (known.length === 0) return null;
  const heights = known.map((p) => Math.log(p.learningRate!));
  const top = heights.reduce((best, h, i) => (h > heights[best] ? i : best), 0);
  const point = known[top];
  const resamples = point.resampled.length;
  const peaks = new Float64Array(resamples).fill(NaN);
  let rises = 0;
  let falls = 0;
  let counted = 0;
  for (let r = 0; r < resamples; r++) {
    let best = -1;
    for (let i = 0; i < known.length; i++) {
      const height = known[i].resampled[r];
      if (Number.isFinite(height) && (best < 0 || height > known[best].resampled[r])) best = i;
    }
    if (best < 0) continue;
    counted++;
    peaks[r] = known[best].batchSize;
    const height = known[best].resampled[r];
    if (known[0].resampled[r] < height - gridStep) rises++;
    if (known[known.length - 1].resampled[r] < height - gridStep) falls++;
  }
  return {
    batchSize: point.batchSize,
    refinedBatchSize: refine(known, heights, top),
    learningRate: point.learningRate!,
    learningRateInterval: point.interval,
    interval: interval(peaks, 'grid'),
    atEdge: top === known.length - 1 ? 'largest' : top === 0 ? 'smallest' : null,
    riseFromSmallest: point.learningRate! / known[0].learningRate!,
    fallToLargest: point.learningRate! / known[known.length - 1].learningRate!,
    probabilityOfRise: counted === 0 ? null : rises / counted,
    probabilityOfFall: counted === 0 ? null : falls / counted,
  };
}

function refine(points: readonly Optimum[], heights: readonly number[], top: number): number | null {
  if (top === 0 || top === points.length - 1) return null;
  const place = (i: number) => Math.log(points[i].batchSize);
  const vertex = parabolaVertex(
    [place(top - 1), place(top), place(top + 1)],
    [-heights[top - 1], -heights[top], -heights[top + 1]],
  );
  return vertex === null ? null : Math.exp(vertex.x);
}
