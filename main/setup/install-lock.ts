import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from './setup-error.ts';

/** Who holds a lock. */
export interface LockOwner {
  pid: number;
  /** Start of that process in the kernel's ticks since boot (Linux), so that a reused pid is not taken for it. */
  started: string | null;
  host: string;
  token: string;
}

export interface LockOptions {
  /** Milliseconds to wait for a live owner before giving up. Default 30 minutes. */
  patience?: number;
  /** Called about once a second while somebody else works. */
  onWait?: (owner: LockOwner) => void;
}

/** A lock from another machine (a shared home folder) counts as live while it was refreshed within this time, in ms. */
const remoteLease = 120_000;
const refreshPeriod = 5_000;

/**
 * Runs `work` while holding the lock folder `path`. The lock appears with its owner inside in one rename, so it is
 * never half made. A lock whose process is gone is broken. Throws {@link SetupError} `install-locked` after `patience`.
 * The work itself must still end in an atomic rename: the lock saves double work, it is not what keeps files whole.
 */
export async function withInstallLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const owner: LockOwner = {
    pid: process.pid,
    started: processStart(process.pid),
    host: hostname(),
    token: randomUUID(),
  };
  await acquire(path, owner, options);
  const refresh = setInterval(() => touch(path), refreshPeriod);
  refresh.unref();
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    if (readOwner(path)?.token === owner.token) rmSync(path, { recursive: true, force: true });
  }
}

async function acquire(path: string, owner: LockOwner, options: LockOptions): Promise<void> {
  const deadline = Date.now() + (options.patience ?? 30 * 60_000);
  const prepared = `${path}.${owner.token}`;
  mkdirSync(prepared);
  try {
    writeFileSync(join(prepared, 'owner.json'), JSON.stringify(owner));
    for (;;) {
      if (tryRename(prepared, path)) return;
      const holder = readOwner(path);
      if (!isLive(path, holder)) {
        breakLock(path, holder);
        continue;
      }
      if (Date.now() >= deadline) throw locked(path, holder);
      if (holder !== null) options.onWait?.(holder);
      await sleep(Math.min(1000, Math.max(10, deadline - Date.now())));
    }
  } catch (error) {
    rmSync(prepared, { recursive: true, force: true });
    throw error;
  }
}

/** Renames onto a path that must be free: a folder with content in it is never replaced by rename. */
function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Moves a dead lock away. Should a live one have taken its place in that instant, it is put back. */
function breakLock(path: string, dead: LockOwner | null): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Somebody else was faster.
  }
  const moved = readOwner(aside);
  if (moved !== null && moved.token !== dead?.token && tryRename(aside, path)) return;
  rmSync(aside, { recursive: true, force: true });
}

/** Whether the lock's owner still works. */
export function isLive(path: string, owner: LockOwner | null): boolean {
  if (owner === null) return false;
  if (owner.host !== hostname()) {
    const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    return touched !== undefined && Date.now() - touched < remoteLease;
  }
  return isSameProcess(owner);
}

function isSameProcess(owner: LockOwner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return owner.started === null || processStart(owner.pid) === owner.started;
}

/** Start time of a process in clock ticks since boot, from /proc (Linux); null elsewhere or when it is gone. */
export function processStart(pid: number): string | null {
  try {
    // Field 22; the command name (field 2) may contain spaces and parentheses, so count from its last parenthesis.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function readOwner(path: string): LockOwner | null {
  try {
    const value = JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8')) as Partial<LockOwner> | null;
    if (typeof value?.pid !== 'number' || typeof value.host !== 'string' || typeof value.token !== 'string')
      return null;
    return { pid: value.pid, host: value.host, token: value.token, started: value.started ?? null };
  } catch {
    return null;
  }
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // The lock was broken or the disk is gone; the work ends by itself.
  }
}

function locked(path: string, holder: LockOwner | null): SetupError {
  return new SetupError(
    'install-locked',
    `Another installation (process ${holder?.pid ?? '?'} on ${holder?.host ?? '?'}) has been working on the engine for a long time.`,
    `Wait for it, or end that process and start again; a lock of a process that is gone is removed by itself (${path}).`,
  );
}
