/** Every page by keyboard alone, in windows from narrow to wide. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '#main/lab/store/index.ts';
import {
  accessibilityProblems,
  describeWithBrowser,
  goTo,
  openBrowser,
  openWindow,
  screenshot,
  startHost,
} from '../support/browser.ts';
import { createLarge, feed } from '../support/large-store.ts';

/** What can be used on a page, apart from what Tab reaches by another way: radio buttons and tabs by arrows. */
const USABLE = `
  [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"]')].filter((one) =>
    !one.disabled && one.checkVisibility() && one.closest('[inert]') === null && one.type !== 'file' &&
    !(one.type === 'radio' && !one.checked) && !(one.role === 'tab' && one.ariaSelected !== 'true'))`;

/**
 * Walks with Tab from the start of the page until the focus leaves it. Returns what of the page was not reached, and what
 * had the focus without showing it.
 */
async function walk(page: Page): Promise<{ missed: string[]; unmarked: string[]; steps: number }> {
  await page.evaluate('document.activeElement.blur(); window.getSelection().removeAllRanges()');
  const count = await page.evaluate<number>(`(window.usable = ${USABLE}).length`);
  const unmarked = new Set<string>();
  let steps = 0;
  for (; steps < 2 * count + 20; steps++) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate<string | null>(`(() => {
      const one = document.activeElement;
      if (one === document.body) return 'end';
      one.dataset.walked = '';
      const style = getComputedStyle(one);
      // A slider and a radio button show their focus on what is drawn for them.
      const shows = (part) => part !== null && getComputedStyle(part).outlineStyle !== 'none';
      return shows(one) || shows(one.parentElement) || style.boxShadow !== 'none' ? null : one.outerHTML.slice(0, 160);
    })()`);
    if (here === 'end') break;
    if (here !== null) unmarked.add(here);
  }
  const missed = await page.evaluate<string[]>(`(() => {
    const missed = window.usable.filter((one) => one.isConnected && !('walked' in one.dataset));
    for (const one of document.querySelectorAll('[data-walked]')) delete one.dataset.walked;
    return missed.map((one) => one.outerHTML.slice(0, 160));
  })()`);
  return { missed, unmarked: [...unmarked], steps };
}

describeWithBrowser('every page', () => {
  let folder: string;
  let page: Page;
  let faults: string[];
  const pages: [name: string, place: () => string, ready: (on: Page) => Promise<unknown>][] = [];
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'surge-keys-'));
    const store = openStore(join(folder, 'lab.surge'));
    const keys = ['first', 'second'].map((name, i) => {
      const grid = { name, batchSizes: 6, learningRates: 16, seeds: 3, marks: 20 + i };
      const { experiment, stacks } = createLarge(store, grid);
      // The second one is not complete: it can be started, too.
      for (const stack of i === 0 ? stacks : stacks.slice(0, 3)) feed(store, stack, 0, grid.marks);
      store.annotate(experiment.id, { tags: ['shown'], notes: 'with notes' });
      return experiment.key;
    });
    store.close();
    const host = await startHost({ folder });
    ends.push(() => host.stop());
    const browser = await openBrowser();
    ends.push(() => browser.close());
    ({ page, faults } = await openWindow(browser, host));
    const sentence = (on: Page) =>
      on
        .locator('.sentence')
        .filter({ hasText: /learning rate/ })
        .first()
        .waitFor();
    pages.push(
      ['experiments', () => '#/experiments', (on) => on.getByRole('link', { name: 'second' }).waitFor()],
      ['design', () => '#/design', (on) => on.getByRole('img', { name: /^Grid of/ }).waitFor()],
      ['watch', () => `#/watch/${keys[1]}`, sentence],
      [
        'compare',
        () => `#/compare?with=${keys[0]}`,
        (on) => on.getByRole('heading', { name: 'Compare', exact: true }).waitFor(),
      ],
      ['theory', () => '#/theory', sentence],
      ['import', () => '#/import', (on) => on.getByText('Drop a file here').waitFor()],
      [
        'settings',
        () => '#/settings',
        (on) =>
          on
            .getByText(/^TensorFlow/)
            .first()
            .waitFor(),
      ],
    );
  });

  afterAll(async () => {
    for (const end of ends.reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is reached and used with Tab, and shows where the focus is', async () => {
    for (const [name, place, ready] of pages) {
      await goTo(page, place());
      await ready(page);
      const { missed, unmarked, steps } = await walk(page);
      expect({ name, missed, unmarked }).toEqual({ name, missed: [], unmarked: [] });
      expect(steps).toBeGreaterThanOrEqual(8);
    }
  });

  it('fits windows of 1024 and of 2560 pixels, without scrolling sideways', async () => {
    for (const width of [1024, 2560]) {
      await page.setViewportSize({ width, height: width === 1024 ? 700 : 1400 });
      for (const [name, place, ready] of pages) {
        await goTo(page, place());
        await ready(page);
        const wide = await page.evaluate<string[]>(`[...document.querySelectorAll('main, main *')]
          .filter((one) => one.scrollWidth > one.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
          .map((one) => one.outerHTML.slice(0, 120))`);
        const beyond = await page.evaluate<
          string[]
        >(`[...document.querySelectorAll('main button, main a, main label, main input, main select')]
          .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > window.innerWidth + 1)
          .map((one) => one.outerHTML.slice(0, 120))`);
        expect({ name, width, wide, beyond }).toEqual({ name, width, wide: [], beyond: [] });
        await screenshot(page, `${name}-${width}`);
        if (width === 1024) expect(await accessibilityProblems(page)).toEqual([]);
      }
    }
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(faults).toEqual([]);
  });
});
