/** The batch size and learning rate with the lowest loss after a budget of steps, samples or time, from stored curves. */
import { averagesOf } from '../../analysis/averages.ts';
import type { CurveSet } from '../../analysis/curves.ts';
import type { Optimum, OptimumMethod } from '../../analysis/optimum.ts';
import type { Interval } from '../../analysis/resampling.ts';
import { resampling } from '../../analysis/resampling.ts';
import { ranks, ridgesOf } from '../../analysis/ridge.ts';
import type { Definition } from '../../analysis/scores.ts';
import { scoreTable } from '../../analysis/scores.ts';
import type { Warning } from '../../theory/warnings.ts';
import { ridgeWarnings } from '../ridge-warnings.ts';

export type Budget =
  | { readonly kind: 'steps'; readonly steps: number }
  | { readonly kind: 'samples'; readonly samples: number }
  | { readonly kind: 'time'; readonly seconds: number };

export interface BudgetOptions {
  readonly method?: OptimumMethod;
  /** Measured time of a step of one cell, by batch size; a budget of time needs it. */
  readonly stepMilliseconds?: ReadonlyMap<number, number>;
}

export interface BudgetRow {
  readonly batchSize: number;
  /** Steps that the budget buys; null when the time of a step is not known. */
  readonly steps: number | null;
  readonly samples: number | null;
  /** Null without measured times. */
  readonly seconds: number | null;
  readonly learningRate: number | null;
  readonly interval: Interval | null;
  /** Mean loss of the best learning rate of the grid at that step. */
  readonly loss: number | null;
  /**
   * best; tied: at least as good in 5 % of resamples or more; worse; too-long: more steps than were trained; too-short:
   * before the first mark; unknown: no measured time; none: no usable cell.
   */
  readonly standing: 'best' | 'tied' | 'worse' | 'too-long' | 'too-short' | 'unknown' | 'none';
  /** Share of resamples in which this batch size has the lowest loss; null with one seed. */
  readonly probabilityBest: number | null;
  readonly flags: Optimum['flags'];
}

export interface BudgetRecommendation {
  readonly kind: Budget['kind'];
  readonly rows: readonly BudgetRow[];
  readonly best: BudgetRow | null;
  readonly sentence: string;
  readonly warnings: readonly Warning[];
}

const TIED = 0.05;
/** Steps that differ by rounding alone are the same step. */
const SAME = 1e-9;

export function recommendForBudget(
  curves: CurveSet,
  budget: Budget,
  options: BudgetOptions = {},
): BudgetRecommendation {
  const times = options.stepMilliseconds ?? new Map<number, number>();
  const steps = curves.batchSizes.map((batchSize) => stepsIn(budget, batchSize, times.get(batchSize)));
  const known = steps.map((count, batch) => standingOf(count, curves.marks[batch]));
  const bootstrap = resampling(curves.seeds.length);
  const order = ranks(curves.seeds);
  // Each batch size has a step of its own: all of them at once, then the one that belongs to the batch size.
  const asked = [...new Set(steps.filter((count, batch) => known[batch] === null && count !== null))];
  const definitions = asked.map((step): Definition => ({ kind: 'equal-steps', step: step! }));
  const ridges = ridgesOf(curves, definitions, {
    bootstrap,
    ...(options.method === undefined ? {} : { method: options.method }),
    keepResampled: false,
  });
  /** [batch][row]: mean loss at the best grid learning rate, plain and of each resample. */
  const losses: (Float64Array | null)[] = [];
  const rows = curves.batchSizes.map((batchSize, batch): BudgetRow => {
    const count = steps[batch];
    const base = {
      batchSize,
      steps: count,
      samples: count === null ? null : count * batchSize,
      seconds: count === null ? null : secondsOf(times.get(batchSize), count),
      learningRate: null,
      interval: null,
      loss: null,
      probabilityBest: null,
      flags: [],
    };
    losses[batch] = null;
    if (known[batch] !== null) return { ...base, standing: known[batch] };
    const instant = asked.indexOf(count);
    const point = ridges[instant].points[batch];
    if (point.learningRate === null || point.gridLearningRate === null) return { ...base, standing: 'none' };
    const means = averagesOf(scoreTable(curves, batch, [definitions[instant]]), bootstrap, order);
    const place = curves.learningRates.indexOf(point.gridLearningRate);
    losses[batch] = means.values.subarray(place * means.rows, (place + 1) * means.rows);
    return {
      ...base,
      learningRate: point.learningRate,
      interval: point.interval,
      loss: losses[batch][0],
      standing: 'worse',
      flags: point.flags,
    };
  });
  const answer = conclude(curves, budget, rows, losses, bootstrap.resamples);
  if (answer.best === null) return answer;
  const batch = curves.batchSizes.indexOf(answer.best.batchSize);
  const ridge = ridges[asked.indexOf(steps[batch])];
  const ofBest = ridgeWarnings({ ...ridge, points: [ridge.points[batch]], peak: null });
  return { ...answer, warnings: [...answer.warnings, ...ofBest] };
}

function stepsIn(budget: Budget, batchSize: number, milliseconds: number | undefined): number | null {
  if (budget.kind === 'steps') return budget.steps;
  if (budget.kind === 'samples') return Math.floor((budget.samples / batchSize) * (1 + SAME));
  return milliseconds === undefined
    ? null
    : Math.floor(((1000 * budget.seconds) / milliseconds) * (1 + SAME));
}

function secondsOf(milliseconds: number | undefined, steps: number): number | null {
  return milliseconds === undefined ? null : (milliseconds * steps) / 1000;
}

/** Null where the curves have a value. */
function standingOf(
  steps: number | null,
  marks: readonly number[],
): 'too-long' | 'too-short' | 'unknown' | null {
  if (steps === null) return 'unknown';
  if (marks.length === 0 || steps > marks[marks.length - 1]) return 'too-long';
  return steps < marks[0] ? 'too-short' : null;
}

function conclude(
  { batchSizes, seeds }: CurveSet,
  budget: Budget,
  rows: readonly BudgetRow[],
  losses: readonly (Float64Array | null)[],
  resamples: number,
): BudgetRecommendation {
  const candidates = rows.flatMap(({ loss }, i) => (loss === null ? [] : [i]));
  const lowest = (row: number) =>
    candidates.reduce((a, b) => (losses[b]![row] < losses[a]![row] ? b : a), candidates[0]);
  const top = candidates.length === 0 ? -1 : lowest(0);
  const wins = new Float64Array(rows.length);
  const asGood = new Float64Array(rows.length);
  let counted = 0;
  if (seeds.length > 1)
    for (let row = 1; row <= resamples; row++) {
      // A resample counts when it has every batch size.
      if (candidates.some((i) => !Number.isFinite(losses[i]![row]))) continue;
      counted++;
      if (candidates.length > 0) wins[lowest(row)]++;
      for (const i of candidates) if (losses[i]![row] <= losses[top]![row]) asGood[i]++;
    }
  const judged = rows.map((row, i): BudgetRow => {
    if (row.loss === null) return row;
    const standing = i === top ? 'best' : counted > 0 && asGood[i] / counted >= TIED ? 'tied' : 'worse';
    return { ...row, standing, probabilityBest: counted === 0 ? null : wins[i] / counted };
  });
  const best = top < 0 ? null : judged[top];
  return {
    kind: budget.kind,
    rows: judged,
    best,
    sentence: sentenceOf(budget, judged, best),
    warnings: warningsOf(budget, judged, best, batchSizes),
  };
}

const short = (value: number) => String(Number(value.toPrecision(4)));
const rate = (value: number) => value.toExponential(1).replace('e+', 'e');

function nameOf(budget: Budget): string {
  if (budget.kind === 'steps') return `${short(budget.steps)} steps`;
  return budget.kind === 'samples'
    ? `${short(budget.samples)} samples`
    : `${short(budget.seconds)} s of training`;
}

function sentenceOf(budget: Budget, rows: readonly BudgetRow[], best: BudgetRow | null): string {
  if (best === null) return `No batch size has a usable curve at ${nameOf(budget)}.`;
  const { batchSize, learningRate, interval, loss, steps, probabilityBest } = best;
  const range = interval === null ? '' : ` [${rate(interval.low)}–${rate(interval.high)}]`;
  const share =
    probabilityBest === null ? '' : `, the lowest in ${Math.round(100 * probabilityBest)} % of resamples`;
  const tied = rows.filter((row) => row.standing === 'tied').map((row) => row.batchSize);
  const others = tied.length === 0 ? '' : ` Not told apart from it: batch size ${tied.join(', ')}.`;
  return `For ${nameOf(budget)}: batch size ${batchSize} with learning rate ${rate(learningRate!)}${range} (${short(steps!)} steps, loss ${short(loss!)}${share}).${others}`;
}

function warningsOf(
  budget: Budget,
  rows: readonly BudgetRow[],
  best: BudgetRow | null,
  batchSizes: readonly number[],
): Warning[] {
  const warnings: Warning[] = [];
  const without = rows.filter(({ standing }) =>
    ['too-long', 'too-short', 'unknown', 'none'].includes(standing),
  );
  const tooLong = without.filter(({ standing }) => standing === 'too-long');
  if (without.length > 0)
    warnings.push({
      code: 'budget-beyond-curves',
      sentence:
        tooLong.length > 0
          ? `${short(tooLong.length)} of ${rows.length} batch sizes (${tooLong.map((row) => row.batchSize).join(', ')}) were not trained for as long as this budget allows and are not compared.`
          : `${without.length} of ${rows.length} batch sizes (${without.map((row) => row.batchSize).join(', ')}) have no value at this budget and are not compared.`,
      numbers: { batchSizes: without.length, tooLong: tooLong.length },
    });
  if (best !== null && rows.length > 1) {
    const compared = rows.filter((row) => row.loss !== null);
    const side =
      best.batchSize === compared[0].batchSize
        ? 'smallest'
        : best.batchSize === compared[compared.length - 1].batchSize
          ? 'largest'
          : null;
    // At equal steps a larger batch only costs more, so that the largest is what must come out.
    const expected = budget.kind === 'steps' && side === 'largest';
    if (side !== null)
      warnings.push({
        code: 'best-batch-on-edge',
        sentence: expected
          ? `The best batch size is the largest that was compared: at equal steps a larger batch sees more samples for nothing. A budget of samples or time asks the other question.`
          : `The best batch size is the ${side} that was compared: a ${side === 'smallest' ? 'smaller' : 'larger'} one may be better still.`,
        numbers: {
          batchSize: best.batchSize,
          smallest: batchSizes[0],
          largest: batchSizes[batchSizes.length - 1],
        },
      });
  }
  return warnings;
}
