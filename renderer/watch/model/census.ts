/** How many cells are in which state, for each place of the picture: one (batch size, learning rate) over its seeds. */
import type { CellState } from '#shared/experiment/stack.ts';
import { cellStates } from '#shared/experiment/stack.ts';
import type { LiveCurves } from './live-curves.ts';
import { NO_CELL } from './live-curves.ts';

/** What decides the glyph of a place, first the one that must not be overlooked. */
const PRECEDENCE: readonly CellState[] = [
  'failed',
  'out-of-memory',
  'diverged',
  'interrupted',
  'running',
  'planned',
  'done',
];

export interface PlaceCensus {
  /** Seeds in each state, in the order of cellStates. */
  readonly counts: readonly number[];
  /** The state that must not be overlooked; null where the grid has no cell. */
  readonly state: CellState | null;
}

export function censusOf(live: LiveCurves, batch: number, rate: number): PlaceCensus {
  const seeds = live.curves.seeds.length;
  const counts = new Array<number>(cellStates.length).fill(0);
  const from = (batch * live.curves.learningRates.length + rate) * seeds;
  for (let cell = from; cell < from + seeds; cell++)
    if (live.states[cell] !== NO_CELL) counts[live.states[cell]]++;
  const state = PRECEDENCE.find((one) => counts[cellStates.indexOf(one)] > 0) ?? null;
  return { counts, state };
}

/** Cells of the whole grid in each state. */
export function countStates(live: LiveCurves): Record<CellState, number> & { readonly cells: number } {
  const counts = new Array<number>(cellStates.length).fill(0);
  let cells = 0;
  for (const state of live.states) {
    if (state === NO_CELL) continue;
    counts[state]++;
    cells++;
  }
  const byState = Object.fromEntries(cellStates.map((state, i) => [state, counts[i]]));
  return { ...(byState as Record<CellState, number>), cells };
}
