/** What the tests of the store need: folders that go away, errors as values, and every row of a store. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach } from 'vitest';
import type { SpoolLine } from '#main/training/protocol.ts';
import { StoreError, type StoreErrorCode } from '#main/lab/store/index.ts';
import { migrate } from '#main/lab/store/migrate.ts';
import { applicationId, migrations } from '#main/lab/store/schema.ts';
import { specification, text } from './store-data.ts';

export * from './store-data.ts';

const folders: string[] = [];

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'surge-store-test-'));
  folders.push(folder);
  return folder;
}

export function removeTemporaryFoldersAfterEach(): void {
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
}

export function append(file: string, ...lines: (SpoolLine | object | string)[]): void {
  appendFileSync(file, lines.map((line) => (typeof line === 'string' ? line : text(line))).join(''));
}

/** Every row of a store except row numbers of events, for comparing two stores. */
export function dump(file: string): Record<string, unknown[]> {
  const database = new SqliteDatabase(file, { readonly: true });
  try {
    const rows = (sql: string) => database.prepare<[], Record<string, unknown>>(sql).all();
    return {
      experiments: rows('SELECT * FROM experiments ORDER BY id'),
      settings: rows('SELECT * FROM settings ORDER BY id'),
      stacks: rows('SELECT * FROM stacks ORDER BY id'),
      cells: rows('SELECT * FROM cells ORDER BY id'),
      experimentCells: rows('SELECT * FROM experiment_cells ORDER BY experiment_id, position'),
      blocks: rows('SELECT * FROM curve_blocks ORDER BY stack_id, metric, first_point'),
      events: rows(
        'SELECT time, experiment_id, stack_key, kind, message FROM events ORDER BY time, stack_key, kind, message',
      ),
      imports: rows('SELECT * FROM imports ORDER BY id'),
      importedFamilies: rows('SELECT * FROM imported_families ORDER BY experiment_id'),
      importedCells: rows('SELECT * FROM imported_cells ORDER BY experiment_id, position'),
      figures: rows('SELECT * FROM figures ORDER BY experiment_id, name'),
      predictions: rows('SELECT * FROM predictions ORDER BY id'),
      state: rows('SELECT * FROM store_state'),
    };
  } finally {
    database.close();
  }
}

/** A store as a program with an older schema left it, with one experiment of this name. */
export function storeOfSchema(version: number, name: string): string {
  const file = join(temporaryFolder(), 'old.surge');
  const database = new SqliteDatabase(file);
  database.pragma(`application_id = ${applicationId}`);
  migrate(database, file, migrations.slice(0, version));
  database
    .prepare("INSERT INTO experiments (key, name, specification, created_at) VALUES ('abcdefgh', ?, ?, 5)")
    .run(name, JSON.stringify(specification(name)));
  database.close();
  return file;
}

/** The StoreError that `work` throws. */
export function storeError(work: () => unknown): StoreError {
  try {
    work();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

export function codeOf(work: () => unknown): StoreErrorCode {
  return storeError(work).code;
}
