/** Migration: the path of the peak as training goes on, at equal steps or samples, or towards lower target losses. */
import type { CurveSet } from './curves.ts';
import type { OptimumMethod } from './optimum.ts';
import type { Interval, Resampling } from './resampling.ts';
import type { Ridge } from './ridge.ts';
import { ridgesOf } from './ridge.ts';
import { curveOf, type Definition, type Passage } from './scores.ts';

const optima = (ridge: Ridge) => ridge.points.filter((point) => point.learningRate !== null).length;

export interface PathOptions {
  readonly bootstrap?: Resampling;
  readonly method?: OptimumMethod;
}

/** Ridges of a migration: those that compare at least two batch sizes (one, when the experiment has no more). */
function pathOf(
  curves: CurveSet,
  definitions: readonly Definition[],
  { bootstrap, method }: PathOptions,
): Ridge[] {
  const needed = Math.min(2, curves.batchSizes.length);
  return ridgesOf(curves, definitions, { bootstrap, method, keepResampled: false }).filter(
    (ridge) => optima(ridge) >= needed,
  );
}

const ascending = (values: Iterable<number>) => [...new Set(values)].sort((a, b) => a - b);

/**
 * Ridges at every mark. Where batch sizes have different marks, those without this one are interpolated (flag
 * interpolated), and those that have not come so far have no optimum.
 */
export function migrationOverSteps(curves: CurveSet, options: PathOptions = {}): Ridge[] {
  const steps = ascending(curves.marks.flat());
  return pathOf(
    curves,
    steps.map((step) => ({ kind: 'equal-steps', step })),
    options,
  );
}

/** Batch sizes × marks give many numbers of samples; more than these are not told apart by anybody. */
const MOST_SAMPLES = 200;

/** The numbers of samples that the marks stand for; of more than 200, every n-th with the first and last. */
export function sharedSamples(curves: CurveSet): number[] {
  const all = ascending(curves.batchSizes.flatMap((b, i) => curves.marks[i].map((step) => step * b)));
  // Outside the range that two batch sizes share there is nothing to compare.
  const first = curves.batchSizes.map((b, i) => b * (curves.marks[i][0] ?? Infinity)).sort((a, b) => a - b);
  const last = curves.batchSizes.map((b, i) => b * (curves.marks[i].at(-1) ?? 0)).sort((a, b) => b - a);
  const needed = Math.min(2, curves.batchSizes.length) - 1;
  const shared = all.filter((samples) => samples >= first[needed] && samples <= last[needed]);
  const every = Math.max(1, (shared.length - 1) / (MOST_SAMPLES - 1));
  return Array.from(
    { length: Math.min(shared.length, MOST_SAMPLES) },
    (_, i) => shared[Math.round(i * every)],
  );
}

/** Ridges at the numbers of samples of `sharedSamples`. */
export function migrationOverSamples(curves: CurveSet, options: PathOptions = {}): Ridge[] {
  return pathOf(
    curves,
    sharedSamples(curves).map((samples) => ({ kind: 'equal-samples', samples })),
    options,
  );
}

/** One ridge a target, also where no batch size reaches it: a missing answer is an answer. */
export function migrationOverLoss(
  curves: CurveSet,
  targets: readonly number[],
  moreSteps: number,
  passage: Passage = 'each-seed',
  options: PathOptions = {},
): Ridge[] {
  return ridgesOf(
    curves,
    targets.map((target) => ({ kind: 'equal-loss', target, moreSteps, passage })),
    options,
  );
}

export interface PathEnd {
  readonly definition: Definition;
  readonly batchSize: number;
}

export interface Direction {
  /** Which way the peak went between the first and the last ridge whose peak is not at an end of the sweep. */
  readonly direction: 'smaller' | 'larger' | 'none' | 'undetermined';
  /** Batch size at the last such peak over that at the first; null with fewer than two such peaks. */
  readonly ratio: number | null;
  /** The two peaks that the answer rests on. */
  readonly from: PathEnd | null;
  readonly to: PathEnd | null;
  /** Whether the 5–95 % intervals of the two peaks are apart; null without intervals. */
  readonly beyondError: boolean | null;
}

/** The way of the peak along ridges in the order of training (steps ascending, or target losses descending). */
export function directionOf(ridges: readonly Ridge[]): Direction {
  const inner = ridges.flatMap(({ definition, peak }) =>
    peak === null || peak.atEdge !== null ? [] : [{ definition, peak }],
  );
  if (inner.length < 2)
    return { direction: 'undetermined', ratio: null, from: null, to: null, beyondError: null };
  const end = ({ definition, peak }: (typeof inner)[number]) => ({ definition, batchSize: peak.batchSize });
  const [first, last] = [inner[0], inner[inner.length - 1]];
  const ratio = last.peak.batchSize / first.peak.batchSize;
  const apart = (a: Interval, b: Interval) => a.high < b.low || b.high < a.low;
  const [a, b] = [first.peak.interval, last.peak.interval];
  return {
    direction: ratio > 1 ? 'larger' : ratio < 1 ? 'smaller' : 'none',
    ratio,
    from: end(first),
    to: end(last),
    beyondError: a === null || b === null ? null : apart(a, b),
  };
}

/** As many as can be told apart in a figure. */
const TARGETS = 6;
/** A target says something about a peak only where enough batch sizes reach it. */
const SHARE_OF_BATCH_SIZES = 0.6;

/**
 * Target losses, descending, evenly spaced between the loss after the first mark and the lowest loss that enough batch
 * sizes reach at their best learning rate with `moreSteps` still to come. Rounded, since they are to be quoted; empty
 * when the losses do not fall.
 */
export function defaultTargets(curves: CurveSet, moreSteps = 0, count = TARGETS): number[] {
  const finite = (values: readonly number[]) => values.filter(Number.isFinite).sort((a, b) => a - b);
  const final = finite(curves.batchSizes.map((_, batch) => bestLoss(curves, batch, moreSteps)));
  const initial = finite(curves.batchSizes.map((_, batch) => bestLoss(curves, batch, Infinity)));
  if (final.length === 0) return [];
  const lowest = final[Math.min(final.length - 1, Math.ceil(final.length * SHARE_OF_BATCH_SIZES))];
  const highest = initial[initial.length - 1];
  const spacing = (highest - lowest) / (count + 1);
  // Also where losses are equal up to rounding.
  if (!(spacing > 1e-9 * Math.abs(highest))) return [];
  const unit = 10 ** Math.floor(Math.log10(spacing));
  const round = (value: number) => Number((Math.round(value / unit) * unit).toPrecision(12));
  return Array.from({ length: count }, (_, i) => round(highest - (i + 1) * spacing));
}

/**
 * Lowest mean over seeds among the learning rates without a diverged one, at the last recorded mark that leaves
 * `before` steps to the last one; at the first mark when there is none. Infinity without any.
 */
function bestLoss(curves: CurveSet, batch: number, before: number): number {
  let best = Infinity;
  for (let rate = 0; rate < curves.learningRates.length; rate++) {
    let sum = 0;
    let count = 0;
    for (let seed = 0; seed < curves.seeds.length; seed++) {
      const { steps, values, recorded } = curveOf(curves, batch, rate, seed);
      if (recorded === 0) continue;
      const limit = steps[recorded - 1] - before;
      let mark = recorded - 1;
      while (mark > 0 && steps[mark] > limit) mark--;
      sum += values[mark];
      count++;
    }
    if (count > 0 && sum / count < best) best = sum / count;
  }
  return best;
}
