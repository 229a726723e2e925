/** The end of the app: what it asks, what it waits for, and that it cannot get stuck. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrowserWindow as ElectronWindow } from 'electron';
import type { Lab } from '#main/lab/lab.ts';
import { GentleEnd } from '#main/app/quit.ts';
import {
  app,
  BrowserWindow,
  dialog,
  powerMonitor,
  preventable,
  resetElectron,
  world,
} from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

const QUIT = 'Save a Checkpoint and Quit';
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let happened: string[];
let checkpointSaved: () => void;
let lab: { isTraining: boolean; queueState: () => unknown; close: () => Promise<void> };
let end: GentleEnd;
let log: ReturnType<typeof vi.fn<(what: string, error?: unknown) => void>>;
let before: Map<string, NodeJS.SignalsListener[]>;

beforeEach(() => {
  resetElectron();
  before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  happened = [];
  log = vi.fn();
  lab = {
    isTraining: true,
    queueState: () => ({ running: { name: 'A sweep' } }),
    close: () =>
      new Promise((resolve) => {
        happened.push('lab closing');
        checkpointSaved = () => {
          happened.push('checkpoint saved');
          resolve();
        };
      }),
  };
  const open = () => BrowserWindow.all.filter((window) => !window.isDestroyed());
  end = new GentleEnd({
    lab: lab as unknown as Lab,
    windows: {
      get all() {
        return open() as unknown as ElectronWindow[];
      },
      get current() {
        return (open().at(-1) ?? null) as unknown as ElectronWindow | null;
      },
      show: () => openWindow() as unknown as ElectronWindow,
    },
    beforeClose: () => happened.push('door closed'),
    log,
  });
  app.on('quit', () => happened.push('ended'));
});

afterEach(() => {
  for (const signal of signals)
    for (const listener of process.listeners(signal))
      if (before.get(signal)?.includes(listener) !== true) process.off(signal, listener);
  vi.restoreAllMocks();
});

function openWindow(): BrowserWindow {
  const window = new BrowserWindow({ webPreferences: {} });
  window.show();
  end.watch(window as unknown as ElectronWindow);
  return window;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('while something is trained', () => {
  it('is asked for, and waits for the checkpoint', async () => {
    const window = openWindow();
    world.answers.push(QUIT);
    app.quit();
    await settled();
    expect(world.questions).toMatchObject([{ message: '“A sweep” is being trained.', defaultId: 0 }]);
    expect(happened).toEqual(['door closed', 'lab closing']);
    expect([window.isVisible, window.isDestroyed(), world.exitCode]).toEqual([false, false, null]);
    checkpointSaved();
    await settled();
    expect(happened).toEqual(['door closed', 'lab closing', 'checkpoint saved', 'ended']);
    expect([window.isDestroyed(), world.exitCode]).toEqual([true, 0]);
  });

  it('can be declined, and asked for again', async () => {
    const window = openWindow();
    world.answers.push('Keep Training');
    window.close();
    await settled();
    expect([window.isDestroyed(), window.isVisible, happened]).toEqual([false, true, []]);
    world.answers.push(QUIT);
    window.close();
    await settled();
    checkpointSaved();
    await settled();
    expect(world.questions).toHaveLength(2);
    expect(happened.at(-1)).toBe('ended');
  });

  it('is asked once, however often it is wanted', async () => {
    openWindow();
    let answer: (label: string) => void = () => undefined;
    world.answers.push(new Promise((resolve) => (answer = resolve)));
    for (let i = 0; i < 5; i++) app.quit();
    await settled();
    answer(QUIT);
    await settled();
    for (let i = 0; i < 5; i++) app.quit();
    expect(world.questions).toHaveLength(1);
    checkpointSaved();
    await settled();
    expect(happened.filter((what) => what === 'lab closing')).toHaveLength(1);
    expect(happened.filter((what) => what === 'ended')).toHaveLength(1);
  });

  it('lets every window but the last close without a question', async () => {
    const [first, last] = [openWindow(), openWindow()];
    first.close();
    expect([first.isDestroyed(), world.questions]).toEqual([true, []]);
    last.close();
    await settled();
    expect([last.isDestroyed(), world.questions.length]).toEqual([false, 1]);
  });

  it('brings a window back when the last one was lost and training is to go on', async () => {
    const window = openWindow();
    world.answers.push('Keep Training');
    window.destroy();
    await settled();
    expect(world.questions).toHaveLength(1);
    expect(BrowserWindow.all.filter((one) => !one.isDestroyed())).toHaveLength(1);
  });

  it.each(['shutdown', ...signals])('is not asked by anybody who cannot wait: %s', async (how) => {
    openWindow();
    const event = preventable();
    if (how === 'shutdown') powerMonitor.emit('shutdown', event);
    else process.emit(how as 'SIGINT', how as 'SIGINT');
    await settled();
    // The system is asked to wait for the checkpoint, no more.
    if (how === 'shutdown') expect(event.isPrevented).toBe(true);
    expect(world.questions).toEqual([]);
    checkpointSaved();
    await settled();
    expect(happened.at(-1)).toBe('ended');
  });

  it('does not wait for an answer that the system made pointless', async () => {
    openWindow();
    let answer: (label: string) => void = () => undefined;
    world.answers.push(new Promise((resolve) => (answer = resolve)));
    app.quit();
    await settled();
    powerMonitor.emit('shutdown', preventable());
    await settled();
    checkpointSaved();
    await settled();
    answer('Keep Training');
    await settled();
    expect(happened).toEqual(['door closed', 'lab closing', 'checkpoint saved', 'ended']);
  });

  it('comes when the question itself fails', async () => {
    openWindow();
    vi.spyOn(dialog, 'showMessageBox').mockRejectedValue(new Error('no display'));
    app.quit();
    await settled();
    checkpointSaved();
    await settled();
    expect(happened.at(-1)).toBe('ended');
    expect(log).toHaveBeenCalledWith('asking before the end', expect.any(Error));
  });
});

describe('while nothing is trained', () => {
  beforeEach(() => (lab.isTraining = false));

  it('comes without a question, when the last window closes', async () => {
    openWindow().close();
    await settled();
    checkpointSaved();
    await settled();
    expect([world.questions, happened.at(-1)]).toEqual([[], 'ended']);
  });

  it('comes although the lab cannot be closed', async () => {
    openWindow();
    lab.close = () => Promise.reject(new Error('the disk is gone'));
    app.quit();
    await settled();
    expect(happened).toEqual(['door closed', 'ended']);
    expect(log).toHaveBeenCalledWith('closing the lab', expect.any(Error));
  });
});

describe('starting again with another store', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('comes after the end, from the file that an AppImage is', async () => {
    openWindow();
    lab.isTraining = false;
    vi.stubEnv('APPIMAGE', '/apps/surge-lab.AppImage');
    const restarted = end.restart(['--store', '/b.surge']);
    await settled();
    expect(world.relaunched).toEqual([]);
    checkpointSaved();
    await restarted;
    expect(world.relaunched).toEqual([
      { args: ['--store', '/b.surge'], execPath: '/apps/surge-lab.AppImage' },
    ]);
    expect(happened.at(-1)).toBe('ended');
  });

  it('does not come when training is to go on', async () => {
    openWindow();
    vi.stubEnv('APPIMAGE', undefined);
    world.answers.push('Keep Training');
    await end.restart(['--store', '/b.surge']);
    expect([world.relaunched, happened]).toEqual([[], []]);
  });
});
