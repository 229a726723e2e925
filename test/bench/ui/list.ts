/** The list of experiments with 200 of them: opening it, scrolling it, searching it, and a change while it is open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '#main/lab/store/index.ts';
import type { Browser } from 'playwright-core';
import { goTo, openWindow, startHost } from '../../support/browser.ts';
import { createLarge, feed, type LargeGrid } from '../../support/large-store.ts';
import { costOf, perFrame, quantile, workOfFrames, type Cost } from './frames.ts';

const EXPERIMENTS = 200;
const GRID: LargeGrid = { name: '', batchSizes: 8, learningRates: 12, seeds: 3, marks: 12 };
const SCROLL_FRAMES = 240;
const SEARCH = 'experiment 17';

interface Frames {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly longestMs: number;
  /** A frame. */
  readonly cost: Cost;
}

export interface ListResult {
  readonly experiments: number;
  /** From the click on the rail to the frame in which all rows and their ridges are drawn. */
  readonly openMs: number;
  readonly openCost: Cost;
  readonly scroll: Frames;
  /** Letters typed into the search field. */
  readonly search: Frames;
  /** While an experiment changes twice a second. */
  readonly change: Frames;
  readonly faults: readonly string[];
}

export async function measureList(browser: Browser): Promise<ListResult> {
  const folder = mkdtempSync(join(tmpdir(), 'surge-bench-list-'));
  const store = openStore(join(folder, 'lab.surge'));
  const [first] = Array.from({ length: EXPERIMENTS }, (_, i) => {
    // Different grids: the same one would be the same experiment.
    const grid = { ...GRID, name: `experiment ${i + 1}`, marks: GRID.marks + i };
    const { stacks, experiment } = createLarge(store, grid);
    // A quarter of them is half done.
    stacks.forEach((stack, s) => feed(store, stack, 0, i % 4 === 0 && s % 2 === 1 ? 4 : grid.marks));
    store.annotate(experiment.id, { tags: [`group ${i % 9}`], notes: 'as measured' });
    return { stacks, marks: grid.marks };
  });
  const host = await startHost({ folder, arguments: ['--read-only'] });
  try {
    const { page, faults } = await openWindow(browser, host, '#/experiments');
    // Thumbnails are drawn once and kept by the host.
    const lastRidge = page.locator('td.thumbnail svg').nth(EXPERIMENTS - 1);
    await lastRidge.waitFor({ timeout: 120_000 });
    const session = await page.context().newCDPSession(page);
    const framesOf = async (count: number, step: string): Promise<Frames> => {
      const { result, cost } = await costOf(session, () => workOfFrames(page, count, step));
      return {
        medianMs: quantile(result, 0.5),
        p95Ms: quantile(result, 0.95),
        longestMs: Math.max(...result),
        cost: perFrame(cost, count),
      };
    };
    const opens: number[] = [];
    const openCosts: Cost[] = [];
    for (let i = 0; i < 3; i++) {
      await goTo(page, '#/theory');
      await page.getByRole('heading', { name: 'Theory', level: 1 }).waitFor();
      const { result, cost } = await costOf(session, () =>
        page.evaluate<number>(`new Promise((resolve) => {
          const start = performance.now();
          document.querySelector('nav a[href="#/experiments"]').click();
          const look = () => {
            if (document.querySelectorAll('td.thumbnail svg').length < ${EXPERIMENTS}) requestAnimationFrame(look);
            else requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
          };
          look();
        })`),
      );
      opens.push(result);
      openCosts.push(cost);
    }
    const scroll = await framesOf(
      SCROLL_FRAMES,
      `((area) => (i) => { area.scrollTop = (area.scrollHeight - area.clientHeight) * (1 - Math.abs(1 - 2 * i / ${SCROLL_FRAMES})); })(document.querySelector('.scroll'))`,
    );
    const search = await framesOf(
      4 * SEARCH.length,
      `((field) => (i) => {
        field.value = ${JSON.stringify(SEARCH)}.slice(0, i % ${SEARCH.length + 1});
        field.dispatchEvent(new Event('input', { bubbles: true }));
      })(document.querySelector('input[type=search]'))`,
    );
    await page.getByLabel('Search experiments').fill('');
    await lastRidge.waitFor();
    const feeding = (async () => {
      for (let mark = 4; mark < first.marks; mark++) {
        for (const stack of first.stacks.filter((_, s) => s % 2 === 1)) feed(store, stack, mark, mark + 1);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    })();
    const change = await framesOf(300, '() => undefined');
    await feeding;
    return {
      experiments: EXPERIMENTS,
      openMs: Math.max(...opens),
      openCost: openCosts[openCosts.length - 1],
      scroll,
      search,
      change,
      faults: [...faults],
    };
  } finally {
    await host.stop();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
