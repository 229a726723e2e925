import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { migrations as released, type Migration } from './schema.ts';
import { asStoreError, StoreError } from './store-error.ts';

/** The schema that this program writes. */
export const currentVersion = released.length;

/** The steps must be 1, 2, 3, … in this order: a gap or a repeat would skip or redo a change of tables. */
export function checkMonotonic(steps: readonly Migration[]): void {
  steps.forEach((step, index) => {
    if (step.version !== index + 1) {
      throw new StoreError(
        'migration-failed',
        `Migration "${step.name}" has number ${step.version} in place ${index + 1}; numbers must be 1, 2, 3, … in order.`,
      );
    }
  });
}

export function userVersion(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function timestamp(): string {
  return new Date().toISOString().replaceAll(/[-:]/g, '').replace('.', '');
}

/** Backups made before migrations and by hand with the default name, newest first. */
export function backupsOf(file: string): string[] {
  const folder = dirname(file);
  const prefix = `${basename(file)}.backup-`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ path: join(folder, name), time: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time || (a.path < b.path ? 1 : -1))
    .map(({ path }) => path);
}

/**
 * Brings the tables up to date in one transaction, after a backup of whatever was there. Throws StoreError
 * 'migration-failed' with the old tables still in place.
 */
export function migrate(database: Database, file: string, steps: readonly Migration[] = released): void {
  checkMonotonic(steps);
  const from = userVersion(database);
  const pending = steps.filter((step) => step.version > from);
  if (pending.length === 0) return;
  let backup = '';
  if (from > 0) {
    backup = `${file}.backup-v${from}-${timestamp()}`;
    try {
      database.prepare('VACUUM INTO ?').run(backup);
    } catch (error) {
      const known = asStoreError(error, backup);
      throw new StoreError(
        known instanceof StoreError ? known.code : 'migration-failed',
        `The store must be brought from schema ${from} to ${steps.length}, but the backup before it could not be made: ${
          error instanceof Error ? error.message : String(error)
        }`,
        { cause: error },
      );
    }
  }
  let name = '';
  try {
    database.exec('BEGIN IMMEDIATE');
    for (const step of pending) {
      name = step.name;
      step.apply(database);
      database.pragma(`user_version = ${step.version}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    const known = asStoreError(error, file);
    if (known instanceof StoreError && known.code !== 'failed') throw known;
    throw new StoreError(
      'migration-failed',
      `Migration "${name}" of ${file} failed and was undone: ${error instanceof Error ? error.message : String(error)}` +
        (backup === '' ? '' : ` A backup is in ${backup}.`),
      { cause: error },
    );
  }
  database.pragma('optimize');
}
