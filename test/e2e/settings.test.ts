import { expect, it } from 'vitest';
import {
  accessibilityProblems,
  describeWithBrowser,
  openWindow,
  screenshot,
  shareWindow,
  type Host,
} from '../support/browser.ts';

describeWithBrowser('settings', () => {
  const window = shareWindow('#/settings');

  it('tells where things are', async () => {
    const { page } = window;
    await page.getByText(window.host.store).waitFor();
    await page
      .getByText(/^TensorFlow \d/)
      .first()
      .waitFor();
    await page
      .getByRole('region', { name: 'Calibration' })
      .getByText(/Measured for|Nothing is measured/)
      .waitFor();
    await screenshot(page, 'settings');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('changes the theme at once, in every window, and remembers it', async () => {
    const { page } = window;
    const other = await openWindow(window.browser, await anotherLink(), '#/experiments');
    await page.getByLabel('dark').check();
    await page.locator('html[data-theme=dark]').waitFor({ state: 'attached' });
    await other.page.locator('html[data-theme=dark]').waitFor({ state: 'attached' });
    await page.reload();
    await page.locator('html[data-theme=dark]').waitFor({ state: 'attached' });
    await page.getByLabel('as the system').check();
    await page.locator('html[data-theme=light]').waitFor({ state: 'attached' });
    await other.page.close();
  });

  it('takes numbers of threads and of cells, refuses what is none', async () => {
    const { page } = window;
    await page.getByLabel('Threads').fill('1');
    await page.getByLabel('Most cells in a stack').fill('0');
    await page.getByLabel('Most cells in a stack').press('Enter');
    await page.reload();
    expect(await page.getByLabel('Threads').inputValue()).toBe('1');
    expect(await page.getByLabel('Most cells in a stack').inputValue()).toBe('');
    await page.getByLabel('Threads').fill('');
    await page.getByLabel('Threads').press('Enter');
    await page.reload();
    expect(await page.getByLabel('Threads').inputValue()).toBe('');
  });

  it('backs the store up and puts a backup back', async () => {
    const { page } = window;
    await page.getByRole('button', { name: 'Back up now' }).click();
    await page.getByText('The store is backed up.').waitFor();
    await page.getByRole('button', { name: 'Restore' }).first().click();
    await page
      .getByRole('dialog', { name: 'Restore this backup?' })
      .getByRole('button', { name: 'Restore' })
      .click();
    await page.getByText('The backup is in place').waitFor();
    await screenshot(page, 'settings-backups');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('checks the engine', async () => {
    const { page } = window;
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('The engine works.').waitFor({ timeout: 60_000 });
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(window.faults).toEqual([]);
  });

  /** Whether the link of a start opens a second window is the host's decision; here it does. */
  function anotherLink(): Promise<Host> {
    return Promise.resolve(window.host);
  }
});
