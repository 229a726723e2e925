/** Snapshots and deltas out of synthetic curves, as the lab would send them. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { WatchDelta, WatchSnapshot } from '#shared/api/types.ts';
import { cellStates, type CellState } from '#shared/experiment/stack.ts';

export const stateIndex = (state: CellState) => cellStates.indexOf(state);

export function copyOf(curves: CurveSet): CurveSet {
  return {
    ...curves,
    values: curves.values.slice(),
    recorded: curves.recorded.slice(),
    divergedAt: curves.divergedAt.slice(),
  };
}

/** Everything that the curves hold, or nothing yet with `empty`. */
export function snapshotOf(curves: CurveSet, { empty = false, cursor = 1 } = {}): WatchSnapshot {
  const { batchSizes, learningRates, seeds, marks, stride } = curves;
  const cells = curves.recorded.length;
  return {
    cursor,
    metric: 'evaluationLoss',
    batchSizes,
    learningRates,
    seeds,
    marks,
    stride,
    values: empty ? new Float64Array(cells * stride).fill(NaN) : curves.values.slice(),
    recorded: empty ? new Uint32Array(cells) : curves.recorded.slice(),
    divergedAt: empty ? new Float64Array(cells).fill(Infinity) : curves.divergedAt.slice(),
    states: new Uint8Array(cells).fill(stateIndex(empty ? 'planned' : 'done')),
  };
}

/** Marks `from` to `to` (exclusive) of some cells. */
export function deltaOf(
  curves: CurveSet,
  cells: readonly number[],
  marks: { readonly from: number; readonly to: number },
  cursors: { readonly from: number; readonly to: number },
): WatchDelta {
  const counts = cells.map((cell) => Math.max(0, Math.min(marks.to, curves.recorded[cell]) - marks.from));
  const values = cells.flatMap((cell, i) =>
    Array.from({ length: counts[i] }, (_, m) => curves.values[cell * curves.stride + marks.from + m]),
  );
  return {
    experiment: 'test',
    metric: 'evaluationLoss',
    ...cursors,
    cells: Uint32Array.from(cells),
    states: new Uint8Array(cells.length).fill(stateIndex('done')),
    divergedAt: Float64Array.from(cells, (cell) => curves.divergedAt[cell]),
    firstMark: Uint32Array.from(cells, () => marks.from),
    counts: Uint32Array.from(counts),
    values: Float64Array.from(values),
  };
}
