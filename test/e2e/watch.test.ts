import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import {
  accessibilityProblems,
  describeWithBrowser,
  goTo,
  openBrowser,
  openWindow,
  screenshot,
  shareWindow,
  startHost,
  type Host,
} from '../support/browser.ts';
import { surge } from '../support/cli.ts';

/** Small enough to be trained in seconds, with a divergence at its highest learning rate. */
const small: SpecificationInput = {
  name: 'small, sign',
  workload: { kind: 'mlp', hidden: [8] },
  optimizer: { kind: 'sign' },
  learningRates: { log: { from: 3e-4, to: 3e-2, count: 7 } },
  batchSizes: { list: [1, 4, 16, 64] },
  seeds: 3,
  length: { steps: 20 },
  evaluation: { examples: 200 },
};

const finished = /^(\d[\d\u202f]*)\/\d/;

/** Cells that are done, as the title line says. */
async function cellsDone(page: Page): Promise<number> {
  const text = await page.getByText(/^\d[\d\u202f]*\/[\d\u202f]+ cells$/).innerText();
  return Number((finished.exec(text)?.[1] ?? 'NaN').replaceAll('\u202f', ''));
}

async function open(page: Page, name: string): Promise<void> {
  await goTo(page, '#/experiments');
  await page.getByRole('link', { name, exact: true }).click();
  await page.locator('.sentence', { hasText: 'learning rate' }).waitFor();
}

/** What the scrubber says, and where it stands. */
async function whereOf(page: Page): Promise<string> {
  return (await page.locator('.where strong').innerText()).replaceAll('\u202f', '');
}

describeWithBrowser('watching, comparing and theory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'surge-watch-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(async () => {
    for (const specification of [
      small,
      { ...small, name: 'small, adam', optimizer: { kind: 'adam' as const } },
    ]) {
      const file = join(folder, 'experiment.yaml');
      writeFileSync(file, stringify(specification));
      const { code, stderr } = await surge(['run', file, '--store', join(folder, 'lab.surge')]);
      expect(code, stderr).toBe(0);
    }
  });

  const window = shareWindow('', { folder });

  it('shows the four panels of a trained experiment, and what it must be read with', async () => {
    const { page } = window;
    await open(page, 'small, sign');
    for (const name of ['cells', 'ridge', 'loss against learning rate', 'migration of the peak'])
      await page.getByRole('region', { name, exact: true }).waitFor();
    expect(await cellsDone(page)).toBe(84);
    expect(await whereOf(page)).toBe('step 20');
    // Laws and intervals come from the worker.
    await page.getByText('verdict').waitFor();
    expect(await page.locator('.sentence').innerText()).toMatch(/^At equal steps \(step 20\) /);
    await screenshot(page, 'watch');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('scrubs, plays and changes definitions by keyboard, and every panel follows', async () => {
    const { page } = window;
    await page.keyboard.press('Home');
    expect(await whereOf(page)).toBe('step 1');
    await page.locator('.sentence', { hasText: '(step 1)' }).waitFor();
    await page.keyboard.press('ArrowRight');
    expect(await whereOf(page)).toBe('step 2');
    await page.keyboard.press('Shift+ArrowRight');
    expect(await whereOf(page)).toBe('step 5');
    await page.keyboard.press('End');
    expect(await whereOf(page)).toBe('step 20');
    // From the end it plays from the start, and stops at the end.
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: /^Stop/ }).waitFor();
    await page.getByRole('button', { name: /^Play/ }).waitFor();
    expect(await whereOf(page)).toBe('step 20');
    await page.keyboard.press('d');
    await page.locator('.sentence', { hasText: 'At equal samples' }).waitFor();
    await page.keyboard.press('d');
    await page.locator('.sentence', { hasText: 'At equal loss' }).waitFor();
    await screenshot(page, 'watch-equal-loss');
    await page.keyboard.press('d');
    await page.locator('.sentence', { hasText: 'At equal steps' }).waitFor();
    for (const [key, name] of [
      ['l', 'log'],
      ['c', 'clip'],
      ['w', 'laws'],
      ['z', 'whole grid'],
    ]) {
      const button = page.getByRole('button', { name, exact: true });
      const before = await button.getAttribute('aria-pressed');
      await page.keyboard.press(key);
      expect(await button.getAttribute('aria-pressed')).toBe(before === 'true' ? 'false' : 'true');
      await page.keyboard.press(key);
    }
    await page.keyboard.press('s');
    expect(await page.getByRole('radio', { name: 'median' }).isChecked()).toBe(true);
    await page.keyboard.press('s');
    expect(await page.getByRole('radio', { name: 'all' }).isChecked()).toBe(true);
    await page.keyboard.press('s');
  });

  it('pins a place of the grid by keyboard and shows its cells', async () => {
    const { page } = window;
    const grid = page.getByRole('application', { name: /^State and loss/ });
    await grid.focus();
    for (const key of ['ArrowRight', 'ArrowUp', 'ArrowUp', 'Enter']) await page.keyboard.press(key);
    const sheet = page.getByRole('dialog', { name: '3 cells' });
    await sheet.waitFor();
    await sheet.getByText(/20 of 20/).waitFor();
    expect(await sheet.getByRole('row').count()).toBe(4);
    // Arrows moved in the grid and not the scrubber.
    expect(await whereOf(page)).toBe('step 20');
    await screenshot(page, 'watch-cells');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    // The focus is back where it was.
    expect(await page.locator('.plot:focus').count()).toBe(1);
  });

  it('lists what a chip counts', async () => {
    const { page } = window;
    const chip = page
      .getByRole('region', { name: 'loss against learning rate' })
      .getByRole('button', { name: /seeds/ });
    await chip.click();
    const dialog = page.getByRole('dialog', { name: /seeds/ });
    await dialog.getByText(/mean/i).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  it('offers learning rates around the optimum as a new design', async () => {
    const { page } = window;
    await page.keyboard.press('r');
    await page.waitForURL(/#\/design/);
    await page.getByRole('button', { name: 'Start training' }).waitFor();
    await page.goBack();
  });

  it('compares two optimizers: ridges, peaks, paired differences, settings', async () => {
    const { page } = window;
    await goTo(page, '#/compare');
    await page.getByRole('heading', { name: 'Compare experiments' }).waitFor();
    await screenshot(page, 'compare-empty');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('p');
    const dialog = page.getByRole('dialog', { name: 'Experiments to compare' });
    await dialog.getByLabel(/small, sign/).check();
    await dialog.getByLabel(/small, adam/).check();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.getByText('2 experiments').waitFor();
    // The legend says what varies.
    await page.getByRole('link', { name: /^sign/ }).waitFor();
    await page.getByRole('link', { name: /^adam/ }).waitFor();
    await page
      .getByText(/^At equal steps \(step 20\)/)
      .nth(1)
      .waitFor();
    await page.getByRole('rowheader', { name: 'optimizer.kind' }).waitFor();
    expect(await page.getByText('unpaired').count()).toBe(0);
    await screenshot(page, 'compare');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Home');
    await page
      .getByText(/^At equal steps \(step 1\)/)
      .nth(1)
      .waitFor();
    await page.keyboard.press('o');
    expect(await page.getByRole('radio', { name: 'over each other' }).isChecked()).toBe(true);
    await screenshot(page, 'compare-over');
  });

  it('opens the figure of what is watched', async () => {
    const { page } = window;
    await open(page, 'small, sign');
    await page.keyboard.press('e');
    await page.waitForURL(/#\/figures/);
    await page.getByRole('img', { name: /as it will be printed/ }).waitFor();
  });

  it('moves the curves of the theory, and the negative control has no peak', async () => {
    const { page } = window;
    await goTo(page, '#/theory');
    await page.locator('.sentence', { hasText: /peaks at B = \d/ }).waitFor();
    // All Monte Carlo points have come.
    await page.getByText(/^Monte Carlo$/).waitFor({ timeout: 60_000 });
    await screenshot(page, 'theory');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: /^negative control/ }).click();
    await page.locator('.sentence', { hasText: 'has no peak' }).waitFor();
    await page.getByRole('radio', { name: 'adam' }).check({ force: true });
    // Momentum makes a peak even with diagonal curvature (beta1 above 1/3).
    await page.locator('.sentence', { hasText: /peaks at B = \d/ }).waitFor();
    const slider = page.getByLabel('β₁');
    await slider.focus();
    await page.keyboard.press('Home');
    await page.locator('.sentence', { hasText: 'has no peak' }).waitFor();
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(window.faults).toEqual([]);
  });
});

describeWithBrowser('watching an experiment train', () => {
  const folder = mkdtempSync(join(tmpdir(), 'surge-live-'));
  let host: Host | undefined;
  let browser: Browser;

  beforeAll(async () => {
    host = await startHost({ folder });
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('draws the demo while it trains, loses no cell when the host is killed, and goes on', async () => {
    const { page } = await openWindow(browser, host!);
    await page.getByRole('button', { name: 'Train the digits demo' }).first().click();
    await page.waitForURL(/#\/watch\/\w+/);
    const place = new URL(page.url()).hash;
    // New cells appear by themselves: nothing is asked again.
    await page.locator('.sentence', { hasText: 'optimal learning rate' }).waitFor({ timeout: 110_000 });
    await expect.poll(() => cellsDone(page), { timeout: 110_000 }).toBeGreaterThan(0);
    const first = await cellsDone(page);
    await screenshot(page, 'watch-training');
    await expect.poll(() => cellsDone(page), { timeout: 110_000 }).toBeGreaterThan(first);

    await host!.kill();
    await page
      .getByText(/The connection to the lab is lost/)
      .first()
      .waitFor();
    const before = await cellsDone(page);
    // The picture stays.
    expect(await page.locator('.sentence').innerText()).toContain('optimal learning rate');
    await screenshot(page, 'watch-lost');
    await page.close();

    host = await startHost({ folder });
    const again = await openWindow(browser, host, place);
    await again.page.locator('.sentence', { hasText: 'optimal learning rate' }).waitFor();
    expect(await cellsDone(again.page)).toBeGreaterThanOrEqual(before);
    const resume = again.page.getByRole('button', { name: /^(Resume|Start)$/ });
    const pause = again.page.getByRole('button', { name: 'Pause' });
    await resume.or(pause).first().waitFor();
    if (await resume.isVisible()) await resume.click();
    await pause.waitFor();
    await expect.poll(() => cellsDone(again.page), { timeout: 110_000 }).toBeGreaterThan(before);
    await pause.click();
    await resume.waitFor({ timeout: 60_000 });
    expect(again.faults).toEqual([]);
  }, 400_000);
});
