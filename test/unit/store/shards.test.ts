/** Experiments carried from one lab to another, with everything that people added to them. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { beforeEach, describe, expect, it } from 'vitest';
import { importSweep } from '#shared/import/collect.ts';
import { mappingSchema } from '#shared/import/mapping.ts';
import type { ImportedSweep } from '#shared/import/sweep.ts';
import { sha256 } from '#main/lab/identity.ts';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import { exportShards, importableStores, ShardError } from '#main/lab/merge/shards.ts';
import { rebuildStore, stackSpoolFile } from '#main/lab/store/index.ts';
import type { ImportOrigin, WritableStore } from '#main/lab/store/types.ts';
import { predictionRecord } from '../../support/prediction.ts';
import { otherResult, splitIdentity, SplitStores } from '../../support/split-stores.ts';
import {
  cellConfigurations,
  dump,
  removeTemporaryFoldersAfterEach,
  specification,
  storeError,
  storeOfSchema,
  width,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

let stores: SplitStores;
beforeEach(() => {
  stores = new SplitStores();
  return () => stores.close();
});

const inFolder = (name: string) => join(stores.folder, name);
const experimentOf = (store: WritableStore) => store.experiment(splitIdentity.key);

async function others(families: readonly string[]): Promise<{ origin: ImportOrigin; sweep: ImportedSweep }> {
  const text = `model,lr,bs,loss\n${families
    .flatMap((model) => [0.1, 0.2, 0.4].map((lr, i) => `${model},${lr},8,${i === 2 ? 'NaN' : 1 - lr}`))
    .join('\n')}\n`;
  const mapping = mappingSchema.parse({
    columns: { learningRate: 'lr', batchSize: 'bs', loss: 'loss' },
    families: ['model'],
  });
  const sweep = await importSweep([text], mapping);
  if (!sweep.ok) throw new Error(sweep.message);
  return {
    sweep,
    origin: { name: 'others', file: 'others.csv', checksum: sha256(text), bytes: text.length, mapping },
  };
}

async function taken(folder: string, into: WritableStore) {
  const found = await importableStores(folder);
  if (found === null) throw new Error(`${folder} has no shards`);
  return found.flatMap((store) => mergeStore(into, store));
}

async function refusal(folder: string): Promise<string> {
  try {
    await importableStores(folder);
  } catch (error) {
    if (error instanceof ShardError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('shards', () => {
  it('carry experiments with curves, provenance, annotations, predictions and imports; a second time changes nothing', async () => {
    const here = stores.trained('here', [1, 2]);
    here.annotate(experimentOf(here).id, { name: 'renamed', notes: 'look here', tags: ['good', 'old'] });
    here.addPrediction(experimentOf(here).id, predictionRecord());
    here.createExperiment(specification('stays'), cellConfigurations());
    const { origin, sweep } = await others(['a', 'b']);
    const imported = here.importSweep(origin, sweep).experiments;
    here.annotate(imported[1].id, { tags: ['theirs'] });
    // One family is enough to name an import.
    const chosen = [experimentOf(here), imported[0]];
    const { manifest, problems } = await exportShards(here.file, chosen, inFolder('out'));
    expect(problems).toEqual([]);
    expect(manifest.experiments.map(({ name }) => name).sort()).toEqual([
      'others: model = a',
      'others: model = b',
      'renamed',
    ]);
    expect(readdirSync(inFolder('out')).sort()).toEqual([
      'manifest.json',
      'shard.surge',
      'shard.surge.spool',
    ]);
    expect(existsSync(inFolder('out.partial'))).toBe(false);

    const there = stores.open('there');
    const merged = await taken(inFolder('out'), there);
    expect(merged.map(({ isNew, problems: found }) => [isNew, found])).toEqual(
      Array.from({ length: 3 }, () => [true, []]),
    );
    const [ours, theirs] = [experimentOf(here), experimentOf(there)];
    for (const part of ['name', 'notes', 'tags', 'createdAt', 'specification', 'counts'] as const)
      expect(theirs[part]).toEqual(ours[part]);
    expect(there.curveSet(theirs.id, 'evaluationLoss')).toEqual(here.curveSet(ours.id, 'evaluationLoss'));
    expect(there.stacks(theirs.id).map(({ key, host, engine }) => [key, host, engine])).toEqual(
      here.stacks(ours.id).map(({ key, host, engine }) => [key, host, engine]),
    );
    expect(there.predictions(theirs.id)).toEqual(here.predictions(ours.id));
    for (const { key } of imported) {
      const [a, b] = [here.experiment(key), there.experiment(key)];
      expect({ ...b, id: 0 }).toEqual({ ...a, id: 0 });
      expect(there.importedFamily(b.id)).toEqual(here.importedFamily(a.id));
    }
    expect(there.events(there.experiment(imported[0].key).id).map(({ kind }) => kind)).toContain('merge');
    expect(there.experiments().map(({ name }) => name)).not.toContain('stays');

    const before = dump(there.file);
    for (const again of await taken(inFolder('out'), there))
      expect(again).toMatchObject({ isNew: false, stacksAdded: 0, predictionsAdded: 0, differences: [] });
    expect(dump(there.file)).toEqual(before);
    // Exported from there and taken in here, they are what is here already.
    await exportShards(there.file, there.experiments(), inFolder('back'));
    const own = dump(here.file);
    await taken(inFolder('back'), here);
    expect(dump(here.file)).toEqual(own);
    stores.closeOne(there);
    rebuildStore(there.file);
    expect(dump(there.file)).toEqual(before);
  });

  it('replace an earlier export, also one that was killed, and never another folder', async () => {
    const here = stores.trained('here', [1]);
    const out = inFolder('out');
    await exportShards(here.file, here.experiments(), out);
    const first = readFileSync(join(out, 'manifest.json'), 'utf8');
    // Killed while it wrote, and, another time, between taking the old one away and putting the new one there.
    mkdirSync(`${out}.partial`);
    writeFileSync(join(`${out}.partial`, 'shard.surge'), 'half');
    await exportShards(here.file, here.experiments(), out);
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).not.toBe(first);
    expect(readdirSync(stores.folder).filter((name) => name.startsWith('out'))).toEqual(['out']);
    await expect(exportShards(here.file, here.experiments(), stores.folder)).rejects.toThrow(
      'holds other files',
    );
    await expect(exportShards(here.file, here.experiments(), here.file)).rejects.toThrow('is a file');
  });

  it('are refused when a file was changed, cut or forgotten on the way', async () => {
    const here = stores.trained('here', [1]);
    const out = inFolder('out');
    const fresh = async () => {
      rmSync(out, { recursive: true, force: true });
      await exportShards(here.file, here.experiments(), out);
    };
    await fresh();
    const [stack] = here.stacks(experimentOf(here).id);
    const spool = stackSpoolFile(join(out, 'shard.surge.spool'), stack.key);
    const text = readFileSync(spool, 'utf8');
    writeFileSync(spool, text.replace('2', '3'));
    expect(await refusal(out)).toContain('its checksum differs');
    writeFileSync(spool, text.slice(0, -9));
    expect(await refusal(out)).toMatch(/has \d+ bytes and was written with \d+/);
    rmSync(spool);
    expect(await refusal(join(out, 'shard.surge'))).toContain(`${spool} is missing`);
    await fresh();
    appendFileSync(join(out, 'manifest.json'), 'x');
    expect(await refusal(out)).toContain('is damaged');
    rmSync(join(out, 'manifest.json'));
    expect(await refusal(out)).toContain('manifest.json is missing');
  });

  it('are told from other things that people import', async () => {
    const here = stores.trained('here.surge', [1]);
    expect(await importableStores(here.file)).toEqual([here.file]);
    expect(await importableStores(stores.folder)).toEqual([here.file]);
    const table = inFolder('sweep.csv');
    writeFileSync(table, 'lr,bs,loss\n');
    expect(await importableStores(table)).toBeNull();
    mkdirSync(inFolder('runs'));
    expect(await importableStores(inFolder('runs'))).toBeNull();
  });

  it('say what could not be carried', async () => {
    const here = stores.trained('here', [1]);
    const [stack] = here.stacks(experimentOf(here).id);
    rmSync(stackSpoolFile(here.spoolFolder, stack.key));
    const { problems } = await exportShards(here.file, here.experiments(), inFolder('out'));
    expect(problems.join()).toContain('cannot be carried over');
  });

  it('carry the second result of a cell too, beside the first', async () => {
    const [here, rival] = [stores.trained('here', [1, 2]), stores.trained('rival', [1], otherResult(2))];
    mergeStore(here, rival.file);
    const beside = rival.stacks(experimentOf(rival).id)[0].key;
    await exportShards(here.file, here.experiments(), inFolder('out'));
    const there = stores.open('there');
    for (let round = 0; round < 2; round++) {
      const [merged] = await taken(inFolder('out'), there);
      expect(merged.problems).toEqual([]);
      expect(merged.conflicts.map((conflict) => conflict.beside)).toContain(beside);
    }
    const id = experimentOf(there).id;
    expect(there.stacks(id).map(({ key }) => key)).toContain(beside);
    expect(there.cells(id).filter(({ stack }) => stack === beside)).toEqual([]);
    expect(there.curveSet(id, 'evaluationLoss')).toEqual(
      here.curveSet(experimentOf(here).id, 'evaluationLoss'),
    );
  });
});

describe('what people added', () => {
  it('comes over where only the other lab has it, and stays where both do; the difference is told', () => {
    const [here, there] = [stores.trained('here', [1]), stores.trained('there', [1])];
    here.annotate(experimentOf(here).id, { notes: 'mine', tags: ['kept'] });
    there.annotate(experimentOf(there).id, { name: 'better name', notes: 'theirs' });
    for (let round = 0; round < 2; round++) {
      const [merged] = mergeStore(here, there.file);
      expect(merged.differences).toEqual(['it has other notes there; those here stay']);
      expect(experimentOf(here)).toMatchObject({ name: 'better name', notes: 'mine', tags: ['kept'] });
    }
    there.annotate(experimentOf(there).id, { name: 'another', tags: ['x', 'y'], notes: 'mine' });
    expect(mergeStore(here, there.file)[0].differences).toEqual([
      'there it is called "another"; "better name" stays its name here',
      'there it has the tags x, y; those here stay: kept',
    ]);
  });

  it('does not come over with a shard of another experiment', () => {
    const here = stores.trained('here', [1]);
    const other = stores.open('other');
    stores.create(other, [1], { ...experimentOf(here).specification!, optimizer: { kind: 'sgd' } });
    other.annotate(experimentOf(other).id, { tags: ['wrong'] });
    expect(mergeStore(here, other.file)[0].problems).toHaveLength(1);
    expect(experimentOf(here).tags).toEqual([]);
  });
});

describe('imported sweeps', () => {
  it('of the same file and mapping are one, whoever read it; a family that was deleted here is told', async () => {
    const { origin, sweep } = await others(['a', 'b']);
    const [here, there] = [stores.open('here'), stores.open('there')];
    const own = here.importSweep(origin, sweep).experiments;
    there.importSweep({ ...origin, name: 'again', file: 'renamed.csv' }, sweep);
    const before = dump(here.file);
    expect(mergeStore(here, there.file)).toMatchObject([
      { key: own[0].key, isNew: false, isImported: true, differences: [], problems: [] },
      { key: own[1].key, isNew: false },
    ]);
    expect(dump(here.file)).toEqual(before);
    here.deleteExperiment(own[1].id);
    const [, deleted] = mergeStore(here, there.file);
    expect(deleted.problems.join()).toContain('without this family');
    // All of it was deleted: it comes back under the keys that it has there.
    here.deleteExperiment(own[0].id);
    expect(mergeStore(here, there.file).map(({ isNew }) => isNew)).toEqual([true, true]);
    expect(here.experiments().map(({ key }) => key)).toEqual(there.experiments().map(({ key }) => key));
  });

  it('read in another way by another version keep the rows that are here', async () => {
    const { origin, sweep } = await others(['a']);
    const [here, there] = [stores.open('here'), stores.open('there')];
    here.importSweep(origin, sweep);
    const [family] = sweep.families;
    there.importSweep(origin, { ...sweep, families: [{ ...family, cells: family.cells.slice(1) }] });
    expect(mergeStore(here, there.file)[0].differences.join()).toContain('read in another way');
    expect(here.importedFamily(here.experiments()[0].id).cells).toHaveLength(3);
  });
});

describe('stores of other versions', () => {
  it('are refused one by one when they cannot be read; nothing of them is merged', () => {
    const target = stores.open('target');
    const future = stores.trained('future', [1]);
    stores.closeOne(future);
    const database = new SqliteDatabase(future.file);
    database.pragma('user_version = 1000');
    database.exec('UPDATE store_state SET reader_version = 1000');
    database.close();
    expect(storeError(() => mergeStore(target, future.file)).code).toBe('from-the-future');
    const old = storeError(() => mergeStore(target, storeOfSchema(1, 'old')));
    expect(old.code).toBe('needs-migration');
    expect(old.message).toMatch(/open|update|surge/i);
    expect(target.experiments()).toEqual([]);
  });
});

describe('a store in which something was deleted and merged again', () => {
  it('keeps its spools when it is rebuilt', async () => {
    const [here, there] = [stores.open('here'), stores.trained('there', [1, 2])];
    const { origin, sweep } = await others(['a']);
    there.importSweep(origin, sweep);
    mergeStore(here, there.file);
    for (const { id } of here.experiments()) here.deleteExperiment(id);
    expect(here.experiments()).toEqual([]);
    mergeStore(here, there.file);
    const { counts } = experimentOf(here);
    expect(counts.planned).toBe(0);
    expect(counts.done + counts.diverged).toBe(2 * width);
    const spools = readdirSync(here.spoolFolder).sort();
    const before = dump(here.file);
    stores.closeOne(here);
    for (let round = 0; round < 2; round++) {
      rebuildStore(here.file);
      const again = dump(here.file);
      for (const table of ['blocks', 'importedCells'] as const)
        expect(again[table]).toHaveLength(before[table].length);
      expect(readdirSync(`${here.file}.spool`).sort()).toEqual(spools);
    }
  });
});
