import { appendFileSync, existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { specificationSchema, type Specification } from '#shared/experiment/specification.ts';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import { openStore, rebuildStore, stackCheckpointFile, stackSpoolFile } from '#main/lab/store/index.ts';
import type { Stack, WritableStore } from '#main/lab/store/types.ts';
import {
  curveLine,
  dump,
  finishedLine,
  learningRates,
  marks,
  planFor,
  removeTemporaryFoldersAfterEach,
  seeds,
  startLine,
  steps,
  storeError,
  temporaryFolder,
  text,
  trainLines,
  wholeSpool,
  width,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

const grid: Specification = specificationSchema.parse({
  name: 'split',
  workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
  optimizer: { kind: 'sign' },
  learningRates: { list: learningRates },
  batchSizes: { list: [1, 2] },
  seeds: seeds.length,
  length: { steps },
  marks: { geometricPerDecade: 0, list: marks },
  evaluation: { examples: 10 },
});

const identity = { key: 'abcd1234', createdAt: 5 };

let folder: string;
const opened: WritableStore[] = [];
beforeEach(() => {
  folder = temporaryFolder();
  return () => {
    for (const store of opened.splice(0)) store.close();
  };
});

function open(name: string): WritableStore {
  const store = openStore(join(folder, name));
  opened.push(store);
  return store;
}

function create(store: WritableStore, batchSizes = [1, 2], specification = grid): number {
  const cells = cellConfigurations(specification, expandGrid(specification), '').filter((cell) =>
    batchSizes.includes(cell.batchSize),
  );
  return store.createExperiment(specification, cells, identity).id;
}

/** A store that has trained these batch sizes of the experiment. */
function trained(name: string, batchSizes: readonly number[], spool = wholeSpool): WritableStore {
  const store = open(name);
  const id = create(store, [...batchSizes]);
  for (const stack of store.planStacks(id, batchSizes.map(planFor))) {
    writeFileSync(stackSpoolFile(store.spoolFolder, stack.key), spool(stack.key));
    store.ingest(stack.key);
  }
  return store;
}

/** The same but with another last evaluation of the cell in `column`. */
const otherResult = (column: number) => (key: string) => {
  const last = Array.from({ length: width }, (_, cell) => (cell === column ? 77 : 2030.5 + cell));
  return [
    text(startLine(key)),
    ...trainLines(0, steps).map(text),
    text(curveLine('evaluationLoss', marks.length - 1, last)),
    text(finishedLine),
  ].join('');
};

const experimentOf = (store: WritableStore) => store.experiment(identity.key);
const stacksOf = (store: WritableStore): Stack[] => store.stacks(experimentOf(store).id);
const curvesOf = (store: WritableStore) =>
  (['trainingLoss', 'evaluationLoss', 'evaluationAccuracy'] as const).map((metric) => {
    const { values, recorded } = store.curveSet(experimentOf(store).id, metric);
    return [Buffer.from(values.buffer).toString('hex'), [...recorded]];
  });

describe('merge', () => {
  it('makes of two halves what one store would have, and merging twice changes nothing', () => {
    const [a, b] = [trained('a', [1]), trained('b', [2])];
    const whole = trained('whole', [1, 2]);
    const target = open('target');
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
    target.close();
    opened.splice(opened.indexOf(target), 1);
    rebuildStore(join(folder, 'target'));
    expect(dump(join(folder, 'target'))).toEqual(before);
  });

  it('fills the stacks that were planned here and handed out, as their spools grow', () => {
    const target = open('target');
    const id = create(target);
    const [one, two] = target.planStacks(id, [planFor(1), planFor(2)]);
    const shard = open('shard');
    const shardId = create(shard, [1]);
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
    const shard = open('shard');
    const [stack] = shard.planStacks(create(shard, [1]), [planFor(1)]);
    writeFileSync(stackSpoolFile(shard.spoolFolder, stack.key), text(startLine(stack.key)));
    shard.ingest(stack.key);
    shard.stackEnded(stack.key, 'failed', 'no such file');
    const target = open('target');
    mergeStore(target, shard.file);
    expect(stacksOf(target)).toMatchObject([{ state: 'failed', reason: 'no such file' }]);
    expect(experimentOf(target).counts.failed).toBe(width);
  });

  it('counts a cell that both have trained once when the results are equal bit by bit', () => {
    const [a, b] = [trained('a', [1, 2]), trained('b', [1])];
    const before = dump(a.file);
    expect(mergeStore(a, b.file)[0]).toMatchObject({ stacksAdded: 0, identicalCells: width, conflicts: [] });
    expect(dump(a.file)).toEqual(before);
  });

  it('keeps both results of a cell when they differ, and says so each time', () => {
    const [a, b] = [trained('a', [1, 2]), trained('b', [1], otherResult(2))];
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
    const target = open('target');
    const [stack] = target.planStacks(create(target, [1]), [planFor(1)]);
    const shard = (name: string, spool: (key: string) => string) => {
      const store = open(name);
      const { batchSize, learningRates: rates, seeds: replicates, marks: at } = stack;
      store.adoptStacks(create(store, [1]), [
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

  it('takes a finished result in place of one that failed here', () => {
    const [a, b] = [open('a'), trained('b', [1])];
    const [failed] = a.planStacks(create(a, [1]), [planFor(1)]);
    a.stackEnded(failed.key, 'failed', 'no memory');
    expect(mergeStore(a, b.file)[0]).toMatchObject({ stacksAdded: 1, conflicts: [] });
    expect(stacksOf(a).map(({ state }) => state)).toEqual(['finished']);
    expect(experimentOf(a).counts.done + experimentOf(a).counts.diverged).toBe(width);
  });

  it('refuses a specification that was edited, other data, and itself; nothing is merged by half', () => {
    const target = trained('target', [1]);
    const before = dump(target.file);
    const edited = open('edited');
    create(edited, [1], { ...grid, optimizer: { kind: 'sgd' } });
    expect(mergeStore(target, edited.file)[0].problems.join()).toContain('another specification');
    const other = open('other');
    const cells = cellConfigurations(grid, expandGrid(grid), 'abc');
    other.createExperiment(grid, cells, identity);
    expect(mergeStore(target, other.file)[0].problems.join()).toContain('other data');
    expect(storeError(() => mergeStore(target, target.file)).code).toBe('invalid');
    expect(dump(target.file)).toEqual(before);
    expect(readdirSync(target.spoolFolder).filter((name) => name.endsWith('.merging'))).toEqual([]);
  });

  it('reads damaged and foreign files as errors, and goes on without a spool that is gone', () => {
    const target = open('target');
    const junk = join(folder, 'junk');
    writeFileSync(junk, 'not a database');
    expect(storeError(() => mergeStore(target, junk)).code).toBe('not-a-database');
    expect(storeError(() => mergeStore(target, join(folder, 'missing'))).code).toBe('missing');
    const source = trained('source', [1, 2]);
    const [gone] = stacksOf(source);
    writeFileSync(stackSpoolFile(source.spoolFolder, gone.key), '');
    const cut = join(folder, 'cut');
    source.close();
    opened.splice(opened.indexOf(source), 1);
    writeFileSync(cut, readFileSync(source.file).subarray(0, 20_000));
    expect(['damaged', 'not-a-database']).toContain(storeError(() => mergeStore(target, cut)).code);
    expect(target.experiments()).toEqual([]);
    const [merged] = mergeStore(target, source.file);
    expect(merged.stacksAdded).toBeGreaterThan(0);
    expect(experimentOf(target).counts.planned).toBe(width);
  });
});
