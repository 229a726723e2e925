/** The shell as a whole, on a store of its own: its start, a second start, and a start that cannot be. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startShell } from '#main/app/shell.ts';
import { app, BrowserWindow, resetElectron, session, world } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'unhandledRejection', 'uncaughtExceptionMonitor'] as const;
const before = process.argv;
let folder: string;
let store: string;
let listeners: Map<string, Set<unknown>>;

beforeEach(() => {
  resetElectron();
  listeners = new Map(signals.map((name) => [name, new Set(process.listeners(name as 'SIGINT'))]));
  folder = mkdtempSync(join(tmpdir(), 'surge-shell-'));
  store = join(folder, 'a.surge');
  Object.assign(world, { appPath: folder, userData: join(folder, 'user') });
  for (const name of ['XDG_CONFIG_HOME', 'XDG_CACHE_HOME']) vi.stubEnv(name, join(folder, name));
  for (const name of ['SURGE_ENGINE_DIR', 'APPIMAGE']) vi.stubEnv(name, undefined);
  process.argv = ['electron', '--disable-gpu', '--store', store];
});

afterEach(async () => {
  if (world.exitCode === null && BrowserWindow.all.length > 0) await quit();
  process.argv = before;
  for (const name of signals)
    for (const listener of process.listeners(name as 'SIGINT'))
      if (listeners.get(name)?.has(listener) !== true) process.off(name, listener);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const patience = { timeout: 60_000 };
async function quit(): Promise<void> {
  app.quit();
  await vi.waitFor(() => expect(world.exitCode).not.toBeNull(), patience);
}
const again = (...args: string[]) =>
  void app.emit('second-instance', {}, ['electron', '--disable-gpu', ...args], folder);

it('opens one window, with everything locked before its page is there', async () => {
  await startShell();
  expect(BrowserWindow.all.map(({ url }) => url)).toEqual(['app://lab/']);
  expect([world.isSandboxed, world.errors]).toEqual([true, []]);
  expect(world.schemes).toMatchObject([{ scheme: 'app' }]);
  expect(session.defaultSession.served.has('app')).toBe(true);
  expect(session.defaultSession.permissionRequest).not.toBeNull();
  expect(BrowserWindow.all[0].webContents.windowOpenHandler!({ url: 'app://lab/' })).toEqual({
    action: 'deny',
  });
  expect(world.menu!.length).toBeGreaterThan(3);
  await quit();
  expect(world.exitCode).toBe(0);
});

it('leaves its place to the app that is there already', async () => {
  world.isFirstInstance = false;
  await startShell();
  expect([BrowserWindow.all, world.exitCode]).toEqual([[], 0]);
});

it('comes to the front when it is started again, whatever way its store is written', async () => {
  await startShell();
  world.questions.length = 0;
  BrowserWindow.all[0].hide();
  again();
  expect([BrowserWindow.all.length, BrowserWindow.all[0].isVisible]).toEqual([1, true]);
  again('--store', relative(folder, store));
  again(`--store=${store}`);
  expect([world.questions, world.relaunched]).toEqual([[], []]);
});

it('asks before it shows the store of another start', async () => {
  await startShell();
  world.questions.length = 0;
  world.answers.push('Stay Here');
  again('--store', 'b.surge');
  await new Promise((resolve) => setImmediate(resolve));
  expect(world.questions).toMatchObject([{ message: 'Surge Lab is open with another store.' }]);
  expect(world.exitCode).toBeNull();
  world.answers.push('Change the Store');
  again('--store', 'b.surge');
  await vi.waitFor(() => expect(world.exitCode).toBe(0), patience);
  expect(world.relaunched).toEqual([{ args: ['--store', join(folder, 'b.surge')] }]);
});

it('says why it cannot start, and keeps the reason', async () => {
  writeFileSync(store, 'this is no database, and it is not going to become one'.repeat(50));
  await startShell();
  expect(world.exitCode).toBe(1);
  expect(world.errors).toHaveLength(1);
  expect(world.errors[0]).toMatch(/^Surge Lab could not start: .*a\.surge/);
  expect(readFileSync(join(folder, 'user', 'logs', 'surge-lab.log'), 'utf8')).toContain('starting');
});
