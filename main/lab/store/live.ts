/** What a live view of an experiment asks again and again: cheap answers from which it works out what changed. */
import type { Database, Statement } from 'better-sqlite3';
import type { CellState, Metric } from '#shared/experiment/stack.ts';
import { floatsOf } from './curve-blocks.ts';

/** [batch size, learning rate, seed, state, diverged at or null, stack or null, column or null] */
export type ProgressRow = [
  batchSize: number,
  learningRate: number,
  seed: number,
  state: CellState,
  divergedAt: number | null,
  stack: number | null,
  column: number | null,
];

export interface StackOffsets {
  /** Row number of the stack. That of a removed stack may come to a later one, whose key is another. */
  readonly id: number;
  readonly key: string;
  /** Bytes of its spool that are in the store; grows with every ingested line. */
  readonly spoolOffset: number;
  /** Spool bytes of earlier attempts: what follows may rewrite points from the checkpoint on. */
  readonly attemptOffset: number;
}

export interface ExperimentProgress {
  /** In grid order, always the same. */
  readonly cells: readonly ProgressRow[];
  readonly stacks: readonly StackOffsets[];
}

/** Consecutive points of all cells of a stack. */
export interface PointBlock {
  readonly first: number;
  readonly points: number;
  readonly cells: number;
  /** [point][cell] */
  readonly values: Float32Array;
}

type BlockRow = [first: number, points: number, cells: number, data: Buffer];

export class LiveReader {
  readonly #database: Database;
  readonly #cells: Statement<[number], ProgressRow>;
  readonly #stacks: Statement<[number], StackOffsets>;
  readonly #blocks: Statement<[number, string, number], BlockRow>;
  readonly #ownChanges: Statement<[], number>;

  constructor(database: Database) {
    this.#database = database;
    this.#cells = database
      .prepare<[number], ProgressRow>(
        `SELECT batch_size, learning_rate, seed, state, diverged_at, stack_id, stack_column
         FROM experiment_cells JOIN cells ON cells.id = cell_id WHERE experiment_id = ?
         ORDER BY position`,
      )
      .raw();
    this.#stacks = database.prepare<[number], StackOffsets>(
      `SELECT id, key, spool_offset AS spoolOffset, attempt_offset AS attemptOffset FROM stacks WHERE id IN
         (SELECT stack_id FROM experiment_cells JOIN cells ON cells.id = cell_id WHERE experiment_id = ?)`,
    );
    this.#blocks = database
      .prepare<[number, string, number], BlockRow>(
        `SELECT first_point, points, cells, data FROM curve_blocks
         WHERE stack_id = ? AND metric = ? AND first_point + points > ? ORDER BY first_point`,
      )
      .raw();
    this.#ownChanges = database.prepare<[], number>('SELECT total_changes()').pluck();
  }

  /** Differs from an earlier answer when anything was written in between, by this connection or another. */
  revision(): string {
    // data_version sees the others' writes only.
    const others = Number(this.#database.pragma('data_version', { simple: true }));
    return `${others}.${this.#ownChanges.get() ?? 0}`;
  }

  progress(experimentId: number): ExperimentProgress {
    return { cells: this.#cells.all(experimentId), stacks: this.#stacks.all(experimentId) };
  }

  /** Blocks that hold points from `from` on; the first may begin before it. */
  points(stack: number, metric: Metric, from: number): PointBlock[] {
    return this.#blocks.all(stack, metric, from).map(([first, points, cells, data]) => ({
      first,
      points,
      cells,
      values: floatsOf(data),
    }));
  }
}
