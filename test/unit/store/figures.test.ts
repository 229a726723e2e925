import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SavedFigureRecord } from '#shared/figure/saved-figure.ts';
import { openStore, openStoreReadOnly, rebuildStore } from '#main/lab/store/index.ts';
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

const record = (csv: string, preset = 'nature-89'): SavedFigureRecord => ({
  specification: { kind: 'ridge', title: 'η' },
  preset,
  experiments: ['abcdefgh'],
  csv,
});

describe('kept figures', () => {
  it('stay with their experiment under their names, a new one in the place of the old one', () => {
    const store = openStore(join(temporaryFolder(), 'a.surge'));
    const { id } = store.createExperiment(specification(), cellConfigurations());
    const other = store.createExperiment(specification('other'), cellConfigurations());
    const before = Date.now();
    store.keepFigure(id, 'b', record('x\n1\n'));
    store.keepFigure(id, 'a', record('x\n2\n'));
    store.keepFigure(other.id, 'a', record('x\n3\n'));
    store.keepFigure(id, 'b', record('x\n4\n', 'thesis'));
    const reader = openStoreReadOnly(store.file);
    const [first, second] = reader.figures(id);
    expect(first).toEqual({ ...record('x\n4\n', 'thesis'), name: 'b', savedAt: first.savedAt });
    expect(first.savedAt).toBeGreaterThanOrEqual(before);
    expect(second).toMatchObject({ name: 'a', csv: 'x\n2\n' });
    reader.close();
    store.keepFigure(id, 'b', null);
    store.keepFigure(id, 'never there', null);
    expect(store.figures(id).map(({ name }) => name)).toEqual(['a']);
    expect(store.figures(other.id)).toHaveLength(1);
    expect(codeOf(() => store.keepFigure(99, 'a', record('')))).toBe('unknown-experiment');
    store.close();
  });

  it('come back with a rebuild, and go with their experiment', () => {
    const store = openStore(join(temporaryFolder(), 'a.surge'));
    const first = store.createExperiment(specification('first'), cellConfigurations());
    const second = store.createExperiment(specification('second'), cellConfigurations());
    store.keepFigure(first.id, 'a', record('x\n1\n'));
    store.keepFigure(second.id, 'a', record('x\n2\n'));
    store.keepFigure(second.id, 'b', record('x\n3\n'));
    store.keepFigure(second.id, 'b', null);
    store.deleteExperiment(first.id);
    store.close();
    const wanted = dump(store.file);
    expect(wanted.figures).toHaveLength(1);
    rebuildStore(store.file);
    expect(dump(store.file)).toEqual(wanted);
  });

  it('have a place in stores of schema 4 after migration', () => {
    const file = storeOfSchema(4, 'before');
    expect(codeOf(() => openStoreReadOnly(file))).toBe('needs-migration');
    const store = openStore(file);
    const { id, specification: kept } = store.experiment('before');
    expect(kept).toEqual(specification('before'));
    expect(store.figures(id)).toEqual([]);
    store.keepFigure(id, 'a', record('x\n1\n'));
    expect(store.figures(id)).toHaveLength(1);
    store.close();
  });
});
