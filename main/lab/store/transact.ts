import type { Database } from 'better-sqlite3';

/**
 * Runs `work` in one IMMEDIATE transaction: all of it or nothing. After SQLITE_FULL or SQLITE_BUSY the database may
 * have rolled back by itself already, hence the look at inTransaction.
 */
export function transact<Result>(database: Database, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
