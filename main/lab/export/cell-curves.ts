import { cellIndex, type CurveSet } from '#shared/analysis/curves.ts';
import type { Cell } from '../store/types.ts';

/** Finds a cell's curve in a grid. */
export class CellCurves {
  readonly #curves: CurveSet;
  readonly #places: ReadonlyMap<number, number>[];

  constructor(curves: CurveSet) {
    this.#curves = curves;
    const axes = [curves.batchSizes, curves.learningRates, curves.seeds];
    this.#places = axes.map((axis) => new Map(axis.map((value, index) => [value, index])));
  }

  /** The values recorded so far, one a point. */
  of({ configuration }: Cell): Float64Array {
    const [batches, rates, seeds] = this.#places;
    const batch = batches.get(configuration.batchSize);
    const rate = rates.get(configuration.learningRate);
    const seed = seeds.get(configuration.seed);
    if (batch === undefined || rate === undefined || seed === undefined) return new Float64Array(0);
    const index = cellIndex(this.#curves, batch, rate, seed);
    const start = index * this.#curves.stride;
    return this.#curves.values.subarray(start, start + this.#curves.recorded[index]);
  }
}
