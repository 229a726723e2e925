import { appendFileSync, existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import { rebuildStore, stackCheckpointFile, stackSpoolFile } from '#main/lab/store/index.ts';
import type { Stack, WritableStore } from '#main/lab/store/types.ts';
import { otherResult, splitGrid, splitIdentity, SplitStores } from '../../support/split-stores.ts';
import {
  dump,
  learningRates,
  planFor,
  removeTemporaryFoldersAfterEach,
  seeds,
  startLine,
  steps,
  storeError,
  text,
  wholeSpool,
  width,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

let stores: SplitStores;
beforeEach(() => {
  stores = new SplitStores();
  return () => stores.close();
});

const experimentOf = (store: WritableStore) => store.experiment(splitIdentity.key);
const stacksOf = (store: WritableStore): Stack[] => store.stacks(experimentOf(store).id);
const curvesOf = (store: WritableStore) =>
  (['trainingLoss', 'evaluationLoss', 'evaluationAccuracy'] as const).map((metric) => {
    const { values, recorded } = store.curveSet(experimentOf(store).id, metric);
    return [Buffer.from(values.buffer).toString('hex'), [...recorded]];
  });

describe('merge', () => {
  it('makes of two halves what one store would have, and merging twice changes nothing', () => {
    const [a, b] = [stores.trained('a', [1]), stores.trained('b', [2])];
    const whole = stores.trained('whole', [1, 2]);
    const target = stores.open('target');
    const [first] = mergeStore(target, a.file);
    expect(first).toMatchObject({ isNew: true, stacksAdded: 1, conflicts: [], problems: [] });
    expect(experimentOf(target)).toMatchObject({ name: 'split', cells: 2 * width, createdAt: 5 });
    expect(experimentOf(target).counts.planned).toBe(width);
    const [second] = mergeStore(target, b.file);
    expect(second).toMatchObject({ isNew: false, stacksAdded: 1 });
    expect(experimentOf(target).counts).toEqual(experimentOf(whole).counts);
    expect(curvesOf(target)).toEqual(curvesOf(whole));
    const before = dump(target.file);
    for (const source of [a, b, a])
      expect(mergeStore(target, source.file)[0]).toMatchObject({ stacksAdded: 0, stacksExtended: 0 });
    expect(dump(target.file)).toEqual(before);
    // The journal and the spools that came along are enough to make it again.
    stores.closeOne(target);
    rebuildStore(target.file);
    expect(dump(target.file)).toEqual(before);
  });

  it('fills the stacks that were planned here and handed out, as their spools grow', () => {
    const target = stores.open('target');
    const id = stores.create(target);
    const [one, two] = target.planStacks(id, [planFor(1), planFor(2)]);
    const shard = stores.open('shard');
    const shardId = stores.create(shard, [1]);
    const { batchSize, learningRates: rates, seeds: replicates, marks: at, threads, chunkSteps, mode } = one;
    shard.adoptStacks(shardId, [
      {
        key: one.key,
        plan: { batchSize, learningRates: rates, seeds: replicates, steps, marks: at },
        settings: { threads, chunkSteps, mode },
        columns: Array.from({ length: width }, (_, column) => column),
      },
    ]);
    const spool = stackSpoolFile(shard.spoolFolder, one.key);
    const complete = Buffer.from(wholeSpool(one.key));
    // Half a line at the end: its trainer is writing.
    writeFileSync(spool, complete.subarray(0, 2000));
    writeFileSync(stackCheckpointFile(shard.spoolFolder, one.key), 'checkpoint');
    expect(mergeStore(target, shard.file)[0]).toMatchObject({ stacksAdded: 1, isNew: false });
    expect(readFileSync(stackCheckpointFile(target.spoolFolder, one.key), 'utf8')).toBe('checkpoint');
    expect(experimentOf(target).counts.planned).toBe(2 * width);
    const steppedTo = stacksOf(target)[0].stepsDone;
    expect(steppedTo).toBeGreaterThan(0);
    appendFileSync(spool, complete.subarray(2000));
    expect(mergeStore(target, shard.file)[0]).toMatchObject({ stacksAdded: 0, stacksExtended: 1 });
    expect(stacksOf(target).map(({ key, state }) => [key, state])).toEqual([
      [one.key, 'finished'],
      [two.key, 'planned'],
    ]);
    // A shorter copy of the shard, as an old backup would be, takes nothing away.
    truncateSync(spool, 1000);
    const before = dump(target.file);
    mergeStore(target, shard.file);
    expect(dump(target.file)).toEqual(before);
  });

  it('says why a stack of a shard ended early', () => {
    const shard = stores.open('shard');
    const [stack] = shard.planStacks(stores.create(shard, [1]), [planFor(1)]);
    writeFileSync(stackSpoolFile(shard.spoolFolder, stack.key), text(startLine(stack.key)));
    shard.ingest(stack.key);
    shard.stackEnded(stack.key, 'failed', 'no such file');
    const target = stores.open('target');
    mergeStore(target, shard.file);
    expect(stacksOf(target)).toMatchObject([{ state: 'failed', reason: 'no such file' }]);
    expect(experimentOf(target).counts.failed).toBe(width);
  });

  it('counts a cell that both have trained once when the results are equal bit by bit', () => {
    const [a, b] = [stores.trained('a', [1, 2]), stores.trained('b', [1])];
    const before = dump(a.file);
    expect(mergeStore(a, b.file)[0]).toMatchObject({ stacksAdded: 0, identicalCells: width, conflicts: [] });
    expect(dump(a.file)).toEqual(before);
  });

  it('keeps both results of a cell when they differ, and says so each time', () => {
    const [a, b] = [stores.trained('a', [1, 2]), stores.trained('b', [1], otherResult(2))];
    const [kept] = stacksOf(a);
    const curves = curvesOf(a);
    for (let round = 0; round < 2; round++) {
      const [merged] = mergeStore(a, b.file);
      expect(merged.problems).toEqual([]);
      // Column 2 of the fixture's other spool, and those whose training it does not repeat.
      expect(merged.conflicts).toContainEqual({
        batchSize: 1,
        learningRate: learningRates[2],
        seed: seeds[0],
        kept: kept.key,
        beside: stacksOf(b)[0].key,
      });
      expect(merged.stacksAdded).toBe(round === 0 ? 1 : 0);
      expect(curvesOf(a)).toEqual(curves);
      expect(stacksOf(a)).toHaveLength(3);
    }
    expect(existsSync(stackSpoolFile(a.spoolFolder, stacksOf(b)[0].key))).toBe(true);
    expect(a.events(experimentOf(a).id).filter(({ kind }) => kind === 'merge')).toHaveLength(1);
  });

  it('keeps both results of one planned stack that was trained in two places', () => {
    const target = stores.open('target');
    const [stack] = target.planStacks(stores.create(target, [1]), [planFor(1)]);
    const shard = (name: string, spool: (key: string) => string) => {
      const store = stores.open(name);
      const { batchSize, learningRates: rates, seeds: replicates, marks: at } = stack;
      store.adoptStacks(stores.create(store, [1]), [
        {
          key: stack.key,
          plan: { batchSize, learningRates: rates, seeds: replicates, steps, marks: at },
          settings: { threads: 1, chunkSteps: 2, mode: 'compiled' },
          columns: [0, 1, 2, 3, 4, 5],
        },
      ]);
      writeFileSync(stackSpoolFile(store.spoolFolder, stack.key), spool(stack.key));
      store.ingest(stack.key);
      return store;
    };
    const [a, b] = [shard('a', wholeSpool), shard('b', otherResult(0))];
    mergeStore(target, a.file);
    for (let round = 0; round < 2; round++) {
      const [merged] = mergeStore(target, b.file);
      expect(merged.problems).toEqual([]);
      expect(merged.conflicts.map(({ learningRate, seed }) => [learningRate, seed])).toContainEqual([0.1, 0]);
      expect(stacksOf(target).map(({ state }) => state)).toEqual(['finished', 'finished']);
    }
    // Trained twice with the same result: once.
    const c = shard('c', (key) => `${wholeSpool(key)}\n`);
    expect(mergeStore(target, c.file)[0]).toMatchObject({ conflicts: [], problems: [] });
    expect(stacksOf(target)).toHaveLength(2);
  });

  it('brings over two experiments that share a stack and none of its cells', () => {
    const here = stores.trained('here', [1, 2]);
    const part = (key: string, rate: number) => {
      const learningRates = { ...splitGrid.learningRates, list: [rate] };
      const specification = { ...splitGrid, name: key, learningRates };
      const cells = cellConfigurations(specification, expandGrid(specification), '');
      return here.createExperiment(specification, cells, { key, createdAt: 6 });
    };
    const parts = [part('bbbb1111', learningRates[0]), part('cccc1111', learningRates[1])];
    // The one that planned the stacks goes; what the others use stays.
    here.deleteExperiment(experimentOf(here).id);
    const target = stores.open('target');
    for (const { problems, stacksAdded } of mergeStore(target, here.file))
      expect([problems, stacksAdded]).toEqual([[], 2]);
    for (const { key, id } of parts)
      expect(target.curveSet(target.experiment(key).id, 'evaluationLoss')).toEqual(
        here.curveSet(id, 'evaluationLoss'),
      );
    const before = dump(target.file);
    for (const again of mergeStore(target, here.file))
      expect(again).toMatchObject({ stacksAdded: 0, problems: [], conflicts: [] });
    expect(dump(target.file)).toEqual(before);
  });

  it('takes a finished result in place of one that failed here', () => {
    const [a, b] = [stores.open('a'), stores.trained('b', [1])];
    const [failed] = a.planStacks(stores.create(a, [1]), [planFor(1)]);
    a.stackEnded(failed.key, 'failed', 'no memory');
    expect(mergeStore(a, b.file)[0]).toMatchObject({ stacksAdded: 1, conflicts: [] });
    expect(stacksOf(a).map(({ state }) => state)).toEqual(['finished']);
    expect(experimentOf(a).counts.done + experimentOf(a).counts.diverged).toBe(width);
  });

  it('refuses a specification that was edited, other data, and itself; nothing is merged by half', () => {
    const target = stores.trained('target', [1]);
    const before = dump(target.file);
    const edited = stores.open('edited');
    stores.create(edited, [1], { ...splitGrid, optimizer: { kind: 'sgd' } });
    expect(mergeStore(target, edited.file)[0].problems.join()).toContain('another specification');
    const other = stores.open('other');
    const cells = cellConfigurations(splitGrid, expandGrid(splitGrid), 'abc');
    other.createExperiment(splitGrid, cells, splitIdentity);
    expect(mergeStore(target, other.file)[0].problems.join()).toContain('other data');
    expect(storeError(() => mergeStore(target, target.file)).code).toBe('invalid');
    expect(dump(target.file)).toEqual(before);
    expect(readdirSync(target.spoolFolder).filter((name) => name.endsWith('.merging'))).toEqual([]);
  });

  it('reads damaged and foreign files as errors, and goes on without a spool that is gone', () => {
    const target = stores.open('target');
    const junk = join(stores.folder, 'junk');
    writeFileSync(junk, 'not a database');
    expect(storeError(() => mergeStore(target, junk)).code).toBe('not-a-database');
    expect(storeError(() => mergeStore(target, join(stores.folder, 'missing'))).code).toBe('missing');
    const source = stores.trained('source', [1, 2]);
    const [gone] = stacksOf(source);
    writeFileSync(stackSpoolFile(source.spoolFolder, gone.key), '');
    const cut = join(stores.folder, 'cut');
    stores.closeOne(source);
    writeFileSync(cut, readFileSync(source.file).subarray(0, 20_000));
    expect(['damaged', 'not-a-database']).toContain(storeError(() => mergeStore(target, cut)).code);
    expect(target.experiments()).toEqual([]);
    const [merged] = mergeStore(target, source.file);
    expect(merged.stacksAdded).toBeGreaterThan(0);
    expect(experimentOf(target).counts.planned).toBe(width);
  });
});
