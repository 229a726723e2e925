import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '#main/lab/store/index.ts';
import {
  accessibilityProblems,
  describeWithBrowser,
  openBrowser,
  openWindow,
  screenshot,
  startHost,
  type Host,
  type Window,
} from '../support/browser.ts';
import { createLarge, feed } from '../support/large-store.ts';

const GRID = { name: 'half trained', batchSizes: 8, learningRates: 10, seeds: 4, marks: 100 };
const HALF = 50;
const PATIENT = { timeout: 45_000 };

describeWithBrowser('the figures page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'surge-figures-'));
  const file = join(folder, 'lab.surge');
  let host: Host;
  let browser: Browser;
  let window: Window;
  let place = '';

  /** Trains every stack from mark to mark, while no host has the store. */
  function train(from: number, to: number): void {
    const store = openStore(file);
    const stacks =
      from === 0 ? createLarge(store, GRID).stacks : store.stacks(store.experiment(GRID.name).id);
    for (const stack of stacks) feed(store, stack, from, to);
    place = `#/figures?experiments=${store.experiment(GRID.name).key}`;
    store.close();
  }

  beforeAll(async () => {
    train(0, HALF);
    host = await startHost({ folder });
    browser = await openBrowser();
    window = await openWindow(browser, host, place);
  });

  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const picture = () => window.page.getByRole('img', { name: /as it will be printed/ });
  /** The picture is drawn again in a moment: wait until it is another one. */
  async function change(what: () => Promise<unknown>): Promise<void> {
    const before = await picture().getAttribute('src');
    await what();
    await expect.poll(() => picture().getAttribute('src'), PATIENT).not.toBe(before);
  }

  it('draws the chosen kind at the true width of the preset', async () => {
    const { page } = window;
    await picture().waitFor();
    await change(() =>
      page.getByLabel('Figure', { exact: true }).selectOption({ label: 'Migration of the peak' }),
    );
    await change(() => page.getByLabel('Made for').selectOption({ label: 'Physical Review, two columns' }));
    const { width } = (await picture().boundingBox())!;
    expect((25.4 * width) / 96).toBeCloseTo(178, 0);
  });

  it('copies the picture as SVG and PNG', async () => {
    const { page } = window;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy SVG' }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toMatch(/^<\?xml[^]*width="178mm"/);
    await page.getByRole('button', { name: 'Copy PNG' }).click();
    await expect
      .poll(
        () =>
          page.evaluate<string>(
            'navigator.clipboard.read().then((items) => items.flatMap((item) => item.types).join())',
          ),
        PATIENT,
      )
      .toBe('image/png');
  });

  it('keeps figures with the experiment', async () => {
    const { page } = window;
    await page.getByLabel('Name', { exact: true }).fill('figure 1');
    await page.getByRole('button', { name: 'Keep this figure' }).click();
    await page.getByText('Kept as “figure 1”.').waitFor();
    await change(() => page.getByLabel('Figure', { exact: true }).selectOption({ label: 'Ridge with laws' }));
    await page.getByLabel('Name', { exact: true }).fill('ridge');
    await page.getByRole('button', { name: 'Keep this figure' }).click();
    await page.getByRole('button', { name: 'Draw all again (2 figures)' }).click();
    // Nothing was trained in between.
    await expect.poll(() => page.getByText(/^No number changed/).count(), PATIENT).toBe(2);
  });

  it('draws them again after more training, and says what changed', async () => {
    await window.page.close();
    await host.stop();
    train(HALF, GRID.marks);
    host = await startHost({ folder });
    window = await openWindow(browser, host, place);
    const { page } = window;
    await page.getByRole('button', { name: 'Draw all again (2 figures)' }).click();
    await page
      .getByText(/\d+ numbers changed/)
      .first()
      .waitFor();
    // Step 100 had no loss before.
    await page.getByRole('row', { name: /^optimum, batch size 3: learning rate – 0\.00\d+/ }).waitFor();
    await page.getByText(/50 rows added: peak, step 51;/).waitFor();
    await change(() => page.getByRole('button', { name: 'figure 1', exact: true }).click());
    expect(await page.getByLabel('Figure', { exact: true }).inputValue()).toBe('migration');
    expect(await page.getByLabel('Made for').inputValue()).toBe('aps-178');
    await screenshot(page, 'figures');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Forget ridge' }).click();
    await page.getByRole('button', { name: 'Draw all again (1 figure)' }).waitFor();
  });

  it('says what does not fit and offers no file of it', async () => {
    const { page } = window;
    await page.getByLabel('Figure', { exact: true }).selectOption({ label: 'The paper’s protocol' });
    await page.getByLabel('Made for').selectOption({ label: 'Science, one column' });
    await page.getByText(/allows 230 mm: draw fewer panels/).waitFor();
    expect(await page.getByRole('button', { name: 'Copy SVG' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Keep in its place' }).isDisabled()).toBe(true);
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(window.faults).toEqual([]);
  });
});
