import { existsSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { backupsOf, checkMonotonic, migrate, userVersion } from '#main/lab/store/migrate.ts';
import { migrations, type Migration } from '#main/lab/store/schema.ts';
import { openStore } from '#main/lab/store/index.ts';
import {
  cellConfigurations,
  codeOf,
  dump,
  removeTemporaryFoldersAfterEach,
  specification,
  storeError,
  temporaryFolder,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

const addNotes: Migration = {
  version: migrations.length + 1,
  name: 'notes',
  apply: (database) => database.exec('CREATE TABLE notes (text TEXT) STRICT'),
};
const broken: Migration = {
  version: migrations.length + 2,
  name: 'broken',
  apply: (database) => database.exec('INSERT INTO nowhere VALUES (1)'),
};

function oldStore(): string {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  store.createExperiment(specification(), cellConfigurations());
  store.close();
  return store.file;
}

describe('migrations', () => {
  it('that are released are numbered 1, 2, 3, …', () => {
    expect(() => checkMonotonic(migrations)).not.toThrow();
  });

  it.each([[[2]], [[1, 1]], [[1, 3]], [[2, 1]], [[0]]])(
    'numbered %j are refused before anything is done',
    (numbers) => {
      const steps = numbers.map((version): Migration => ({
        version,
        name: `step ${version}`,
        apply: () => undefined,
      }));
      const database = new SqliteDatabase(':memory:');
      expect(codeOf(() => migrate(database, 'a.surge', steps))).toBe('migration-failed');
      expect(userVersion(database)).toBe(0);
      database.close();
    },
  );

  it('back the store up first, and keep what was in it', () => {
    const file = oldStore();
    const before = dump(file);
    const database = new SqliteDatabase(file);
    migrate(database, file, [...migrations, addNotes]);
    expect(userVersion(database)).toBe(addNotes.version);
    expect(database.prepare('SELECT count(*) AS n FROM notes').get()).toEqual({ n: 0 });
    database.close();
    expect(dump(file)).toEqual(before);
    const [backup, ...others] = backupsOf(file);
    expect(others).toEqual([]);
    expect(dump(backup)).toEqual(before);
    const copy = new SqliteDatabase(backup, { readonly: true });
    expect(userVersion(copy)).toBe(migrations.length);
    copy.close();
  });

  it('that fail undo all steps, say which one and where the backup is', () => {
    const file = oldStore();
    const before = dump(file);
    const database = new SqliteDatabase(file);
    const error = storeError(() => migrate(database, file, [...migrations, addNotes, broken]));
    expect(error.code).toBe('migration-failed');
    expect(error.message).toContain('"broken"');
    expect(error.message).toContain(backupsOf(file)[0]);
    expect(database.inTransaction).toBe(false);
    expect(userVersion(database)).toBe(migrations.length);
    expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'notes'").get()).toEqual({
      n: 0,
    });
    database.close();
    expect(dump(file)).toEqual(before);
  });

  it('do nothing, and make no backup, when the store is up to date', () => {
    const file = oldStore();
    openStore(file).close();
    expect(backupsOf(file)).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });
});
