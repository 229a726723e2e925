/** Which store a command works on, and opening it for just as long as the command needs. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { asStoreError, openStore, openStoreReadOnly, spoolFolderOf } from '#main/lab/store/index.ts';
import type { ReadableStore, WritableStore } from '#main/lab/store/types.ts';

export interface StoreOption {
  readonly store?: string | undefined;
}

/** --store, else SURGE_STORE, else lab.surge in the user's data folder. */
export function storeFile(options: StoreOption): string {
  const given = options.store ?? process.env.SURGE_STORE;
  if (given !== undefined && given !== '') return given;
  const configured = process.env.XDG_DATA_HOME;
  const base =
    configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.local', 'share');
  return join(base, 'surge-lab', 'lab.surge');
}

export async function withReader<T>(
  options: StoreOption,
  use: (store: ReadableStore) => T | Promise<T>,
): Promise<T> {
  const store = openStoreReadOnly(storeFile(options));
  try {
    return await use(store);
  } catch (error) {
    throw inWords(error, store.file);
  } finally {
    store.close();
  }
}

/** For commands that make no sense without a store: none is created. Throws StoreError 'missing'. */
export async function withExistingWriter<T>(
  options: StoreOption,
  use: (store: WritableStore) => T | Promise<T>,
): Promise<T> {
  requireStore(storeFile(options));
  return withWriter(options, use);
}

/** A database that was lost is made again from its spool folder, so either is enough. */
export function requireStore(file: string): void {
  // Opening for reading has the right words for what is missing.
  if (!existsSync(file) && !existsSync(spoolFolderOf(file))) openStoreReadOnly(file).close();
}

export async function withWriter<T>(
  options: StoreOption,
  use: (store: WritableStore) => T | Promise<T>,
): Promise<T> {
  const store = openStore(storeFile(options));
  try {
    return await use(store);
  } catch (error) {
    throw inWords(error, store.file);
  } finally {
    store.close();
  }
}

/** SQLite itself may fail in the middle of anything: a full disk, a damaged page. */
function inWords(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('SQLITE_') ? asStoreError(error, file) : error;
}
