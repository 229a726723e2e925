/** What the shell does with the lab's news: awake while training, progress on the icon, the theme. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrowserWindow as ElectronWindow } from 'electron';
import type { LabNews } from '#shared/api/messages.ts';
import type { Lab } from '#main/lab/lab.ts';
import { Attendant } from '#main/app/attendant.ts';
import { BrowserWindow, nativeTheme, resetElectron, world } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

type Running = { runSteps: number; runStepsDone: number } | null;

let news: LabNews[];
let wake: () => void;
let queue: { running: Running };
const closeSession = vi.fn();

beforeEach(() => {
  resetElectron();
  news = [];
  queue = { running: null };
  closeSession.mockReset();
});

function attend(): Attendant {
  const lab = {
    settings: { theme: 'dark' },
    queueState: () => queue,
    openSession: (changed: () => void) => {
      wake = changed;
      return { take: () => news.shift() ?? null };
    },
    closeSession,
  };
  const windows = () => BrowserWindow.all as unknown as readonly ElectronWindow[];
  return new Attendant(lab as unknown as Lab, windows);
}

async function hear(name: LabNews['name'], payload: unknown): Promise<void> {
  news.push({ name, payload } as LabNews);
  wake();
  await new Promise((resolve) => setImmediate(resolve));
}
const trains = (runStepsDone: number, runSteps = 100) =>
  hear('queue.changed', { running: { runSteps, runStepsDone } });
const rests = () => hear('queue.changed', { running: null });

describe('the computer', () => {
  it('stays awake while something is trained, and only then', async () => {
    attend();
    expect(world.blockers.size).toBe(0);
    await trains(1);
    await trains(50);
    expect(world.blockers.size).toBe(1);
    // The screen may go dark.
    expect(world.log).toEqual(['blocker prevent-app-suspension']);
    await rests();
    expect(world.blockers.size).toBe(0);
    await trains(1);
    expect(world.blockers.size).toBe(1);
  });

  it('stays awake for what was being trained before, and may sleep when the shell ends', () => {
    queue.running = { runSteps: 10, runStepsDone: 0 };
    const attendant = attend();
    expect(world.blockers.size).toBe(1);
    attendant.close();
    expect(world.blockers.size).toBe(0);
    expect(closeSession).toHaveBeenCalledWith(attendant.session);
  });
});

describe("the window's icon", () => {
  const shown = () => BrowserWindow.all.map(({ progress }) => progress);
  beforeEach(() => void new BrowserWindow({ webPreferences: {} }));

  it('shows what is trained, and nothing afterwards', async () => {
    attend();
    await trains(25);
    expect(shown()).toEqual([0.25]);
    // How much it is, is not known yet: a bar without an amount.
    await trains(0, 0);
    expect(shown()).toEqual([2]);
    await rests();
    expect(shown()).toEqual([-1]);
  });

  it('shows how much of the engine has been fetched, also when that fails', async () => {
    attend();
    const job = { id: 'j', kind: 'engine-install', message: '', error: null };
    await hear('job.changed', { ...job, share: 0.4, done: false });
    expect(shown()).toEqual([0.4]);
    await hear('job.changed', { ...job, share: null, done: false });
    expect(shown()).toEqual([2]);
    await hear('job.changed', { ...job, share: null, done: true, error: 'no network' });
    expect(shown()).toEqual([-1]);
    await hear('job.changed', { ...job, kind: 'backup', share: 0.5, done: false });
    expect(shown()).toEqual([-1]);
  });

  it('shows it in every window', async () => {
    attend();
    void new BrowserWindow({ webPreferences: {} });
    await trains(75);
    expect(shown()).toEqual([0.75, 0.75]);
  });
});

it('follows the theme that was chosen', async () => {
  attend();
  expect(nativeTheme.themeSource).toBe('dark');
  await hear('settings.changed', { theme: 'light' });
  expect(nativeTheme.themeSource).toBe('light');
});
