import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { processStart, withInstallLock } from '#main/setup/install-lock.ts';
import { setupErrorOf, temporaryFolder, write } from './support.ts';

const dead = {
  pid: spawnSync(process.execPath, ['-e', '']).pid,
  started: null,
  host: hostname(),
  token: 'old',
};

function leaveLock(path: string, owner: object): void {
  write(join(path, 'owner.json'), JSON.stringify(owner));
}

test('one at a time, every one in turn, nothing left behind', async () => {
  const folder = temporaryFolder();
  const path = join(folder, '.lock');
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside--;
  };
  await Promise.all([1, 2, 3].map(() => withInstallLock(path, work)));
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('the lock is released when the work fails', async () => {
  const path = join(temporaryFolder(), '.lock');
  await expect(withInstallLock(path, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(existsSync(path)).toBe(false);
});

test.each([
  ['of a process that is gone', dead],
  ['whose pid now belongs to another process', { ...dead, pid: process.pid, started: '1' }],
  ['without a readable owner', {}],
])('a lock %s never blocks', async (_name, owner) => {
  if (process.platform !== 'linux' && 'started' in owner && owner.started !== null) return;
  const folder = temporaryFolder();
  leaveLock(join(folder, '.lock'), owner);
  await expect(
    withInstallLock(join(folder, '.lock'), () => Promise.resolve(5), { patience: 0 }),
  ).resolves.toBe(5);
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock of a live process is waited for, then reported, and left alone', async () => {
  const folder = temporaryFolder();
  const path = join(folder, '.lock');
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  onTestFinished(() => void other.kill());
  const pid = other.pid ?? 0;
  leaveLock(path, { pid, started: processStart(pid), host: hostname(), token: 'live' });
  const waited: number[] = [];
  const error = await setupErrorOf(
    withInstallLock(path, () => Promise.resolve(), {
      patience: 100,
      onWait: (owner) => waited.push(owner.pid),
    }),
  );
  expect(error.code).toBe('install-locked');
  expect(error.describe()).toContain(`process ${pid}`);
  expect(waited).toContain(pid);
  expect(readdirSync(folder)).toEqual(['.lock']);
});

test('a lock from another machine holds while it is refreshed, and no longer', async () => {
  const path = join(temporaryFolder(), '.lock');
  leaveLock(path, { ...dead, host: 'another-machine' });
  const work = (): Promise<number> => Promise.resolve(1);
  expect((await setupErrorOf(withInstallLock(path, work, { patience: 0 }))).code).toBe('install-locked');
  const past = new Date(Date.now() - 10 * 60_000);
  utimesSync(path, past, past);
  await expect(withInstallLock(path, work, { patience: 0 })).resolves.toBe(1);
});
