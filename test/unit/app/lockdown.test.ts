import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Session as ElectronSession } from 'electron';
import { lockPages, lockSession, openLink } from '#main/app/lockdown.ts';
import { preventable, resetElectron, session, WebContents, world } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

beforeEach(() => {
  resetElectron();
  lockPages();
  lockSession(session.defaultSession as unknown as ElectronSession);
});

const foreign = [
  'https://example.org/',
  'file:///etc/passwd',
  'app://other/',
  'javascript:alert(1)',
  'data:text/html,x',
];

describe('a page', () => {
  it.each(foreign)('cannot go to %s', (url) => {
    const contents = new WebContents();
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
      const event = preventable({ url, isMainFrame: true });
      contents.emit(name, event);
      expect([name, event.isPrevented]).toEqual([name, true]);
    }
  });

  it('can be loaded again', () => {
    const event = preventable({ url: 'app://lab/index.html#/settings', isMainFrame: true });
    const contents = new WebContents();
    contents.emit('will-navigate', event);
    contents.emit('will-frame-navigate', event);
    expect(event.isPrevented).toBe(false);
  });

  it('cannot fill a frame, not even with our own page', () => {
    const event = preventable({ url: 'app://lab/', isMainFrame: false });
    new WebContents().emit('will-frame-navigate', event);
    expect(event.isPrevented).toBe(true);
  });

  it.each([...foreign, 'app://lab/'])('cannot open a window for %s', (url) => {
    expect(new WebContents().windowOpenHandler!({ url })).toEqual({ action: 'deny' });
    expect(world.openedOutside).toEqual([]);
  });

  it('cannot embed another one', () => {
    const event = preventable();
    new WebContents().emit('will-attach-webview', event);
    expect(event.isPrevented).toBe(true);
  });
});

describe('a session', () => {
  const ask = (permission: string, url: string) => {
    const { permissionRequest, permissionCheck } = session.defaultSession;
    let answer: boolean | null = null;
    (permissionRequest as (...args: unknown[]) => void)(
      null,
      permission,
      (given: boolean) => (answer = given),
      { requestingUrl: url },
    );
    const checked = (permissionCheck as (...args: unknown[]) => boolean)(null, permission, url);
    return [answer, checked];
  };

  it.each([
    'media',
    'geolocation',
    'notifications',
    'midi',
    'fullscreen',
    'openExternal',
    'clipboard-read',
    'display-capture',
    'fileSystem',
    'hid',
    'serial',
    'usb',
    'unknown',
  ])('grants no %s, by request or by check', (permission) => {
    expect(ask(permission, 'app://lab/')).toEqual([false, false]);
    expect((session.defaultSession.devicePermission as () => boolean)()).toBe(false);
  });

  it('lets our page, and no other, write to the clipboard', () => {
    expect(ask('clipboard-sanitized-write', 'app://lab/')).toEqual([true, true]);
    expect(ask('clipboard-sanitized-write', 'https://example.org/')).toEqual([false, false]);
    expect(ask('clipboard-sanitized-write', '')).toEqual([false, false]);
  });

  it('has no network', () => {
    const isCancelled = (url: string) => {
      let cancel: boolean | undefined;
      (session.defaultSession.beforeRequest as (...args: unknown[]) => void)(
        { url },
        (answer: { cancel: boolean }) => (cancel = answer.cancel),
      );
      return cancel;
    };
    for (const url of [
      'https://example.org/x.js',
      'http://127.0.0.1:80/',
      'ws://localhost:1/',
      'file:///etc/passwd',
      'ftp://x/',
      'x',
    ])
      expect([url, isCancelled(url)]).toEqual([url, true]);
    for (const url of ['app://lab/index.html', 'blob:app://lab/1', 'data:image/png;base64,AA'])
      expect([url, isCancelled(url)]).toEqual([url, false]);
  });
});

it('hands the system only links of a fixed list', async () => {
  await openLink('paper');
  expect(world.openedOutside).toEqual(['https://arxiv.org/abs/2405.14578']);
});
