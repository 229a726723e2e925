/** Which store a command works on, and opening it for just as long as the command needs. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { openStore, openStoreReadOnly } from '#main/lab/store/index.ts';
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
  } finally {
    store.close();
  }
}

export async function withWriter<T>(
  options: StoreOption,
  use: (store: WritableStore) => T | Promise<T>,
): Promise<T> {
  const store = openStore(storeFile(options));
  try {
    return await use(store);
  } finally {
    store.close();
  }
}
