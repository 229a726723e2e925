import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openStore, openStoreReadOnly, stackSpoolFile } from '#main/lab/store/index.ts';
import {
  cellConfigurations,
  codeOf,
  planFor,
  removeTemporaryFoldersAfterEach,
  specification,
  storeError,
  temporaryFolder,
  wholeSpool,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

/** A closed store with some curves in it. */
function filledStore(): string {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  const { id } = store.createExperiment(specification(), cellConfigurations());
  for (const { key } of store.planStacks(id, [planFor(1), planFor(2)])) {
    writeFileSync(stackSpoolFile(store.spoolFolder, key), wholeSpool(key));
    store.ingest(key);
  }
  store.close();
  return store.file;
}

function change(file: string, sql: string): void {
  const database = new SqliteDatabase(file);
  database.exec(sql);
  database.close();
}

/** The file must be refused by both ways in and left exactly as it was. */
function refused(file: string, code: string): string {
  const before = readFileSync(file);
  expect(codeOf(() => openStoreReadOnly(file))).toBe(code);
  const error = storeError(() => openStore(file));
  expect(error.code).toBe(code);
  expect(readFileSync(file).equals(before)).toBe(true);
  return error.message;
}

describe('a file that is no store', () => {
  it('is refused and kept: text', () => {
    const file = join(temporaryFolder(), 'notes.txt');
    writeFileSync(file, 'learning rate 0.1 is fine\n'.repeat(100));
    expect(refused(file, 'not-a-database')).toContain('not an SQLite database');
  });

  it('is refused and kept: the database of another program', () => {
    const file = join(temporaryFolder(), 'other.db');
    change(file, 'CREATE TABLE music (title TEXT)');
    refused(file, 'not-a-store');
    change(file, 'PRAGMA application_id = 77');
    refused(file, 'not-a-store');
  });

  it('is refused: a folder', () => {
    const file = join(temporaryFolder(), 'folder');
    mkdirSync(file);
    expect(codeOf(() => openStore(file))).toBe('not-a-store');
    expect(codeOf(() => openStoreReadOnly(file))).toBe('not-a-store');
  });

  it('is refused: a path below a file', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(codeOf(() => openStore(join(file, 'a.surge')))).toBe('read-only');
  });

  it('is taken as a new store when it is empty', () => {
    const file = join(temporaryFolder(), 'empty.surge');
    writeFileSync(file, '');
    expect(codeOf(() => openStoreReadOnly(file))).toBe('not-a-store');
    const store = openStore(file);
    expect(store.experiments()).toEqual([]);
    store.close();
  });
});

describe('a store from the future', () => {
  it('is not written to, and read only as far as it allows', () => {
    const file = filledStore();
    change(file, 'PRAGMA user_version = 1000');
    expect(storeError(() => openStore(file)).message).toMatch(/newer Surge Lab \(schema 1000/);
    const reader = openStoreReadOnly(file);
    expect(reader.experiment('small').cells).toBe(12);
    reader.close();
    change(file, 'UPDATE store_state SET reader_version = 1000');
    refused(file, 'from-the-future');
  });
});

describe('a damaged store', () => {
  it('is found at open, kept, and the message names the backup and the way out', async () => {
    const file = filledStore();
    const store = openStore(file);
    await store.backup(`${file}.backup-before`);
    store.close();
    const size = statSync(file).size;
    const descriptor = openSync(file, 'r+');
    // Page 2 holds the first table.
    writeSync(descriptor, Buffer.alloc(8192, 0xa5), 0, 8192, 8192);
    closeSync(descriptor);
    const before = readFileSync(file);
    const error = storeError(() => openStore(file));
    expect(error.code).toBe('damaged');
    expect(error.message).toContain(`${file}.backup-before`);
    expect(error.message).toContain('surge doctor --rebuild');
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(statSync(file).size).toBe(size);
    // A reader that is asked to check finds it as well.
    expect(codeOf(() => openStoreReadOnly(file, { check: true }))).toBe('damaged');
    // The lock is free again after the refusal.
    expect(codeOf(() => openStore(file))).toBe('damaged');
  });

  it('is found when its end is missing', () => {
    const file = filledStore();
    truncateSync(file, statSync(file).size - 8192);
    const error = storeError(() => openStore(file));
    expect(error.code).toBe('damaged');
    expect(error.message).toContain('no backup');
  });

  it('gives an error with the way out to a reader too', () => {
    const file = filledStore();
    const size = statSync(file).size;
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.alloc(size - 8192, 0xa5), 0, size - 8192, 8192);
    closeSync(descriptor);
    const error = storeError(() => {
      const reader = openStoreReadOnly(file);
      try {
        reader.experiments();
      } finally {
        reader.close();
      }
    });
    expect(error.code).toBe('damaged');
    expect(error.message).toContain('surge doctor --rebuild');
  });
});

describe('a backup', () => {
  it('put in the place of the store catches up with the journal and the spools', async () => {
    const file = join(temporaryFolder(), 'a.surge');
    const store = openStore(file);
    const { id } = store.createExperiment(specification('early'), cellConfigurations());
    await store.backup(`${file}.backup-1`);
    const [stack] = store.planStacks(id, [planFor(1)]);
    writeFileSync(stackSpoolFile(store.spoolFolder, stack.key), wholeSpool(stack.key));
    store.ingest(stack.key);
    store.createExperiment(specification('late'), []);
    store.hold(id, 'paused');
    const wanted = store.experiments();
    store.close();
    copyFileSync(`${file}.backup-1`, file);
    const again = openStore(file);
    again.ingest(stack.key);
    expect(again.experiments()).toEqual(wanted);
    again.close();
    expect(existsSync(`${file}.spool/lab.jsonl`)).toBe(true);
  });
});
