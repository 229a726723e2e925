/**
 * What is compared between learning rates: for one batch size, a score of every (learning rate, seed), lower is better.
 * The definitions of the optimal learning rate differ in their scores only; means, optimum, interval, ridge and peak
 * are the same for all.
 */
import type { CurveSet } from './curves.ts';
import { cellIndex } from './curves.ts';

/**
 * Whose curve must reach the target. each-seed: every cell by itself, then the mean over seeds (arXiv 2405.14578 trains
 * every cell to the target). mean-curve: the mean over seeds, which a noisy curve crosses too early less often.
 */
export type Passage = 'each-seed' | 'mean-curve';

export type Definition =
  | { readonly kind: 'equal-steps'; readonly step: number }
  | { readonly kind: 'equal-samples'; readonly samples: number }
  /** Reach the target loss, then the same number of further steps: arXiv 2405.14578, section 3. */
  | {
      readonly kind: 'equal-loss';
      readonly target: number;
      readonly moreSteps: number;
      readonly passage?: Passage;
    }
  /** Fewest steps to the target loss: arXiv 1812.06162, appendix A.3. */
  | { readonly kind: 'fewest-steps'; readonly target: number; readonly passage?: Passage }
  /**
   * One step from a frozen point of a run, averaged over minibatches: arXiv 2405.14578, Theorem 2. The curves hold the
   * change of the loss at their only mark, and draws in the place of seeds.
   */
  | {
      readonly kind: 'local';
      readonly step: number;
      readonly batchSize: number;
      readonly learningRate: number;
      readonly seed: number;
    };

/** Whether a (learning rate, seed) has a score, or why not. censored: the target was not reached in the steps trained. */
export const statuses = ['finite', 'missing', 'diverged', 'censored'] as const;
export type Status = (typeof statuses)[number];
/** Index of a status in `statuses`, as the tables store it. */
export const code = { finite: 0, missing: 1, diverged: 2, censored: 3 } as const;

/** How a score was read; bits. */
export const note = {
  /** At equal steps or samples: between two marks. (A target nearly always lies between marks.) */
  interpolated: 1,
  /** The target was reached at or before the first mark: the step is an upper bound. */
  firstMark: 2,
  /** The target and the further steps lie between the same two marks: their difference is interpolation alone. */
  coarseMarks: 4,
} as const;

/** Scores of one batch size under several definitions ("instants"). */
export interface ScoreTable {
  readonly rates: number;
  readonly seeds: number;
  readonly instants: number;
  /** [learning rate][seed][instant]; 0 where the status is not finite. */
  readonly values: Float64Array;
  /** Index into `statuses`, same layout. */
  readonly states: Uint8Array;
  /** Step at which the target was reached, same layout; NaN where there is none. */
  readonly reached: Float64Array;
  /** Bits of `note`, same layout. */
  readonly notes: Uint8Array;
}

export function scoreTable(curves: CurveSet, batch: number, definitions: readonly Definition[]): ScoreTable {
  const rates = curves.learningRates.length;
  const seeds = curves.seeds.length;
  const instants = definitions.length;
  const size = rates * seeds * instants;
  const table: ScoreTable = {
    rates,
    seeds,
    instants,
    values: new Float64Array(size),
    states: new Uint8Array(size),
    reached: new Float64Array(size).fill(NaN),
    notes: new Uint8Array(size),
  };
  const steps = curves.marks[batch];
  const batchSize = curves.batchSizes[batch];
  // The place of a step among the marks is the same for every cell: looked up once.
  const places = definitions.map((definition) => {
    if (definition.kind === 'equal-steps') return placeOf(steps, definition.step);
    if (definition.kind === 'local') return placeOf(steps, 1);
    return definition.kind === 'equal-samples' ? placeOf(steps, definition.samples / batchSize) : null;
  });
  for (let rate = 0; rate < rates; rate++)
    for (let seed = 0; seed < seeds; seed++) {
      const curve = curveOf(curves, batch, rate, seed);
      const from = (rate * seeds + seed) * instants;
      for (let i = 0; i < instants; i++) {
        const place = places[i];
        if (place !== null) {
          table.states[from + i] = statusAt(curve, place);
          if (table.states[from + i] === code.finite) table.values[from + i] = lossAt(curve, place);
          if (place.fraction < 1) table.notes[from + i] = note.interpolated;
          continue;
        }
        const score = targetScore(curve, definitions[i] as TargetDefinition);
        table.states[from + i] = score.state;
        table.reached[from + i] = score.reached;
        table.notes[from + i] = score.notes;
        if (score.state === code.finite) table.values[from + i] = score.value;
      }
    }
  return table;
}

/** The marks of one cell, or of a mean over cells. */
export interface Curve {
  readonly steps: readonly number[];
  /** Loss at the marks. */
  readonly values: Float64Array;
  /** Marks recorded so far. */
  readonly recorded: number;
  /** First step known to be not finite, Infinity when there is none. */
  readonly divergedAt: number;
}

export function curveOf(curves: CurveSet, batch: number, rate: number, seed: number): Curve {
  const cell = cellIndex(curves, batch, rate, seed);
  const steps = curves.marks[batch];
  const values = curves.values.subarray(cell * curves.stride, cell * curves.stride + steps.length);
  const recorded = Math.min(curves.recorded[cell], steps.length);
  let divergedAt = curves.divergedAt[cell];
  if (curves.checked === true) return { steps, values, recorded, divergedAt };
  // A loss that is finite again after one that was not is not believed.
  for (let m = 0; m < recorded && steps[m] < divergedAt; m++)
    if (!Number.isFinite(values[m])) divergedAt = steps[m];
  return { steps, values, recorded, divergedAt };
}

/** Where a step lies among the marks: `fraction` of the way (in ln step) from mark `upper` − 1 to mark `upper`. */
interface Place {
  readonly step: number;
  readonly upper: number;
  readonly fraction: number;
}

/** Steps that differ by rounding alone (samples / B) are the same step. */
const SAME = 1e-9;

function placeOf(steps: readonly number[], step: number): Place {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < step * (1 - SAME)) low = middle + 1;
    else high = middle;
  }
  if (low < steps.length && steps[low] <= step * (1 + SAME)) return { step, upper: low, fraction: 1 };
  if (low === 0) return { step, upper: steps.length, fraction: 0 };
  const fraction =
    low === steps.length ? 0 : Math.log(step / steps[low - 1]) / Math.log(steps[low] / steps[low - 1]);
  return { step, upper: low, fraction };
}

/** Before the first mark and beyond the recorded ones there is no value. */
function statusAt(curve: Curve, place: Place): number {
  if (curve.divergedAt <= place.step * (1 + SAME)) return code.diverged;
  if (place.upper >= curve.recorded) return code.missing;
  // Between marks both are needed.
  return curve.divergedAt <= curve.steps[place.upper] ? code.diverged : code.finite;
}

/** Between marks linear in ln step. */
function lossAt({ values }: Curve, { upper, fraction }: Place): number {
  return fraction === 1 ? values[upper] : (1 - fraction) * values[upper - 1] + fraction * values[upper];
}

export type TargetDefinition = Extract<Definition, { readonly target: number }>;

export interface TargetScore {
  readonly state: number;
  readonly value: number;
  readonly reached: number;
  readonly notes: number;
}

/**
 * The step at which a curve first is at or below the target, between the mark before and the mark after linear in
 * (ln step, loss); and with further steps the loss after them, by the same rule.
 */
export function targetScore(curve: Curve, definition: TargetDefinition): TargetScore {
  const { steps, values, recorded, divergedAt } = curve;
  const none = (state: number, reached = NaN): TargetScore => ({ state, value: NaN, reached, notes: 0 });
  const { target } = definition;
  let m = 0;
  while (m < recorded && steps[m] < divergedAt && !(values[m] <= target)) m++;
  if (m >= recorded || steps[m] >= divergedAt) {
    if (divergedAt < Infinity) return none(code.diverged);
    return none(recorded < steps.length ? code.missing : code.censored);
  }
  const fraction = m === 0 ? 1 : (values[m - 1] - target) / (values[m - 1] - values[m]);
  const reached = m === 0 ? steps[0] : steps[m - 1] * (steps[m] / steps[m - 1]) ** fraction;
  let notes: number = m === 0 ? note.firstMark : 0;
  if (definition.kind === 'fewest-steps') return { state: code.finite, value: reached, reached, notes };
  const place = placeOf(steps, reached + definition.moreSteps);
  const state = statusAt(curve, place);
  if (state === code.missing)
    // Trained to the end, but the target was reached too near it for the further steps.
    return none(recorded < steps.length ? code.missing : code.censored, reached);
  if (state !== code.finite) return none(state, reached);
  if (m > 0 && fraction < 1 && place.upper === m) notes |= note.coarseMarks;
  return { state, value: lossAt(curve, place), reached, notes };
}
