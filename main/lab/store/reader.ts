/** Everything that can be asked of a store. Each answer is one consistent snapshot. */
import type { Database, Statement } from 'better-sqlite3';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { CellState, Metric } from '#shared/experiment/stack.ts';
import { spoolFolderOf } from './paths.ts';
import {
  cellOf,
  countsOf,
  eventOf,
  experimentOf,
  stackOf,
  type CellRow,
  type CommonConfiguration,
  type EventRow,
  type ExperimentRow,
  type StackRow,
} from './rows.ts';
import { asStoreError, StoreError } from './store-error.ts';
import { SurfaceReader } from './surface.ts';
import type { Cell, ExperimentSummary, LabEvent, ReadableStore, Stack } from './types.ts';

/** Cells of an experiment as they are stored, in grid order. */
export type StoredCell = Cell & { readonly stackColumn: number | null };

export class StoreReader implements ReadableStore {
  readonly file: string;
  readonly spoolFolder: string;
  readonly #database: Database;
  readonly #surface: SurfaceReader;
  readonly #counts: Statement<[number], { state: CellState; n: number }>;

  constructor(database: Database, file: string) {
    this.file = file;
    this.spoolFolder = spoolFolderOf(file);
    this.#database = database;
    this.#surface = new SurfaceReader(database);
    this.#counts = database.prepare(
      `SELECT state, count(*) AS n FROM experiment_cells JOIN cells ON cells.id = cell_id WHERE experiment_id = ? GROUP BY state`,
    );
  }

  /** Runs queries on one snapshot and turns what SQLite reports into StoreErrors. */
  protected snapshot<Result>(query: () => Result): Result {
    try {
      if (this.#database.inTransaction) return query();
      return this.#database.transaction(query).deferred();
    } catch (error) {
      throw asStoreError(error, this.file);
    }
  }

  #summary(row: ExperimentRow): ExperimentSummary {
    const counts = countsOf(this.#counts.all(row.id));
    const cells = Object.values(counts).reduce((sum, n) => sum + n, 0);
    return { ...experimentOf(row), cells, counts };
  }

  experiments(options: { archived?: boolean } = {}): ExperimentSummary[] {
    return this.snapshot(() => {
      const where = options.archived === undefined ? '' : `WHERE archived = ${options.archived ? 1 : 0}`;
      return this.#database
        .prepare<[], ExperimentRow>(`SELECT * FROM experiments ${where} ORDER BY created_at, id`)
        .all()
        .map((row) => this.#summary(row));
    });
  }

  experiment(nameOrKey: string): ExperimentSummary {
    return this.snapshot(() => {
      const exact = this.#database
        .prepare<[string, string, string], ExperimentRow>(
          // A whole key goes before a name.
          'SELECT * FROM experiments WHERE key = ? OR name = ? ORDER BY key = ? DESC, created_at DESC, id DESC LIMIT 1',
        )
        .get(nameOrKey, nameOrKey, nameOrKey);
      if (exact !== undefined) return this.#summary(exact);
      const similar = this.#database
        .prepare<[string, string], ExperimentRow>(
          'SELECT * FROM experiments WHERE substr(key, 1, length(?)) = ? LIMIT 6',
        )
        .all(nameOrKey, nameOrKey);
      const [only, second] = nameOrKey === '' ? [] : similar;
      if (only !== undefined && second === undefined) return this.#summary(only);
      if (only !== undefined) {
        const list = similar.map((row) => `${row.key} (${row.name})`).join(', ');
        throw new StoreError(
          'ambiguous-experiment',
          `"${nameOrKey}" is the beginning of several keys: ${list}. Give more of it.`,
        );
      }
      const names = this.#database
        .prepare<[], { key: string; name: string }>(
          'SELECT key, name FROM experiments ORDER BY created_at DESC, id DESC LIMIT 5',
        )
        .all()
        .map((row) => `${row.key} (${row.name})`);
      const known = names.length === 0 ? 'It has none yet.' : `The newest are ${names.join(', ')}.`;
      throw new StoreError('unknown-experiment', `${this.file} has no experiment "${nameOrKey}". ${known}`);
    });
  }

  cells(experimentId: number): StoredCell[] {
    return this.snapshot(() => {
      const commons = new Map<number, CommonConfiguration>();
      const settings = this.#database.prepare<[number], { configuration: string }>(
        'SELECT configuration FROM settings WHERE id = ?',
      );
      return this.#database
        .prepare<[number], CellRow & { stack_column: number | null }>(
          `SELECT cells.id, cells.key, settings_id, batch_size, learning_rate, seed, cells.state, cells.reason, diverged_at,
             steps_done, stacks.key AS stack_key, stack_column
           FROM experiment_cells JOIN cells ON cells.id = cell_id LEFT JOIN stacks ON stacks.id = stack_id
           WHERE experiment_cells.experiment_id = ? ORDER BY experiment_cells.position`,
        )
        .all(experimentId)
        .map((row) => {
          let common = commons.get(row.settings_id);
          if (common === undefined) {
            common = JSON.parse(settings.get(row.settings_id)!.configuration) as CommonConfiguration;
            commons.set(row.settings_id, common);
          }
          return { ...cellOf(row, common), stackColumn: row.stack_column };
        });
    });
  }

  /** Those planned for this experiment, and those of other experiments that train cells of this one. */
  stacks(experimentId: number): Stack[] {
    return this.snapshot(() =>
      this.#database
        .prepare<[number, number, number], StackRow>(
          `SELECT * FROM stacks WHERE experiment_id = ? OR id IN
             (SELECT stack_id FROM experiment_cells JOIN cells ON cells.id = cell_id WHERE experiment_id = ?)
           ORDER BY experiment_id <> ?, experiment_id, position`,
        )
        .all(experimentId, experimentId, experimentId)
        .map(stackOf),
    );
  }

  curveSet(experimentId: number, metric: Metric): CurveSet {
    return this.snapshot(() => this.#surface.curveSet(experimentId, metric));
  }

  meanSurface(experimentId: number, metric: Metric, markIndex: number): Float64Array {
    return this.snapshot(() => this.#surface.meanSurface(experimentId, metric, markIndex));
  }

  events(experimentId: number): LabEvent[] {
    return this.snapshot(() =>
      this.#database
        .prepare<[number], EventRow>('SELECT * FROM events WHERE experiment_id = ? ORDER BY time, id')
        .all(experimentId)
        .map(eventOf),
    );
  }

  close(): void {
    this.#database.close();
  }
}
