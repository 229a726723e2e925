/** Imported sweeps in the tables: writing them, and reading them back exactly as they were. */
import type { Database, Statement } from 'better-sqlite3';
import { possibleAnalyses } from '#shared/import/analyses.ts';
import { hasGridCurves } from '#shared/import/curves.ts';
import type { ImportMapping } from '#shared/import/mapping.ts';
import type { ImportReport } from '#shared/import/report.ts';
import type { FamilyAnalysis, ImportedCell, ImportedFamily } from '#shared/import/sweep.ts';
import { familyAxes } from '#shared/import/families.ts';
import type { FactOf } from './facts.ts';
import { curveOfBytes, readRows } from './import-rows.ts';
import type { ImportedSource } from './types.ts';

/** Adds the file, its families as experiments, and the rows that the spool folder has of it. */
export function addImport(database: Database, fact: FactOf<'import'>, spoolFolder: string): void {
  const source = database
    .prepare(
      `INSERT INTO imports (key, identity, name, file, checksum, bytes, mapping, report, batch_unit, goal)
       VALUES (@key, @identity, @name, @file, @checksum, @bytes, @mapping, @report, @batchUnit, @goal)`,
    )
    .run({
      key: fact.key,
      identity: fact.identity,
      name: fact.name,
      file: fact.file,
      checksum: fact.checksum,
      bytes: fact.bytes,
      mapping: JSON.stringify(fact.mapping),
      report: JSON.stringify(fact.report),
      batchUnit: fact.batchUnit,
      goal: fact.goal,
    }).lastInsertRowid;
  const addExperiment = database.prepare(
    `INSERT INTO experiments (key, name, specification, created_at) VALUES (?, ?, 'null', ?)`,
  );
  const addFamily = database.prepare(
    `INSERT INTO imported_families (experiment_id, import_id, position, label, family, missing, analyses)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const addEvent = database.prepare(
    'INSERT INTO events (time, experiment_id, stack_key, kind, message) VALUES (?, ?, NULL, ?, ?)',
  );
  const experiments = fact.families.map((family, position) => {
    const experiment = Number(addExperiment.run(family.experiment, family.name, fact.time).lastInsertRowid);
    const { label, family: key, missing, analyses } = family;
    addFamily.run(
      experiment,
      source,
      position,
      label,
      JSON.stringify(key),
      missing,
      JSON.stringify(analyses),
    );
    return experiment;
  });
  const addCell = database.prepare(
    `INSERT INTO imported_cells (experiment_id, position, batch_size, learning_rate, written_learning_rate, seed, failure,
       failure_step, loss, loss_error, steps_to_target, tokens, step, line, points, curve)
     VALUES (@experiment, @position, @batchSize, @learningRate, @writtenLearningRate, @seed, @failure,
       @failureStep, @loss, @lossError, @stepsToTarget, @tokens, @step, @line, @points, @bytes)`,
  );
  const found = fact.families.map(() => 0);
  for (const { family, cell, curve } of readRows(spoolFolder, fact.key)) {
    const experiment = experiments[family];
    if (experiment === undefined) continue;
    const position = found[family]++;
    addCell.run({ ...cell, experiment, position, points: curve.length / 16, bytes: curve });
  }
  fact.families.forEach(({ cells }, i) => {
    addEvent.run(fact.time, experiments[i], 'import', `imported from ${fact.file}`);
    if (found[i] !== cells) {
      const message = `${cells - found[i]} of ${cells} cells could not be read from import-${fact.key}.jsonl: import ${fact.file} again.`;
      addEvent.run(fact.time, experiments[i], 'import', message);
    }
  });
}

/** Removes imports whose last family is gone; returns their keys. */
export function removeEmptyImports(database: Database): string[] {
  return database
    .prepare<[], string>(
      `DELETE FROM imports WHERE NOT EXISTS (SELECT 1 FROM imported_families WHERE import_id = imports.id) RETURNING key`,
    )
    .pluck()
    .all();
}

interface SourceRow {
  key: string;
  name: string;
  file: string;
  checksum: string;
  bytes: number;
  mapping: string;
  report: string;
  batch_unit: string;
  goal: 'minimize' | 'maximize';
  label: string;
  analyses: string;
}

interface FamilyRow {
  label: string;
  family: string;
  missing: number;
  mapping: string;
}

interface CellRow {
  batch_size: number;
  learning_rate: number | null;
  written_learning_rate: number | null;
  seed: string;
  failure: string | null;
  failure_step: number | null;
  loss: number | null;
  loss_error: number | null;
  steps_to_target: number | null;
  tokens: number | null;
  step: number | null;
  line: number;
  points: number;
  curve: Buffer;
}

export class ImportReader {
  readonly #source: Statement<[number], SourceRow>;
  readonly #family: Statement<[number], FamilyRow>;
  readonly #cells: Statement<[number], CellRow>;
  readonly #members: Statement<[string, string, string], number>;
  readonly #counts: Statement<[number], { state: 'done' | 'diverged'; n: number }>;

  constructor(database: Database) {
    this.#source = database.prepare(
      `SELECT imports.*, label, analyses FROM imported_families JOIN imports ON imports.id = import_id WHERE experiment_id = ?`,
    );
    this.#family = database.prepare(
      `SELECT label, family, missing, mapping FROM imported_families JOIN imports ON imports.id = import_id WHERE experiment_id = ?`,
    );
    this.#cells = database.prepare('SELECT * FROM imported_cells WHERE experiment_id = ? ORDER BY position');
    this.#members = database
      .prepare<[string, string, string], number>(
        `SELECT experiment_id FROM imported_families WHERE import_id =
           (SELECT id FROM imports WHERE key = ? OR name = ? ORDER BY key = ? DESC, id DESC LIMIT 1)
         ORDER BY position`,
      )
      .pluck();
    this.#counts = database.prepare(
      `SELECT iif(failure IS NULL, 'done', 'diverged') AS state, count(*) AS n FROM imported_cells
       WHERE experiment_id = ? GROUP BY 1`,
    );
  }

  source(experimentId: number): ImportedSource | null {
    const row = this.#source.get(experimentId);
    if (row === undefined) return null;
    const { key, name, file, checksum, bytes, label, goal } = row;
    const analyses = JSON.parse(row.analyses) as FamilyAnalysis[];
    return {
      key,
      name,
      file,
      checksum,
      bytes,
      mapping: JSON.parse(row.mapping) as ImportMapping,
      report: JSON.parse(row.report) as ImportReport,
      label,
      batchUnit: row.batch_unit,
      goal,
      analyses,
      hasCurves: hasGridCurves(analyses),
    };
  }

  /** Row numbers of the families of an import, by its key or the newest of its name. */
  members(nameOrKey: string): number[] {
    return this.#members.all(nameOrKey, nameOrKey, nameOrKey);
  }

  counts(experimentId: number): { state: 'done' | 'diverged'; n: number }[] {
    return this.#counts.all(experimentId);
  }

  /** Null when the experiment is not imported. */
  family(experimentId: number): ImportedFamily | null {
    const row = this.#family.get(experimentId);
    if (row === undefined) return null;
    const hasLoss = (JSON.parse(row.mapping) as ImportMapping).columns.loss !== undefined;
    const cells = this.#cells.all(experimentId).map((cell): ImportedCell => ({
      batchSize: cell.batch_size,
      learningRate: cell.learning_rate,
      writtenLearningRate: cell.written_learning_rate,
      seed: cell.seed,
      failure: cell.failure,
      failureStep: cell.failure_step,
      loss: cell.loss ?? (hasLoss ? NaN : null),
      lossError: cell.loss_error,
      stepsToTarget: cell.steps_to_target,
      tokens: cell.tokens,
      step: cell.step,
      curve: cell.points === 0 ? null : curveOfBytes(cell.curve),
      line: cell.line,
    }));
    const key = JSON.parse(row.family) as Record<string, string>;
    const grid = { key, label: row.label, ...familyAxes(cells), cells, missing: row.missing };
    return { ...grid, analyses: possibleAnalyses(grid) };
  }
}
