/** An experiment on a cluster, from the form to its last task; programs with Slurm's names stand for the cluster. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
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
import { fakeSlurm, type FakeSlurm } from '../support/fake-slurm.ts';
import { trainTask, writeLog } from '../support/slurm-task.ts';

const STEPS = 20;
const SWEEP = stringify({
  name: 'night sweep',
  workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
  optimizer: { kind: 'sign' },
  learningRates: { log: { from: 1e-4, to: 1e-1, count: 12 } },
  batchSizes: { list: [1, 4, 16] },
  seeds: 2,
  length: { steps: STEPS },
  marks: { geometricPerDecade: 0, list: Array.from({ length: STEPS }, (_, i) => i + 1) },
  recordTrainingLoss: false,
});

describeWithBrowser('an experiment on Slurm', () => {
  let host: Host;
  let browser: Browser;
  let window: Window;
  let slurm: FakeSlurm;
  const programs = mkdtempSync(join(tmpdir(), 'surge-fake-slurm-'));
  const key = () => new URL(window.page.url()).hash.split('/').at(-1) ?? '';
  const place = () => join(host.folder, 'sweeps', `night-sweep-${key()}`);

  beforeAll(async () => {
    slurm = fakeSlurm(programs);
    slurm.answer('sbatch', '4711\n');
    slurm.answer(
      'squeue',
      '4711|0|PENDING||Resources\n4711|1|PENDING||Resources\n4711|2|PENDING||Resources\n',
    );
    vi.stubEnv('PATH', slurm.path);
    host = await startHost();
    browser = await openBrowser();
    window = await openWindow(browser, host, '#/design');
  });

  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    vi.unstubAllEnvs();
    rmSync(programs, { recursive: true, force: true });
  });

  it('is submitted from its design, with what is asked of the cluster checked where it is typed', async () => {
    const { page } = window;
    await page.getByRole('tab', { name: 'Text' }).click();
    await page.getByLabel('Experiment file (YAML)').fill(SWEEP);
    await page.getByRole('button', { name: 'On Slurm' }).click();
    const dialog = page.getByRole('dialog', { name: 'Train on Slurm' });
    await dialog.getByLabel('Folder').fill('sweeps here');
    await dialog.getByLabel('Stacks a task').fill('none');
    await dialog.getByRole('button', { name: 'Submit' }).click();
    await dialog.getByText('must be a whole path without spaces or quotes').waitFor();
    await dialog.getByText('must be a whole number above 0').waitFor();
    await dialog.getByLabel('Folder').fill(join(host.folder, 'sweeps'));
    await dialog.getByLabel('Stacks a task').fill('1');
    await dialog.getByLabel('Partition').fill('night');
    await dialog.getByLabel('Time limit').fill('08:00:00');
    await screenshot(page, 'slurm-submit');
    expect(await accessibilityProblems(page)).toEqual([]);
    slurm.refuse('sbatch', 'sbatch: error: invalid partition specified: night');
    await dialog.getByRole('button', { name: 'Submit' }).click();
    await dialog.getByText('invalid partition specified: night').waitFor();
    slurm.refuse('sbatch', null);
    await dialog.getByRole('button', { name: 'Submit' }).click();
    await page.waitForURL(/#\/watch\/\w+/);
    await page.getByText('On Slurm: 0 of 3 tasks, 3 waiting').waitFor();
    expect(readFileSync(join(place(), 'job.sh'), 'utf8')).toContain('#SBATCH --partition=night');
  });

  it('is watched while its tasks train; a lost one says where and why, and is queued again', async () => {
    const { page } = window;
    slurm.answer('sacct', '4711_1|TIMEOUT|n5\n');
    slurm.answer('squeue', '4711|0|RUNNING|n1|None\n4711|2|PENDING||Resources\n');
    trainTask(place(), 0, 0, STEPS / 2);
    trainTask(place(), 1, 0, 4);
    writeLog(
      place(),
      1,
      'task 1 on n5, job 4712, today',
      'B=4 training',
      'slurmstepd: error: CANCELLED DUE TO TIME LIMIT',
    );
    await page
      .getByText(/task 1 on n5: TIMEOUT/)
      .first()
      .waitFor();
    await page.getByRole('region', { name: 'Queue' }).getByText('task 1 on n5').waitFor();
    await page
      .getByText(/At equal steps/i)
      .first()
      .waitFor();
    await screenshot(page, 'slurm-watch');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Tasks' }).click();
    const dialog = page.getByRole('dialog', { name: 'Tasks on Slurm' });
    await dialog.getByLabel('Log of task 1').getByText('B=4 training').waitFor();
    await screenshot(page, 'slurm-tasks');
    expect(await accessibilityProblems(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Queue 1 again' }).click();
    await page.getByText('1 task queued again.').waitFor();
    expect(slurm.calls('sbatch').at(-1)).toContain('--array=1 ');
  });

  it('is complete when its tasks are', async () => {
    const { page } = window;
    trainTask(place(), 0, STEPS / 2, STEPS);
    trainTask(place(), 1, 4, STEPS);
    trainTask(place(), 2, 0, STEPS);
    await page.getByText('72/72 cells').waitFor();
    await page
      .getByText(/^\S*\s*complete$/)
      .first()
      .waitFor();
    await page.getByRole('region', { name: 'Queue' }).getByText('Nothing is training').waitFor();
    expect(window.faults).toEqual([]);
  });
});
