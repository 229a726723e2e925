/** Backups by hand: their names, and putting one in the store's place. */
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { takeWriterLock } from './writer-lock.ts';

function timestamp(): string {
  return new Date().toISOString().replaceAll(/[-:.]/g, '');
}

/** A name that the list of backups finds. */
export function backupName(file: string): string {
  return `${file}.backup-${timestamp()}`;
}

/**
 * Copies a backup over a store that nobody has open. The file that was there is kept as `<store>.replaced-<time>`, with
 * its log. Throws StoreError 'locked' when another program has the store.
 */
export function restoreBackup(file: string, name: string): void {
  const lock = takeWriterLock(file);
  try {
    const fresh = `${file}.restoring`;
    copyFileSync(join(dirname(file), name), fresh);
    const kept = `${file}.replaced-${timestamp()}`;
    // The log first: it belongs to the old file and must never meet the new one.
    for (const ending of ['-wal', '-shm', ''])
      if (existsSync(file + ending)) renameSync(file + ending, kept + ending);
    renameSync(fresh, file);
  } finally {
    lock.release();
  }
}
