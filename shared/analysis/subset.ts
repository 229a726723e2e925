/** Part of an experiment's curves: some seeds, batch sizes or learning rates. */
import { cellIndex, type CurveSet } from './curves.ts';

export interface Choice {
  /** All when absent. */
  readonly seeds?: readonly number[] | undefined;
  readonly batchSizes?: readonly number[] | undefined;
  readonly learningRates?: readonly number[] | undefined;
}

/** Learning rates that were written with other roundings are the same. */
const SAME = 1e-9;

/** @throws RangeError naming a value that the experiment does not have. */
export function subsetOf(curves: CurveSet, choice: Choice): CurveSet {
  if (choice.seeds === undefined && choice.batchSizes === undefined && choice.learningRates === undefined)
    return curves;
  const batches = places('batch size', curves.batchSizes, choice.batchSizes);
  const rates = places('learning rate', curves.learningRates, choice.learningRates);
  const seeds = places('seed', curves.seeds, choice.seeds);
  const { stride } = curves;
  const count = batches.length * rates.length * seeds.length;
  const values = new Float64Array(count * stride);
  const recorded = new Uint32Array(count);
  const divergedAt = new Float64Array(count);
  let cell = 0;
  for (const batch of batches)
    for (const rate of rates)
      for (const seed of seeds) {
        const from = cellIndex(curves, batch, rate, seed);
        values.set(curves.values.subarray(from * stride, (from + 1) * stride), cell * stride);
        recorded[cell] = curves.recorded[from];
        divergedAt[cell++] = curves.divergedAt[from];
      }
  return {
    batchSizes: batches.map((i) => curves.batchSizes[i]),
    learningRates: rates.map((i) => curves.learningRates[i]),
    seeds: seeds.map((i) => curves.seeds[i]),
    marks: batches.map((i) => curves.marks[i]),
    stride,
    values,
    recorded,
    divergedAt,
  };
}

/** Indices of the wanted values, in the order of the experiment. */
function places(what: string, all: readonly number[], wanted: readonly number[] | undefined): number[] {
  if (wanted === undefined) return all.map((_, i) => i);
  const found = new Set(wanted.map((value) => placeOf(what, all, value)));
  return [...found].sort((a, b) => a - b);
}

/** @throws RangeError when there is no such value. */
export function placeOf(what: string, all: readonly number[], value: number): number {
  const index = all.findIndex((one) => Math.abs(one - value) <= SAME * Math.abs(value));
  if (index >= 0) return index;
  const near = all.reduce(
    (best, one) => (Math.abs(one - value) < Math.abs(best - value) ? one : best),
    all[0],
  );
  throw new RangeError(`The experiment has no ${what} ${value}; the nearest is ${near}.`);
}
