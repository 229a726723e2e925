/** The optimal learning rate of one batch size, with its interval and everything that limits what it means. */
import { parabolaVertex } from './parabola.ts';
import type { Interval, Resampling } from './resampling.ts';
import { interval } from './resampling.ts';
import type { Scores, Status } from './scores.ts';

export const optimumFlags = [
  /** The best learning rate is the lowest or highest usable one of the grid: the optimum may lie outside. */
  'edge-low',
  'edge-high',
  /** The best learning rate stands next to one at which a run diverged; no parabola there. */
  'diverged-neighbour',
  /** Next to the best one a learning rate has not been run (yet); the next one present was used. */
  'missing-neighbour',
  /** Every usable learning rate is within one standard error of the best. */
  'flat',
  /** Fewer than three seeds. */
  'few-seeds',
  /** Some cells of this batch size have no value here (yet). */
  'missing-cells',
  /** Some cells never reached the target, or too near their end. */
  'censored-cells',
  /** The target was reached in fewer than ten steps: the further decrease starts in the first moments of training. */
  'early-target',
] as const;
export type OptimumFlag = (typeof optimumFlags)[number];

export interface DroppedRate {
  readonly learningRate: number;
  readonly reason: Exclude<Status, 'finite'>;
  /** Seeds with this status. */
  readonly seeds: number;
}

export interface Optimum {
  readonly batchSize: number;
  /** Vertex of the parabola in ln LR, or the best grid value where there is none; null without any usable one. */
  readonly learningRate: number | null;
  /** 5–95 % bootstrap interval over replicates; null with one seed. */
  readonly interval: Interval | null;
  /** Best learning rate of the grid. */
  readonly gridLearningRate: number | null;
  /** Score at the optimum: the loss, or the steps for the fewest-steps definition. */
  readonly score: number | null;
  readonly curvature: number | null;
  /** Learning rates within one standard error, or 5 % of the spread, of the best. */
  readonly nearOptimal: Interval | null;
  readonly flags: readonly OptimumFlag[];
  /** Seeds in every mean. */
  readonly seeds: number;
  /** Learning rates with a mean. */
  readonly used: readonly number[];
  readonly dropped: readonly DroppedRate[];
  /** Mean over seeds of the step at which the target was reached, at the best grid learning rate. */
  readonly reachedAt: number | null;
  /** ln of the optimum of each resample, [resample]; NaN where it has none. */
  readonly resampled: Float64Array;
}

const FEW_SEEDS = 3;
const EARLY_STEPS = 10;
const NEAR = 0.05;

/** `learningRates` ascending, as in the scores. */
export function optimumOf(scores: Scores, learningRates: readonly number[], bootstrap: Resampling): Optimum {
  const { seeds: seedCount } = bootstrap;
  const statusAt = (rate: number, seed: number) => scores.status[rate * seedCount + seed];
  const indices = (n: number) => Array.from({ length: n }, (_, i) => i);
  const worst = learningRates.map((_, rate) => worstStatus(indices(seedCount).map((s) => statusAt(rate, s))));
  // Seeds that every learning rate that has been run at all has: a mean over other seeds could not be compared.
  const run = indices(learningRates.length).filter((rate) => worst[rate] !== 'absent');
  const common = indices(seedCount).filter((s) => run.every((rate) => statusAt(rate, s) !== 'missing'));
  const seeds = common.length > 0 ? common : indices(seedCount);
  const usable = run.filter((rate) => seeds.every((s) => statusAt(rate, s) === 'finite'));
  const dropped = droppedRates(scores, learningRates, usable, seedCount);
  const flags = new Set<OptimumFlag>();
  if (seeds.length < FEW_SEEDS) flags.add('few-seeds');
  if (scores.status.includes('missing')) flags.add('missing-cells');
  if (scores.status.includes('censored')) flags.add('censored-cells');

  const logs = learningRates.map(Math.log);
  const fullWeights = new Float64Array(seedCount).fill(1);
  const means = new Float64Array(learningRates.length).fill(NaN);
  const mean = (rate: number, weights: Float64Array, from: number) => {
    let sum = 0;
    let total = 0;
    for (const s of seeds) {
      sum += weights[from + s] * scores.values[rate * seedCount + s];
      total += weights[from + s];
    }
    return sum / total;
  };
  for (const rate of usable) means[rate] = mean(rate, fullWeights, 0);
  const found = locate(logs, means, usable, run);
  const resampled = new Float64Array(bootstrap.resamples).fill(NaN);
  if (found === null || seedCount === 1) return assemble(null);

  const drawn = new Float64Array(learningRates.length);
  for (let r = 0; r < bootstrap.resamples; r++) {
    for (const rate of usable) drawn[rate] = mean(rate, bootstrap.weights, r * seedCount);
    resampled[r] = locate(logs, drawn, usable, run)?.x ?? NaN;
  }
  const logInterval = interval(resampled);
  return assemble(logInterval && { low: Math.exp(logInterval.low), high: Math.exp(logInterval.high) });

  function assemble(learningRateInterval: Interval | null): Optimum {
    const near = found === null ? [] : nearOptimal(scores, usable, seeds, means, found.best);
    if (found !== null) {
      for (const flag of found.flags) flags.add(flag);
      if (usable.length > 2 && near.length === usable.length && seeds.length > 1) flags.add('flat');
    }
    const reached =
      found === null || scores.reached === null ? null : meanReached(scores.reached, found.best, seeds);
    if (reached !== null && reached < EARLY_STEPS) flags.add('early-target');
    return {
      batchSize: scores.batchSize,
      learningRate:
        found === null ? null : found.vertex === null ? learningRates[found.best] : Math.exp(found.x),
      interval: learningRateInterval,
      gridLearningRate: found === null ? null : learningRates[found.best],
      score: found === null ? null : (found.vertex?.y ?? means[found.best]),
      curvature: found?.vertex?.curvature ?? null,
      nearOptimal:
        near.length === 0
          ? null
          : { low: learningRates[near[0]], high: learningRates[near[near.length - 1]] },
      flags: [...flags].sort(),
      seeds: seeds.length,
      used: usable.map((rate) => learningRates[rate]),
      dropped,
      reachedAt: reached,
      resampled,
    };
  }

  function meanReached(reached: Float64Array, rate: number, over: readonly number[]): number {
    return over.reduce((sum, s) => sum + reached[rate * seedCount + s], 0) / over.length;
  }
}

interface Located {
  readonly best: number;
  /** ln of the optimum. */
  readonly x: number;
  readonly vertex: { readonly y: number; readonly curvature: number } | null;
  readonly flags: readonly OptimumFlag[];
}

/** `usable` are the indices with a mean, `run` those that have been run at all, both ascending. */
function locate(
  logs: readonly number[],
  means: Float64Array,
  usable: readonly number[],
  run: readonly number[],
): Located | null {
  if (usable.length === 0) return null;
  let best = usable[0];
  for (const rate of usable) if (means[rate] < means[best]) best = rate;
  const place = run.indexOf(best);
  const [left, right] = [run[place - 1], run[place + 1]];
  const flags: OptimumFlag[] = [];
  if (left === undefined) flags.push('edge-low');
  if (right === undefined) flags.push('edge-high');
  if ((left !== undefined && left < best - 1) || (right !== undefined && right > best + 1))
    flags.push('missing-neighbour');
  const neighbours = [left, right].filter((n) => n !== undefined);
  if (neighbours.some((n) => !usable.includes(n))) flags.push('diverged-neighbour');
  if (neighbours.length < 2 || flags.includes('diverged-neighbour'))
    return { best, x: logs[best], vertex: null, flags };
  const vertex = parabolaVertex(
    [logs[left], logs[best], logs[right]],
    [means[left], means[best], means[right]],
  );
  return { best, x: vertex?.x ?? logs[best], vertex, flags };
}

function worstStatus(list: readonly Status[]): 'absent' | 'present' {
  return list.every((s) => s === 'missing') ? 'absent' : 'present';
}

function droppedRates(
  scores: Scores,
  learningRates: readonly number[],
  usable: readonly number[],
  seeds: number,
): DroppedRate[] {
  return learningRates.flatMap((learningRate, rate) => {
    if (usable.includes(rate)) return [];
    const states = scores.status.slice(rate * seeds, (rate + 1) * seeds);
    for (const reason of ['diverged', 'censored', 'missing'] as const) {
      const count = states.filter((s) => s === reason).length;
      if (count > 0) return [{ learningRate, reason, seeds: count }];
    }
    return [];
  });
}

/** Learning rates whose paired difference to the best is below its standard error, or below 5 % of the spread. */
function nearOptimal(
  scores: Scores,
  usable: readonly number[],
  seeds: readonly number[],
  means: Float64Array,
  best: number,
): number[] {
  const seedCount = scores.values.length === 0 ? 0 : scores.values.length / means.length;
  const spread = Math.max(...usable.map((rate) => means[rate])) - means[best];
  return usable.filter((rate) => {
    const difference = means[rate] - means[best];
    const squares = seeds.reduce((sum, s) => {
      const paired = scores.values[rate * seedCount + s] - scores.values[best * seedCount + s];
      return sum + (paired - difference) ** 2;
    }, 0);
    const error = seeds.length > 1 ? Math.sqrt(squares / (seeds.length - 1) / seeds.length) : 0;
    return difference <= error || difference <= NEAR * spread;
  });
}
