/**
 * One writer a store. The lock is an exclusive SQLite transaction on a tiny file beside the store, so the operating
 * system drops it when its process dies, however that dies: a stale lock cannot exist. Readers never take it.
 */
import { hostname } from 'node:os';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { asStoreError, StoreError } from './store-error.ts';

const holderSchema = z.object({ pid: z.number().int(), host: z.string(), since: z.number() });

/** Locks that this process holds. Here they stay reachable: a collected connection would close and so drop its lock. */
const heldLocks = new Set<Database>();

export interface WriterLock {
  release(): void;
}

function describeHolder(noteFile: string): string {
  try {
    const holder = holderSchema.parse(JSON.parse(readFileSync(noteFile, 'utf8')));
    const place = holder.host === hostname() ? '' : ` on ${holder.host}`;
    return `process ${holder.pid}${place}, since ${new Date(holder.since).toISOString()}`;
  } catch {
    return 'another process';
  }
}

/** Takes the lock or throws StoreError 'locked' (naming the holder), 'read-only' or 'disk-full'. `file` is the store. */
export function takeWriterLock(file: string): WriterLock {
  const lockFile = `${file}-lock`;
  const noteFile = `${file}-lock.json`;
  let database: Database | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    database = new SqliteDatabase(lockFile, { timeout: 0 });
    database.pragma('locking_mode = EXCLUSIVE');
    // In memory, so that the lock leaves no journal behind.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const known = asStoreError(error, file);
    if (known instanceof StoreError && known.code === 'busy') {
      throw new StoreError(
        'locked',
        `${file} is being written by ${describeHolder(noteFile)}. Only one program can write a store at a time: stop ` +
          `the other one, or use another store with --store. Commands that only read work meanwhile.`,
        { cause: error },
      );
    }
    if (!(known instanceof StoreError) || known.code === 'failed' || known.code === 'not-a-database') {
      const why = error instanceof Error ? error.message : String(error);
      throw new StoreError(
        'read-only',
        `${lockFile}, the lock of the store, cannot be made (${why}). Choose another place with --store.`,
        { cause: error },
      );
    }
    throw known;
  }
  const held = database;
  heldLocks.add(held);
  try {
    const note = { pid: process.pid, host: hostname(), since: Date.now() };
    writeFileSync(noteFile, JSON.stringify(note));
  } catch {
    // The note only makes the message of a second writer better; the lock itself holds.
  }
  return {
    release() {
      rmSync(noteFile, { force: true });
      // The lock file stays: removing it would let two processes lock two different files of one name.
      held.close();
      heldLocks.delete(held);
    },
  };
}
