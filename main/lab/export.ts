/**
 * Takes an experiment out of the store as plain files: tidy CSV (one row an observation, every row, nothing sampled) or
 * one JSON file. Numbers are written at round-trip precision; non-finite ones as NaN, Infinity and -Infinity. Files are
 * written under a temporary name and renamed when complete, so a half-written export is never taken for a whole one.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cellIndex, type CurveSet } from '#shared/analysis/curves.ts';
import type { Metric } from '#shared/experiment/stack.ts';
import {
  importedCellColumns,
  importedCellRows,
  importedMarkColumns,
  importedMarkRows,
} from './export-imported.ts';
import { makeFolder } from './make-folder.ts';
import type { Cell, ExperimentSummary, ReadableStore, Stack } from './store/types.ts';

export interface ExportOptions {
  /** Also the training loss of every step (large). */
  readonly training?: boolean;
}

export interface ExportedFile {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly string[];
}

export interface ExportManifest {
  readonly format: 'surge-lab-csv';
  readonly version: 1;
  /** UTC, epoch milliseconds. */
  readonly exportedAt: number;
  readonly experiment: ExperimentSummary;
  readonly files: readonly ExportedFile[];
}

type Field = string | number | null;

/** RFC 4180; null is an empty field. */
function csvRow(fields: readonly Field[]): string {
  const cells = fields.map((field) => {
    if (field === null) return '';
    const text = String(field);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\n`;
}

const cellColumns = [
  'cell',
  'batch_size',
  'learning_rate',
  'seed',
  'steps',
  'state',
  'reason',
  'diverged_at',
  'steps_done',
  'stack',
  'backend',
  'device',
  'threads',
  'tensorflow',
  'tfjs',
  'node',
  'data_checksum',
] as const;

function* cellRows(cells: readonly Cell[], stacks: ReadonlyMap<string, Stack>): Generator<Field[]> {
  for (const cell of cells) {
    const { batchSize, learningRate, seed, steps, dataChecksum } = cell.configuration;
    const stack = cell.stack === null ? undefined : stacks.get(cell.stack);
    const engine = stack?.engine ?? null;
    yield [
      cell.key,
      batchSize,
      learningRate,
      seed,
      steps,
      cell.state,
      cell.reason,
      cell.divergedAt,
      cell.stepsDone,
      cell.stack,
      engine?.backend ?? null,
      engine?.device ?? null,
      engine?.threads ?? null,
      engine?.tensorflow ?? null,
      engine?.tfjs ?? null,
      engine?.node ?? null,
      dataChecksum,
    ];
  }
}

/** Finds a cell's curve in a grid. */
class CurveLookup {
  readonly #curves: CurveSet;
  readonly #places: ReadonlyMap<number, number>[];

  constructor(curves: CurveSet) {
    this.#curves = curves;
    const axes = [curves.batchSizes, curves.learningRates, curves.seeds];
    this.#places = axes.map((axis) => new Map(axis.map((value, index) => [value, index])));
  }

  /** The values recorded so far, one a point. */
  of({ configuration }: Cell): Float64Array {
    const [batches, rates, seeds] = this.#places;
    const batch = batches.get(configuration.batchSize);
    const rate = rates.get(configuration.learningRate);
    const seed = seeds.get(configuration.seed);
    if (batch === undefined || rate === undefined || seed === undefined) return new Float64Array(0);
    const index = cellIndex(this.#curves, batch, rate, seed);
    const start = index * this.#curves.stride;
    return this.#curves.values.subarray(start, start + this.#curves.recorded[index]);
  }
}

function* pointRows(
  cells: readonly Cell[],
  lookups: readonly CurveLookup[],
  stepOf: StepOf,
): Generator<Field[]> {
  for (const cell of cells) {
    const { batchSize, learningRate, seed } = cell.configuration;
    const curves = lookups.map((lookup) => lookup.of(cell));
    const points = curves.reduce((most, curve) => Math.max(most, curve.length), 0);
    for (let point = 0; point < points; point++) {
      const step = stepOf(cell, point);
      const values = curves.map((curve) => (point < curve.length ? curve[point] : null));
      yield [cell.key, batchSize, learningRate, seed, step, step * batchSize, ...values];
    }
  }
}

type StepOf = (cell: Cell, point: number) => number;

/** Joins small texts, so that a stream is not asked a million times. */
function* joined(texts: Iterable<string>): Generator<string> {
  let text = '';
  for (const piece of texts) {
    text += piece;
    if (text.length > 65_536) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

async function writeWhole(file: string, texts: Iterable<string>): Promise<number> {
  const partial = `${file}.partial`;
  try {
    await pipeline(Readable.from(joined(texts)), createWriteStream(partial, { flush: true }));
    const { size } = await stat(partial);
    await rename(partial, file);
    return size;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function writeCsv(
  folder: string,
  name: string,
  columns: readonly string[],
  rows: Iterable<readonly Field[]>,
): Promise<ExportedFile> {
  let count = 0;
  function* texts(): Generator<string> {
    yield csvRow(columns);
    for (const row of rows) {
      count++;
      yield csvRow(row);
    }
  }
  const bytes = await writeWhole(join(folder, name), texts());
  return { name, rows: count, bytes, columns };
}

/**
 * Writes cells.csv, marks.csv and, when asked, training.csv into `folder`, and last a manifest.json with their row
 * counts. marks.csv has a row for each mark of each cell that has been recorded; training.csv one for each step, its
 * loss being that before the step's update.
 */
export async function exportCsv(
  store: ReadableStore,
  experimentId: number,
  folder: string,
  options: ExportOptions = {},
): Promise<ExportManifest> {
  const experiment = experimentOf(store, experimentId);
  if (experiment.imported !== null) return exportImportedCsv(store, experiment, folder);
  const cells = store.cells(experimentId);
  const stacks = new Map(store.stacks(experimentId).map((stack) => [stack.key, stack]));
  const lookup = (metric: Metric) => new CurveLookup(store.curveSet(experimentId, metric));
  const place = ['cell', 'batch_size', 'learning_rate', 'seed', 'step', 'samples'];
  await makeFolder(folder);
  // An older manifest must not vouch for newer files.
  await rm(join(folder, 'manifest.json'), { force: true });
  const files = [
    await writeCsv(folder, 'cells.csv', cellColumns, cellRows(cells, stacks)),
    await writeCsv(
      folder,
      'marks.csv',
      [...place, 'evaluation_loss', 'evaluation_accuracy'],
      pointRows(
        cells,
        [lookup('evaluationLoss'), lookup('evaluationAccuracy')],
        (cell, point) => cell.configuration.marks[point],
      ),
    ),
  ];
  if (options.training === true) {
    const rows = pointRows(cells, [lookup('trainingLoss')], (_, point) => point + 1);
    files.push(await writeCsv(folder, 'training.csv', [...place, 'training_loss'], rows));
  }
  return writeManifest(folder, experiment, files);
}

async function writeManifest(
  folder: string,
  experiment: ExperimentSummary,
  files: readonly ExportedFile[],
): Promise<ExportManifest> {
  const manifest: ExportManifest = {
    format: 'surge-lab-csv',
    version: 1,
    exportedAt: Date.now(),
    experiment,
    files,
  };
  await writeWhole(join(folder, 'manifest.json'), [`${JSON.stringify(manifest, null, 2)}\n`]);
  return manifest;
}

/** The same two files for an imported sweep, with the columns that it has; marks.csv only when it has curves. */
async function exportImportedCsv(
  store: ReadableStore,
  experiment: ExperimentSummary,
  folder: string,
): Promise<ExportManifest> {
  const family = store.importedFamily(experiment.id);
  await makeFolder(folder);
  for (const stale of ['manifest.json', 'marks.csv']) await rm(join(folder, stale), { force: true });
  const files = [await writeCsv(folder, 'cells.csv', importedCellColumns, importedCellRows(family))];
  if (family.cells.some(({ curve }) => curve !== null))
    files.push(await writeCsv(folder, 'marks.csv', importedMarkColumns, importedMarkRows(family)));
  return writeManifest(folder, experiment, files);
}

function experimentOf(store: ReadableStore, experimentId: number): ExperimentSummary {
  const experiment = store.experiments().find(({ id }) => id === experimentId);
  if (experiment === undefined) throw new Error(`The store has no experiment number ${experimentId}.`);
  return experiment;
}

/** JSON has no non-finite numbers: they are the texts "NaN", "Infinity" and "-Infinity". */
function jsonValues(values: Float64Array): (number | string)[] {
  return Array.from(values, (value) => (Number.isFinite(value) ? value : String(value)));
}

/**
 * Writes one JSON file: experiment, stacks, events, and each cell with its curves as arrays (evaluation by mark,
 * training loss by step when asked). One cell a line, so that large files can be read line by line. Returns the counts.
 */
export async function exportJson(
  store: ReadableStore,
  experimentId: number,
  file: string,
  options: ExportOptions = {},
): Promise<{ readonly cells: number; readonly bytes: number }> {
  const experiment = experimentOf(store, experimentId);
  if (experiment.imported !== null) {
    const { cells, ...family } = store.importedFamily(experimentId);
    // A failed run has non-finite numbers.
    const plain = (_: string, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    function* importedTexts(): Generator<string> {
      const head = { format: 'surge-lab-json', version: 1, exportedAt: Date.now(), experiment, family };
      yield JSON.stringify(head).slice(0, -1);
      yield `,\n"events":${JSON.stringify(store.events(experimentId))}`;
      yield `,\n"cellCount":${cells.length},\n"cells":[`;
      for (const [index, cell] of cells.entries())
        yield `${index === 0 ? '' : ','}\n${JSON.stringify(cell, plain)}`;
      yield '\n]}\n';
    }
    await makeFolder(dirname(file));
    return { cells: cells.length, bytes: await writeWhole(file, importedTexts()) };
  }
  const cells = store.cells(experimentId);
  const metrics: Metric[] = ['evaluationLoss', 'evaluationAccuracy'];
  if (options.training === true) metrics.push('trainingLoss');
  const lookups = metrics.map((metric) => ({
    metric,
    lookup: new CurveLookup(store.curveSet(experimentId, metric)),
  }));
  function* texts(): Generator<string> {
    const head = { format: 'surge-lab-json', version: 1, exportedAt: Date.now(), experiment };
    yield JSON.stringify(head).slice(0, -1);
    yield `,\n"stacks":${JSON.stringify(store.stacks(experimentId))}`;
    yield `,\n"events":${JSON.stringify(store.events(experimentId))}`;
    yield `,\n"cellCount":${cells.length},\n"cells":[`;
    for (const [index, cell] of cells.entries()) {
      const curves = Object.fromEntries(
        lookups.map(({ metric, lookup }) => [metric, jsonValues(lookup.of(cell))]),
      );
      yield `${index === 0 ? '' : ','}\n${JSON.stringify({ ...cell, curves })}`;
    }
    yield '\n]}\n';
  }
  await makeFolder(dirname(file));
  return { cells: cells.length, bytes: await writeWhole(file, texts()) };
}
