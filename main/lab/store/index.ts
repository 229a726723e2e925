/** The run store: open one for writing (one process at a time) or for reading (any number, beside the writer). */
import { existsSync, fsyncSync, openSync, closeSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { LabJournal } from './journal.ts';
import { openReadOnlyDatabase, openWritableDatabase } from './open-database.ts';
import { labJournalOf, resolveStore } from './paths.ts';
import { StoreReader } from './reader.ts';
import { StoreError } from './store-error.ts';
import type { ReadableStore, WritableStore } from './types.ts';
import { takeWriterLock, type WriterLock } from './writer-lock.ts';
import { StoreWriter } from './writer.ts';

export { asStoreError, StoreError, type StoreErrorCode } from './store-error.ts';
export { spoolFolderOf, stackCheckpointFile, stackSpoolFile } from './paths.ts';

function connect(
  databaseFile: string,
  file: string,
  lock: WriterLock,
): { store: StoreWriter; created: boolean } {
  const { database, created } = openWritableDatabase(databaseFile);
  let journal: LabJournal | undefined;
  try {
    journal = new LabJournal(labJournalOf(file));
    return { store: new StoreWriter(database, file, journal, lock), created };
  } catch (error) {
    journal?.close();
    database.close();
    throw error;
  }
}

/**
 * Opens a store for writing and creates it when absent. Throws StoreError: 'locked' when another process writes it,
 * 'damaged', 'not-a-database', 'not-a-store', 'from-the-future', 'read-only', 'disk-full', 'migration-failed'; a file that
 * is refused is left as it was.
 */
export function openStore(file: string): WritableStore {
  const path = resolveStore(file);
  const lock = takeWriterLock(path);
  let store: StoreWriter | undefined;
  try {
    const connection = connect(path, path, lock);
    store = connection.store;
    const { applied } = store.catchUp();
    // A new database beside an old journal: its file was lost. The spools hold its curves.
    if (connection.created && applied > 0) store.ingestEverything();
    return store;
  } catch (error) {
    if (store === undefined) lock.release();
    else store.close();
    throw error;
  }
}

/**
 * Opens a store that exists for reading. Works beside a writer, and on a read-only disk. Throws StoreError 'missing',
 * 'not-a-database', 'not-a-store', 'from-the-future', 'needs-migration', and with `check`, which reads the whole file,
 * 'damaged'.
 */
export function openStoreReadOnly(file: string, options: { check?: boolean } = {}): ReadableStore {
  const path = resolveStore(file);
  return new StoreReader(openReadOnlyDatabase(path, options), path);
}

export interface Rebuilt {
  readonly experiments: number;
  readonly stacks: number;
  /** Lines of the journal that could not be applied. */
  readonly skipped: number;
  /** Where the file that was there before is now; null when there was none. */
  readonly kept: string | null;
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes the store anew from its journal and spools, in a file of its own that takes the old one's place when it is
 * complete. The old file is kept as `<store>.damaged-<time>`. Throws StoreError 'nothing-to-rebuild' without a journal.
 */
export function rebuildStore(file: string): Rebuilt {
  const path = resolveStore(file);
  const lock = takeWriterLock(path);
  try {
    if (!LabJournal.exists(labJournalOf(path))) {
      throw new StoreError(
        'nothing-to-rebuild',
        `${labJournalOf(path)} is missing, so there is nothing to rebuild ${path} from.`,
      );
    }
    const fresh = `${path}.rebuilding`;
    for (const ending of ['', '-wal', '-shm']) rmSync(fresh + ending, { force: true });
    const { store } = connect(fresh, path, { release: () => undefined });
    let result: Omit<Rebuilt, 'kept'>;
    try {
      const { skipped } = store.catchUp();
      store.ingestEverything();
      const experiments = store.experiments();
      const stacks = new Set(experiments.flatMap(({ id }) => store.stacks(id).map((stack) => stack.key)));
      result = { experiments: experiments.length, stacks: stacks.size, skipped };
    } finally {
      store.close();
    }
    syncFile(fresh);
    let kept: string | null = null;
    if (existsSync(path)) {
      kept = `${path}.damaged-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`;
      // The log first: it belongs to the old file and must never meet the new one.
      for (const ending of ['-wal', '-shm'])
        if (existsSync(path + ending)) renameSync(path + ending, kept + ending);
      renameSync(path, kept);
    }
    renameSync(fresh, path);
    syncFile(dirname(path));
    return { ...result, kept };
  } finally {
    lock.release();
  }
}
