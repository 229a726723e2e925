/** The curves of an experiment as the dense grid of shared/analysis/curves.ts, and one mark of them as a matrix. */
import type { Database, Statement } from 'better-sqlite3';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { Metric } from '#shared/experiment/stack.ts';
import { floatsOf } from './curve-blocks.ts';
import { StoreError } from './store-error.ts';

/** [batch size, learning rate, seed, settings, stack or null, column or null, diverged at or null] */
type PointRow = [number, number, number, number, number | null, number | null, number | null];
/** [first point, points, cells, data] */
type BlockRow = [number, number, number, Buffer];

/** Longest typed array that every platform of ours allocates without complaint: 2^31 numbers are 16 GiB. */
const mostValues = 2 ** 31;

function ascending(values: Iterable<number>): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function indexOf(values: readonly number[]): Map<number, number> {
  return new Map(values.map((value, index) => [value, index]));
}

interface Grid {
  readonly batchSizes: number[];
  readonly learningRates: number[];
  readonly seeds: number[];
  /** Settings row of each batch size. */
  readonly settings: number[];
  /** Cell index → first step that was not finite; Infinity where that never happened. */
  readonly divergedAt: Float64Array;
  /** Stack id → for each of its columns the cell index, −1 for columns that are not cells of this experiment. */
  readonly stacks: Map<number, number[]>;
}

export class SurfaceReader {
  readonly #points: Statement<[number], PointRow>;
  readonly #settings: Statement<[number], { configuration: string }>;
  readonly #blocks: Statement<[number, string], BlockRow>;
  readonly #row: Statement<[number, number, number, string, number], Buffer>;

  constructor(database: Database) {
    this.#points = database
      .prepare<[number], PointRow>(
        `SELECT batch_size, learning_rate, seed, settings_id, stack_id, stack_column, diverged_at
         FROM experiment_cells JOIN cells ON cells.id = cell_id WHERE experiment_id = ?`,
      )
      .raw();
    this.#settings = database.prepare('SELECT configuration FROM settings WHERE id = ?');
    this.#blocks = database
      .prepare<[number, string], BlockRow>(
        `SELECT first_point, points, cells, data FROM curve_blocks WHERE stack_id = ? AND metric = ? ORDER BY first_point`,
      )
      .raw();
    this.#row = database
      .prepare<[number, number, number, string, number], Buffer>(
        `SELECT iif(first_point + points > ?, substr(data, 4 * cells * (? - first_point) + 1, 4 * cells), x'')
         FROM curve_blocks WHERE stack_id = ? AND metric = ? AND first_point <= ? ORDER BY first_point DESC LIMIT 1`,
      )
      .pluck();
  }

  #grid(experimentId: number): Grid {
    const rows = this.#points.all(experimentId);
    const batchSizes = ascending(rows.map((row) => row[0]));
    const learningRates = ascending(rows.map((row) => row[1]));
    const seeds = ascending(rows.map((row) => row[2]));
    const [batchIndex, rateIndex, seedIndex] = [indexOf(batchSizes), indexOf(learningRates), indexOf(seeds)];
    const settings = new Array<number>(batchSizes.length).fill(0);
    const divergedAt = new Float64Array(batchSizes.length * learningRates.length * seeds.length).fill(
      Infinity,
    );
    const stacks = new Map<number, number[]>();
    for (const [batchSize, learningRate, seed, settingsId, stack, column, diverged] of rows) {
      const batch = batchIndex.get(batchSize)!;
      const cell =
        (batch * learningRates.length + rateIndex.get(learningRate)!) * seeds.length + seedIndex.get(seed)!;
      settings[batch] = settingsId;
      if (diverged !== null) divergedAt[cell] = diverged;
      if (stack === null || column === null) continue;
      let columns = stacks.get(stack);
      if (columns === undefined) stacks.set(stack, (columns = []));
      while (columns.length <= column) columns.push(-1);
      columns[column] = cell;
    }
    return { batchSizes, learningRates, seeds, settings, divergedAt, stacks };
  }

  /** Steps of the points of a metric, for one batch size. */
  #marks(settings: number, metric: Metric): number[] {
    const row = this.#settings.get(settings);
    const common = JSON.parse(row?.configuration ?? '{"steps":0,"marks":[]}') as {
      steps: number;
      marks: number[];
    };
    // The training loss of point p is that before update p + 1.
    return metric === 'trainingLoss'
      ? Array.from({ length: common.steps }, (_, point) => point + 1)
      : common.marks;
  }

  curveSet(experimentId: number, metric: Metric): CurveSet {
    const { batchSizes, learningRates, seeds, settings, divergedAt, stacks } = this.#grid(experimentId);
    const marks = settings.map((id) => this.#marks(id, metric));
    const stride = marks.reduce((most, list) => Math.max(most, list.length), 0);
    if (divergedAt.length * stride > mostValues) {
      throw new StoreError(
        'invalid',
        `${metric} of this experiment has ${divergedAt.length} cells × ${stride} points: too many for one grid in memory. Use the evaluation metrics, or export it.`,
      );
    }
    const values = new Float64Array(divergedAt.length * stride).fill(NaN);
    const recorded = new Uint32Array(divergedAt.length);
    for (const [stack, columns] of stacks) {
      let next = 0;
      for (const [first, points, cells, data] of this.#blocks.iterate(stack, metric)) {
        // Points behind a gap are not "recorded so far"; ingest marks such a stack as failed.
        if (first > next) break;
        const floats = floatsOf(data);
        for (let column = 0; column < columns.length; column++) {
          const cell = columns[column];
          if (cell < 0) continue;
          const base = cell * stride + first;
          for (let point = 0; point < points; point++) values[base + point] = floats[point * cells + column]!;
        }
        next = first + points;
      }
      for (const cell of columns) if (cell >= 0) recorded[cell] = next;
    }
    return { batchSizes, learningRates, seeds, marks, stride, values, recorded, divergedAt };
  }

  /** [batch][learning rate]; reads one point of each stack only. */
  meanSurface(experimentId: number, metric: Metric, markIndex: number): Float64Array {
    const { seeds, divergedAt, stacks } = this.#grid(experimentId);
    const sums = new Float64Array(seeds.length === 0 ? 0 : divergedAt.length / seeds.length);
    const counts = new Uint32Array(sums.length);
    if (!Number.isInteger(markIndex) || markIndex < 0)
      throw new StoreError('invalid', `mark index ${markIndex}`);
    for (const [stack, columns] of stacks) {
      const data = this.#row.get(markIndex, markIndex, stack, metric, markIndex);
      if (data === undefined) continue;
      const floats = floatsOf(data);
      const known = Math.min(columns.length, floats.length);
      for (let column = 0; column < known; column++) {
        const cell = columns[column];
        const value = floats[column];
        if (cell < 0 || !Number.isFinite(value)) continue;
        const place = Math.floor(cell / seeds.length);
        sums[place] = sums[place] + value;
        counts[place] = counts[place] + 1;
      }
    }
    for (let place = 0; place < sums.length; place++) {
      sums[place] = counts[place] === 0 ? NaN : sums[place] / counts[place];
    }
    return sums;
  }
}
