/** Disks that are full or read-only, as small tmpfs mounts; skipped with a message where they cannot be mounted. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import { openStore, openStoreReadOnly, stackSpoolFile } from '#main/lab/store/index.ts';
import { createLarge, feed } from '../../support/large-store.ts';
import {
  cellConfigurations,
  codeOf,
  dump,
  planFor,
  removeTemporaryFoldersAfterEach,
  specification,
  storeError,
  temporaryFolder,
  wholeSpool,
} from '../../support/store.ts';

const mounts: string[] = [];

function mountDisk(size: string): string {
  const folder = join(temporaryFolder(), 'disk');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'pipe' });
  mounts.push(folder);
  return folder;
}

removeTemporaryFoldersAfterEach();
// Hooks run last in, first out: the disks go before their folders.
afterEach(() => {
  for (const folder of mounts.splice(0)) execFileSync('umount', [folder]);
});

function canMount(): boolean {
  try {
    mountDisk('64k');
    return true;
  } catch {
    return false;
  } finally {
    for (const folder of mounts.splice(0)) execFileSync('umount', [folder]);
  }
}

const mountable = canMount();
if (!mountable) console.log('skipped: full and read-only disks need the right to mount a tmpfs');

/** Fills the disk up to `left` bytes. */
function fill(folder: string, left: number): string {
  const { bavail, bsize } = statfsSync(folder);
  const file = join(folder, 'filler');
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - left)));
  return file;
}

function sound(file: string): void {
  const database = new SqliteDatabase(file);
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(database.pragma('foreign_key_check')).toEqual([]);
  database.close();
}

describe.skipIf(!mountable)('a full disk', () => {
  it('stops decisions with a clear message, half-writes none, and all goes on when there is room', () => {
    const folder = mountDisk('3m');
    const store = openStore(join(folder, 'a.surge'));
    const first = store.createExperiment(specification('first'), cellConfigurations());
    const filler = fill(folder, 48 * 1024);
    const created: string[] = [first.key];
    const error = storeError(() => {
      for (let i = 0; i < 10_000; i++) {
        const many = cellConfigurations().map((cell) => ({ ...cell, evaluationExamples: 100 + i }));
        created.push(store.createExperiment(specification(`another ${i}`), many).key);
      }
    });
    expect(error.code).toBe('disk-full');
    expect(error.message).toContain('free some space');
    expect(store.experiments().map(({ key }) => key)).toEqual(created);
    expect(readFileSync(join(store.spoolFolder, 'lab.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(
      created.length,
    );
    rmSync(filler);
    const later = store.createExperiment(specification('later'), cellConfigurations());
    expect(store.experiment('later').key).toBe(later.key);
    store.close();
    sound(store.file);
    const again = openStore(store.file);
    expect(again.experiments()).toHaveLength(created.length + 1);
    again.close();
  });

  it('stops ingest with a clear message, and the same spool is taken exactly once afterwards', () => {
    const quietStore = openStore(join(temporaryFolder(), 'a.surge'));
    const folder = mountDisk('6m');
    const store = openStore(join(folder, 'a.surge'));
    const results = [quietStore, store].map((each) => {
      const { id } = each.createExperiment(specification(), cellConfigurations());
      const [stack] = each.planStacks(id, [planFor(1)]);
      // The same attempt over and over again, with the last one complete: a spool of about 1.5 MB.
      writeFileSync(stackSpoolFile(each.spoolFolder, stack.key), wholeSpool(stack.key).repeat(600));
      return { id, stack };
    });
    quietStore.ingest(results[0].stack.key);
    const filler = fill(folder, 8 * 1024);
    const { id, stack } = results[1];
    const error = storeError(() => store.ingest(stack.key));
    expect(error.code).toBe('disk-full');
    expect(store.stacks(id)[0].state).toBe('planned');
    expect(dump(store.file).blocks).toEqual([]);
    rmSync(filler);
    expect(store.ingest(stack.key)).toMatchObject({ badLines: 0, ending: 'finished' });
    expect(dump(store.file).blocks).toEqual(dump(quietStore.file).blocks);
    store.close();
    quietStore.close();
    sound(store.file);
  });

  it('stops a merge with a clear message, and the next one finishes it', () => {
    const source = openStore(join(temporaryFolder(), 'source.surge'));
    const grid = { name: 'merged', batchSizes: 8, learningRates: 24, seeds: 8, marks: 60 };
    const { experiment, stacks } = createLarge(source, grid);
    for (const stack of stacks) feed(source, stack, 0, grid.marks);
    const curves = source.curveSet(experiment.id, 'evaluationLoss');
    source.close();
    const folder = mountDisk('16m');
    const target = openStore(join(folder, 'a.surge'));
    const filler = fill(folder, 512 * 1024);
    expect(codeOf(() => mergeStore(target, source.file))).toBe('disk-full');
    rmSync(filler);
    expect(mergeStore(target, source.file)[0].problems).toEqual([]);
    expect(target.curveSet(target.experiment(experiment.key).id, 'evaluationLoss')).toEqual(curves);
    target.close();
    sound(target.file);
  });

  it('is told when not even a new store fits', () => {
    const folder = mountDisk('64k');
    fill(folder, 0);
    expect(codeOf(() => openStore(join(folder, 'a.surge')))).toBe('disk-full');
  });
});

describe.skipIf(!mountable)('a read-only disk', () => {
  it('can be read from, and refuses to be written with a clear message', () => {
    const folder = mountDisk('4m');
    const store = openStore(join(folder, 'a.surge'));
    store.createExperiment(specification(), cellConfigurations());
    store.close();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const error = storeError(() => openStore(store.file));
    expect(error.code).toBe('read-only');
    expect(error.message).toContain('--store');
    expect(codeOf(() => openStore(join(folder, 'new.surge')))).toBe('read-only');
    expect(existsSync(join(folder, 'new.surge'))).toBe(false);
    // A shard on such a disk can be merged from; nothing can be merged into it.
    const target = openStore(join(temporaryFolder(), 'target.surge'));
    expect(mergeStore(target, store.file)[0]).toMatchObject({ isNew: true, problems: [] });
    target.close();
    const reader = openStoreReadOnly(store.file);
    expect(reader.experiment('small').cells).toBe(12);
    expect(reader.meanSurface(reader.experiment('small').id, 'evaluationLoss', 0)).toHaveLength(6);
    reader.close();
  });
});
