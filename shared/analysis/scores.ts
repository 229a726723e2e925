/**
 * What is compared between learning rates: for one batch size, a score of every (learning rate, seed), lower is better.
 * The definitions of the optimal learning rate differ in their scores only; optimum, interval, ridge and peak are the
 * same for all.
 */
import { bisectLeft } from 'd3';
import type { CurveSet } from './curves.ts';
import { cellIndex } from './curves.ts';

export type Definition =
  | { readonly kind: 'equal-steps'; readonly step: number }
  | { readonly kind: 'equal-samples'; readonly samples: number }
  /** Reach the target loss, then the same number of further steps: arXiv 2405.14578, section 3. */
  | { readonly kind: 'equal-loss'; readonly target: number; readonly moreSteps: number }
  /** Fewest steps to the target loss: arXiv 1812.06162, appendix A.3. */
  | { readonly kind: 'fewest-steps'; readonly target: number };

/** Why a (learning rate, seed) has a score or none. */
export const statuses = ['missing', 'finite', 'diverged', 'censored'] as const;
export type Status = (typeof statuses)[number];

export interface Scores {
  readonly batchSize: number;
  /** [learning rate][seed]; NaN where the status is not finite. */
  readonly values: Float64Array;
  readonly status: readonly Status[];
  /** [learning rate][seed]: step at which the target was reached; only for definitions with a target. */
  readonly reached: Float64Array | null;
}

/** Scores of every batch size, in the order of curves.batchSizes. */
export function scoresOf(curves: CurveSet, definition: Definition): Scores[] {
  return curves.batchSizes.map((batchSize, batch) => {
    const rates = curves.learningRates.length;
    const seeds = curves.seeds.length;
    const values = new Float64Array(rates * seeds).fill(NaN);
    const status = new Array<Status>(rates * seeds).fill('missing');
    const reached =
      definition.kind === 'equal-loss' || definition.kind === 'fewest-steps'
        ? new Float64Array(rates * seeds).fill(NaN)
        : null;
    for (let rate = 0; rate < rates; rate++)
      for (let seed = 0; seed < seeds; seed++) {
        const curve = curveOf(curves, batch, rate, seed);
        const at = rate * seeds + seed;
        const score = scoreOf(curve, definition, batchSize);
        status[at] = score.status;
        if (score.status === 'finite') values[at] = score.value;
        if (reached !== null) reached[at] = score.reached;
      }
    return { batchSize, values, status, reached };
  });
}

interface Curve {
  readonly steps: readonly number[];
  readonly values: Float64Array;
  readonly recorded: number;
  readonly divergedAt: number;
}

function curveOf(curves: CurveSet, batch: number, rate: number, seed: number): Curve {
  const cell = cellIndex(curves, batch, rate, seed);
  const from = cell * curves.stride;
  return {
    steps: curves.marks[batch],
    values: curves.values.subarray(from, from + curves.stride),
    recorded: curves.recorded[cell],
    divergedAt: curves.divergedAt[cell],
  };
}

interface Score {
  readonly status: Status;
  readonly value: number;
  readonly reached: number;
}

const none = (status: Status): Score => ({ status, value: NaN, reached: NaN });

function scoreOf(curve: Curve, definition: Definition, batchSize: number): Score {
  switch (definition.kind) {
    case 'equal-steps':
      return { ...lossAt(curve, definition.step), reached: NaN };
    case 'equal-samples':
      return { ...lossAt(curve, definition.samples / batchSize), reached: NaN };
    case 'fewest-steps': {
      const first = firstPassage(curve, definition.target);
      return typeof first === 'number' ? { status: 'finite', value: first, reached: first } : none(first);
    }
    case 'equal-loss': {
      const first = firstPassage(curve, definition.target);
      if (typeof first !== 'number') return none(first);
      const later = lossAt(curve, first + definition.moreSteps);
      // Not followed for long enough: the target was reached too near the end.
      return { ...later, status: later.status === 'missing' ? 'censored' : later.status, reached: first };
    }
  }
}

/** Loss at a step; between marks linear in ln step. A step beyond the recorded marks is missing. */
function lossAt(curve: Curve, step: number): { status: Status; value: number } {
  if (curve.recorded === 0) return { status: 'missing', value: NaN };
  if (curve.divergedAt <= step) return { status: 'diverged', value: NaN };
  const { steps, values, recorded } = curve;
  const after = bisectLeft(steps, step, 0, recorded);
  // Rounding of samples / B must not lose the last mark, nor a step before the first one be made up.
  if (after >= recorded) return { status: 'missing', value: NaN };
  if (steps[after] === step) return finite(values[after]);
  if (after === 0) return { status: 'missing', value: NaN };
  const t = Math.log(step / steps[after - 1]) / Math.log(steps[after] / steps[after - 1]);
  return finite((1 - t) * values[after - 1] + t * values[after]);
}

function finite(value: number): { status: Status; value: number } {
  return Number.isFinite(value) ? { status: 'finite', value } : { status: 'diverged', value: NaN };
}

/**
 * The step at which the loss first is at or below the target: between the mark before and the mark after, linear in
 * (ln step, loss). When the first mark is below already, its step.
 */
function firstPassage(curve: Curve, target: number): number | Exclude<Status, 'finite'> {
  const { steps, values, recorded } = curve;
  if (recorded === 0) return 'missing';
  for (let m = 0; m < recorded; m++) {
    if (!(values[m] <= target)) continue;
    if (steps[m] >= curve.divergedAt) return 'diverged';
    if (m === 0) return steps[0];
    const t = (values[m - 1] - target) / (values[m - 1] - values[m]);
    return steps[m - 1] * (steps[m] / steps[m - 1]) ** t;
  }
  if (curve.divergedAt < Infinity) return 'diverged';
  return recorded < steps.length ? 'missing' : 'censored';
}
