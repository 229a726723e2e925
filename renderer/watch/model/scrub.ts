/**
 * The ridge at each stop of the scrubber without intervals: the same means, optima and peak as shared/analysis has,
 * computed for a block of neighbouring stops at once and kept until a cell of that batch size changes. A frame of the
 * scrubber then costs one optimum a batch size. Intervals come from the worker.
 */
import type { Averages } from '#shared/analysis/averages.ts';
import { averagesOf } from '#shared/analysis/averages.ts';
import type { Optimum } from '#shared/analysis/optimum.ts';
import { optimumOf } from '#shared/analysis/optimum.ts';
import { peakOf } from '#shared/analysis/peak.ts';
import { resampling } from '#shared/analysis/resampling.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { referenceLoss, toleranceOf } from '#shared/analysis/ridge.ts';
import { scoreTable, statuses } from '#shared/analysis/scores.ts';
import type { LossPoint } from '#shared/figure/loss-panels.ts';
import type { LiveCurves } from './live-curves.ts';
import type { ScrubDefinition } from './stops.ts';

/** Stops computed together; a target loss walks every curve from its start, so that blocks would only delay a frame. */
const BLOCK = 16;

/** The means over seeds at one stop. */
export interface StopView {
  readonly definition: ScrubDefinition;
  readonly ridge: Ridge;
  /** Of each batch size, ascending in the learning rate. */
  readonly lines: readonly (readonly LossPoint[])[];
}

interface Block {
  readonly version: number;
  readonly averages: Averages;
}

export class ScrubModel {
  readonly #live: LiveCurves;
  readonly #stops: readonly ScrubDefinition[];
  readonly #size: number;
  /** [batch][block]. */
  readonly #blocks: (Block | undefined)[][];
  readonly #references: { version: number; value: number }[];

  constructor(live: LiveCurves, stops: readonly ScrubDefinition[]) {
    this.#live = live;
    this.#stops = stops;
    this.#size = stops[0]?.kind === 'equal-loss' ? 1 : BLOCK;
    this.#blocks = live.curves.batchSizes.map(() => []);
    this.#references = live.curves.batchSizes.map(() => ({ version: -1, value: NaN }));
  }

  /** Throws RangeError beyond the stops. */
  at(stop: number): StopView {
    if (stop < 0 || stop >= this.#stops.length) throw new RangeError(`There is no stop ${stop}.`);
    const { curves } = this.#live;
    const definition = this.#stops[stop];
    const lines: LossPoint[][] = [];
    const points = curves.batchSizes.map((batchSize, batch): Optimum => {
      const averages = this.#averages(batch, Math.floor(stop / this.#size));
      const instant = stop % this.#size;
      lines.push(
        curves.learningRates.map((learningRate, rate) => ({
          learningRate,
          loss: averages.values[rate * averages.instants + instant],
          status: statuses[averages.states[rate * averages.instants + instant]],
        })),
      );
      return optimumOf(averages, instant, {
        batchSize,
        learningRates: curves.learningRates,
        tolerance: toleranceOf(definition, this.#reference(batch)),
      });
    });
    const peak = peakOf(points, curves.learningRates);
    return { definition, ridge: { definition, method: 'three-point', points, peak }, lines };
  }

  /** Computes one block that is missing or out of date, nearest to `around` first; false when there was none. */
  prepare(around: number): boolean {
    const blocks = Math.ceil(this.#stops.length / this.#size);
    const middle = Math.floor(around / this.#size);
    for (let distance = 0; distance < blocks; distance++)
      for (const block of new Set([middle + distance, middle - distance])) {
        if (block < 0 || block >= blocks) continue;
        for (let batch = 0; batch < this.#blocks.length; batch++)
          if (!this.#isCurrent(batch, block)) {
            this.#averages(batch, block);
            return true;
          }
      }
    return false;
  }

  #isCurrent(batch: number, block: number): boolean {
    return this.#blocks[batch][block]?.version === this.#live.batchVersions[batch];
  }

  #averages(batch: number, block: number): Averages {
    const known = this.#blocks[batch][block];
    if (known !== undefined && this.#isCurrent(batch, block)) return known.averages;
    const { curves, batchVersions } = this.#live;
    const stops = this.#stops.slice(block * this.#size, (block + 1) * this.#size);
    const order = Uint32Array.from(curves.seeds, (_, i) => i);
    const averages = averagesOf(scoreTable(curves, batch, stops), resampling(curves.seeds.length, 0), order);
    this.#blocks[batch][block] = { version: batchVersions[batch], averages };
    return averages;
  }

  #reference(batch: number): number {
    const known = this.#references[batch];
    const version = this.#live.batchVersions[batch];
    if (known.version !== version)
      this.#references[batch] = { version, value: referenceLoss(this.#live.curves, batch) };
    return this.#references[batch].value;
  }
}
