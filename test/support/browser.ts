/** The window in real Chromium, against the real host: a child process on a store of its own. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { startSurge } from './cli.ts';

const SCREENSHOTS = fileURLToPath(new URL('../e2e/screenshots/', import.meta.url));
const WINDOW = { width: 1360, height: 860 };
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const THEMES = ['light', 'dark'] as const;

function chromiumProgram(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(existsSync) ?? null;
}

/** Needs Chromium and the engine; without them it fails where CI is set, and is skipped with a message elsewhere. */
export function describeWithBrowser(name: string, body: () => void): void {
  const missing =
    chromiumProgram() === null
      ? 'Chromium is not on the PATH: install it, for example with "apt-get install chromium"'
      : locateEngine() === null
        ? 'the TensorFlow engine is not installed: run "surge engine install"'
        : null;
  if (missing === null) describe(name, body);
  else
    describe(name, () => {
      if (process.env.CI === 'true') it(missing, () => expect.fail(missing));
      else it.skip(`skipped: ${missing}`, () => undefined);
    });
}

export interface Host {
  readonly url: string;
  readonly folder: string;
  readonly store: string;
  /** As Ctrl-C does; resolves when it has ended. */
  stop(): Promise<void>;
  /** At once, as a power cut does. */
  kill(): Promise<void>;
}

/** Starts `surge serve`. Without a folder it gets a new one, which `stop` removes. */
export async function startHost(
  options: { folder?: string; arguments?: readonly string[] } = {},
): Promise<Host> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'surge-window-'));
  const store = join(folder, 'lab.surge');
  const running = startSurge(
    ['serve', '--no-open', '--json', '--store', store, ...(options.arguments ?? [])],
    // Settings of its own: a test changes no theme of the person who runs it.
    { XDG_CONFIG_HOME: join(folder, 'config') },
  );
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    running.child.stdout?.on('data', (data: Buffer) => {
      said += data.toString();
      const address = /"url": "([^"]+)"/.exec(said)?.[1];
      if (address !== undefined) resolve(address);
    });
    void running.finished.then(({ code, stderr }) =>
      reject(new Error(`surge serve ended with code ${code}:\n${stderr}`)),
    );
  });
  const end = async (signal: NodeJS.Signals) => {
    running.child.kill(signal);
    await running.finished;
    if (options.folder === undefined && signal === 'SIGTERM')
      rmSync(folder, { recursive: true, force: true });
  };
  return { url, folder, store, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = chromiumProgram();
  if (executablePath === null) throw new Error('Chromium is not on the PATH');
  return chromium.launch({ executablePath });
}

export interface Window {
  readonly page: Page;
  /** Errors of the page and what its security policy refused, since the window opened. */
  readonly faults: string[];
}

/** A window of its own (its own cookies and memory) at a place such as '#/design'. */
export async function openWindow(browser: Browser, host: Host, place = ''): Promise<Window> {
  const page = await browser.newPage({
    viewport: WINDOW,
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Zurich',
  });
  page.setDefaultTimeout(45_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(host.url);
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  if (place !== '') await goTo(page, place);
  return { page, faults };
}

/** The link's token is used up by then; pages are places in the hash. */
export async function goTo(page: Page, place: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(place)}`);
}

/** One picture a theme: test/e2e/screenshots/NAME-light.png and NAME-dark.png. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.locator(`html[data-theme=${theme}]`).waitFor({ state: 'attached' });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${theme}.png`), animations: 'disabled' });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeViolation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe objects to on the page as it is, in each theme; empty when all is well. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const problems: string[] = [];
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.locator(`html[data-theme=${theme}]`).waitFor({ state: 'attached' });
    await page.evaluate(axe);
    const violations: AxeViolation[] = await page.evaluate(
      `axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations)`,
    );
    problems.push(
      ...violations.map(
        ({ id, help, nodes }) =>
          `${theme}: ${id} (${help})\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary ?? ''}`).join('\n')}`,
      ),
    );
  }
  await page.emulateMedia({ colorScheme: 'light' });
  return problems;
}
