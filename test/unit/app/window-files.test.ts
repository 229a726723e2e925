import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Session } from 'electron';
import { isOurs } from '#main/app/address.ts';
import { registerScheme, serveWindow } from '#main/app/window-files.ts';
import { resetElectron, session, world } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

let folder: string;

beforeAll(() => {
  resetElectron();
  folder = mkdtempSync(join(tmpdir(), 'surge-files-'));
  mkdirSync(join(folder, 'renderer', 'assets'), { recursive: true });
  writeFileSync(join(folder, 'renderer', 'index.html'), '<!doctype html><title>Surge Lab</title>');
  writeFileSync(join(folder, 'renderer', 'assets', 'main-1a2b.js'), 'export {};');
  writeFileSync(join(folder, 'secret.json'), '"secret"');
  symlinkSync(join(folder, 'secret.json'), join(folder, 'renderer', 'link.json'));
  registerScheme();
  serveWindow(session.defaultSession as unknown as Session, join(folder, 'renderer'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Requests whose address no URL parser has tidied up, as a page could try to send them. */
function ask(url: string, method = 'GET'): Promise<Response> {
  return session.defaultSession.served.get('app')!({ url, method } as Request);
}

describe('app://lab/', () => {
  it('is a place with an origin, known before the app is ready', () => {
    expect(world.schemes).toMatchObject([{ scheme: 'app', privileges: { standard: true, secure: true } }]);
    expect(world.schemes[0].privileges).not.toHaveProperty('bypassCSP');
    expect(world.schemes[0].privileges).not.toHaveProperty('corsEnabled');
  });

  it('serves the window and its parts', async () => {
    const page = await ask('app://lab/');
    expect(page.status).toBe(200);
    expect(page.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('Surge Lab');
    const script = await ask('app://lab/assets/main-1a2b.js?v=1#x');
    expect(script.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8');
    const head = await ask('app://lab/index.html', 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it.each([
    'app://lab/../secret.json',
    'app://lab/assets/../../secret.json',
    'app://lab/..%2fsecret.json',
    'app://lab/%2e%2e/secret.json',
    'app://lab/%2e%2e%2fsecret.json',
    'app://lab/..\\secret.json',
    'app://lab/..%5csecret.json',
    'app://lab/%252e%252e%252fsecret.json',
    'app://lab//etc/passwd',
    'app://lab/link.json',
    'app://lab/index.html%00.js',
    'app://lab/%E0%A4%A',
    'app://lab/assets',
    'app://lab/C:/Windows/win.ini',
    'app://lab/.env',
  ])('has nothing at %s', async (url) => {
    const response = await ask(url);
    expect([response.status, await response.text()]).toEqual([404, '']);
  });

  it.each([
    'app://other/index.html',
    'app://lab@evil/index.html',
    'app://lab:8080/index.html',
    'file:///etc/passwd',
  ])('is not %s', async (url) => expect((await ask(url)).status).toBe(404));

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('takes no %s', async (method) => {
    expect((await ask('app://lab/index.html', method)).status).toBe(405);
  });

  it('sends a policy that allows our own files only, with refusals too', async () => {
    for (const url of ['app://lab/', 'app://lab/nothing.js']) {
      const policy = (await ask(url)).headers.get('Content-Security-Policy')!;
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).toContain("connect-src 'self'");
      expect(policy).not.toMatch(/unsafe|https?:|\*|ws:/);
    }
  });
});

describe('our address', () => {
  it.each(['app://lab/', 'app://lab/index.html#/watch/abcd', 'app://lab'])('is %s', (url) =>
    expect(isOurs(url)).toBe(true),
  );
  it.each([
    'APP2://lab/',
    'app:lab',
    'app://lab.evil/',
    'app://x:y@lab/',
    'https://lab/',
    'blob:app://lab/1',
    'no',
  ])('is not %s', (url) => expect(isOurs(url)).toBe(false));
});
