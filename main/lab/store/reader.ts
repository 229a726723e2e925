/** Everything that can be asked of a store. Each answer is one consistent snapshot. */
import type { Database, Statement } from 'better-sqlite3';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { CellConfiguration, CellState, Metric } from '#shared/experiment/stack.ts';
import { curvesOfFamily, seedNumbers } from '#shared/import/curves.ts';
import type { ImportedFamily } from '#shared/import/sweep.ts';
import { canonicalJson, sha256 } from '../identity.ts';
import { ImportReader } from './imports.ts';
import { LiveReader, type ExperimentProgress, type PointBlock } from './live.ts';
import { spoolFolderOf } from './paths.ts';
import {
  cellOf,
  countsOf,
  eventOf,
  experimentOf,
  figureOf,
  predictionOf,
  stackOf,
  type CellRow,
  type CommonConfiguration,
  type EventRow,
  type ExperimentRow,
  type FigureRow,
  type PredictionRow,
  type StackRow,
} from './rows.ts';
import type { SavedFigure } from '#shared/figure/saved-figure.ts';
import { asStoreError, StoreError } from './store-error.ts';
import { SurfaceReader } from './surface.ts';
import type { Cell, ExperimentSummary, LabEvent, ReadableStore, Stack, StoredPrediction } from './types.ts';

/** Cells of an experiment as they are stored, in grid order. */
export type StoredCell = Cell<CellConfiguration> & { readonly stackColumn: number | null };

export class StoreReader implements ReadableStore {
  readonly file: string;
  readonly spoolFolder: string;
  readonly #database: Database;
  readonly #surface: SurfaceReader;
  readonly #imports: ImportReader;
  readonly #live: LiveReader;
  readonly #counts: Statement<[number], { state: CellState; n: number }>;

  constructor(database: Database, file: string) {
    this.file = file;
    this.spoolFolder = spoolFolderOf(file);
    this.#database = database;
    this.#surface = new SurfaceReader(database);
    this.#imports = new ImportReader(database);
    this.#live = new LiveReader(database);
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
    const imported = this.#imports.source(row.id);
    const counts = countsOf(imported === null ? this.#counts.all(row.id) : this.#imports.counts(row.id));
    const cells = Object.values(counts).reduce((sum, n) => sum + n, 0);
    return { ...experimentOf(row, imported), cells, counts };
  }

  experiments({ archived, held }: { archived?: boolean; held?: true } = {}): ExperimentSummary[] {
    return this.snapshot(() => {
      const conditions = [
        archived === undefined ? [] : `archived = ${archived ? 1 : 0}`,
        held === undefined ? [] : 'hold_reason IS NOT NULL',
      ].flat();
      const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
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
      const families = this.#families(nameOrKey);
      if (families.length === 1) return families[0];
      if (families.length > 1) {
        const list = families.map(({ key, imported }) => `${key} (${imported?.label ?? ''})`).join(', ');
        throw new StoreError(
          'ambiguous-experiment',
          `"${nameOrKey}" is an import of ${families.length} families: ${list}. Name one of them.`,
        );
      }
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

  #families(nameOrKey: string): ExperimentSummary[] {
    const one = this.#database.prepare<[number], ExperimentRow>('SELECT * FROM experiments WHERE id = ?');
    return this.#imports.members(nameOrKey).flatMap((id) => one.all(id).map((row) => this.#summary(row)));
  }

  experimentOrFamilies(nameOrKey: string): ExperimentSummary[] {
    return this.snapshot(() => {
      const exact = this.#database
        .prepare<[string, string], number>('SELECT 1 FROM experiments WHERE key = ? OR name = ?')
        .get(nameOrKey, nameOrKey);
      const families = exact === undefined ? this.#families(nameOrKey) : [];
      return families.length > 0 ? families : [this.experiment(nameOrKey)];
    });
  }

  #nameOf(experimentId: number): string {
    return (
      this.#database
        .prepare<[number], string>('SELECT name FROM experiments WHERE id = ?')
        .pluck()
        .get(experimentId) ?? `number ${experimentId}`
    );
  }

  importedFamily(experimentId: number): ImportedFamily {
    return this.snapshot(() => {
      const family = this.#imports.family(experimentId);
      if (family !== null) return family;
      throw new StoreError('not-imported', `"${this.#nameOf(experimentId)}" was trained here, not imported.`);
    });
  }

  cells(experimentId: number): Cell[] {
    return this.snapshot(() => {
      if (this.#imports.source(experimentId) === null) return this.trainedCells(experimentId);
      return importedCells(experimentId, this.importedFamily(experimentId));
    });
  }

  trainedCells(experimentId: number): StoredCell[] {
    this.snapshot(() => {
      if (this.#imports.source(experimentId) === null) return;
      throw new StoreError(
        'imported',
        `"${this.#nameOf(experimentId)}" was imported: its runs were trained elsewhere, so nothing can be trained here.`,
      );
    });
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
    return this.snapshot(
      () => this.#importedCurves(experimentId, metric) ?? this.#surface.curveSet(experimentId, metric),
    );
  }

  meanSurface(experimentId: number, metric: Metric, markIndex: number): Float64Array {
    return this.snapshot(() => {
      const curves = this.#importedCurves(experimentId, metric);
      return curves === null
        ? this.#surface.meanSurface(experimentId, metric, markIndex)
        : meansAt(curves, markIndex);
    });
  }

  /** Null for experiments that were trained here. */
  #importedCurves(experimentId: number, metric: Metric): CurveSet | null {
    const source = this.#imports.source(experimentId);
    if (source === null) return null;
    const impossible = (reason: string) =>
      new StoreError(
        'imported',
        `"${this.#nameOf(experimentId)}" was imported, and this needs curves: ${reason}.`,
      );
    if (metric !== 'evaluationLoss') throw impossible('it has one loss a step and nothing else');
    const missing = source.analyses.find(
      ({ analysis, possible }) =>
        (analysis === 'migration' || analysis === 'three-point optimum') && !possible,
    );
    if (missing !== undefined) throw impossible(missing.reason);
    return curvesOfFamily(this.importedFamily(experimentId));
  }

  events(experimentId: number): LabEvent[] {
    return this.snapshot(() =>
      this.#database
        .prepare<[number], EventRow>('SELECT * FROM events WHERE experiment_id = ? ORDER BY time, id')
        .all(experimentId)
        .map(eventOf),
    );
  }

  figures(experimentId: number): SavedFigure[] {
    return this.snapshot(() =>
      this.#database
        .prepare<[number], FigureRow>(
          'SELECT name, saved_at, record FROM figures WHERE experiment_id = ? ORDER BY id',
        )
        .all(experimentId)
        .map(figureOf),
    );
  }

  predictions(experimentId: number): StoredPrediction[] {
    return this.snapshot(() =>
      this.#database
        .prepare<[number], PredictionRow>(
          'SELECT key, created_at, record FROM predictions WHERE experiment_id = ? ORDER BY created_at, id',
        )
        .all(experimentId)
        .map(predictionOf),
    );
  }

  revision(): string {
    return this.snapshot(() => this.#live.revision());
  }

  progress(experimentId: number): ExperimentProgress {
    return this.snapshot(() => this.#live.progress(experimentId));
  }

  points(stack: number, metric: Metric, from: number): PointBlock[] {
    return this.snapshot(() => this.#live.points(stack, metric, from));
  }

  trainedPoints(configuration: CellConfiguration): { learningRate: number; seed: number }[] {
    const { batchSize, learningRate: _, seed: __, ...common } = configuration;
    return this.snapshot(() =>
      this.#database
        .prepare<[string, number], { learningRate: number; seed: number }>(
          `SELECT learning_rate AS learningRate, seed FROM cells JOIN settings ON settings.id = settings_id
           WHERE hash = ? AND batch_size = ? AND state IN ('done', 'diverged')`,
        )
        .all(sha256(canonicalJson(common)), batchSize),
    );
  }

  close(): void {
    this.#database.close();
  }
}

function importedCells(experimentId: number, family: ImportedFamily): Cell[] {
  const seeds = seedNumbers(family.seeds);
  return family.cells.map((cell, position) => {
    const { curve, step } = cell;
    const marks = curve === null ? (step === null ? [] : [step]) : [...curve.steps];
    const steps = cell.step ?? cell.stepsToTarget ?? 0;
    return {
      id: position,
      key: `${experimentId}-${position}`,
      configuration: {
        batchSize: cell.batchSize,
        learningRate: cell.learningRate ?? NaN,
        seed: seeds.get(cell.seed)!,
        steps,
        marks,
        dataChecksum: '',
      },
      state: cell.failure === null ? 'done' : 'diverged',
      reason: cell.failure ?? '',
      divergedAt: cell.failureStep,
      stepsDone: steps,
      stack: null,
    };
  });
}

/** Mean over seeds at one mark, [batch][learning rate]; NaN where nothing finite is there. */
function meansAt(curves: CurveSet, markIndex: number): Float64Array {
  const { batchSizes, learningRates, seeds, stride, values } = curves;
  return Float64Array.from({ length: batchSizes.length * learningRates.length }, (_, place) => {
    const found = seeds
      .map((_seed, s) => (markIndex < stride ? values[(place * seeds.length + s) * stride + markIndex] : NaN))
      .filter(Number.isFinite);
    return found.length === 0 ? NaN : found.reduce((sum, value) => sum + value, 0) / found.length;
  });
}
