/** Stopping a sweep by every way there is; it always continues where it was and ends with the same numbers. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { specificationSchema, type SpecificationInput } from '#shared/experiment/specification.ts';
import { identify } from '#main/lab/scheduler/processes.ts';
import { openStore } from '#main/lab/store/index.ts';
import type { Stack } from '#main/lab/store/types.ts';
import {
  curvesOf,
  spoolEvents,
  stacksOf,
  startSurge,
  surge,
  surgeJson,
  temporaryFolder,
  waitUntil,
  writeExperiment,
  type Running,
} from '../../support/cli.ts';

const specification: SpecificationInput = {
  name: 'stopped',
  workload: { kind: 'mlp', hidden: [4] },
  optimizer: { kind: 'adam' },
  learningRates: { list: [1e-3, 3e-3, 1e-2, 1e30] },
  batchSizes: { list: [4, 8] },
  length: { steps: 40_000 },
  evaluation: { examples: 200 },
};
const training = [
  '--trainers',
  '2',
  '--threads',
  '1',
  '--cells-per-stack',
  '4',
  '--checkpoint-seconds',
  '0.3',
];
const folder = temporaryFolder();
const file = folder.file('experiment.yaml');
let calm: ReturnType<typeof curvesOf>;
let store = '';
let number = 0;

beforeAll(async () => {
  writeExperiment(file, specification);
  const undisturbed = folder.file('undisturbed.surge');
  const { code, stderr } = await surge(['run', file, '--store', undisturbed, ...training]);
  expect(code, stderr).toBe(0);
  calm = curvesOf(undisturbed);
});

beforeEach(() => (store = folder.file(`disturbed-${number++}.surge`)));
afterAll(() => folder.remove());

const running = (): Stack[] => stacksOf(store).filter((s) => s.state === 'running' && s.stepsDone > 0);
const trainers = (): number[] =>
  stacksOf(store).flatMap((s) =>
    s.process !== null && identify(s.process.pid) !== null ? [s.process.pid] : [],
  );

/** A run that has got somewhere, and is not at its end. */
async function midway(): Promise<Running> {
  const lab = startSurge(['run', file, '--store', store, '--json', ...training]);
  await waitUntil(
    'a stack has trained some steps',
    () => running().length > 0 || lab.child.exitCode !== null,
  );
  expect(lab.child.exitCode, 'the sweep lasts long enough to be stopped').toBeNull();
  return lab;
}

/** Everything is saved and nothing runs; a resume ends with the bits of the undisturbed run. */
async function resumes(): Promise<void> {
  const { code, value, stderr } = await surgeJson(['resume', '--store', store, ...training]);
  expect(code, stderr).toBe(0);
  expect(value).toMatchObject({ experiments: [{ name: 'stopped', end: 'complete', cells: 8 }] });
  expect(curvesOf(store)).toEqual(calm);
  expect(spoolEvents(store).every((s) => s.finishes === 1)).toBe(true);
  expect(trainers()).toEqual([]);
}

describe('a running sweep', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s stops it with a checkpoint', async (signal) => {
    const lab = await midway();
    lab.child.kill(signal);
    const { code, stdout, stderr } = await lab.finished;
    expect(code, stderr).toBe(3);
    expect(stderr).toContain('Stopping: running stacks save a checkpoint.');
    expect(JSON.parse(stdout)).toMatchObject({ experiments: [{ end: 'stopped', counts: { failed: 0 } }] });
    const stopped = stacksOf(store).filter((s) => s.state === 'interrupted');
    expect(stopped.length).toBeGreaterThan(0);
    for (const { stepsDone, checkpointStep, key } of stopped) {
      expect(checkpointStep).toBe(stepsDone);
      if (checkpointStep > 0) expect(existsSync(`${store}.spool/stack-${key}.safetensors`)).toBe(true);
    }
    expect(trainers()).toEqual([]);
    const { value } = await surgeJson(['status', 'stopped', '--store', store]);
    expect(value).toMatchObject({ state: 'interrupted', hold: null });
    await resumes();
  });

  test('a second SIGINT does not wait', async () => {
    const lab = await midway();
    // A trainer that cannot answer keeps the first Ctrl-C waiting.
    const frozen = trainers();
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
    let said = '';
    lab.child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
    lab.child.kill('SIGINT');
    await waitUntil('the first one is heard', () => said.includes('Stopping'));
    // The frozen trainer never answers: without the second one the run would not end at all.
    const asked = performance.now();
    lab.child.kill('SIGINT');
    const { code } = await lab.finished;
    expect(code).toBe(3);
    expect(performance.now() - asked).toBeLessThan(60_000);
    for (const pid of frozen) process.kill(pid, 'SIGCONT');
    await resumes();
  });

  test('surge pause, from another process', async () => {
    const lab = await midway();
    const { code, stdout } = await surge(['pause', 'stopped', '--store', store]);
    expect(code).toBe(0);
    expect(stdout).toContain('Asked the process that trains "stopped" to stop');
    const ended = await lab.finished;
    expect(ended.code, ended.stderr).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      experiments: [{ end: 'held', reason: 'paused on request' }],
    });
    const { value } = await surgeJson(['status', 'stopped', '--store', store]);
    expect(value).toMatchObject({ state: 'held', hold: { reason: 'paused on request' } });
    await resumes();
    const after = await surgeJson(['status', 'stopped', '--store', store]);
    expect(after.value).toMatchObject({ state: 'complete', hold: null });
  });

  test('surge pause of an experiment whose turn has not come leaves the one that trains alone', async () => {
    const first = await midway();
    first.child.kill('SIGTERM');
    await first.finished;
    const later = specificationSchema.parse({
      name: 'later',
      workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
      optimizer: { kind: 'sign' },
      learningRates: { list: [0.1] },
      batchSizes: { list: [1] },
      length: { steps: 4 },
    });
    const writer = openStore(store);
    writer.createExperiment(later, cellConfigurations(later, expandGrid(later), ''));
    writer.close();
    const lab = startSurge(['resume', '--store', store, '--json', ...training]);
    await waitUntil('the first trains again', () => running().length > 0 || lab.child.exitCode !== null);
    const { stdout } = await surge(['pause', 'later', '--store', store]);
    expect(stdout).toContain('"later" is not being trained now');
    const ended = await lab.finished;
    expect(ended.code, ended.stderr).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({ experiments: [{ name: 'stopped', end: 'complete' }] });
    const { value } = await surgeJson(['status', 'later', '--store', store]);
    expect(value).toMatchObject({ state: 'held', hold: { reason: 'paused on request' } });
    expect((await surgeJson(['resume', 'later', '--store', store, ...training])).code).toBe(0);
  });

  test('when lab and trainers are killed together, status says that nothing runs any more', async () => {
    const lab = await midway();
    const pids = trainers();
    lab.child.kill('SIGKILL');
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await lab.finished;
    await waitUntil('the trainers are gone', () => trainers().length === 0);
    const { stdout } = await surge(['status', 'stopped', '--store', store]);
    expect(stdout).toMatch(/\d stacks? of the running cells ended without a word.*surge resume/);
    await resumes();
  });

  test('a trainer that outlives a killed lab is found and ended before its stack continues', async () => {
    const lab = await midway();
    const orphans = trainers();
    expect(orphans.length).toBeGreaterThan(0);
    // Frozen, they cannot see that their lab is gone.
    for (const pid of orphans) process.kill(pid, 'SIGSTOP');
    lab.child.kill('SIGKILL');
    await lab.finished;
    const alive = await surgeJson(['status', 'stopped', '--store', store]);
    expect(alive.value).toMatchObject({ state: 'running', abandonedStacks: 0 });
    const resumed = startSurge(['resume', '--store', store, ...training]);
    let notices = '';
    resumed.child.stderr?.on('data', (data: Buffer) => (notices += data.toString()));
    await waitUntil(
      'the orphan is found',
      () => notices.includes('ending trainer') || resumed.child.exitCode !== null,
    );
    // One may go on and is asked to end; the others stay frozen and are made to.
    const [first] = orphans;
    process.kill(first, 'SIGCONT');
    const { code, stderr } = await resumed.finished;
    expect(code, stderr).toBe(0);
    for (const pid of orphans)
      expect(stderr).toContain(`ending trainer ${pid}, left behind by an earlier run of "stopped"`);
    expect(orphans.filter((pid) => identify(pid) !== null)).toEqual([]);
    expect(curvesOf(store)).toEqual(calm);
  });
});
