/** Opens the SQLite file with everything checked that can be checked, and says in words what is wrong. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { backupsOf, currentVersion, migrate, userVersion } from './migrate.ts';
import { applicationId } from './schema.ts';
import { asStoreError, StoreError } from './store-error.ts';

function damaged(file: string, finding: string, cause?: unknown): StoreError {
  const [newest] = backupsOf(file);
  const backup = newest === undefined ? 'There is no backup beside it.' : `The newest backup is ${newest}.`;
  return new StoreError(
    'damaged',
    `${file} is damaged (${finding}). It was left as it is. ${backup} \`surge doctor --rebuild\` makes a new store from the spool.`,
    { cause },
  );
}

function refuseFolder(file: string): void {
  if (statSync(file).isDirectory()) throw new StoreError('not-a-store', `${file} is a folder, not a store.`);
}

function setPragmas(database: Database): void {
  database.pragma('busy_timeout = 5000');
  database.pragma('foreign_keys = ON');
  database.pragma('trusted_schema = OFF');
}

/** Refuses files of other programs. A file without tables is new. Returns whether it is new. */
function checkKind(database: Database, file: string): boolean {
  const id = Number(database.pragma('application_id', { simple: true }));
  const tables = database.prepare<[], { n: number }>('SELECT count(*) AS n FROM sqlite_schema').get()?.n ?? 0;
  if (id === applicationId) return false;
  if (id === 0 && tables === 0 && userVersion(database) === 0) return true;
  throw new StoreError(
    'not-a-store',
    `${file} is an SQLite database of another program, not a Surge Lab store. Choose another file with --store.`,
  );
}

function quickCheck(database: Database): string[] {
  const rows = database.prepare<[], { quick_check: string }>('PRAGMA quick_check(3)').all();
  // A finding can have several lines, the first of which names the database, of which there is one.
  return rows
    .flatMap((row) => row.quick_check.split('\n'))
    .filter((finding) => finding !== 'ok' && !finding.startsWith('***'));
}

function checkIntegrity(database: Database, file: string): void {
  const findings = quickCheck(database);
  if (findings.length > 0) throw damaged(file, findings.join('; '));
}

function explain(error: unknown, file: string): unknown {
  if (error instanceof StoreError) return error;
  const known = asStoreError(error, file);
  if (known instanceof StoreError && known.code === 'damaged') {
    return damaged(file, error instanceof Error ? error.message : String(error), error);
  }
  return known;
}

/** For the one writer, which holds the lock. Creates the file when absent. */
export function openWritableDatabase(file: string): { database: Database; created: boolean } {
  let database: Database | undefined;
  try {
    if (existsSync(file)) {
      if (statSync(file).isDirectory())
        throw new StoreError('not-a-store', `${file} is a folder, not a store.`);
      accessSync(file, constants.W_OK);
    }
    database = new SqliteDatabase(file);
    setPragmas(database);
    const created = checkKind(database, file);
    const version = userVersion(database);
    if (version > currentVersion) {
      throw new StoreError(
        'from-the-future',
        `${file} was written by a newer Surge Lab (schema ${version}; this one knows ${currentVersion}). Update Surge Lab to ` +
          `write to it. Commands that only read may still work.`,
      );
    }
    if (created) {
      database.pragma('page_size = 8192');
    } else {
      checkIntegrity(database, file);
    }
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    if (created) database.pragma(`application_id = ${applicationId}`);
    migrate(database, file);
    return { database, created };
  } catch (error) {
    database?.close();
    throw explain(error, file);
  }
}

/** Largest store that is read into memory from a disk that cannot be written to. */
const largestCopy = 1024 * 1024 * 1024;

/**
 * Reading a WAL database needs a shared-memory file beside it. Where the folder is read-only and no writer can be at
 * work, a copy in memory does as well.
 */
function connectForReading(file: string): Database {
  try {
    const database = new SqliteDatabase(file, { readonly: true, fileMustExist: true });
    try {
      database.pragma('user_version');
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_CANTOPEN')) throw error;
    const log = `${file}-wal`;
    if (statSync(file).isDirectory())
      throw new StoreError('not-a-store', `${file} is a folder, not a store.`);
    if ((existsSync(log) && statSync(log).size > 0) || statSync(file).size > largestCopy) {
      throw new StoreError(
        'read-only',
        `${file} cannot be read where it is, because its folder is read-only. Copy it (with its -wal file, if there is one) to a folder that can be written to.`,
        { cause: error },
      );
    }
    const bytes = readFileSync(file);
    // Bytes 18 and 19 of the header: 1 is a plain database, 2 one in WAL mode, which memory cannot hold.
    if (bytes.length > 20) bytes.fill(1, 18, 20);
    return new SqliteDatabase(bytes, { readonly: true });
  }
}

/**
 * A read-only connection; it works beside a writer and never creates or changes a store. `check` reads the whole file
 * and throws StoreError 'damaged' when it is.
 */
export function openReadOnlyDatabase(file: string, options: { check?: boolean } = {}): Database {
  if (!existsSync(file)) {
    throw new StoreError(
      'missing',
      `There is no store at ${file}. Name one with --store, or start an experiment.`,
    );
  }
  refuseFolder(file);
  let database: Database | undefined;
  try {
    database = connectForReading(file);
    setPragmas(database);
    if (checkKind(database, file)) {
      throw new StoreError('not-a-store', `${file} holds nothing yet: no experiment has been saved in it.`);
    }
    const version = userVersion(database);
    if (version < currentVersion) {
      throw new StoreError(
        'needs-migration',
        `${file} has schema ${version} and this program reads ${currentVersion}: open it once for writing, in the window or with "surge resume --store FILE". That brings it up to date, and keeps a backup of it as it is.`,
      );
    }
    if (version > currentVersion) {
      const reader = database
        .prepare<[], { v: number }>('SELECT reader_version AS v FROM store_state')
        .get()?.v;
      if (reader === undefined || reader > currentVersion) {
        throw new StoreError(
          'from-the-future',
          `${file} was written by a newer Surge Lab (schema ${version}) and cannot be read by this one. Update Surge Lab.`,
        );
      }
    }
    if (options.check === true) checkIntegrity(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw explain(error, file);
  }
}
