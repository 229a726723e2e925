/** Processes of the shell that end or hang: calm questions, a page loaded again, and no question that stays for nothing. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrowserWindow as ElectronWindow } from 'electron';
import { watchProcesses, watchWindow } from '#main/app/crashes.ts';
import { app, BrowserWindow, dialog, resetElectron, world } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

const logged: string[] = [];
let window: BrowserWindow;

beforeEach(() => {
  vi.restoreAllMocks();
  resetElectron();
  logged.length = 0;
  const log = (what: string) => void logged.push(what);
  watchProcesses(log);
  window = new BrowserWindow({ webPreferences: {} });
  watchWindow(window as unknown as ElectronWindow, log);
});

const settled = () => new Promise((resolve) => setImmediate(resolve));
const crash = (reason: string) =>
  void window.webContents.emit('render-process-gone', {}, { reason, exitCode: 5 });
const never = () => new Promise<string>(() => undefined);

describe('a page that ends', () => {
  it.each(['crashed', 'oom', 'killed', 'launch-failed', 'integrity-failure'])(
    'can be loaded again (%s)',
    async (reason) => {
      world.answers.push('Load Again');
      crash(reason);
      await settled();
      expect(world.questions).toMatchObject([{ message: 'This window stopped working.', defaultId: 0 }]);
      expect(world.questions[0].detail).toContain('nothing that was recorded is lost');
      expect([window.webContents.reloads, window.isDestroyed()]).toEqual([1, false]);
      expect(logged).toEqual([`a window's page ended: ${reason}, code 5`]);
    },
  );

  it('says nothing about an end that was wanted', async () => {
    crash('clean-exit');
    await settled();
    expect(world.questions).toEqual([]);
  });

  it('takes its window along when that is wanted', async () => {
    world.answers.push('Close Window');
    crash('crashed');
    await settled();
    expect([window.webContents.reloads, window.isDestroyed()]).toEqual([0, true]);
  });

  it('is not loaded again without end: the words say so, a person decides', async () => {
    for (let i = 0; i < 4; i++) {
      world.answers.push('Load Again');
      crash('crashed');
      await settled();
    }
    const isHopeless = world.questions.map(({ detail }) => detail.includes('without success'));
    expect(isHopeless).toEqual([false, false, false, true]);
    expect(window.webContents.reloads).toBe(4);
  });

  it('does not touch a window that was closed while it was asked', async () => {
    let answer: (label: string) => void = () => undefined;
    world.answers.push(new Promise((resolve) => (answer = resolve)));
    crash('crashed');
    window.destroy();
    answer('Load Again');
    await settled();
    expect(window.webContents.reloads).toBe(0);
  });

  it('may fail to ask', async () => {
    vi.spyOn(dialog, 'showMessageBox').mockRejectedValue(new Error('no display'));
    crash('crashed');
    await settled();
    expect(logged).toContain('asking about a window');
    expect(window.webContents.reloads).toBe(0);
  });
});

describe('a page that hangs', () => {
  it('is waited for', async () => {
    world.answers.push('Wait');
    window.emit('unresponsive');
    await settled();
    expect(world.questions).toMatchObject([{ message: 'This window does not respond.', defaultId: 0 }]);
    expect(window.webContents.reloads).toBe(0);
  });

  it('is ended and loaded again, with one question', async () => {
    world.answers.push('Load Again');
    window.emit('unresponsive');
    await settled();
    expect([world.questions.length, window.webContents.reloads]).toEqual([1, 1]);
  });

  it('is asked about once while the question is open', async () => {
    world.answers.push(never());
    for (let i = 0; i < 3; i++) window.emit('unresponsive');
    await settled();
    expect(world.questions).toHaveLength(1);
  });

  it('takes its question away when it comes back', async () => {
    world.answers.push(never());
    window.emit('unresponsive');
    window.emit('responsive');
    await settled();
    expect(window.webContents.reloads).toBe(0);
    // A new question is possible: the first one is gone.
    world.answers.push('Load Again');
    window.emit('unresponsive');
    await settled();
    expect([world.questions.length, window.webContents.reloads]).toEqual([2, 1]);
  });

  it('that ends after all is offered again, in the place of the question about waiting', async () => {
    world.answers.push(never(), 'Load Again');
    window.emit('unresponsive');
    crash('crashed');
    window.emit('responsive');
    await settled();
    expect(world.questions.map(({ message }) => message)).toEqual([
      'This window does not respond.',
      'This window stopped working.',
    ]);
    expect(window.webContents.reloads).toBe(1);
  });
});

it('logs helper processes that end, and asks nobody about them', () => {
  const gone = (reason: string) =>
    app.emit('child-process-gone', {}, { type: 'GPU', reason, exitCode: 9, name: 'gpu' });
  gone('crashed');
  gone('killed');
  gone('clean-exit');
  expect([logged, world.questions]).toEqual([['GPU gpu ended: crashed, code 9'], []]);
});
