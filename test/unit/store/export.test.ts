import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvParse } from 'd3';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { exportJson, exportTables, tableFormats, type ExportManifest } from '#main/lab/export/index.ts';
import { writeTable, type TableFormat } from '#main/lab/export/formats.ts';
import { integer, real, text } from '#main/lab/export/table.ts';
import { openStore, stackSpoolFile } from '#main/lab/store/index.ts';
import type { Metric } from '#shared/experiment/stack.ts';
import type { ExperimentSummary, WritableStore } from '#main/lab/store/types.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { pythonWith } from '../../support/python.ts';
import {
  append,
  cellConfigurations,
  curveLine,
  learningRates,
  marks,
  planFor,
  removeTemporaryFoldersAfterEach,
  seeds,
  specification,
  startLine,
  steps,
  temporaryFolder,
  valueAt,
  wholeSpool,
  width,
} from '../../support/store.ts';

const repository = join(import.meta.dirname, '../../..');

removeTemporaryFoldersAfterEach();

/** Batch size 1 is done, batch size 2 has one mark with values that are not finite and then failed. */
function filled(): { store: WritableStore; id: number; experiment: ExperimentSummary } {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  const { id } = store.createExperiment(specification('comma, "quote"'), cellConfigurations());
  const [one, two] = store.planStacks(id, [planFor(1), planFor(2)]);
  writeFileSync(stackSpoolFile(store.spoolFolder, one.key), wholeSpool(one.key));
  append(
    stackSpoolFile(store.spoolFolder, two.key),
    startLine(two.key),
    curveLine('evaluationLoss', 0, [NaN, Infinity, -Infinity, 0.1, -0, 1e-45]),
  );
  store.ingest(one.key);
  store.ingest(two.key);
  store.stackEnded(two.key, 'failed', 'line one\nline "two", the end');
  return { store, id, experiment: store.experiment('comma, "quote"') };
}

function manifestIn(folder: string): ExportManifest {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as ExportManifest;
}

describe('CSV', () => {
  it('has every row, every state and every non-finite value, and a manifest that counts them', async () => {
    const { store, experiment: whole } = filled();
    const folder = join(temporaryFolder(), 'out');
    await exportTables(store, whole, folder, { training: true });
    expect(readdirSync(folder).sort()).toEqual([
      'cells.csv',
      'manifest.json',
      'marks.csv',
      'ridge.csv',
      'training.csv',
    ]);
    const read = (name: string) => csvParse(readFileSync(join(folder, name), 'utf8'));
    const tables = {
      'cells.csv': read('cells.csv'),
      'marks.csv': read('marks.csv'),
      'ridge.csv': read('ridge.csv'),
      'training.csv': read('training.csv'),
    };
    const { files, experiment } = manifestIn(folder);
    expect(experiment).toMatchObject({ name: 'comma, "quote"', cells: 12 });
    expect(files.map(({ name, rows }) => [name, rows])).toEqual([
      ['cells.csv', 2 * width],
      ['marks.csv', width * (marks.length + 1)],
      ['training.csv', width * steps],
      ['ridge.csv', 2 * marks.length],
    ]);
    for (const { name, rows, columns } of files) {
      const table = tables[name as keyof typeof tables];
      expect(table).toHaveLength(rows);
      expect(table.columns).toEqual(columns);
    }
    const failed = tables['cells.csv'].filter((row) => row.state === 'failed');
    expect(failed).toHaveLength(width);
    expect(failed[0].reason).toBe('line one\nline "two", the end');
    const diverged = tables['cells.csv'].filter((row) => row.state === 'diverged');
    expect(diverged.map((row) => row.diverged_at)).toEqual(['3', '7']);

    // Every value comes back exactly, in its place.
    for (const row of tables['marks.csv'].filter((row) => row.batch_size === '1')) {
      const column =
        seeds.indexOf(Number(row.seed)) * learningRates.length +
        learningRates.indexOf(Number(row.learning_rate));
      expect(Number(row.evaluation_loss)).toBe(
        valueAt('evaluationLoss', marks.indexOf(Number(row.step)), column),
      );
      expect(row.evaluation_accuracy).toBe('');
      expect(row.samples).toBe(row.step);
    }
    const odd = tables['marks.csv'].filter((row) => row.batch_size === '2');
    expect(odd.map((row) => [row.learning_rate, row.seed, row.samples, row.evaluation_loss])).toEqual([
      ['0.1', '0', '2', 'NaN'],
      ['0.1', '1', '2', String(Math.fround(0.1))],
      ['0.2', '0', '2', 'Infinity'],
      ['0.2', '1', '2', '0'],
      ['0.4', '0', '2', '-Infinity'],
      ['0.4', '1', '2', String(Math.fround(1e-45))],
    ]);
    store.close();
  });

  it('leaves no manifest and no partial file when it fails', async () => {
    const { store, id, experiment } = filled();
    const folder = join(temporaryFolder(), 'out');
    await exportTables(store, experiment, folder);
    const broken: WritableStore = Object.create(store, {
      curveSet: {
        value: (_: number, metric: Metric) => {
          if (metric === 'evaluationAccuracy') throw new Error('lost');
          return store.curveSet(id, metric);
        },
      },
      cells: { value: () => store.cells(id) },
      stacks: { value: () => store.stacks(id) },
      experiments: { value: () => store.experiments() },
    }) as WritableStore;
    await expect(exportTables(broken, experiment, folder)).rejects.toThrow('lost');
    expect(readdirSync(folder)).toEqual(['cells.csv']);
    store.close();
  });
});

describe('every format', () => {
  type Row = Record<string, unknown>;
  const plain = (value: unknown) =>
    (typeof value === 'bigint' ? Number(value) : (value ?? null)) as string | number | null;

  /** Rows as text fields, so that formats without types can be compared: NaN, Infinity, '' for absent. */
  async function fields(folder: string, name: string, format: TableFormat): Promise<string[][]> {
    const file = join(folder, `${name}.${format}`);
    const asText = (value: string | number | null) => (value === null ? '' : String(value));
    let rows: Row[];
    if (format === 'csv') rows = csvParse(readFileSync(file, 'utf8'));
    else if (format === 'jsonl')
      rows = readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Row);
    else rows = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
    return rows.map((row) => Object.values(row).map((value) => asText(plain(value))));
  }

  it('has the same rows and the same values', async () => {
    const { store, experiment } = filled();
    const parent = temporaryFolder();
    for (const format of tableFormats)
      await exportTables(store, experiment, join(parent, format), { format, training: true });
    for (const name of ['cells', 'marks', 'training', 'ridge']) {
      const csv = await fields(join(parent, 'csv'), name, 'csv');
      expect(csv.length).toBeGreaterThan(0);
      for (const format of ['jsonl', 'parquet'] as const)
        expect(await fields(join(parent, format), name, format), `${name}.${format}`).toEqual(csv);
    }
    store.close();
  });

  it('replaces an older export of another format, so that no table is stale', async () => {
    const { store, experiment } = filled();
    const folder = join(temporaryFolder(), 'out');
    await exportTables(store, experiment, folder, { format: 'parquet', training: true });
    await exportTables(store, experiment, folder, { format: 'jsonl' });
    expect(readdirSync(folder).sort()).toEqual([
      'cells.jsonl',
      'manifest.json',
      'marks.jsonl',
      'ridge.jsonl',
    ]);
    store.close();
  });

  it('writes Parquet in row groups: more rows than one group holds', async () => {
    const rows = 250_001;
    const file = join(temporaryFolder(), 'long.parquet');
    function* values(): Generator<(number | null)[]> {
      for (let i = 0; i < rows; i++) yield [i, i % 3 === 0 ? NaN : i % 3 === 1 ? null : i / 7];
    }
    const table = { name: 'long', columns: [integer('row'), real('value')], rows: values };
    expect((await writeTable(file, table, 'parquet')).rows).toBe(rows);
    const source = await asyncBufferFromFile(file);
    const { row_groups: groups } = await parquetMetadataAsync(source);
    expect(groups.map((group) => Number(group.num_rows))).toEqual([100_000, 100_000, 50_001]);
    const back: Row[] = await parquetReadObjects({ file: source, rowStart: 199_998, rowEnd: 200_001 });
    expect(back.map((row) => [Number(row.row), row.value ?? null])).toEqual([
      [199_998, NaN],
      [199_999, null],
      [200_000, 200_000 / 7],
    ]);
  });

  it('writes an empty table that has its columns', async () => {
    const file = join(temporaryFolder(), 'empty.parquet');
    await writeTable(file, { name: 'empty', columns: [text('a'), real('b')], rows: () => [] }, 'parquet');
    const { schema, num_rows: rows } = await parquetMetadataAsync(await asyncBufferFromFile(file));
    expect(schema.slice(1).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(Number(rows)).toBe(0);
  });
});

describe('Python', () => {
  it('reads packed curves straight from the store with the script in resources', () => {
    const { store, experiment } = filled();
    const script = join(repository, 'resources/python/read_curves.py');
    const output = execFileSync('python3', [script, store.file, experiment.key], { encoding: 'utf8' });
    const read = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { batch_size: number; learning_rate: number; loss: string[] });
    const curves = store.curveSet(experiment.id, 'evaluationLoss');
    const cells = store.cells(experiment.id);
    expect(read).toHaveLength(cells.length);
    for (const [index, { batch_size: batchSize, learning_rate: learningRate, loss }] of read.entries()) {
      expect([batchSize, learningRate]).toEqual([
        cells[index].configuration.batchSize,
        cells[index].configuration.learningRate,
      ]);
      const start = index * curves.stride;
      const expected = curves.values.subarray(start, start + curves.recorded[index]);
      const number = (text: string) => Number(text.replace('inf', 'Infinity'));
      expect(loss.map(number)).toEqual([...expected]);
    }
    store.close();
  });

  it('reads the Parquet export with the Polars script in resources', async (context) => {
    const python = pythonWith('polars');
    if (python === null) return context.skip('skipped: pip cannot bring polars');
    const { store, experiment } = filled();
    const folder = join(temporaryFolder(), 'out');
    await exportTables(store, experiment, folder, { format: 'parquet' });
    const script = join(repository, 'resources/python/best_learning_rate.py');
    const output = execFileSync(python, [script, folder], { encoding: 'utf8' });
    const [best] = csvParse(output);
    const ridge = ridgeOf(store.curveSet(experiment.id, 'evaluationLoss'), {
      kind: 'equal-steps',
      step: steps,
    });
    expect(Number(best.learning_rate)).toBe(ridge.points[0].gridLearningRate);
    store.close();
  });
});

describe('JSON', () => {
  it('is one document with every cell and its curves', async () => {
    const { store, experiment } = filled();
    const file = join(temporaryFolder(), 'deep', 'a.json');
    const { cells, bytes } = await exportJson(store, experiment, file, { training: true });
    const text = readFileSync(file, 'utf8');
    expect(text).toHaveLength(bytes);
    const document = JSON.parse(text) as {
      experiment: { name: string };
      stacks: unknown[];
      cells: { key: string; state: string; curves: Record<string, (number | string)[]> }[];
    };
    expect(cells).toBe(12);
    expect(document.cells).toHaveLength(12);
    expect(document.stacks).toHaveLength(2);
    expect(document.cells[0].curves.trainingLoss).toEqual(
      Array.from({ length: steps }, (_, point) => valueAt('trainingLoss', point, 0)),
    );
    expect(document.cells[width].curves).toEqual({
      evaluationLoss: ['NaN'],
      evaluationAccuracy: [],
      trainingLoss: [],
    });
    store.close();
  });
});
