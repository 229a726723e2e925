/**
 * The curves of one experiment in the window: a snapshot, and the deltas that follow it written into the same arrays, so
 * that memory stays as it is however long an experiment is watched.
 */
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { WatchDelta, WatchSnapshot } from '#shared/api/types.ts';
import type { Metric } from '#shared/experiment/stack.ts';

/** State of a place of the grid that no cell belongs to. */
export const NO_CELL = 255;

/** applied: in place. old: known already. gap: something was missed, open the watch again. */
export type Outcome = 'applied' | 'old' | 'gap';

export class LiveCurves {
  readonly metric: Metric;
  readonly curves: CurveSet;
  /** Index into cellStates, or NO_CELL, [batch][learning rate][seed]. */
  readonly states: Uint8Array;
  /** Counts changes of a batch size's cells: what was computed from them is valid as long as it stands still. */
  readonly batchVersions: Uint32Array;
  #cursor: number;

  /** Takes the snapshot's arrays over. Throws RangeError when they do not fit together. */
  constructor(snapshot: WatchSnapshot) {
    const { batchSizes, learningRates, seeds, marks, stride, values, recorded, divergedAt, states } =
      snapshot;
    const cells = batchSizes.length * learningRates.length * seeds.length;
    if (
      marks.length !== batchSizes.length ||
      values.length !== cells * stride ||
      [recorded, divergedAt, states].some((list) => list.length !== cells)
    )
      throw new RangeError('The snapshot does not fit its own grid.');
    this.metric = snapshot.metric;
    this.curves = {
      ...{ batchSizes, learningRates, seeds, marks, stride, values, recorded, divergedAt },
      checked: true,
    };
    for (let cell = 0; cell < cells; cell++) this.#check(cell, 0, recorded[cell]);
    this.states = states;
    this.batchVersions = new Uint32Array(batchSizes.length);
    this.#cursor = snapshot.cursor;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** The first step at which a cell's loss was not a number; null where that never happened. */
  divergedAt(cell: number): number | null {
    const step = this.curves.divergedAt[cell];
    return Number.isFinite(step) ? step : null;
  }

  /** Throws RangeError, having changed nothing, when the delta does not fit the grid. */
  apply(delta: WatchDelta): Outcome {
    if (delta.to <= this.#cursor) return 'old';
    if (delta.from > this.#cursor) return 'gap';
    const { recorded, divergedAt, values, stride } = this.curves;
    let total = 0;
    for (let i = 0; i < delta.cells.length; i++) {
      const [cell, first, count] = [delta.cells[i], delta.firstMark[i], delta.counts[i]];
      if (cell >= recorded.length || first + count > stride || (count > 0 && first > recorded[cell]))
        throw new RangeError(`The delta does not fit the grid at cell ${cell}.`);
      total += count;
    }
    if (total !== delta.values.length)
      throw new RangeError(`The delta has ${delta.values.length} values where ${total} are announced.`);
    const perBatch = this.curves.learningRates.length * this.curves.seeds.length;
    const changed = new Set<number>();
    let at = 0;
    for (let i = 0; i < delta.cells.length; i++) {
      const [cell, first, count] = [delta.cells[i], delta.firstMark[i], delta.counts[i]];
      this.states[cell] = delta.states[i];
      divergedAt[cell] = Math.min(divergedAt[cell], delta.divergedAt[i]);
      values.set(delta.values.subarray(at, at + count), cell * stride + first);
      at += count;
      // A delta may repeat what is known, after a connection was lost; a run that starts anew comes with a snapshot.
      recorded[cell] = Math.max(recorded[cell], first + count);
      this.#check(cell, first, first + count);
      changed.add(Math.floor(cell / perBatch));
    }
    for (const batch of changed) this.batchVersions[batch]++;
    this.#cursor = delta.to;
    return 'applied';
  }

  /** A loss that is not finite is divergence, whatever else is said; the scrubber must not search for it each time. */
  #check(cell: number, from: number, to: number): void {
    const { values, stride, marks, divergedAt, learningRates, seeds } = this.curves;
    for (let at = cell * stride + from; at < cell * stride + to; at++)
      if (!Number.isFinite(values[at])) {
        const batch = Math.floor(cell / (learningRates.length * seeds.length));
        divergedAt[cell] = Math.min(divergedAt[cell], marks[batch][at - cell * stride]);
        return;
      }
  }
}
