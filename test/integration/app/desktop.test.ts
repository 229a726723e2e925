/**
 * The desktop app on Electron's own program. It is not part of an installation from npm: without it nothing here runs, and
 * the rest of the shell is proven on a stand-in (test/unit/app, test/integration/package).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { buildShell } from '#main/app/build-shell.ts';
import { installedElectron } from '#main/app/electron-program.ts';
import { builtWindow } from '#main/doors/web/build-window.ts';
import { locateEngine } from '#main/setup/locate-engine.ts';
import type { BridgeOutcome } from '#shared/api/bridge.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ANSWERS = fileURLToPath(new URL('../../support/electron/answers.cjs', import.meta.url));
const program = installedElectron();

if (program === null)
  describe('the desktop app', () => {
    it.skip('skipped: Electron’s program is not installed: run "npx install-electron"', () => undefined);
  });
else describe('the desktop app', () => onElectron(program));

function onElectron(executablePath: string): void {
  let folder: string;
  let app: ElectronApplication | null = null;

  beforeAll(async () => {
    await builtWindow(() => undefined);
    await buildShell();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'surge-desktop-'));
  });
  afterEach(async () => {
    await app?.close();
    app = null;
    rmSync(folder, { recursive: true, force: true });
  });
  afterAll(() => app?.close());

  /** `answers`: labels of buttons, for the app's questions in turn. */
  async function start(...answers: string[]): Promise<{ app: ElectronApplication; page: Page }> {
    const environment = Object.fromEntries(
      Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    app = await _electron.launch({
      executablePath,
      args: [
        '-r',
        ANSWERS,
        ROOT,
        `--user-data-dir=${join(folder, 'user')}`,
        '--store',
        join(folder, 'a.surge'),
      ],
      env: {
        ...environment,
        XDG_CONFIG_HOME: join(folder, 'config'),
        SURGE_TEST_ANSWERS: ['Later', ...answers].slice(locateEngine() === null ? 0 : 1).join('|'),
      },
    });
    const page = await app.firstWindow();
    await page.waitForLoadState('domcontentloaded');
    return { app, page };
  }

  /** In the page, so the DOM's own types are not at hand here. */
  function call(page: Page, name: string, argument?: unknown): Promise<BridgeOutcome> {
    return page.evaluate<BridgeOutcome, [string, unknown]>(
      `([name, argument]) => surgeLab.call(name, argument)`,
      [name, argument],
    );
  }
  const run = <Result>(page: Page, expression: string) => page.evaluate<Result>(expression);
  const questions = (running: ElectronApplication) =>
    running.evaluate(() => (globalThis as unknown as { askedQuestions: string[] }).askedQuestions);

  it('opens its window at app://, and the page reaches the lab and nothing else', async () => {
    const { page } = await start();
    expect(page.url()).toMatch(/^app:\/\/lab\//);
    expect(await call(page, 'experiments.list', { archived: false })).toEqual({ ok: true, result: [] });
    expect(await run(page, 'Object.keys(surgeLab)')).toEqual(['call', 'onNews', 'onCommand']);
    for (const name of ['require', 'process', 'Buffer', 'module', 'global', 'electron'])
      expect([name, await run(page, `typeof ${name}`)]).toEqual([name, 'undefined']);
  });

  it('has its policy in force', async () => {
    const { page } = await start();
    const policy = await run<string>(
      page,
      `fetch(location.href.split('#')[0]).then((answer) => answer.headers.get('Content-Security-Policy'))`,
    );
    expect(policy).toContain("default-src 'none'");
    const violated = await run<string>(
      page,
      `new Promise((resolve) => {
        addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), { once: true });
        const script = document.createElement('script');
        script.textContent = 'window.isTaken = true';
        document.head.append(script);
      })`,
    );
    expect(violated).toMatch(/^script-src/);
    expect(await run(page, 'typeof isTaken')).toBe('undefined');
    expect(await run(page, `fetch('https://example.org/').then(() => 'reached', () => 'refused')`)).toBe(
      'refused',
    );
  });

  it('cannot be led away, nor open windows', async () => {
    const { app: running, page } = await start();
    const url = page.url();
    expect(await run(page, `window.open('app://lab/') === null`)).toBe(true);
    expect(await run(page, `window.open('https://example.org/') === null`)).toBe(true);
    for (const target of ['https://example.org/', 'file:///etc/passwd', 'data:text/html,x'])
      await run(page, `void (location.href = ${JSON.stringify(target)})`);
    // Whatever was to happen has happened when the lab has answered.
    expect((await call(page, 'lab.about')).ok).toBe(true);
    expect(page.url()).toBe(url);
    expect(running.windows()).toHaveLength(1);
  });

  it('goes where its menu leads, with keys that nobody else has', async () => {
    const { app: running, page } = await start();
    const keys = await running.evaluate(({ Menu }) => {
      const accelerators: string[] = [];
      const visit = (items: readonly Electron.MenuItem[]): void => {
        for (const item of items) {
          if (item.accelerator) accelerators.push(item.accelerator);
          if (item.submenu) visit(item.submenu.items);
        }
      };
      visit(Menu.getApplicationMenu()?.items ?? []);
      return accelerators;
    });
    expect(keys).toContain('CmdOrCtrl+N');
    expect(new Set(keys).size).toBe(keys.length);
    const choose = (label: string) =>
      running.evaluate(({ Menu }, wanted) => {
        const find = (items: readonly Electron.MenuItem[]): Electron.MenuItem | undefined => {
          for (const item of items) {
            const found = item.label === wanted ? item : item.submenu && find(item.submenu.items);
            if (found) return found;
          }
          return undefined;
        };
        find(Menu.getApplicationMenu()?.items ?? [])?.click();
      }, label);
    await choose('Settings');
    await page.waitForURL(/#\/settings/);
    await choose('New Experiment');
    await page.waitForURL(/#\/design/);
    await choose('Command Palette');
    await page.locator('dialog[open]').waitFor();
  });

  it.skipIf(locateEngine() === null)(
    'trains; ended while training, it offers to continue at its next start',
    async () => {
      const first = await start('Save a Checkpoint and Quit');
      const text = stringify({
        name: 'from the desktop',
        workload: { kind: 'mlp', hidden: [16] },
        optimizer: { kind: 'sign' },
        learningRates: { list: [0.001, 0.01] },
        batchSizes: { list: [8] },
        seeds: 1,
        length: { steps: 200_000 },
        evaluation: { examples: 500 },
      });
      expect((await call(first.page, 'experiments.create', { text, start: true })).ok).toBe(true);
      await expect
        .poll(async () => JSON.stringify(await call(first.page, 'training.queue')), { timeout: 120_000 })
        .toMatch(/"runStepsDone":[1-9]/);
      const ended = new Promise((resolve) => first.app.once('close', () => resolve(null)));
      await first.app.evaluate(({ app: shell }) => void setImmediate(() => shell.quit()));
      await ended;
      app = null;

      const second = await start('Not Now');
      await expect
        .poll(() => questions(second.app), { timeout: 60_000 })
        .toEqual(['“from the desktop” was interrupted.']);
      expect(JSON.stringify(await call(second.page, 'training.queue'))).toContain('"running":null');
    },
  );
}
