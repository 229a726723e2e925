import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openStore, openStoreReadOnly, stackCheckpointFile, stackSpoolFile } from '#main/lab/store/index.ts';
import type { WritableStore } from '#main/lab/store/types.ts';
import { cellKey } from '#main/lab/identity.ts';
import {
  append,
  cellConfigurations,
  codeOf,
  dump,
  learningRates,
  marks,
  planFor,
  removeTemporaryFoldersAfterEach,
  seeds,
  settings,
  specification,
  startLine,
  steps,
  storeError,
  temporaryFolder,
  trainLines,
  valueAt,
  wholeSpool,
  width,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

function withStore(body: (store: WritableStore) => void): void {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  try {
    body(store);
  } finally {
    store.close();
  }
}

describe('experiments', () => {
  it('are kept with their cells in grid order', () => {
    withStore((store) => {
      const created = store.createExperiment(specification(), cellConfigurations());
      expect(created.cells).toBe(12);
      expect(created.counts.planned).toBe(12);
      expect(created.specification).toEqual(specification());
      const cells = store.cells(created.id);
      expect(cells.map((cell) => cell.configuration)).toEqual(cellConfigurations());
      expect(cells.map((cell) => cell.key)).toEqual(cellConfigurations().map((cell) => cellKey(cell)));
    });
  });

  it('are found by key, by the beginning of a key and by the newest of a name', () => {
    withStore((store) => {
      const first = store.createExperiment(specification('twin'), cellConfigurations());
      const second = store.createExperiment(specification('twin'), cellConfigurations());
      expect(store.experiment(first.key).id).toBe(first.id);
      expect(store.experiment(first.key.slice(0, 7)).id).toBe(first.id);
      expect(store.experiment('twin').id).toBe(second.id);
      const error = storeError(() => store.experiment('nobody'));
      expect(error.code).toBe('unknown-experiment');
      expect(error.message).toContain(first.key);
      expect(codeOf(() => store.experiment(''))).toBe('unknown-experiment');
    });
  });

  it('refuse the beginning of several keys', () => {
    withStore((store) => {
      // 33 keys over 32 first characters: two of them begin alike.
      const keys = Array.from({ length: 33 }, () => store.createExperiment(specification(), []).key);
      const twice = keys.find((key, index) => keys.findIndex((other) => other[0] === key[0]) < index)!;
      expect(codeOf(() => store.experiment(twice[0]))).toBe('ambiguous-experiment');
    });
  });

  it('can be empty, and repeat a cell without counting it twice', () => {
    withStore((store) => {
      const empty = store.createExperiment(specification(), []);
      expect(empty.cells).toBe(0);
      expect(store.curveSet(empty.id, 'evaluationLoss').values).toHaveLength(0);
      expect(store.meanSurface(empty.id, 'evaluationLoss', 0)).toHaveLength(0);
      const [cell] = cellConfigurations();
      expect(store.createExperiment(specification(), [cell, cell]).cells).toBe(1);
    });
  });

  it('remember hold and archive', () => {
    withStore((store) => {
      const { id } = store.createExperiment(specification(), cellConfigurations());
      store.hold(id, 'paused');
      store.archive(id, true);
      expect(store.experiments({ archived: true })[0]).toMatchObject({
        archived: true,
        hold: { reason: 'paused' },
      });
      expect(store.experiments({ archived: false })).toEqual([]);
      store.hold(id, null);
      expect(store.experiments()[0].hold).toBeNull();
    });
  });
});

describe('a stack', () => {
  it('goes from planned to running to finished, and its cells with it', () => {
    withStore((store) => {
      const { id } = store.createExperiment(specification(), cellConfigurations());
      const [stack] = store.planStacks(id, [planFor(1)]);
      expect(stack).toMatchObject({ state: 'planned', position: 0, ...planFor(1).plan, ...settings });
      store.stackStarted(stack.key, { pid: 42, startTicks: 99 });
      expect(store.stacks(id)[0].process).toEqual({ pid: 42, startTicks: 99 });
      expect(store.experiments()[0].counts).toMatchObject({ running: width, planned: width });
      append(stackSpoolFile(store.spoolFolder, stack.key), wholeSpool(stack.key));
      expect(store.ingest(stack.key)).toMatchObject({ badLines: 0, ending: 'finished' });
      expect(store.stacks(id)[0]).toMatchObject({
        state: 'finished',
        process: null,
        stepsDone: steps,
        checkpointStep: 4,
        trainMilliseconds: 10.5,
        peakResidentBytes: 12345,
      });
      expect(store.stacks(id)[0].engine?.tensorflow).toBe('2.21.0');
      expect(store.experiments()[0].counts).toMatchObject({ done: width - 2, diverged: 2, planned: width });
      // Column 3 is seed 1, learning rate 0.1; column 2 is seed 0, learning rate 0.4.
      const diverged = store.cells(id).filter((cell) => cell.state === 'diverged');
      expect(
        diverged.map((cell) => [cell.configuration.learningRate, cell.configuration.seed, cell.divergedAt]),
      ).toEqual([
        [0.1, 1, 3],
        [0.4, 0, 7],
      ]);
      store.stackEnded(stack.key, 'failed', 'too late');
      expect(store.stacks(id)[0].state).toBe('finished');
      expect(codeOf(() => store.stackStarted(stack.key, { pid: 1, startTicks: 1 }))).toBe('invalid');
    });
  });

  it('gives the curves back in their places', () => {
    withStore((store) => {
      const { id } = store.createExperiment(specification(), cellConfigurations());
      const [stack] = store.planStacks(id, [planFor(2)]);
      append(stackSpoolFile(store.spoolFolder, stack.key), wholeSpool(stack.key));
      store.ingest(stack.key);
      for (const metric of ['evaluationLoss', 'trainingLoss'] as const) {
        const curves = store.curveSet(id, metric);
        const count = metric === 'trainingLoss' ? steps : marks.length;
        expect(curves.stride).toBe(count);
        expect(curves.marks[1]).toEqual(metric === 'trainingLoss' ? [1, 2, 3, 4, 5, 6, 7, 8] : marks);
        learningRates.forEach((_, r) => {
          seeds.forEach((_, s) => {
            const cell = (learningRates.length + r) * seeds.length + s;
            expect(curves.recorded[cell]).toBe(count);
            for (let p = 0; p < count; p++) {
              expect(curves.values[cell * count + p]).toBe(valueAt(metric, p, s * learningRates.length + r));
            }
          });
        });
        // The other batch size has nothing yet.
        expect([...curves.recorded.slice(0, width)]).toEqual(new Array(width).fill(0));
        expect(curves.values.slice(0, width * count).every(Number.isNaN)).toBe(true);
        const surface = store.meanSurface(id, metric, 1);
        learningRates.forEach((_, r) => {
          expect(surface[r]).toBeNaN();
          expect(surface[learningRates.length + r]).toBeCloseTo(
            (valueAt(metric, 1, r) + valueAt(metric, 1, learningRates.length + r)) / 2,
            9,
          );
        });
        expect([...store.meanSurface(id, metric, count)].every(Number.isNaN)).toBe(true);
      }
      expect(store.curveSet(id, 'evaluationAccuracy').recorded.every((n) => n === 0)).toBe(true);
    });
  });

  it('ends with a reason, is planned anew, and counts its failures', () => {
    withStore((store) => {
      const { id } = store.createExperiment(specification(), cellConfigurations());
      const [stack] = store.planStacks(id, [planFor(1)]);
      store.stackStarted(stack.key, { pid: 1, startTicks: 1 });
      store.stackEnded(stack.key, 'out-of-memory', 'no room');
      expect(store.stacks(id)[0]).toMatchObject({
        state: 'out-of-memory',
        reason: 'no room',
        failures: 1,
        process: null,
      });
      expect(store.cells(id)[0]).toMatchObject({ state: 'out-of-memory', reason: 'no room' });
      // A retry may use smaller stacks; the failed one stays as history.
      const half = { ...planFor(1).plan, seeds: [0] };
      const retry = store.planStacks(id, [{ plan: half, settings: { ...settings, threads: 2 } }]);
      expect(retry[0]).toMatchObject({ position: 1, threads: 2, state: 'planned' });
      expect(store.cells(id).filter((cell) => cell.stack === retry[0].key)).toHaveLength(3);
      expect(store.experiments()[0].counts).toMatchObject({ 'out-of-memory': 3, planned: 9 });
      expect(store.stacks(id)).toHaveLength(2);
    });
  });

  it('counts failures in a row, but no stops on request and no deaths of the lab', () => {
    const file = join(temporaryFolder(), 'a.surge');
    let store = openStore(file);
    const { id } = store.createExperiment(specification(), cellConfigurations());
    const { key } = store.planStacks(id, [planFor(1)])[0];
    const spool = stackSpoolFile(store.spoolFolder, key);
    const attempt = (...lines: object[]): number => {
      store.stackStarted(key, { pid: 1, startTicks: 1 });
      append(spool, ...lines);
      store.ingest(key);
      store.stackEnded(key, 'interrupted', 'for the test');
      return store.stacks(id)[0].failures;
    };
    expect(attempt()).toBe(1);
    expect(attempt(startLine(key), ...trainLines(0, 2))).toBe(2);
    expect(attempt({ event: 'stopped', time: 1, step: 0, reason: 'asked', message: '' })).toBe(2);
    store.stackStarted(key, { pid: 1, startTicks: 1 });
    store.close();
    store = openStore(file);
    store.stackEnded(key, 'interrupted', 'the lab died');
    expect(store.stacks(id)[0].failures).toBe(2);
    // A checkpoint is progress: the count begins anew.
    expect(attempt(startLine(key), { event: 'checkpoint', time: 1, step: 4, file: 'c' })).toBe(0);
    store.stackEnded(key, 'failed', 'a bug');
    expect(store.stacks(id)[0].failures).toBe(1);
    store.close();
  });

  it('cannot take cells that are in another live stack or outside of the grid', () => {
    withStore((store) => {
      const { id } = store.createExperiment(specification(), cellConfigurations());
      store.planStacks(id, [planFor(1)]);
      expect(codeOf(() => store.planStacks(id, [planFor(1)]))).toBe('invalid');
      expect(codeOf(() => store.planStacks(id, [planFor(2), planFor(2)]))).toBe('invalid');
      expect(codeOf(() => store.planStacks(id, [planFor(3)]))).toBe('invalid');
      const wrongMarks = { plan: { ...planFor(2).plan, marks: [1, 8] }, settings };
      expect(codeOf(() => store.planStacks(id, [wrongMarks]))).toBe('invalid');
      expect(store.stacks(id)).toHaveLength(1);
      expect(codeOf(() => store.ingest('nobody'))).toBe('unknown-stack');
    });
  });

  it('is dropped with its files when its cells are reset', () => {
    withStore((store) => {
      const { id } = store.createExperiment(specification(), cellConfigurations());
      const [stack] = store.planStacks(id, [planFor(1)]);
      const spool = stackSpoolFile(store.spoolFolder, stack.key);
      append(spool, startLine(stack.key), ...trainLines(0, 4));
      writeFileSync(stackCheckpointFile(store.spoolFolder, stack.key), 'x');
      store.ingest(stack.key);
      store.stackEnded(stack.key, 'failed', 'bug');
      expect(codeOf(() => store.resetCells(id, ['done']))).toBe('invalid');
      expect(store.resetCells(id, ['interrupted'])).toBe(0);
      expect(store.resetCells(id, ['failed'])).toBe(width);
      expect(store.experiments()[0].counts.planned).toBe(2 * width);
      expect(store.stacks(id)).toEqual([]);
      expect(existsSync(spool)).toBe(false);
      expect(existsSync(stackCheckpointFile(store.spoolFolder, stack.key))).toBe(false);
      expect(dump(store.file).blocks).toEqual([]);
    });
  });
});

describe('shared cells', () => {
  it('are trained once, whoever asks', () => {
    withStore((store) => {
      const first = store.createExperiment(specification('first'), cellConfigurations([1]));
      const [stack] = store.planStacks(first.id, [planFor(1)]);
      append(stackSpoolFile(store.spoolFolder, stack.key), wholeSpool(stack.key));
      store.ingest(stack.key);
      const second = store.createExperiment(specification('second'), cellConfigurations([1, 2]));
      expect(second.counts).toMatchObject({ done: width - 2, diverged: 2, planned: width });
      expect(store.stacks(second.id).map(({ key }) => key)).toEqual([stack.key]);
      const other = store.planStacks(second.id, [planFor(2)]);
      expect(store.curveSet(second.id, 'evaluationLoss').recorded.slice(0, width)).toEqual(
        new Uint32Array(width).fill(marks.length),
      );

      // Deleting the first leaves what the second uses; deleting the second leaves nothing.
      store.deleteExperiment(first.id);
      expect(store.experiment('second').counts).toMatchObject({ done: width - 2, planned: width });
      expect(store.stacks(second.id).map(({ key, experiment }) => [key, experiment])).toEqual([
        [stack.key, second.id],
        [other[0].key, second.id],
      ]);
      expect(existsSync(stackSpoolFile(store.spoolFolder, stack.key))).toBe(true);
      store.deleteExperiment(second.id);
      expect(existsSync(stackSpoolFile(store.spoolFolder, stack.key))).toBe(false);
      const rest = dump(store.file);
      expect([
        rest.cells,
        rest.settings,
        rest.stacks,
        rest.blocks,
        rest.experimentCells,
        rest.experiments,
      ]).toEqual([[], [], [], [], [], []]);
    });
  });
});

describe('a reader', () => {
  it('works beside the writer and cannot write', () => {
    withStore((store) => {
      const { id } = store.createExperiment(specification(), cellConfigurations());
      const reader = openStoreReadOnly(store.file);
      expect(reader.experiment('small').cells).toBe(12);
      expect('createExperiment' in reader).toBe(false);
      store.addEvent({ experiment: id, stack: null, kind: 'note', message: 'hello' });
      expect(reader.events(id)).toMatchObject([{ kind: 'note', message: 'hello' }]);
      reader.close();
    });
  });

  it('does not create a store', () => {
    const file = join(temporaryFolder(), 'none.surge');
    expect(codeOf(() => openStoreReadOnly(file))).toBe('missing');
    expect(existsSync(file)).toBe(false);
  });
});

describe('the file', () => {
  it('has the pragmas, and is one file again after close', () => {
    const file = join(temporaryFolder(), 'a.surge');
    openStore(file).close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    const header = readFileSync(file);
    expect(header.readUInt32BE(68)).toBe(0x53524745);
    const database = new SqliteDatabase(file);
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    const loose = database
      .prepare(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite%'",
      )
      .all();
    expect(loose).toEqual([]);
    database.close();
  });

  it('is copied consistently by backup', async () => {
    const folder = temporaryFolder();
    const store = openStore(join(folder, 'a.surge'));
    store.createExperiment(specification(), cellConfigurations());
    await store.backup(join(folder, 'copy.surge'));
    expect(dump(join(folder, 'copy.surge'))).toEqual(dump(store.file));
    store.close();
  });

  it('takes links and relative names for the same store', () => {
    const folder = temporaryFolder();
    const store = openStore(join(folder, 'a.surge'));
    expect(codeOf(() => openStore(join(folder, '.', 'a.surge')))).toBe('locked');
    store.close();
    openStore(join(folder, 'a.surge')).close();
  });
});
