import { expect, it } from 'vitest';
import {
  accessibilityProblems,
  describeWithBrowser,
  goTo,
  screenshot,
  shareWindow,
} from '../support/browser.ts';

describeWithBrowser('the list of experiments', () => {
  const window = shareWindow();

  it('says what it will show and offers the demo while the store is empty', async () => {
    const { page } = window;
    await page.getByRole('heading', { name: 'No experiments yet' }).waitFor();
    await screenshot(page, 'experiments-empty');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('trains the demo after one click and shows how far it is', async () => {
    const { page } = window;
    await page.getByRole('button', { name: 'Train the digits demo' }).click();
    await page.waitForURL(/#\/watch\/\w+/);
    await goTo(page, '#/experiments');
    const row = page.getByRole('row', { name: /digits, sign descent/ });
    await row.getByText(/training$/).waitFor({ timeout: 60_000 });
    // Cells finish while the page is open: the row changes without being asked.
    await row.getByText(/^[1-9]\d* of 1.920 cells/).waitFor({ timeout: 240_000 });
    await page
      .getByRole('region', { name: 'Queue' })
      .getByText(/of 1.920 cells/)
      .waitFor();
    await screenshot(page, 'experiments');
    expect(await accessibilityProblems(page)).toEqual([]);
  }, 330_000);

  it('pauses from the menu and keeps what is done', async () => {
    const { page } = window;
    const row = page.getByRole('row', { name: /digits, sign descent/ });
    await row.getByRole('button', { name: /What to do/ }).click();
    await screenshot(page, 'experiments-menu');
    await page.getByRole('menuitem', { name: 'Pause training' }).click();
    await row.getByText(/held$/).waitFor({ timeout: 60_000 });
    expect(await row.innerText()).toMatch(/[1-9]\d* of 1.920 cells/);
  });

  it('names, tags and notes an experiment, and finds it by them', async () => {
    const { page } = window;
    await page.getByRole('link', { name: 'digits, sign descent' }).focus();
    await page.keyboard.press('t');
    const dialog = page.getByRole('dialog', { name: 'Name, tags and notes' });
    await dialog.getByLabel('Name').fill('first look');
    await dialog.getByLabel('Tags').fill('paper, sign');
    await dialog.getByLabel('Notes').fill('<b onclick="alert(1)">as written</b>');
    await screenshot(page, 'experiments-annotate');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'first look' }).waitFor();
    // Markup in a note is text.
    await page.getByText('<b onclick="alert(1)">as written</b>').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('paper held');
    await page.getByRole('link', { name: 'first look' }).waitFor();
    await page.keyboard.type(' nothing has this');
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'first look' }).waitFor();
  });

  it('archives, brings back and deletes by keyboard', async () => {
    const { page } = window;
    await page.keyboard.press(']');
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'All experiments are archived' }).waitFor();
    await page.getByRole('button', { name: 'Open the archive' }).click();
    await page.getByRole('link', { name: 'first look' }).focus();
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'The archive is empty' }).waitFor();
    await page.getByRole('button', { name: 'Current experiments' }).first().click();
    await page.getByRole('link', { name: 'first look' }).focus();
    await page.keyboard.press('Delete');
    const dialog = page.getByRole('dialog', { name: /Delete/ });
    await dialog.waitFor();
    // The harmless answer has the focus first.
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('Delete');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No experiments yet' }).waitFor();
  });

  it('had no error and nothing that its security policy refused', () => {
    expect(window.faults).toEqual([]);
  });
});
