import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openStore, rebuildStore, stackSpoolFile } from '#main/lab/store/index.ts';
import {
  append,
  cellConfigurations,
  codeOf,
  dump,
  planFor,
  removeTemporaryFoldersAfterEach,
  settings,
  specification,
  startLine,
  temporaryFolder,
  trainLines,
  wholeSpool,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

/** A store with a bit of everything that can happen to it. */
function eventfulStore(): string {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  const first = store.createExperiment(specification('first'), cellConfigurations([1]));
  const second = store.createExperiment(specification('second'), cellConfigurations());
  const gone = store.createExperiment(specification('gone'), cellConfigurations([2]));
  const [one] = store.planStacks(first.id, [planFor(1)]);
  store.stackStarted(one.key, { pid: 11, startTicks: 12 });
  append(stackSpoolFile(store.spoolFolder, one.key), startLine(one.key), ...trainLines(0, 4), 'rubbish\n');
  store.ingest(one.key);
  store.stackEnded(one.key, 'interrupted', 'the power went');
  store.stackStarted(one.key, { pid: 13, startTicks: 14 });
  append(stackSpoolFile(store.spoolFolder, one.key), wholeSpool(one.key));
  store.ingest(one.key);
  store.deleteExperiment(gone.id);

  // Fails, is tried again with half the stack, fails again and is reset; then one half runs.
  const [two] = store.planStacks(second.id, [planFor(2)]);
  store.stackStarted(two.key, { pid: 15, startTicks: 16 });
  append(stackSpoolFile(store.spoolFolder, two.key), startLine(two.key), ...trainLines(0, 2));
  store.ingest(two.key);
  store.stackEnded(two.key, 'out-of-memory', 'no room');
  const halves = [0, 1].map((seed) => ({ plan: { ...planFor(2).plan, seeds: [seed] }, settings }));
  const [half] = store.planStacks(second.id, halves);
  store.stackStarted(half.key, { pid: 17, startTicks: 18 });
  store.stackEnded(half.key, 'failed', 'a bug');
  store.resetCells(second.id, ['failed']);
  const [again] = store.planStacks(second.id, [halves[0]]);
  store.stackStarted(again.key, { pid: 19, startTicks: 20 });
  store.addEvent({ experiment: second.id, stack: again.key, kind: 'note', message: 'running ½' });
  store.hold(second.id, 'three fast failures');
  store.archive(first.id, true);
  store.close();
  return store.file;
}

describe('a rebuilt store', () => {
  it('equals the lost one, row for row', () => {
    const file = eventfulStore();
    const wanted = dump(file);
    writeFileSync(file, 'not a database any more');
    expect(codeOf(() => openStore(file))).toBe('not-a-database');
    const rebuilt = rebuildStore(file);
    expect(rebuilt).toMatchObject({ experiments: 2, skipped: 0 });
    expect(dump(file)).toEqual(wanted);
    expect(readFileSync(rebuilt.kept ?? '', 'utf8')).toBe('not a database any more');
    openStore(file).close();
    expect(dump(file)).toEqual(wanted);
  });

  it('is what a rebuild of a rebuild gives, and a missing file comes back by itself', () => {
    const file = eventfulStore();
    const wanted = dump(file);
    rebuildStore(file);
    rebuildStore(file);
    expect(dump(file)).toEqual(wanted);
    rmSync(file);
    openStore(file).close();
    expect(dump(file)).toEqual(wanted);
  });

  it('skips lines of the journal that were overwritten, and counts them', () => {
    const file = eventfulStore();
    appendFileSync(
      `${file}.spool/lab.jsonl`,
      'rubbish\n{"fact":"hold","time":1,"experiment":"nobody","reason":null}\n',
    );
    expect(rebuildStore(file)).toMatchObject({ experiments: 2, skipped: 2 });
    const store = openStore(file);
    expect(store.experiments()).toHaveLength(2);
    store.close();
  });

  it('needs a journal', () => {
    const file = join(temporaryFolder(), 'a.surge');
    expect(codeOf(() => rebuildStore(file))).toBe('nothing-to-rebuild');
    expect(existsSync(file)).toBe(false);
  });
});

describe('the journal', () => {
  it('is ahead after a crash: its last facts are applied at the next open, once', () => {
    const file = join(temporaryFolder(), 'a.surge');
    let store = openStore(file);
    store.createExperiment(specification('early'), cellConfigurations());
    store.close();
    copyFileSync(file, `${file}.early`);
    store = openStore(file);
    store.createExperiment(specification('late'), cellConfigurations());
    store.close();
    const wanted = dump(file);
    // As if the process had died after the journal was written and before SQLite was.
    copyFileSync(`${file}.early`, file);
    openStore(file).close();
    expect(dump(file)).toEqual(wanted);
    openStore(file).close();
    expect(dump(file)).toEqual(wanted);
  });

  it('loses a torn last line, which nobody was promised', () => {
    const file = eventfulStore();
    const wanted = dump(file);
    const journal = `${file}.spool/lab.jsonl`;
    const size = readFileSync(journal).length;
    appendFileSync(journal, '{"fact":"archive","time":1,"exper');
    openStore(file).close();
    expect(dump(file)).toEqual(wanted);
    expect(readFileSync(journal)).toHaveLength(size);
  });

  it('that went missing or was cut does not stop the store, which says so', () => {
    for (const spoil of [
      (journal: string) => rmSync(journal),
      (journal: string) => truncateSync(journal, 100),
      (journal: string) => writeFileSync(journal, 'x'.repeat(1_000_000)),
    ]) {
      const file = eventfulStore();
      spoil(`${file}.spool/lab.jsonl`);
      const store = openStore(file);
      expect(store.experiments()).toHaveLength(2);
      store.createExperiment(specification('more'), []);
      store.close();
      expect(dump(file).events).toContainEqual(expect.objectContaining({ kind: 'journal' }));
    }
  });

  it('forgets a fact that SQLite refused', () => {
    const file = join(temporaryFolder(), 'a.surge');
    const store = openStore(file);
    const { id } = store.createExperiment(specification(), cellConfigurations());
    const size = readFileSync(`${file}.spool/lab.jsonl`).length;
    const before = dump(file);
    const other = new SqliteDatabase(file);
    other.exec(`CREATE TRIGGER no BEFORE UPDATE ON store_state BEGIN SELECT raise(ABORT, 'no'); END`);
    other.close();
    expect(codeOf(() => store.hold(id, 'paused'))).toBe('failed');
    expect(readFileSync(`${file}.spool/lab.jsonl`)).toHaveLength(size);
    expect(dump(file)).toEqual(before);
    store.close();
  });
});
