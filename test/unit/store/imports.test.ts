/** Imported sweeps in the store: exactly what was read, once, all or nothing, and again after a rebuild. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { importSweep } from '#shared/import/collect.ts';
import type { ImportMappingInput } from '#shared/import/mapping.ts';
import { mappingSchema } from '#shared/import/mapping.ts';
import type { ImportedSweep } from '#shared/import/sweep.ts';
import { sha256 } from '#main/lab/identity.ts';
import { openStore, openStoreReadOnly, rebuildStore } from '#main/lab/store/index.ts';
import { migrations } from '#main/lab/store/schema.ts';
import type { ImportOrigin, WritableStore } from '#main/lab/store/types.ts';
import {
  cellConfigurations,
  codeOf,
  dump,
  removeTemporaryFoldersAfterEach,
  specification,
  storeOfSchema,
  storeError,
  temporaryFolder,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

const columns = { learningRate: 'lr', batchSize: 'bs', seed: 'seed', step: 'step', loss: 'loss' };
const rates = [0.1, 0.2, 0.4, 0.8];

/** Two families of curves on a grid; the highest rate diverges, and the best one rises by the fourth root of 2 with each batch size. */
function curves(): string {
  const lines = ['model,lr,bs,seed,step,loss'];
  for (const model of ['small', 'large'])
    for (const [b, bs] of [8, 16, 32].entries())
      for (const [r, lr] of rates.entries())
        for (const seed of [0, 1])
          for (const step of [10, 20, 40]) {
            const loss =
              r === 3 && step > 10 ? 'NaN' : 1 / step + (r - 0.75 - b / 4) ** 2 / 10 + seed / 1000 + 1 / 3;
            lines.push(`${model},${lr},${bs},${seed},${step},${loss}`);
          }
  return lines.join('\n');
}

interface Read {
  readonly origin: ImportOrigin;
  readonly sweep: ImportedSweep;
}

async function read(text: string, mapping: ImportMappingInput): Promise<Read> {
  const parsed = mappingSchema.parse(mapping);
  const sweep = await importSweep([text], parsed);
  if (!sweep.ok) throw new Error(sweep.message);
  const origin = {
    name: 'others',
    file: 'others.csv',
    checksum: sha256(text),
    bytes: text.length,
    mapping: parsed,
  };
  return { origin, sweep };
}

const grid = () => read(curves(), { columns, families: ['model'] });
const finals = () =>
  read('lr,bs,loss\n0.1,8,1\n0.2,8,NaN\n0.4,8,-inf\n', {
    columns: { learningRate: 'lr', batchSize: 'bs', loss: 'loss' },
  });

async function withStore(body: (store: WritableStore) => Promise<void> | void): Promise<string> {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  try {
    await body(store);
  } finally {
    store.close();
  }
  return store.file;
}

describe('an import', () => {
  it('is stored exactly, each family as an experiment', async () => {
    const { origin, sweep } = await grid();
    await withStore((store) => {
      const { experiments, isNew } = store.importSweep(origin, sweep);
      expect(isNew).toBe(true);
      expect(experiments.map(({ name }) => name)).toEqual(['others: model = large', 'others: model = small']);
      expect(experiments.map(({ id }) => store.importedFamily(id))).toEqual(sweep.families);
      const [first] = experiments;
      expect(first).toMatchObject({ specification: null, cells: 24, counts: { done: 18, diverged: 6 } });
      expect(first.imported).toMatchObject({
        file: 'others.csv',
        label: 'model = large',
        mapping: origin.mapping,
        report: sweep.report,
        hasCurves: true,
      });
      expect(store.events(first.id).map(({ message }) => message)).toEqual(['imported from others.csv']);
      expect(store.stacks(first.id)).toEqual([]);
      expect(store.cells(first.id)[7]).toMatchObject({
        state: 'diverged',
        reason: 'loss not finite',
        divergedAt: 20,
        configuration: { batchSize: 8, learningRate: 0.8, seed: 1, steps: 40, marks: [10, 20, 40] },
      });
    });
  });

  it('keeps NaN and infinities of failed runs apart from what is not there', async () => {
    const { origin, sweep } = await finals();
    await withStore((store) => {
      const [{ id }] = store.importSweep(origin, sweep).experiments;
      expect(store.importedFamily(id)).toEqual(sweep.families[0]);
      expect(store.importedFamily(id).cells.map(({ loss }) => loss)).toEqual([1, NaN, -Infinity]);
    });
  });

  it('gives every analysis its curves, on the grid', async () => {
    const { origin, sweep } = await grid();
    await withStore((store) => {
      const [{ id }] = store.importSweep(origin, sweep).experiments;
      const set = store.curveSet(id, 'evaluationLoss');
      expect(set).toMatchObject({ batchSizes: [8, 16, 32], learningRates: rates, seeds: [0, 1] });
      expect(set.marks).toEqual([
        [10, 20, 40],
        [10, 20, 40],
        [10, 20, 40],
      ]);
      const points = ridgeOf(set, { kind: 'equal-steps', step: 40 }).points;
      expect(points.map(({ learningRate }) => learningRate)).toEqual([
        expect.closeTo(0.1 * 2 ** 0.75, 9),
        expect.closeTo(0.2, 9),
        expect.closeTo(0.1 * 2 ** 1.25, 9),
      ]);
      const means = store.meanSurface(id, 'evaluationLoss', 2);
      expect([...means].map(Number.isFinite)).toEqual([0, 1, 2].flatMap(() => [true, true, true, false]));
      expect(means[0]).toBeCloseTo(1 / 40 + 0.75 ** 2 / 10 + 0.0005 + 1 / 3, 12);
      expect(codeOf(() => store.curveSet(id, 'trainingLoss'))).toBe('imported');
    });
  });

  it('without curves says why it has none, and cannot be trained', async () => {
    const { origin, sweep } = await finals();
    await withStore((store) => {
      const [{ id, imported }] = store.importSweep(origin, sweep).experiments;
      expect(imported?.hasCurves).toBe(false);
      expect(storeError(() => store.curveSet(id, 'evaluationLoss')).message).toMatch(
        /^"others" was imported, and this needs curves: /,
      );
      expect(codeOf(() => store.trainedCells(id))).toBe('imported');
      const trained = store.createExperiment(specification(), cellConfigurations());
      expect(codeOf(() => store.importedFamily(trained.id))).toBe('not-imported');
    });
  });

  it('is stored once: the same bytes and mapping change nothing, another mapping is another import', async () => {
    const { origin, sweep } = await grid();
    let before: ReturnType<typeof dump> | undefined;
    const file = await withStore(async (store) => {
      const first = store.importSweep(origin, sweep);
      before = dump(store.file);
      const again = store.importSweep({ ...origin, name: 'renamed', file: 'copy.csv' }, sweep);
      expect(again).toEqual({ experiments: first.experiments, isNew: false });
      expect(dump(store.file)).toEqual(before);
      const other = await read(curves(), { columns, families: ['model'], learningRateTolerance: 0 });
      expect(store.importSweep(other.origin, other.sweep).isNew).toBe(true);
    });
    expect(dump(file).imports).toHaveLength(2);
  });

  it('is found by name, key and family', async () => {
    const { origin, sweep } = await grid();
    await withStore((store) => {
      const { experiments } = store.importSweep(origin, sweep);
      const key = experiments[0].imported?.key ?? '';
      for (const name of ['others', key]) expect(store.experimentOrFamilies(name)).toEqual(experiments);
      expect(store.experimentOrFamilies(experiments[1].key)).toEqual([experiments[1]]);
      expect(store.experiment('others: model = small')).toEqual(experiments[1]);
      const error = storeError(() => store.experiment('others'));
      expect(error.code).toBe('ambiguous-experiment');
      expect(error.message).toMatch(/is an import of 2 families: .*\(model = large\).*\(model = small\)/);
      expect(codeOf(() => store.experimentOrFamilies('nobody'))).toBe('unknown-experiment');
    });
  });
});

describe('deleting', () => {
  it('removes one family, and with the last one the file and its rows', async () => {
    const { origin, sweep } = await grid();
    const file = await withStore((store) => {
      const [first, second] = store.importSweep(origin, sweep).experiments;
      store.deleteExperiment(first.id);
      expect(store.experimentOrFamilies('others')).toEqual([second]);
      expect(store.importedFamily(second.id)).toEqual(sweep.families[1]);
      store.deleteExperiment(second.id);
      expect(readdirSync(store.spoolFolder)).toEqual(['lab.jsonl']);
      expect(store.importSweep(origin, sweep).isNew).toBe(true);
    });
    const rows = dump(file);
    expect(rows).toMatchObject({ imports: { length: 1 }, importedFamilies: { length: 2 } });
    expect(rows.importedCells).toHaveLength(48);
  });
});

describe('a rebuild', () => {
  it('restores imports row for row, also beside trained experiments and deleted ones', async () => {
    const file = await withStore(async (store) => {
      const gone = await finals();
      store.deleteExperiment(store.importSweep(gone.origin, gone.sweep).experiments[0].id);
      store.createExperiment(specification(), cellConfigurations());
      const { origin, sweep } = await grid();
      const { experiments } = store.importSweep(origin, sweep);
      store.archive(experiments[1].id, true);
    });
    const before = dump(file);
    expect(rebuildStore(file)).toMatchObject({ experiments: 3, skipped: 0 });
    expect(dump(file)).toEqual(before);
    rmSync(file);
    openStore(file).close();
    expect(dump(file)).toEqual(before);
  });

  it('without the rows keeps the family and says what is missing', async () => {
    const { origin, sweep } = await grid();
    const file = await withStore((store) => {
      store.importSweep(origin, sweep);
    });
    const folder = `${file}.spool`;
    for (const name of readdirSync(folder)) if (name.startsWith('import-')) rmSync(join(folder, name));
    rebuildStore(file);
    const store = openStoreReadOnly(file);
    const [{ id, cells }] = store.experiments();
    expect(cells).toBe(0);
    expect(store.events(id).at(-1)?.message).toMatch(
      /^24 of 24 cells could not be read .* import others\.csv again\.$/,
    );
    store.close();
  });
});

describe('what goes wrong', () => {
  it('leaves nothing: SQLite refuses, and journal and rows are taken back', async () => {
    const { origin, sweep } = await grid();
    const file = await withStore(() => undefined);
    const database = new SqliteDatabase(file);
    database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON imported_cells WHEN NEW.position = 20
      BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`);
    database.close();
    const before = dump(file);
    const store = openStore(file);
    expect(() => store.importSweep(origin, sweep)).toThrow('refused by the test');
    expect(readdirSync(store.spoolFolder)).toEqual(['lab.jsonl']);
    store.close();
    expect(dump(file)).toEqual(before);
  });

  it('removes what a killed import left', async () => {
    const { origin, sweep } = await finals();
    await withStore((store) => {
      const left = join(store.spoolFolder, 'import-abc.jsonl.partial');
      writeFileSync(left, '[0,');
      store.importSweep(origin, sweep);
      expect(existsSync(left)).toBe(false);
    });
  });
});

describe('stores of schema 1', () => {
  it('are brought up to date with everything in them', async () => {
    const file = storeOfSchema(1, 'before');
    expect(codeOf(() => openStoreReadOnly(file))).toBe('needs-migration');
    const { origin, sweep } = await finals();
    const store = openStore(file);
    expect(store.importSweep(origin, sweep).isNew).toBe(true);
    expect(store.experiments()).toHaveLength(2);
    expect(store.experiment('before').specification).toEqual(specification('before'));
    store.close();
    expect(migrations[1].name).toBe('imports');
  });
});
