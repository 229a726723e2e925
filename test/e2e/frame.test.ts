import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
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

describeWithBrowser('the frame', () => {
  const window = shareWindow();

  it('is walked by keyboard, with the focus always visible', async () => {
    const { page } = window;
    await page.getByRole('heading', { name: 'No experiments yet' }).waitFor();
    const walked: string[] = [];
    for (let i = 0; i < 24; i++) {
      await page.keyboard.press('Tab');
      const [name, outline] = await page.evaluate<[string, string]>(
        `[document.activeElement.ariaLabel ?? document.activeElement.innerText, getComputedStyle(document.activeElement).outlineStyle]`,
      );
      walked.push(name.trim());
      if (name !== '' && name !== 'Experiments') expect([name, outline]).toEqual([name, 'solid']);
      if (name.includes('Import a sweep')) break;
    }
    for (const name of [
      'Experiments',
      'Theory',
      'Import',
      'Settings',
      'Train the digits demo',
      'Import a sweep',
    ])
      expect(walked).toContain(name);
  });

  it('finds actions by name in the command palette', async () => {
    const { page } = window;
    await page.keyboard.press('Control+k');
    const palette = page.getByRole('dialog', { name: 'Command palette' });
    await palette.waitFor();
    await screenshot(page, 'palette');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.type('sett');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('no such thing');
    await palette.getByText('Nothing is called that.').waitFor();
    await page.keyboard.press('Escape');
    await palette.waitFor({ state: 'detached' });
  });

  it('lists all keys', async () => {
    const { page } = window;
    const keys = page.getByRole('dialog', { name: 'Keys' });
    // While the palette before is going, keys are still its own.
    const asked = async () => {
      if (!(await keys.isVisible())) await page.keyboard.press('?');
      return keys.isVisible();
    };
    await expect.poll(asked, { timeout: 20_000 }).toBe(true);
    await keys.getByText('Design a new experiment').waitFor();
    await screenshot(page, 'keys');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Escape');
  });

  it('does nothing with keys that are typed into a field', async () => {
    const { page } = window;
    await goTo(page, '#/design');
    const name = page.getByLabel('Name', { exact: true });
    await name.fill('');
    await name.pressSequentially('n?[/');
    expect(await name.inputValue()).toBe('n?[/');
    expect(page.url()).toMatch(/#\/design$/);
  });

  it('folds the rail and remembers it', async () => {
    const { page } = window;
    await page.getByRole('button', { name: 'Surge Lab: fold the rail' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Surge Lab: unfold the rail' }).waitFor();
    await screenshot(page, 'rail-folded');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Control+b');
  });

  it('says what to do at an address without a page', async () => {
    const { page } = window;
    await goTo(page, '#/nowhere');
    await page.getByRole('heading', { name: 'There is no page here' }).waitFor();
    await goTo(page, '#/watch/0000000000');
    await expect.poll(() => page.locator('main').innerText()).not.toBe('');
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(window.faults).toEqual([]);
  });

  it('stays calm when the lab goes away', async () => {
    const { page } = window;
    await goTo(page, '#/experiments');
    await page.getByRole('heading', { name: 'No experiments yet' }).waitFor();
    await window.host.kill();
    await page.getByText('The connection to the lab is lost').waitFor();
    await screenshot(page, 'connection-lost');
    expect(await accessibilityProblems(page)).toEqual([]);
  });
});

describeWithBrowser('a read-only store', () => {
  let host: Host;
  let browser: Browser;

  beforeAll(async () => {
    const first = await startHost();
    await first.kill();
    host = await startHost({ folder: first.folder, arguments: ['--read-only'] });
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  it('can be looked at; what would change it says why it cannot', async () => {
    const { page } = await openWindow(browser, host, '#/design');
    await page.getByRole('img', { name: /^Grid of/ }).waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Start training' }).isDisabled()).toBe(true);
    await screenshot(page, 'read-only');
    await goTo(page, '#/settings');
    await page.getByText(/open for reading only/).waitFor();
    expect(await page.getByRole('button', { name: 'Back up now' }).isDisabled()).toBe(true);
  });
});
