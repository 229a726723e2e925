/** What goes wrong around a window, as the window shows it: calmly, and truly. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openStore } from '#main/lab/store/index.ts';
import {
  accessibilityProblems,
  describeWithBrowser,
  goTo,
  openBrowser,
  openWindow,
  screenshot,
  startHost,
  type Host,
} from '../support/browser.ts';
import { createLarge, feed, type LargeGrid } from '../support/large-store.ts';
import { trainers } from '../support/trainers.ts';

const SMALL: LargeGrid = { name: 'small', batchSizes: 5, learningRates: 12, seeds: 3, marks: 20 };

const TRAINED = `name: under kills
workload: { kind: mlp, hidden: [16] }
optimizer: { kind: adam }
learningRates: { list: [1e-3, 3e-3, 1e-2] }
batchSizes: { list: [2, 8] }
seeds: 2
length: { steps: 3000 }
evaluation: { examples: 300 }
`;

/** A line between a page and its host that the test can break and slow down. */
class Line {
  readonly #routes = new Set<WebSocketRoute>();
  #held: (() => void)[] | null = null;
  #isCut = false;

  readonly prepare = (page: Page): Promise<void> =>
    page.routeWebSocket(/\/lab$/, (route) => {
      if (this.#isCut) return void route.close();
      this.#routes.add(route);
      const server = route.connectToServer();
      server.onMessage((message) => {
        if (this.#held === null) route.send(message);
        else this.#held.push(() => route.send(message));
      });
    });

  async cut(): Promise<void> {
    this.#isCut = true;
    for (const route of this.#routes) await route.close();
    this.#routes.clear();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** What the host says waits until `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): number {
    const held = this.#held ?? [];
    this.#held = null;
    for (const send of held) send();
    return held.length;
  }
}

describeWithBrowser('trouble around a window', () => {
  let folder: string;
  let browser: Browser;
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'surge-calm-'));
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  });

  async function host(at = folder, ...args: readonly string[]): Promise<Host> {
    const started = await startHost({ folder: at, arguments: args });
    ends.push(() => started.stop());
    return started;
  }

  const sentence = (page: Page) => page.locator('.sentence', { hasText: 'learning rate' });
  const cells = (page: Page, done: number) => page.getByText(`${done}/180 cells`, { exact: true });

  it('two windows, one behind a line that is slow, then cut, then mended: all show the same in the end', async () => {
    // This test is the writer; the host looks on.
    const store = openStore(join(folder, 'lab.surge'));
    ends.push(() => store.close());
    const { stacks, experiment } = createLarge(store, SMALL);
    for (const stack of stacks) feed(store, stack, 0, 8);
    const lab = await host(folder, '--read-only');
    const place = `#/watch/${experiment.key}`;
    const line = new Line();
    const quick = await openWindow(browser, lab, place);
    await sentence(quick.page).waitFor();
    await cells(quick.page, 0).waitFor();
    const slow = await openWindow(browser, lab, place, line.prepare);
    await sentence(slow.page).waitFor();

    line.hold();
    for (const stack of stacks.slice(0, 2)) feed(store, stack, 8, 20);
    await cells(quick.page, 72).waitFor();
    // The slow window shows what it has, whole, and complains about nothing.
    await cells(slow.page, 0).waitFor();
    expect(await slow.page.locator('.notices').innerText()).not.toContain('lost');
    expect(line.release()).toBeGreaterThan(0);
    await cells(slow.page, 72).waitFor();

    await line.cut();
    await slow.page.getByText('The connection to the lab is lost').waitFor();
    for (const stack of stacks.slice(2)) feed(store, stack, 8, 20);
    await cells(quick.page, 180).waitFor();
    // The picture stays as it was.
    await cells(slow.page, 72).waitFor();
    expect(await sentence(slow.page).isVisible()).toBe(true);
    await screenshot(slow.page, 'calm-cut');
    line.mend();
    await slow.page.getByText('The connection to the lab is lost').waitFor({ state: 'detached' });
    await cells(slow.page, 180).waitFor();
    await screenshot(slow.page, 'calm-mended');
    expect(await sentence(slow.page).innerText()).toBe(await sentence(quick.page).innerText());
    expect(quick.faults).toEqual([]);
  });

  it('a trainer that is killed: the window goes on to the end', async () => {
    const lab = await host();
    const { page, faults } = await openWindow(browser, lab, '#/design');
    await page.getByRole('tab', { name: 'Text' }).click();
    await page.getByLabel('Experiment file (YAML)').fill(TRAINED);
    await page.getByText('2 batch sizes × 3 learning rates × 2 seeds').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/#\/watch\/\w+/);
    await expect.poll(() => trainers(lab.store).length, { timeout: 60_000 }).toBeGreaterThan(0);
    for (const pid of trainers(lab.store)) process.kill(pid, 'SIGKILL');
    await page.getByText('12/12 cells').waitFor({ timeout: 110_000 });
    await page
      .locator('header')
      .getByText(/complete$/)
      .waitFor();
    expect(await page.locator('.notices').innerText()).toBe('');
    expect(faults).toEqual([]);
  });

  it('a program that always fails: the window says why, and offers to run it again', async () => {
    writeFileSync(join(folder, 'fails.sh'), 'echo "no space for the model" >&2\nexit 3\n');
    const lab = await host();
    const { page } = await openWindow(browser, lab, '#/design');
    await page.getByRole('tab', { name: 'Text' }).click();
    const workload = { kind: 'external', command: ['sh', 'fails.sh'], folder };
    const text = JSON.stringify({
      ...{ name: 'fails', workload, optimizer: { kind: 'external', name: 'theirs' } },
      ...{ learningRates: { list: [0.1, 0.2] }, batchSizes: { list: [1] }, length: { steps: 5 } },
    });
    await page.getByLabel('Experiment file (YAML)').fill(text);
    await page.getByText('1 batch size × 2 learning rates × 1 seed').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/#\/watch\/\w+/);
    await page.getByRole('button', { name: 'Rerun 2 failed' }).waitFor({ timeout: 60_000 });
    await page
      .locator('.lines')
      .getByText(/no space for the model/)
      .waitFor();
    await screenshot(page, 'calm-failures');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it.skipIf(!canMount())(
    'a full disk: it says so, shows what there is, and goes on when there is space',
    async () => {
      const disk = join(folder, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk], { stdio: 'pipe' });
      ends.push(() => execFileSync('umount', ['-l', disk]));
      const store = openStore(join(disk, 'lab.surge'));
      const { stacks } = createLarge(store, SMALL);
      for (const stack of stacks) feed(store, stack, 0, 20);
      store.close();
      const lab = await host(disk);
      const { page } = await openWindow(browser, lab, '#/experiments');
      const link = page.getByRole('link', { name: 'small', exact: true });
      await link.waitFor();
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize));
      await annotate(page, 'x'.repeat(90_000));
      await page
        .getByText(/free some space/)
        .first()
        .waitFor();
      await screenshot(page, 'calm-full-disk');
      await page.keyboard.press('Escape');
      await link.click();
      await sentence(page).waitFor();
      rmSync(join(disk, 'filler'));
      await goTo(page, '#/experiments');
      await annotate(page, 'there is space again');
      await page.getByRole('row').getByText('there is space again').waitFor();

      async function annotate(on: Page, notes: string): Promise<void> {
        await on.getByRole('link', { name: 'small', exact: true }).focus();
        await on.keyboard.press('t');
        const dialog = on.getByRole('dialog', { name: 'Name, tags and notes' });
        await dialog.getByLabel('Notes').fill(notes);
        await dialog.getByRole('button', { name: 'Save' }).click();
      }
    },
  );
});

/** Mounting needs the right to; without it a full disk cannot be made. */
function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/bin/mount');
}
