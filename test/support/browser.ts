/** The window in real Chromium, against the real host: a child process on a store of its own. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { startHost, type Host } from './host.ts';

export { startHost, type Host };

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

/**
 * A window of its own (its own cookies and memory) at a place such as '#/design'. `prepare` gets the page before it
 * connects.
 */
export async function openWindow(
  browser: Browser,
  host: Host,
  place = '',
  prepare?: (page: Page) => Promise<void>,
): Promise<Window> {
  const page = await browser.newPage({
    viewport: WINDOW,
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Zurich',
  });
  // For a machine with far too much to do.
  page.setDefaultTimeout(120_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await prepare?.(page);
  await page.goto(host.url);
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  if (place !== '') await goTo(page, place);
  return { page, faults };
}

export interface SharedWindow extends Window {
  readonly host: Host;
  readonly browser: Browser;
}

/**
 * One host and one window on it for all tests of a describe block, from before the first to after the last. Nothing is in
 * what this returns until then.
 */
export function shareWindow(place = '', options: Parameters<typeof startHost>[0] = {}): SharedWindow {
  const shared: { -readonly [Part in keyof SharedWindow]?: SharedWindow[Part] } = {};
  beforeAll(async () => {
    shared.host = await startHost(options);
    shared.browser = await openBrowser();
    Object.assign(shared, await openWindow(shared.browser, shared.host, place));
  });
  afterAll(async () => {
    await shared.browser?.close();
    await shared.host?.stop();
  });
  return shared as SharedWindow;
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
