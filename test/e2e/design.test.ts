import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import {
  accessibilityProblems,
  describeWithBrowser,
  goTo,
  screenshot,
  shareWindow,
} from '../support/browser.ts';

/** Small enough to train within seconds; of a gradient that no earlier run has measured. */
const GRADIENT = (Date.now() % 1e6) / 1e6;
const SMALL = `name: small sweep
workload: { kind: quadratic, mu: [1, ${GRADIENT}], sigma: [2, 2], hessian: [[1, 0], [0, 1]] }
optimizer: { kind: sign }
learningRates: { log: { from: 1e-3, to: 1, count: 7 } }
batchSizes: { list: [1, 4, 16, 64] }
seeds: 3
length: { steps: 20 }
`;

function total(page: Page, name: string) {
  return page.locator('dl > div', { hasText: name }).locator('dd').first();
}

describeWithBrowser('designing an experiment', () => {
  const window = shareWindow('#/design');

  it('begins with an example, its grid and its cost beside the form', async () => {
    const { page } = window;
    await page.getByRole('img', { name: /^Grid of \d+ batch sizes by \d+ learning rates/ }).waitFor();
    await screenshot(page, 'design');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Begin with an example' }).click();
    for (const example of ['quick look', 'fine ridge', 'paper Table 1, Fashion-MNIST, small batches'])
      await page.getByRole('menuitem', { name: example, exact: true }).waitFor();
    await page.keyboard.press('Escape');
  });

  it('says what is wrong where it is typed, and why nothing can be started', async () => {
    const { page } = window;
    const rates = page.getByRole('group', { name: 'Learning rates' });
    await rates.getByLabel('Spacing').selectOption('logarithmic, number of values');
    await rates.getByLabel('From').fill('-1e-3');
    await rates.getByText('must be positive (got -0.001)').waitFor();
    await rates.getByLabel('To').fill('about one');
    await rates.getByText('must be a number, not the text "about one"').waitFor();
    expect(await rates.getByLabel('To').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByRole('button', { name: 'Start training' }).isDisabled()).toBe(true);
    await page.getByRole('status').filter({ hasText: '2 problems to correct' }).waitFor();
    await screenshot(page, 'design-problems');
    expect(await accessibilityProblems(page)).toEqual([]);
    // What was typed stays as it was typed.
    expect(await rates.getByLabel('From').inputValue()).toBe('-1e-3');
  });

  it('keeps form and text in step, either way', async () => {
    const { page } = window;
    await page.getByRole('tab', { name: 'Text' }).click();
    await page.getByLabel('Experiment file (YAML)').fill(SMALL);
    await total(page, 'Cells').getByText('84', { exact: true }).waitFor();
    await screenshot(page, 'design-text');
    await page.getByRole('tab', { name: 'Form' }).click();
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('small sweep');
    await page.getByLabel('Seeds').fill('5');
    await total(page, 'Cells').getByText('140', { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Text' }).click();
    expect(await page.getByLabel('Experiment file (YAML)').inputValue()).toMatch(/^seeds: 5$/m);
  });

  it('names the line of a problem in the text and leaves the text alone', async () => {
    const { page } = window;
    const wrong = SMALL.replace('seeds: 3', 'sedes: 3');
    await page.getByLabel('Experiment file (YAML)').fill(wrong);
    await page
      .getByRole('button', { name: /^line 6: sedes is not a known field; did you mean seeds\?/ })
      .waitFor();
    expect(await page.getByLabel('Experiment file (YAML)').inputValue()).toBe(wrong);
    await page.getByRole('tab', { name: 'Form' }).click();
    await page.getByText('The text has 1 problem; the form shows what it said before.').waitFor();
    // The form takes over as soon as something is typed in it.
    await page.getByLabel('Seeds').fill('3');
    await total(page, 'Cells').getByText('84', { exact: true }).waitFor();
  });

  it('survives closing the window', async () => {
    const { page } = window;
    await page.reload();
    await total(page, 'Cells').getByText('84', { exact: true }).waitFor();
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('small sweep');
  });

  it('measures this machine, then knows the time', async () => {
    const { page } = window;
    await page.getByRole('button', { name: 'Measure this machine' }).click();
    await total(page, 'Time on this machine').waitFor({ timeout: 110_000 });
    await screenshot(page, 'design-measured');
  });

  it('starts training, and the same design again leads to the same experiment', async () => {
    const { page } = window;
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/#\/watch\/\w+/);
    const first = page.url();
    await goTo(page, '#/experiments');
    await page
      .getByRole('row', { name: /small sweep/ })
      .getByText(/complete$/)
      .waitFor({ timeout: 110_000 });
    await goTo(page, '#/design');
    await page.getByRole('tab', { name: 'Text' }).click();
    await page.getByLabel('Experiment file (YAML)').fill(SMALL);
    await page.getByText('84 of them are in the store already and are not trained again.').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(first);
    await page.getByText('An experiment with exactly these settings was there already').waitFor();
  });

  it('adds learning rates around the optimum of an experiment', async () => {
    const { page } = window;
    await goTo(page, '#/experiments');
    const row = page.getByRole('row', { name: /small sweep/ });
    await row.getByRole('button', { name: /What to do/ }).click();
    await page.getByRole('menuitem', { name: 'Add learning rates at the optimum' }).click();
    await page.waitForURL(/#\/design$/);
    await page.getByLabel('Values beside these').first().waitFor();
    await expect.poll(() => page.getByLabel('Values beside these').first().inputValue()).toMatch(/\d/);
    await screenshot(page, 'design-refine');
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(window.faults).toEqual([]);
  });
});
