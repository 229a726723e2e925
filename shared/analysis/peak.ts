/** The peak of a ridge: the batch size at which the optimal learning rate is highest. */
import type { Optimum } from './optimum.ts';
import { parabolaVertex } from './parabola.ts';
import type { Interval } from './resampling.ts';
import { interval } from './resampling.ts';

export const peakFlags = [
  /** Only one batch size has an optimum. */
  'one-batch-size',
  /** Fewer than three batch sizes with an optimum below (above) the peak. */
  'few-batch-sizes-below',
  'few-batch-sizes-above',
  /** Some batch sizes have no optimum here: the peak is that of the others. */
  'missing-batch-sizes',
  /** On one side or both the ridge falls by less than one step of the learning-rate grid. */
  'below-resolution',
  /** The optimum at the peak is itself at an edge of the grid, next to a diverged learning rate, or flat. */
  'uncertain-optimum',
  'few-seeds',
] as const;
export type PeakFlag = (typeof peakFlags)[number];

export interface Peak {
  /** Batch size of the grid; the smallest of equally high ones. */
  readonly batchSize: number;
  /** Vertex of the parabola in (ln B, ln LR) through the peak and its neighbours; null at an edge. */
  readonly refinedBatchSize: number | null;
  readonly learningRate: number;
  readonly learningRateInterval: Interval | null;
  /** 5–95 % of the resampled peaks' grid batch sizes; null with one seed. */
  readonly interval: Interval | null;
  /** 5–95 % of the resampled refined batch sizes (the grid value where a resample peaks at an edge). */
  readonly refinedInterval: Interval | null;
  /** The first or last batch size with an optimum: the ridge may go on rising beyond. */
  readonly atEdge: 'smallest' | 'largest' | null;
  /** Peak over the optimum at the smallest and at the largest batch size. */
  readonly riseFromSmallest: number;
  readonly fallToLargest: number;
  /**
   * Share of resamples in which the optimum at the smallest (largest) batch size lies more than one step of the
   * learning-rate grid below the optimum at this batch size; null with one seed. The batch size is held fixed: the
   * highest of a resample would lie above any given one by noise alone.
   */
  readonly probabilityOfRise: number | null;
  readonly probabilityOfFall: number | null;
  readonly flags: readonly PeakFlag[];
}

const FEW_BATCH_SIZES = 3;

/** `points` ascending in batch size, with their resampled optima. Null when no point has an optimum. */
export function peakOf(points: readonly Optimum[], learningRates: readonly number[]): Peak | null {
  const known = points.filter((point) => point.learningRate !== null);
  if (known.length === 0) return null;
  const places = known.map((point) => Math.log(point.batchSize));
  const heights = known.map((point) => Math.log(point.learningRate!));
  const top = highest(heights);
  const last = known.length - 1;
  const step = stepBelow(learningRates, known[top].gridLearningRate!);
  const resamples = known[top].resampled.length;
  const peaks = new Float64Array(resamples).fill(NaN);
  const refined = new Float64Array(resamples).fill(NaN);
  const drawn = new Array<number>(known.length).fill(NaN);
  let rises = 0;
  let falls = 0;
  let counted = 0;
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < known.length; i++) drawn[i] = known[i].resampled[r];
    // A resample counts when it has every point: the highest of fewer would be another question.
    if (drawn.some(Number.isNaN)) continue;
    counted++;
    const peak = highest(drawn);
    peaks[r] = known[peak].batchSize;
    refined[r] = refine(places, drawn, peak) ?? places[peak];
    if (drawn[top] - drawn[0] > step) rises++;
    if (drawn[top] - drawn[last] > step) falls++;
  }
  const seeds = Math.min(...known.map((point) => point.seeds));
  const logs = interval(refined, seeds);
  const vertex = refine(places, heights, top);
  return {
    batchSize: known[top].batchSize,
    refinedBatchSize: vertex === null ? null : Math.exp(vertex),
    learningRate: known[top].learningRate!,
    learningRateInterval: known[top].interval,
    interval: interval(peaks, seeds, 'grid'),
    refinedInterval: logs && { low: Math.exp(logs.low), high: Math.exp(logs.high) },
    atEdge: top === last ? 'largest' : top === 0 ? 'smallest' : null,
    riseFromSmallest: known[top].learningRate! / known[0].learningRate!,
    fallToLargest: known[top].learningRate! / known[last].learningRate!,
    probabilityOfRise: counted === 0 ? null : rises / counted,
    probabilityOfFall: counted === 0 ? null : falls / counted,
    flags: flagsOf(points.length, known, heights, top, step),
  };
}

function flagsOf(
  planned: number,
  known: readonly Optimum[],
  heights: readonly number[],
  top: number,
  step: number,
): PeakFlag[] {
  const last = known.length - 1;
  const flags = new Set<PeakFlag>();
  if (known.length === 1) flags.add('one-batch-size');
  else {
    if (top < FEW_BATCH_SIZES) flags.add('few-batch-sizes-below');
    if (last - top < FEW_BATCH_SIZES) flags.add('few-batch-sizes-above');
    if (heights[top] - Math.max(heights[0], heights[last]) <= step) flags.add('below-resolution');
  }
  if (known.length < planned) flags.add('missing-batch-sizes');
  const doubtful = [
    'edge-low',
    'edge-high',
    'one-learning-rate',
    'diverged-neighbour',
    'censored-neighbour',
    'flat',
  ];
  if (known[top].flags.some((flag) => doubtful.includes(flag))) flags.add('uncertain-optimum');
  if (known[top].flags.includes('few-seeds')) flags.add('few-seeds');
  return peakFlags.filter((flag) => flags.has(flag));
}

function highest(heights: readonly number[]): number {
  let top = 0;
  for (let i = 1; i < heights.length; i++) if (heights[i] > heights[top]) top = i;
  return top;
}

/**
 * Distance in ln LR from a learning rate of the grid to the next one below (above, for the lowest): what the grid can
 * resolve there. Infinity with one learning rate, which resolves nothing.
 */
function stepBelow(learningRates: readonly number[], learningRate: number): number {
  const index = learningRates.indexOf(learningRate);
  const [low, high] = index > 0 ? [index - 1, index] : [0, 1];
  return high < learningRates.length ? Math.log(learningRates[high] / learningRates[low]) : Infinity;
}

/** ln B of the vertex; null at an edge. */
function refine(places: readonly number[], heights: readonly number[], top: number): number | null {
  if (top === 0 || top === heights.length - 1) return null;
  const vertex = parabolaVertex(
    [places[top - 1], places[top], places[top + 1]],
    [-heights[top - 1], -heights[top], -heights[top + 1]],
  );
  return vertex?.x ?? null;
}
