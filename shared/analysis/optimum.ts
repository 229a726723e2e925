/** The optimal learning rate of one batch size, with its interval and everything that limits what it means. */
import type { Averages } from './averages.ts';
import type { Vertex } from './parabola.ts';
import { parabolaVertex } from './parabola.ts';
import type { Interval } from './resampling.ts';
import { interval } from './resampling.ts';
import type { Status } from './scores.ts';
import { code, note, statuses } from './scores.ts';
import type { SmoothOptimum } from './smooth-optimum.ts';
import { smoothMinimizer, smoothOptimum } from './smooth-optimum.ts';

/**
 * How the optimum is read off the means. three-point: the parabola in ln LR through the best learning rate and its
 * neighbours. smooth: local quadratic regression over all learning rates near the minimum, its bandwidth cross-validated.
 */
export const optimumMethods = ['three-point', 'smooth'] as const;
export type OptimumMethod = (typeof optimumMethods)[number];

export const optimumFlags = [
  /** The best learning rate is the lowest or highest of the grid that was run: the optimum may lie outside. */
  'edge-low',
  'edge-high',
  /** Only one learning rate was run here: nothing was compared. */
  'one-learning-rate',
  /** The best learning rate stands next to one at which a run diverged; no parabola there. */
  'diverged-neighbour',
  /** The same, next to one that did not reach the target in the steps trained. */
  'censored-neighbour',
  /** Next to the best one a learning rate has not been run (yet); the next one present was used. */
  'missing-neighbour',
  /** Near-optimal learning rates reach from one end of the usable ones to the other. */
  'flat',
  /** Fewer than three seeds. */
  'few-seeds',
  /** Learning rates have no seed in common: means are over different seeds, and there is no interval. */
  'unpaired-seeds',
  /** Some cells of this batch size have no value here (yet). */
  'missing-cells',
  /** Some cells never reached the target, or too near their end. */
  'censored-cells',
  /** The target was reached in fewer than ten steps: the further decrease starts in the first moments of training. */
  'early-target',
  /** The target was reached by the first mark already: the step is an upper bound. */
  'first-mark',
  /** Target and further steps lie between the same two marks: the decrease is interpolated, not measured. */
  'coarse-marks',
  /** No mark at this step: interpolated linearly in ln step between the marks around it. */
  'interpolated',
  /** Fewer than five learning rates: too few to smooth; with three or four a single quadratic, else the best one. */
  'few-points',
  /** The smooth fit does not curve upwards at its minimum. */
  'not-convex',
] as const;
export type OptimumFlag = (typeof optimumFlags)[number];

export interface DroppedRate {
  readonly learningRate: number;
  /** What keeps the learning rate out of the comparison; one diverged seed is enough. */
  readonly reason: Exclude<Status, 'finite'>;
  /** Seeds with this status. */
  readonly seeds: number;
}

export interface Optimum {
  readonly batchSize: number;
  /**
   * Vertex of the parabola in ln LR, or the best grid value where there is none; or the minimum of the smooth fit. Null
   * without any usable learning rate.
   */
  readonly learningRate: number | null;
  /** 5–95 % bootstrap interval over replicates; null with one seed. */
  readonly interval: Interval | null;
  /** Best learning rate of the grid; the lowest of equally good ones. */
  readonly gridLearningRate: number | null;
  /** Score at the optimum: the loss, or the steps for the fewest-steps definition. */
  readonly score: number | null;
  /** Second derivative of the score in ln LR. */
  readonly curvature: number | null;
  /** Learning rates around the best within one standard error (of the paired difference) or 5 % of the best gain. */
  readonly nearOptimal: Interval | null;
  readonly flags: readonly OptimumFlag[];
  /** Seeds in every mean. */
  readonly seeds: number;
  /** Learning rates with a mean. */
  readonly used: readonly number[];
  /** Those of them that the optimum was computed from: three for a parabola, those of the smooth fit, else the best one. */
  readonly fitted: readonly number[];
  readonly dropped: readonly DroppedRate[];
  /** Mean over seeds of the step at which the target was reached, at the best grid learning rate. */
  readonly reachedAt: number | null;
  /** ln of the optimum of each resample, [resample]; NaN where it has none; empty when they were not kept. */
  readonly resampled: Float64Array;
}

const FEW_SEEDS = 3;
const EARLY_STEPS = 10;

/** What the optima of one batch size have in common. */
export interface OptimumContext {
  readonly batchSize: number;
  /** Ascending. */
  readonly learningRates: readonly number[];
  /** Shortfall of the score that still counts as near-optimal, for a best score. */
  readonly tolerance: (best: number) => number;
  /** three-point when absent. */
  readonly method?: OptimumMethod;
}

export function optimumOf(averages: Averages, instant: number, context: OptimumContext): Optimum {
  const { batchSize, learningRates } = context;
  const { rates, rows, instants } = averages;
  const x = Float64Array.from(learningRates, Math.log);
  const at = (rate: number) => rate * instants + instant;
  const states = Uint8Array.from(x, (_, rate) => averages.states[at(rate)]);
  const y = new Float64Array(rates);
  const fill = (row: number) => {
    for (let rate = 0; rate < rates; rate++)
      y[rate] = averages.values[(rate * rows + row) * instants + instant];
  };
  fill(0);
  const usable = learningRates.flatMap((_, rate) =>
    states[rate] === code.finite && !Number.isNaN(y[rate]) ? [rate] : [],
  );
  const found = locate(x, y, states);
  const best = found?.best ?? -1;
  const means = y.slice();
  const smooth = found !== null && context.method === 'smooth' ? smoothFit(learningRates, y, usable) : null;

  const resampled = new Float64Array(rows - 1).fill(NaN);
  /** Sums of the paired differences to the best, and of their squares, over resamples. */
  const sums = new Float64Array(rates);
  const squares = new Float64Array(rates);
  let counted = 0;
  if (found !== null && averages.paired[instant] === 1 && averages.seeds[instant] > 1)
    for (let row = 1; row < rows; row++) {
      fill(row);
      const drawn = locate(x, y, states);
      if (drawn === null) continue;
      resampled[row - 1] = smooth === null ? drawn.x : smooth.minimum(y);
      if (!usable.every((rate) => Number.isFinite(y[rate]))) continue;
      counted++;
      for (const rate of usable) {
        const difference = y[rate] - y[best] - (means[rate] - means[best]);
        sums[rate] += difference;
        squares[rate] += difference * difference;
      }
    }
  const logs = interval(resampled, averages.seeds[instant]);

  const base = {
    batchSize,
    seeds: averages.seeds[instant],
    used: usable.map((rate) => learningRates[rate]),
    dropped: droppedRates(averages, instant, learningRates, usable),
  };
  const flags = new Set<OptimumFlag>();
  if (averages.missing[instant] > 0) flags.add('missing-cells');
  if (averages.censored[instant] > 0) flags.add('censored-cells');
  if (found === null)
    return {
      ...base,
      learningRate: null,
      interval: null,
      gridLearningRate: null,
      score: null,
      curvature: null,
      nearOptimal: null,
      flags: [...flags],
      fitted: [],
      reachedAt: null,
      resampled,
    };

  // Bootstrap variance is too small by (n − 1)/n.
  const inflate = base.seeds / (base.seeds - 1);
  const error = (rate: number) =>
    counted === 0
      ? 0
      : Math.sqrt(Math.max(0, squares[rate] / counted - (sums[rate] / counted) ** 2) * inflate);
  const allowed = context.tolerance(means[best]);
  const near = (rate: number) => means[rate] - means[best] <= Math.max(allowed, error(rate));
  let [low, high] = [usable.indexOf(best), usable.indexOf(best)];
  while (low > 0 && near(usable[low - 1])) low--;
  while (high < usable.length - 1 && near(usable[high + 1])) high++;

  if (usable.length > 2 && low === 0 && high === usable.length - 1) flags.add('flat');
  if (base.seeds < FEW_SEEDS) flags.add('few-seeds');
  if (averages.paired[instant] === 0) flags.add('unpaired-seeds');
  const beside = neighbourFlags(found, states);
  if (smooth === null) {
    for (const flag of beside) flags.add(flag);
    if (context.method === 'smooth') flags.add('few-points');
  } else for (const flag of smoothFlags(smooth.optimum, beside, usable, learningRates)) flags.add(flag);
  const bits = averages.notes[at(best)];
  if ((bits & note.interpolated) !== 0) flags.add('interpolated');
  if ((bits & note.firstMark) !== 0) flags.add('first-mark');
  if ((bits & note.coarseMarks) !== 0) flags.add('coarse-marks');
  const reached = averages.reached[at(best)];
  if (reached < EARLY_STEPS) flags.add('early-target');
  const fitted = smooth?.optimum ?? null;
  return {
    ...base,
    learningRate: fitted?.learningRate ?? (found.vertex === null ? learningRates[best] : Math.exp(found.x)),
    interval: logs && { low: Math.exp(logs.low), high: Math.exp(logs.high) },
    gridLearningRate: learningRates[best],
    score: fitted === null ? (found.vertex?.y ?? means[best]) : (fitted.loss ?? means[best]),
    curvature: fitted === null ? (found.vertex?.curvature ?? null) : fitted.curvature,
    nearOptimal: { low: learningRates[usable[low]], high: learningRates[usable[high]] },
    flags: optimumFlags.filter((flag) => flags.has(flag)),
    fitted:
      fitted?.fittedRates ??
      (found.vertex === null ? [best] : [found.left, best, found.right]).map((rate) => learningRates[rate]),
    reachedAt: Number.isNaN(reached) ? null : reached,
    resampled,
  };
}

interface Located {
  /** Index of the lowest mean. */
  readonly best: number;
  /** The next learning rates below and above that were run at all; −1 and the number of rates where there is none. */
  readonly left: number;
  readonly right: number;
  /** ln of the optimum. */
  readonly x: number;
  /** Null at an edge and beside a learning rate without a mean. */
  readonly vertex: Vertex | null;
}

/** `x` ln LR, `y` means with NaN where there is none, `states` indices into statuses. Null without any mean. */
function locate(x: Float64Array, y: Float64Array, states: Uint8Array): Located | null {
  let best = -1;
  for (let rate = 0; rate < y.length; rate++)
    // Of equal means the lowest learning rate is taken.
    if (Number.isFinite(y[rate]) && states[rate] === code.finite && (best < 0 || y[rate] < y[best]))
      best = rate;
  if (best < 0) return null;
  let left = best - 1;
  while (left >= 0 && states[left] === code.missing) left--;
  let right = best + 1;
  while (right < y.length && states[right] === code.missing) right++;
  const has = (rate: number) => states[rate] === code.finite && Number.isFinite(y[rate]);
  // Out of range is undefined, hence not finite.
  if (!has(left) || !has(right)) return { best, left, right, x: x[best], vertex: null };
  const vertex = parabolaVertex([x[left], x[best], x[right]], [y[left], y[best], y[right]]);
  return { best, left, right, x: vertex?.x ?? x[best], vertex };
}

interface SmoothFit {
  readonly optimum: SmoothOptimum;
  /** ln of the optimum for other means, with the learning rates of this fit. */
  readonly minimum: (means: Float64Array) => number;
}

/** Null with fewer than three usable learning rates near the minimum: then the three points are all there is. */
function smoothFit(
  learningRates: readonly number[],
  means: Float64Array,
  usable: readonly number[],
): SmoothFit | null {
  const points = usable.map((rate) => ({ learningRate: learningRates[rate], loss: means[rate] }));
  const optimum = smoothOptimum(points);
  if (optimum.learningRate === null) return null;
  const rates = optimum.fittedRates.map((rate) => learningRates.indexOf(rate));
  const places = optimum.fittedRates.map(Math.log);
  const minimize = smoothMinimizer(places);
  const losses = new Float64Array(rates.length);
  const minimum = (drawn: Float64Array): number => {
    rates.forEach((rate, i) => (losses[i] = drawn[rate]));
    if (losses.every((loss) => loss === losses[0])) return (places[0] + places[places.length - 1]) / 2;
    if (losses.every(Number.isFinite)) return minimize(losses).x;
    // In this resample some learning rates have no mean, as when a mean curve does not reach the target.
    const kept = rates.flatMap((_, i) => (Number.isFinite(losses[i]) ? [i] : []));
    if (kept.length < 3) return NaN;
    return smoothMinimizer(kept.map((i) => places[i]))(kept.map((i) => losses[i])).x;
  };
  return { optimum, minimum };
}

/** Flags of the smooth fit in the words of the ridge, with those of the best learning rate that still matter. */
function smoothFlags(
  { flags: own, learningRate }: SmoothOptimum,
  beside: readonly OptimumFlag[],
  usable: readonly number[],
  learningRates: readonly number[],
): OptimumFlag[] {
  const kept: readonly OptimumFlag[] = ['one-learning-rate', 'diverged-neighbour', 'censored-neighbour'];
  const flags = beside.filter((flag) => kept.includes(flag));
  const middle = Math.sqrt(learningRates[usable[0]] * learningRates[usable[usable.length - 1]]);
  if (own.includes('edge')) flags.push(learningRate! < middle ? 'edge-low' : 'edge-high');
  // Read off the end of the learning rates in the fit: beyond it they diverged, or lie far above.
  if (own.includes('diverged-neighbour') && flags.length === 0) flags.push('diverged-neighbour');
  for (const flag of ['few-points', 'not-convex', 'flat'] as const) if (own.includes(flag)) flags.push(flag);
  return flags;
}

function neighbourFlags({ best, left, right }: Located, states: Uint8Array): OptimumFlag[] {
  const noneBelow = left < 0;
  const noneAbove = right >= states.length;
  if (noneBelow && noneAbove) return ['one-learning-rate'];
  const flags: OptimumFlag[] = [];
  if (noneBelow) flags.push('edge-low');
  if (noneAbove) flags.push('edge-high');
  if (left < best - 1 || right > best + 1) flags.push('missing-neighbour');
  const beside = [noneBelow ? code.finite : states[left], noneAbove ? code.finite : states[right]];
  if (beside.includes(code.diverged)) flags.push('diverged-neighbour');
  if (beside.includes(code.censored)) flags.push('censored-neighbour');
  return flags;
}

function droppedRates(
  averages: Averages,
  instant: number,
  learningRates: readonly number[],
  usable: readonly number[],
): DroppedRate[] {
  return learningRates.flatMap((learningRate, rate) => {
    const at = rate * averages.instants + instant;
    const reason = statuses[averages.states[at]];
    if (usable.includes(rate)) return [];
    // A mean of finite losses can overflow: that is divergence too.
    return [{ learningRate, reason: reason === 'finite' ? 'diverged' : reason, seeds: averages.counts[at] }];
  });
}
