import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvParse } from 'd3';
import { describe, expect, it } from 'vitest';
import { exportCsv, exportJson, type ExportManifest } from '#main/lab/export.ts';
import { openStore, stackSpoolFile } from '#main/lab/store/index.ts';
import type { WritableStore } from '#main/lab/store/types.ts';
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

removeTemporaryFoldersAfterEach();

/** Batch size 1 is done, batch size 2 has one mark with values that are not finite and then failed. */
function filled(): { store: WritableStore; id: number } {
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
  return { store, id };
}

function manifestIn(folder: string): ExportManifest {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as ExportManifest;
}

describe('CSV', () => {
  it('has every row, every state and every non-finite value, and a manifest that counts them', async () => {
    const { store, id } = filled();
    const folder = join(temporaryFolder(), 'out');
    await exportCsv(store, id, folder, { training: true });
    expect(readdirSync(folder).sort()).toEqual(['cells.csv', 'manifest.json', 'marks.csv', 'training.csv']);
    const read = (name: string) => csvParse(readFileSync(join(folder, name), 'utf8'));
    const tables = {
      'cells.csv': read('cells.csv'),
      'marks.csv': read('marks.csv'),
      'training.csv': read('training.csv'),
    };
    const { files, experiment } = manifestIn(folder);
    expect(experiment).toMatchObject({ name: 'comma, "quote"', cells: 12 });
    expect(files.map(({ name, rows }) => [name, rows])).toEqual([
      ['cells.csv', 2 * width],
      ['marks.csv', width * (marks.length + 1)],
      ['training.csv', width * steps],
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
    const { store, id } = filled();
    const folder = join(temporaryFolder(), 'out');
    await exportCsv(store, id, folder);
    const broken: WritableStore = Object.create(store, {
      curveSet: {
        value: () => {
          throw new Error('lost');
        },
      },
      cells: { value: () => store.cells(id) },
      stacks: { value: () => store.stacks(id) },
      experiments: { value: () => store.experiments() },
    }) as WritableStore;
    await expect(exportCsv(broken, id, folder)).rejects.toThrow('lost');
    expect(readdirSync(folder).sort()).toEqual(['cells.csv', 'marks.csv']);
    await expect(exportCsv(store, 99, folder)).rejects.toThrow('99');
    store.close();
  });
});

describe('JSON', () => {
  it('is one document with every cell and its curves', async () => {
    const { store, id } = filled();
    const file = join(temporaryFolder(), 'deep', 'a.json');
    const { cells, bytes } = await exportJson(store, id, file, { training: true });
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
