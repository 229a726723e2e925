import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore, openStoreReadOnly, rebuildStore } from '#main/lab/store/index.ts';
import { predictionRecord } from '../../support/prediction.ts';
import {
  cellConfigurations,
  codeOf,
  dump,
  removeTemporaryFoldersAfterEach,
  specification,
  storeOfSchema,
  temporaryFolder,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

const early = predictionRecord();
const late = predictionRecord({ point: { ...early.point, step: 160 }, bPeak: null });

/** Two experiments; the first has two predictions, the second one. */
function predictedStore(): string {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  const first = store.createExperiment(specification('first'), cellConfigurations());
  const second = store.createExperiment(specification('second'), cellConfigurations());
  store.addPrediction(first.id, early);
  store.addPrediction(second.id, early);
  store.addPrediction(first.id, late);
  store.close();
  return store.file;
}

describe('predictions', () => {
  it('are kept whole with their experiment, oldest first, for writer and readers', () => {
    const store = openStore(join(temporaryFolder(), 'a.surge'));
    const { id } = store.createExperiment(specification(), cellConfigurations());
    expect(store.predictions(id)).toEqual([]);
    const before = Date.now();
    const added = store.addPrediction(id, early);
    const { key, createdAt, ...record } = added;
    expect(record).toEqual(early);
    expect(key).toMatch(/^[0-9a-z]{16}$/);
    expect(createdAt).toBeGreaterThanOrEqual(before);
    store.addPrediction(id, late);
    const reader = openStoreReadOnly(store.file);
    expect(reader.predictions(id)[0]).toEqual(added);
    expect(reader.predictions(id).map(({ point }) => point.step)).toEqual([40, 160]);
    expect(reader.predictions(id + 1)).toEqual([]);
    reader.close();
    store.close();
  });

  it('of an experiment that is not there are refused, and leave no trace', () => {
    const file = predictedStore();
    const before = dump(file);
    const store = openStore(file);
    expect(codeOf(() => store.addPrediction(99, early))).toBe('unknown-experiment');
    store.close();
    expect(dump(file)).toEqual(before);
  });

  it('come back with a rebuild, and when the file is lost', () => {
    const file = predictedStore();
    const wanted = dump(file);
    expect(wanted.predictions).toHaveLength(3);
    writeFileSync(file, 'not a database any more');
    expect(rebuildStore(file)).toMatchObject({ experiments: 2, skipped: 0 });
    expect(dump(file)).toEqual(wanted);
    rmSync(file);
    openStore(file).close();
    expect(dump(file)).toEqual(wanted);
  });

  it('go with their experiment, also from a rebuild', () => {
    const file = predictedStore();
    const store = openStore(file);
    const second = store.experiment('second');
    store.deleteExperiment(store.experiment('first').id);
    expect(store.predictions(second.id)).toHaveLength(1);
    store.close();
    const rest = dump(file);
    expect(rest.predictions).toHaveLength(1);
    rebuildStore(file);
    expect(dump(file)).toEqual(rest);
  });

  it('have a place in stores of schema 2 after migration', () => {
    const file = storeOfSchema(2, 'before');
    expect(codeOf(() => openStoreReadOnly(file))).toBe('needs-migration');
    const store = openStore(file);
    const { id, specification: kept } = store.experiment('before');
    expect(kept).toEqual(specification('before'));
    expect(store.predictions(id)).toEqual([]);
    store.addPrediction(id, early);
    expect(store.predictions(id)).toHaveLength(1);
    store.close();
  });
});
