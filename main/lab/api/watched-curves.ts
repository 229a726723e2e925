/**
 * The curves of one experiment and metric, kept up to date in memory, with a bounded log of what changed when: a window
 * that knows an earlier cursor gets the difference, and nobody reads the history twice.
 */
import { cellStates, type CellState, type Metric } from '#shared/experiment/stack.ts';
import type { WatchDelta, WatchSnapshot } from '#shared/api/types.ts';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { ApiError } from '#shared/api/errors.ts';
import type { ProgressRow, StackOffsets } from '../store/live.ts';
import type { ReadableStore } from '../store/types.ts';

/** State of a place of the grid that has no cell. */
const NO_CELL = 255;
const NO_STACK = -1;
/** Changes remembered; with more, windows that are far behind take a new snapshot. */
const LOG_LENGTH = 200_000;
/** 400 MB of float64: the training loss of long runs is read cell by cell instead. */
const MOST_VALUES = 50_000_000;

type Snapshot = { -readonly [Name in keyof WatchSnapshot]: WatchSnapshot[Name] };

/** Cursors of different processes must not be mistaken for each other, so each begins at its own time. */
function firstCursor(): number {
  return Date.now() * 1024;
}

interface StackCells {
  readonly cells: number[];
  readonly columns: number[];
}

export class WatchedCurves {
  readonly experiment: string;
  readonly #store: ReadableStore;
  readonly #id: number;
  readonly #isTrainedElsewhere: (stack: string) => boolean;
  readonly #now: Snapshot;
  /** Place in the grid of each row that the store gives; the cells of an experiment never change. */
  readonly #places: Uint32Array;
  /** Row number of the stack of each cell, NO_STACK without one, and its column there. */
  readonly #stackOf: Float64Array;
  readonly #columnOf: Uint32Array;
  readonly #offsets = new Map<number, StackOffsets>();
  /** Points of each stack that are in #now. */
  readonly #ends = new Map<number, number>();
  #log: { cells: number[]; firstMarks: number[]; cursors: number[] } = {
    cells: [],
    firstMarks: [],
    cursors: [],
  };
  /** Differences can be told from this cursor on. */
  #oldest: number;

  /** Reads everything once. Throws StoreError, or ApiError 'not-possible' for more values than a window can hold. */
  constructor(
    store: ReadableStore,
    experiment: { readonly id: number; readonly key: string },
    metric: Metric,
    /** Whether a stack that this store only has as planned is being trained, into another store. */
    isTrainedElsewhere: (stack: string) => boolean = () => false,
  ) {
    this.experiment = experiment.key;
    this.#store = store;
    this.#id = experiment.id;
    this.#isTrainedElsewhere = isTrainedElsewhere;
    // Before the curves: what is ingested in between is read again, never missed.
    const { cells, stacks } = store.progress(this.#id);
    if (metric === 'trainingLoss') refuseTooMany(cells, store, this.#id);
    const curves = store.curveSet(this.#id, metric);
    const { batchSizes, learningRates, seeds, marks, stride, values, recorded, divergedAt } = curves;
    const states = new Uint8Array(recorded.length).fill(NO_CELL);
    this.#now = {
      ...{ cursor: firstCursor(), metric, batchSizes, learningRates, seeds, marks, stride },
      ...{ values, recorded, divergedAt, states },
    };
    const placeOf = placesOf(curves);
    this.#places = Uint32Array.from(cells, ([batchSize, rate, seed]) => placeOf(batchSize, rate, seed));
    this.#oldest = this.#now.cursor;
    this.#stackOf = new Float64Array(recorded.length).fill(NO_STACK);
    this.#columnOf = new Uint32Array(recorded.length);
    if (cells.length === 0)
      for (const cell of store.cells(this.#id)) {
        const { batchSize, learningRate, seed } = cell.configuration;
        const at = placeOf(batchSize, learningRate, seed);
        if (!Number.isNaN(at)) states[at] = cellStates.indexOf(cell.state);
      }
    for (const stack of stacks) this.#offsets.set(stack.id, stack);
    cells.forEach(([, , , state, , stack, column], row) => {
      const at = this.#places[row];
      states[at] = this.#stateOf(state, stack);
      this.#stackOf[at] = stack ?? NO_STACK;
      this.#columnOf[at] = column ?? 0;
      if (stack !== null) this.#ends.set(stack, recorded[at]);
    });
  }

  #stateOf(state: CellState, stack: number | null): number {
    const key = stack === null ? undefined : this.#offsets.get(stack)?.key;
    const isRunning = state === 'planned' && key !== undefined && this.#isTrainedElsewhere(key);
    return cellStates.indexOf(isRunning ? 'running' : state);
  }

  get cursor(): number {
    return this.#now.cursor;
  }

  /** The arrays themselves, valid until the next refresh. */
  snapshot(): WatchSnapshot {
    return this.#now;
  }

  /** Takes over what the store has and this has not. Returns whether anything changed. */
  refresh(): boolean {
    const { cells, stacks } = this.#store.progress(this.#id);
    const { states, divergedAt, recorded } = this.#now;
    /** Cell → first mark that changed. */
    const changed = new Map<number, number>();
    const touch = (cell: number, firstMark: number) =>
      changed.set(cell, Math.min(firstMark, changed.get(cell) ?? Infinity));

    const incremental = new Set<number>();
    const whole = new Set<number>();
    for (const stack of stacks) {
      const before = this.#offsets.get(stack.id);
      this.#offsets.set(stack.id, stack);
      if (before?.key !== stack.key) whole.add(stack.id);
      else if (before.spoolOffset === stack.spoolOffset) continue;
      // The first lines of a new attempt may take points back to the checkpoint.
      else if (before.spoolOffset <= stack.attemptOffset) whole.add(stack.id);
      else incremental.add(stack.id);
    }
    const members = new Map<number, StackCells>();
    let shrunk = false;
    for (let row = 0; row < cells.length; row++) {
      const [, , , stateName, diverged, stackId, column] = cells[row];
      const at = this.#places[row];
      const state = this.#stateOf(stateName, stackId);
      const step = diverged ?? Infinity;
      if (states[at] !== state || divergedAt[at] !== step) {
        // Windows see values that are not finite themselves, so they believe the earliest step until told anew.
        if (step > divergedAt[at]) shrunk = true;
        states[at] = state;
        divergedAt[at] = step;
        touch(at, recorded[at]);
      }
      const stack = stackId ?? NO_STACK;
      if (this.#stackOf[at] !== stack || this.#columnOf[at] !== (column ?? 0)) {
        this.#stackOf[at] = stack;
        this.#columnOf[at] = column ?? 0;
        if (stackId !== null) whole.add(stackId);
        else if (recorded[at] > 0) {
          this.#forget(at, 0);
          touch(at, 0);
          shrunk = true;
        }
      }
      if (stackId === null || column === null) continue;
      if (!incremental.has(stackId) && !whole.has(stackId)) continue;
      let list = members.get(stackId);
      if (list === undefined) members.set(stackId, (list = { cells: [], columns: [] }));
      list.cells.push(at);
      list.columns.push(column);
    }
    for (const [stack, list] of members) {
      const from = whole.has(stack) ? 0 : (this.#ends.get(stack) ?? 0);
      if (this.#read(stack, list, from, touch)) shrunk = true;
    }
    if (changed.size === 0) return false;
    this.#now.cursor++;
    this.#remember(changed, shrunk);
    return true;
  }

  /** Reads the points of a stack from `from` on. Returns whether a cell has fewer than before. */
  #read(
    stack: number,
    { cells, columns }: StackCells,
    from: number,
    touch: (cell: number, firstMark: number) => void,
  ): boolean {
    const { values, stride, recorded, metric } = this.#now;
    let next = from;
    for (const block of this.#store.points(stack, metric, from)) {
      // Points behind a gap are not "recorded so far".
      if (block.first > next) break;
      for (let i = 0; i < cells.length; i++) {
        const base = cells[i] * stride;
        const known = recorded[cells[i]];
        for (let point = Math.max(from, block.first); point < block.first + block.points; point++) {
          const value = block.values[(point - block.first) * block.cells + columns[i]];
          if (point < known && Object.is(values[base + point], value)) continue;
          values[base + point] = value;
          touch(cells[i], point);
        }
      }
      next = Math.max(next, block.first + block.points);
    }
    let shrunk = false;
    for (const cell of cells) {
      if (next < recorded[cell]) {
        shrunk = true;
        this.#forget(cell, next);
        touch(cell, next);
      } else recorded[cell] = next;
    }
    this.#ends.set(stack, next);
    return shrunk;
  }

  #forget(cell: number, from: number): void {
    const { values, stride, recorded } = this.#now;
    values.fill(NaN, cell * stride + from, (cell + 1) * stride);
    recorded[cell] = from;
  }

  #remember(changed: ReadonlyMap<number, number>, shrunk: boolean): void {
    const log = this.#log;
    if (shrunk || changed.size > LOG_LENGTH) {
      // Points were taken back: a difference cannot say that, a new snapshot can.
      this.#log = { cells: [], firstMarks: [], cursors: [] };
      this.#oldest = this.#now.cursor;
      return;
    }
    for (const [cell, firstMark] of changed) {
      log.cells.push(cell);
      log.firstMarks.push(firstMark);
      log.cursors.push(this.#now.cursor);
    }
    if (log.cells.length <= LOG_LENGTH) return;
    // Whole refreshes only: half of one would be no state at all.
    const cut = log.cursors[log.cursors.length >> 1];
    const keep = log.cursors.findIndex((cursor) => cursor > cut);
    const from = keep < 0 ? log.cursors.length : keep;
    this.#oldest = cut;
    this.#log = {
      cells: log.cells.slice(from),
      firstMarks: log.firstMarks.slice(from),
      cursors: log.cursors.slice(from),
    };
  }

  /** Whether the difference from this cursor can be told. */
  knows(cursor: number): boolean {
    return cursor >= this.#oldest && cursor <= this.#now.cursor;
  }

  /**
   * What changed since a cursor. When that cannot be told, a difference from the present to the present: it lies beyond
   * what the window knows, so the window opens its watch again and gets a snapshot.
   */
  since(from: number): WatchDelta {
    const { metric, cursor, values, stride, recorded, states, divergedAt } = this.#now;
    const known = this.knows(from);
    const firstMarks = new Map<number, number>();
    if (known)
      for (let i = this.#log.cursors.length - 1; i >= 0 && this.#log.cursors[i] > from; i--) {
        const cell = this.#log.cells[i];
        firstMarks.set(cell, Math.min(this.#log.firstMarks[i], firstMarks.get(cell) ?? Infinity));
      }
    const cells = Uint32Array.from(firstMarks.keys()).sort();
    const firstMark = Uint32Array.from(cells, (cell) => Math.min(firstMarks.get(cell)!, recorded[cell]));
    const counts = Uint32Array.from(cells, (cell, i) => recorded[cell] - firstMark[i]);
    const changed = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
    let at = 0;
    cells.forEach((cell, i) => {
      const start = cell * stride + firstMark[i];
      changed.set(values.subarray(start, start + counts[i]), at);
      at += counts[i];
    });
    return {
      experiment: this.experiment,
      metric,
      from: known ? from : cursor,
      to: cursor,
      cells,
      states: Uint8Array.from(cells, (cell) => states[cell]),
      divergedAt: Float64Array.from(cells, (cell) => divergedAt[cell]),
      firstMark,
      counts,
      values: changed,
    };
  }
}

/** NaN for a point that is not on the grid. */
function placesOf({ batchSizes, learningRates, seeds }: CurveSet) {
  const index = (values: readonly number[]) => new Map(values.map((value, i) => [value, i]));
  const [batchIndex, rateIndex, seedIndex] = [index(batchSizes), index(learningRates), index(seeds)];
  return (batchSize: number, learningRate: number, seed: number): number =>
    ((batchIndex.get(batchSize) ?? NaN) * learningRates.length + (rateIndex.get(learningRate) ?? NaN)) *
      seeds.length +
    (seedIndex.get(seed) ?? NaN);
}

function refuseTooMany(cells: readonly ProgressRow[], store: ReadableStore, id: number): void {
  const [first] = store.cells(id);
  const values = cells.length * (first?.configuration.steps ?? 0);
  if (values > MOST_VALUES)
    throw new ApiError(
      'not-possible',
      `The training loss of all ${cells.length} cells is ${values.toLocaleString('en-US')} values: look at it cell by cell.`,
    );
}
