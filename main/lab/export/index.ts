/**
 * Takes an experiment out of the store as plain files: tidy tables (one row an observation) or one JSON document.
 * Numbers keep their full precision and non-finite ones stay what they are.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';
import type { ExperimentSummary, ReadableStore } from '../store/types.ts';
import { tableFormats, writeTable, type TableFormat } from './formats.ts';
import { importedTables } from './imported.ts';
import { ridgeTable } from './ridge.ts';
import { trainedTables } from './trained.ts';
import { writeWhole } from './write-whole.ts';

export { exportJson } from './json.ts';
export { tableFormats, type TableFormat } from './formats.ts';

interface ExportOptions {
  readonly format?: TableFormat;
  /** Also the training loss of every step (large). */
  readonly training?: boolean;
}

interface ExportedFile {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly string[];
}

export interface ExportManifest {
  readonly format: `surge-lab-${TableFormat}`;
  readonly version: 1;
  /** UTC, epoch milliseconds. */
  readonly exportedAt: number;
  readonly experiment: ExperimentSummary;
  readonly files: readonly ExportedFile[];
}

/**
 * Writes the tables cells, marks (a row for each recorded mark of each cell), ridge (a row for each mark and batch size)
 * and, when asked, training (a row a step) into `folder`, and last a manifest.json with their row counts. An imported
 * sweep has the tables that its columns allow.
 */
export async function exportTables(
  store: ReadableStore,
  experiment: ExperimentSummary,
  folder: string,
  { format = 'csv', training = false }: ExportOptions = {},
): Promise<ExportManifest> {
  const tables =
    experiment.imported === null
      ? trainedTables(store, experiment.id, training)
      : importedTables(store.importedFamily(experiment.id));
  if (experiment.imported === null || experiment.imported.hasCurves)
    tables.push(ridgeTable(store.curveSet(experiment.id, 'evaluationLoss')));
  await makeFolder(folder);
  // An older manifest or table must not be taken for a part of this export.
  await rm(join(folder, 'manifest.json'), { force: true });
  for (const stale of ['cells', 'marks', 'ridge', 'training'])
    for (const ending of tableFormats) await rm(join(folder, `${stale}.${ending}`), { force: true });
  const files: ExportedFile[] = [];
  for (const table of tables) {
    const name = `${table.name}.${format}`;
    const written = await writeTable(join(folder, name), table, format);
    files.push({ name, ...written, columns: table.columns.map((column) => column.name) });
  }
  const manifest: ExportManifest = {
    format: `surge-lab-${format}`,
    version: 1,
    exportedAt: Date.now(),
    experiment,
    files,
  };
  await writeWhole(join(folder, 'manifest.json'), [`${JSON.stringify(manifest, null, 2)}\n`]);
  return manifest;
}
