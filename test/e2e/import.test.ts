import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import {
  accessibilityProblems,
  describeWithBrowser,
  goTo,
  screenshot,
  shareWindow,
} from '../support/browser.ts';

/** A ridge that peaks at 64; one rate is no number, the largest rates diverge at small batches. */
function sweep(learningRateName: string): string {
  const rows = [8, 16, 32, 64, 128, 256].flatMap((batchSize) =>
    Array.from({ length: 12 }, (_, i) => 10 ** (-4 + i / 4)).flatMap((rate, i) =>
      [0, 1, 2].map((seed) => {
        const optimum = 4e-3 / (Math.sqrt(batchSize / 64) + Math.sqrt(64 / batchSize));
        const loss = 0.3 + 0.05 * Math.log(rate / optimum) ** 2 + 0.002 * seed;
        const diverges = i === 11 && batchSize < 32;
        const isWrong = i === 3 && batchSize === 64 && seed === 1;
        return `${batchSize},${isWrong ? 'oops' : rate.toPrecision(6)},${seed},${diverges ? 'nan' : loss.toFixed(5)}`;
      }),
    ),
  );
  return [`batch_size,${learningRateName},seed,final_loss`, ...rows, ''].join('\n');
}

describeWithBrowser('importing a sweep', () => {
  const window = shareWindow('#/import');

  beforeAll(() => {
    writeFileSync(join(window.host.folder, 'theirs.csv'), sweep('lr'));
    writeFileSync(join(window.host.folder, 'odd.csv'), sweep('pace'));
    writeFileSync(join(window.host.folder, 'empty.csv'), '');
  });

  it('says what can be read', async () => {
    const { page } = window;
    await page.getByText('Drop a file here, or').waitFor();
    await screenshot(page, 'import-empty');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('shows a dry run: what is kept and what is not, with reasons and lines', async () => {
    const { page } = window;
    await page.getByLabel('File to import').setInputFiles(join(window.host.folder, 'theirs.csv'));
    await page.getByText('216 rows read, 215 kept, 1 dropped.').waitFor();
    await page.getByRole('row', { name: '1 dropped: "lr" is not a number 120' }).waitFor();
    await page
      .getByRole('row', { name: /6 kept as failed: loss not finite 35, 36, 37, 71, 72, 73/ })
      .waitFor();
    await screenshot(page, 'import-report');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('stores it under its name', async () => {
    const { page } = window;
    await page.getByLabel('Name in the store').fill('their sweep');
    await page.getByRole('button', { name: 'Store' }).click();
    await page.waitForURL(/#\/watch\/\w+/);
    await goTo(page, '#/experiments');
    await page
      .getByRole('row', { name: /their sweep/ })
      .getByText(/imported$/)
      .waitFor();
  });

  it('asks for columns that it does not know', async () => {
    const { page } = window;
    await goTo(page, '#/import');
    await page.getByLabel('File to import').setInputFiles(join(window.host.folder, 'odd.csv'));
    await page.getByLabel('Learning rate').waitFor();
    expect(await page.getByRole('button', { name: 'Store' }).isDisabled()).toBe(true);
    await screenshot(page, 'import-mapping');
    for (const [field, column] of [
      ['Batch size', 'batch_size'],
      ['Learning rate', 'pace'],
      ['Loss', 'final_loss'],
      ['Seed', 'seed'],
    ] as const)
      await page.getByLabel(field, { exact: true }).selectOption(column);
    await page.getByText('216 rows read, 215 kept, 1 dropped.').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Store' }).isEnabled()).toBe(true);
  });

  it('takes another file, and says why an empty one is nothing', async () => {
    const { page } = window;
    await page.getByRole('button', { name: 'Another file' }).click();
    await page.getByLabel('File to import').setInputFiles(join(window.host.folder, 'empty.csv'));
    await page.getByRole('status').filter({ hasText: 'nothing to store yet' }).waitFor();
    await expect
      .poll(() => page.locator('section').filter({ hasText: 'What the columns mean' }).innerText())
      .toMatch(/empty/i);
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(window.faults).toEqual([]);
  });
});
