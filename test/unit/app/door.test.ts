import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WebContents as ElectronContents } from 'electron';
import type { BridgeOutcome, LabBridge } from '#shared/api/bridge.ts';
import type { LabNews } from '#shared/api/messages.ts';
import { isOurs, WINDOW_URL } from '#main/app/address.ts';
import { createBridge } from '#main/doors/ipc/bridge.ts';
import { channels } from '#main/doors/ipc/channels.ts';
import { IpcDoor } from '#main/doors/ipc/door.ts';
import { Lab } from '#main/lab/lab.ts';
import { BridgeClient } from '#renderer/client/bridge-client.ts';
import { spoiledCall } from '../../support/calls.ts';
import { PageWire, resetElectron, WebContents, type Frame } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

let folder: string;
let lab: Lab;
let door: IpcDoor;
const faults: string[] = [];

beforeEach(async () => {
  resetElectron();
  faults.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'surge-door-'));
  lab = await Lab.open({
    file: join(folder, 'lab.surge'),
    settingsFile: join(folder, 'settings.json'),
    version: '1.2.3',
  });
  door = new IpcDoor({ lab, isOurs, onFault: (what) => faults.push(what) });
});

afterEach(async () => {
  door.close();
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

function openPage(url = WINDOW_URL): WebContents {
  const contents = new WebContents();
  contents.mainFrame = { url, parent: null };
  door.admit(contents as unknown as ElectronContents);
  return contents;
}

/** The bridge of a page, as its preload script makes it. */
function bridgeOf(contents: WebContents, frame?: () => Frame | null): LabBridge {
  return createBridge(new PageWire(contents, frame) as never);
}

function codeOf(outcome: BridgeOutcome): string {
  return outcome.ok ? 'ok' : outcome.error.code;
}

const someNews = (contents: WebContents) => contents.sent.filter(({ channel }) => channel === channels.news);
const PATIENCE = { timeout: 30_000 };
const soon = () => new Promise((resolve) => setTimeout(resolve, 200));

describe('a window of ours', () => {
  it('calls the lab and gets results and tagged errors', async () => {
    const client = new BridgeClient(bridgeOf(openPage()));
    const about = await client.call('lab.about');
    expect(about.version).toBe('1.2.3');
    expect(await client.call('experiments.list', { archived: false })).toEqual([]);
    await expect(client.call('experiments.get', { experiment: 'abcd' })).rejects.toMatchObject({
      name: 'ApiError',
      code: 'not-found',
    });
  });

  it('sends bytes and gets them counted, as over the web', async () => {
    const client = new BridgeClient(bridgeOf(openPage()));
    const { upload } = await client.call('upload.begin', { name: 'sweep.csv', bytes: 3 });
    const { bytes } = await client.call('upload.append', {
      upload,
      offset: 0,
      bytes: Uint8Array.of(1, 2, 3),
    });
    expect(bytes).toBe(3);
  });

  it('hears news when it asked for them, and not before', async () => {
    const [listening, silent] = [openPage(), openPage()];
    const heard: string[] = [];
    const client = new BridgeClient(bridgeOf(listening));
    await new BridgeClient(bridgeOf(silent)).call('lab.about');
    client.on('settings.changed', ({ theme }) => heard.push(theme));
    await client.call('settings.set', { theme: 'dark' });
    await vi.waitFor(() => expect(heard).toEqual(['dark']), PATIENCE);
    expect(someNews(silent)).toEqual([]);
  });

  it('does not pile up news in a window that does not take them', async () => {
    const contents = openPage();
    const wire = new PageWire(contents);
    wire.send(channels.listen);
    for (let i = 1; i <= 30; i++) {
      await wire.invoke(channels.call, 'settings.set', { threads: i });
      await new Promise((resolve) => setTimeout(resolve, 90));
    }
    const sent = someNews(contents).length;
    expect(sent).toBeLessThanOrEqual(8);
    for (let i = 0; i < sent; i++) wire.send(channels.taken);
    await vi.waitFor(
      () =>
        expect(someNews(contents).at(-1)!.args[0] as LabNews).toMatchObject({
          name: 'settings.changed',
          payload: { threads: 30 },
        }),
      PATIENCE,
    );
  });

  it('goes on getting news after one of its listeners failed', () => {
    const contents = openPage();
    const wire = new PageWire(contents);
    const told: string[] = [];
    vi.spyOn(wire, 'send').mockImplementation((channel) => void told.push(channel));
    createBridge(wire as never).onNews(() => {
      throw new Error('a fault of the page');
    });
    expect(() => wire.emit(channels.news, {}, {})).toThrow('a fault of the page');
    expect(told).toEqual([channels.listen, channels.taken]);
  });

  it('loses its session with its page', async () => {
    const ended = vi.spyOn(lab, 'closeSession');
    const contents = openPage();
    await bridgeOf(contents).call('lab.about', undefined);
    contents.emit('did-start-navigation', { isMainFrame: true, isSameDocument: true });
    expect(ended).not.toHaveBeenCalled();
    contents.reload();
    expect(ended).toHaveBeenCalledTimes(1);
    await bridgeOf(contents).call('lab.about', undefined);
    contents.emit('render-process-gone', {}, {});
    expect(ended).toHaveBeenCalledTimes(2);
    await bridgeOf(contents).call('lab.about', undefined);
    contents.destroy();
    expect(ended).toHaveBeenCalledTimes(3);
  });

  it('gets what the menu says, also when that was before its page was there', () => {
    const contents = openPage();
    const bridge = bridgeOf(contents);
    const heard: unknown[] = [];
    door.command(contents as unknown as ElectronContents, { go: '#/settings' });
    bridge.onCommand((command) => heard.push(command));
    door.command(contents as unknown as ElectronContents, { press: 'Ctrl+K' });
    expect(heard).toEqual([{ go: '#/settings' }, { press: 'Ctrl+K' }]);
  });
});

describe('whoever else tries', () => {
  const call = (contents: WebContents, frame?: () => Frame | null) =>
    bridgeOf(contents, frame).call('lab.about', undefined);

  it('is refused: contents that the shell did not make', async () => {
    const stranger = new WebContents();
    stranger.mainFrame = { url: WINDOW_URL, parent: null };
    await expect(call(stranger)).rejects.toThrow('refused');
  });

  it('is refused: a frame inside of the page, even with our address', async () => {
    const contents = openPage();
    const inner = { url: WINDOW_URL, parent: contents.mainFrame };
    await expect(call(contents, () => inner)).rejects.toThrow('refused');
  });

  it('is refused: a frame that is gone already', async () => {
    await expect(call(openPage(), () => null)).rejects.toThrow('refused');
  });

  it.each([
    'https://example.org/',
    'file:///etc/passwd',
    'app://other/',
    'app://lab.example.org/',
    'app://user@lab/',
    'about:blank',
    'data:text/html,x',
    '',
  ])('is refused: a window that shows %s', async (url) => {
    await expect(call(openPage(url))).rejects.toThrow('refused');
  });

  it('hears nothing when it listens', async () => {
    const stranger = new WebContents();
    new PageWire(stranger).send(channels.listen);
    await new BridgeClient(bridgeOf(openPage())).call('settings.set', { theme: 'light' });
    await soon();
    expect(stranger.sent).toEqual([]);
  });
});

describe('a page that has been taken over', () => {
  it('gets "bad-argument" for whatever is not in the contract', async () => {
    const bridge = bridgeOf(openPage());
    await fc.assert(
      fc.asyncProperty(spoiledCall, async ({ name, argument }) => {
        expect(codeOf(await bridge.call(name, argument))).toBe('bad-argument');
      }),
      { numRuns: 2_000 },
    );
    expect(faults).toEqual([]);
  });

  it.each([null, 7, {}, ['lab.about'], 'nothing', '__proto__', 'constructor', ''])(
    'cannot call %j',
    async (name) => {
      expect(codeOf(await bridgeOf(openPage()).call(name as string, undefined))).toBe('bad-argument');
    },
  );

  it('cannot send more than any honest call needs', async () => {
    const bridge = bridgeOf(openPage());
    const nested = (depth: number): unknown =>
      depth === 0 ? 'x'.repeat(3_000_000) : [nested(depth - 1), nested(depth - 1)];
    for (const argument of [
      { upload: '0'.repeat(32), offset: 0, bytes: new Uint8Array(17 << 20) },
      { text: 'x'.repeat(9 << 20) },
      nested(3),
      Array.from({ length: 3_000_000 }, (_, i) => i),
      new Map([['x'.repeat(9 << 20), 1]]),
    ])
      expect(await bridge.call('upload.append', argument)).toMatchObject({
        ok: false,
        error: { code: 'bad-argument', message: 'The argument of this call is too large.' },
      });
  });

  it('cannot hang the lab with data that contain themselves', async () => {
    const cycle: Record<string, unknown> = {};
    cycle.cycle = cycle;
    expect(codeOf(await bridgeOf(openPage()).call('experiments.list', cycle))).toBe('bad-argument');
  });

  it('cannot name a path: not of a store, nor of a backup, nor of an import', async () => {
    const bridge = bridgeOf(openPage());
    const path = join(folder, 'elsewhere.surge');
    for (const [name, argument] of [
      ['store.restore', { backup: path }],
      ['store.restore', { backup: '../lab.surge' }],
      ['store.backup', { file: path }],
      ['lab.open', { store: path }],
      ['experiments.list', { archived: false, store: path }],
      ['import.preview', { upload: '../../etc/passwd' }],
      ['import.preview', { upload: '/etc/passwd' }],
    ] as const)
      expect([name, codeOf(await bridge.call(name, argument))]).toEqual([name, 'bad-argument']);
    const { upload } = await new BridgeClient(bridge).call('upload.begin', { name: '../../../x', bytes: 0 });
    expect(upload).toMatch(/^[0-9a-f]{32}$/);
  });

  it('cannot ask without end', async () => {
    const bridge = bridgeOf(openPage());
    const outcomes = await Promise.all(
      Array.from({ length: 400 }, () => bridge.call('lab.about', undefined)),
    );
    expect(outcomes.filter((outcome) => !outcome.ok).length).toBeGreaterThanOrEqual(400 - 256);
    expect(codeOf(await bridge.call('lab.about', undefined))).toBe('ok');
  });

  it('sees three functions and nothing of Electron', () => {
    const bridge = bridgeOf(openPage());
    expect(Object.keys(bridge)).toEqual(['call', 'onNews', 'onCommand']);
  });
});
