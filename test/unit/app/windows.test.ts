/** Where windows appear, and what they are made of. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reachable, readWindowState, type Area } from '#main/app/window-state.ts';
import { Windows } from '#main/app/windows.ts';
import { BrowserWindow, nativeTheme, resetElectron, session, world } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

const SCREEN = { x: 0, y: 0, width: 1920, height: 1080 };
let folder: string;
let stateFile: string;

beforeEach(() => {
  resetElectron();
  world.displays = [{ workArea: SCREEN }];
  folder = mkdtempSync(join(tmpdir(), 'surge-windows-'));
  stateFile = join(folder, 'user data', 'window.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(isDevelopment = false): Windows {
  return new Windows({
    preload: '/app/preload.cjs',
    session: session.defaultSession as never,
    stateFile,
    isDevelopment,
    onCreated: () => undefined,
  });
}
const made = () => BrowserWindow.all.at(-1)!;
const placeOf = ({ options: { x, y, width, height } }: BrowserWindow) => ({ x, y, width, height });

/** A start in which a window is left at `area`; `how` does what a person does with it. */
function leave(area: Area, how: (window: BrowserWindow) => void = () => undefined): void {
  start().create();
  made().emit('ready-to-show');
  made().bounds = { ...area };
  how(made());
  made().close();
}

describe('a window', () => {
  it('is closed to whatever a page could reach', () => {
    start().create();
    expect(made().options.webPreferences).toMatchObject({
      ...{ preload: '/app/preload.cjs', sandbox: true, contextIsolation: true, webSecurity: true },
      ...{ nodeIntegration: false, nodeIntegrationInSubFrames: false, nodeIntegrationInWorker: false },
      ...{ webviewTag: false, devTools: false },
    });
    expect(Object.keys(made().options.webPreferences)).not.toContain('enableBlinkFeatures');
  });

  it('is shown when there is something to see', () => {
    start().create('#/settings');
    expect([made().url, made().isVisible]).toEqual(['app://lab/#/settings', false]);
    made().emit('ready-to-show');
    expect(made().isVisible).toBe(true);
  });

  it('has the paper of the theme before its page is drawn, and follows it', () => {
    nativeTheme.shouldUseDarkColors = true;
    start().create();
    const dark = made().backgroundColor;
    nativeTheme.shouldUseDarkColors = false;
    nativeTheme.emit('updated');
    expect(made().backgroundColor).not.toBe(dark);
  });

  it('is found instead of made again', () => {
    const windows = start();
    const first = windows.create();
    expect(windows.show()).toBe(first);
    expect(BrowserWindow.all).toHaveLength(1);
    first.destroy();
    expect(windows.show()).not.toBe(first);
  });
});

describe('the place of a window', () => {
  const area = { x: 200, y: 150, width: 1200, height: 800 };

  it('is in the middle of the screen at first, and not larger than it', () => {
    start().create();
    expect(placeOf(made())).toEqual({ x: undefined, y: undefined, width: 1360, height: 860 });
    world.displays = [{ workArea: { x: 0, y: 0, width: 1280, height: 700 } }];
    start().create();
    expect(placeOf(made())).toEqual({ x: undefined, y: undefined, width: 1280, height: 700 });
  });

  it('is where the last one was left', () => {
    leave(area);
    start().create();
    expect(placeOf(made())).toEqual(area);
  });

  it('is not exactly over another window, nor off the screen for that', () => {
    leave(area);
    const windows = start();
    windows.create();
    windows.create();
    expect(placeOf(made())).toEqual({ ...area, x: area.x + 28, y: area.y + 28 });
    leave({ ...area, y: 1035 });
    const low = start();
    low.create();
    low.create();
    expect(placeOf(made())).toMatchObject({ y: 1035 });
  });

  it('is not on a screen that is gone', () => {
    world.displays.push({ workArea: { x: 1920, y: 0, width: 2560, height: 1440 } });
    const away = { ...area, x: 2500 };
    leave(away);
    start().create();
    expect(placeOf(made())).toEqual(away);
    world.displays.pop();
    start().create();
    expect(placeOf(made())).toEqual({ x: undefined, y: undefined, width: 1360, height: 860 });
  });

  it('shrinks with a screen that became smaller', () => {
    leave({ x: 0, y: 0, width: 1900, height: 1000 });
    world.displays = [{ workArea: { x: 0, y: 0, width: 1280, height: 720 } }];
    start().create();
    expect(placeOf(made())).toEqual({ x: 0, y: 0, width: 1280, height: 720 });
  });

  it('is the whole screen again, with the place below it kept', () => {
    leave(area, (window) => window.maximize());
    start().create();
    expect([placeOf(made()), made().isMaximized(), made().isVisible]).toEqual([area, false, false]);
    made().emit('ready-to-show');
    expect([made().isMaximized(), made().isVisible]).toEqual([true, true]);
  });

  it.each([
    '',
    'not JSON',
    'null',
    '[]',
    '{"area":{"x":0,"y":0,"width":-5,"height":1e99},"isMaximized":"yes","folder":7}',
    '{"area":{"x":0.5,"y":null}}',
    '\u0000'.repeat(500),
  ])('does not depend on a state file that is damaged: %j', (text) => {
    leave(area);
    writeFileSync(stateFile, text);
    expect(readWindowState(stateFile)).toEqual({ area: null, isMaximized: false, folder: null });
    start().create();
    expect(placeOf(made())).toEqual({ x: undefined, y: undefined, width: 1360, height: 860 });
    made().close();
    expect(JSON.parse(readFileSync(stateFile, 'utf8'))).toMatchObject({ isMaximized: false });
  });

  it('is forgotten where nothing can be written', () => {
    writeFileSync(join(folder, 'user data'), 'a file where the folder should be');
    expect(() => leave(area)).not.toThrow();
  });

  it('can always be taken hold of', () => {
    const some = fc.record({
      x: fc.integer({ min: -5000, max: 5000 }),
      y: fc.integer({ min: -5000, max: 5000 }),
      width: fc.integer({ min: 1, max: 6000 }),
      height: fc.integer({ min: 1, max: 6000 }),
    });
    const screens = [SCREEN, { x: 1920, y: -200, width: 1280, height: 720 }];
    fc.assert(
      fc.property(some, (wanted) => {
        const found = reachable(wanted, screens);
        if (found === null) return;
        if (found.width === wanted.width) expect(found).toMatchObject({ x: wanted.x, y: wanted.y });
        const isOn = screens.some(
          (screen) =>
            found.y >= screen.y &&
            found.y < screen.y + screen.height &&
            found.x < screen.x + screen.width &&
            found.x + found.width > screen.x &&
            found.width <= screen.width &&
            found.height <= screen.height,
        );
        expect(isOn).toBe(true);
      }),
    );
  });
});
