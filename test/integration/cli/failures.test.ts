/** What cannot be trained gets a state and a reason, holds the sweep when everything fails alike, and can be tried again. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import type { Stack } from '#main/lab/store/types.ts';
import {
  stacksOf,
  startSurge,
  surge,
  surgeJson,
  temporaryFolder,
  waitUntil,
  writeExperiment,
} from '../../support/cli.ts';
import { writeSmallImages, type SmallImages } from '../../support/idx.ts';

const folder = temporaryFolder();
let store = '';
let number = 0;
beforeEach(() => (store = folder.file(`failures-${number++}.surge`)));
afterAll(() => folder.remove());

const cellsOf = (stack: Stack): number => stack.learningRates.length * stack.seeds.length;

describe('data that change after an experiment was planned', () => {
  let data: SmallImages | null = null;
  afterEach(() => data?.remove());

  test('three fast failures hold the sweep, and it goes on when they are back', async () => {
    data = writeSmallImages(120, 4, 3);
    const { labels } = data;
    const file = folder.file('idx.yaml');
    writeExperiment(file, {
      name: 'images',
      workload: { kind: 'mlp', hidden: [4], data: { source: 'idx', images: data.images, labels } },
      optimizer: { kind: 'momentum' },
      learningRates: { list: [0.01, 0.03] },
      batchSizes: { list: [2, 4, 8, 16, 32] },
      length: { steps: 6_000 },
      evaluation: { examples: 20 },
    });
    const training = ['--store', store, '--trainers', '1', '--threads', '1'];
    const lab = startSurge(['run', file, ...training, '--checkpoint-seconds', '0.3']);
    await waitUntil('stacks are planned', () => stacksOf(store).length > 0 || lab.child.exitCode !== null);
    lab.child.kill('SIGINT');
    expect((await lab.finished).code).toBe(3);

    const finished = stacksOf(store).filter((s) => s.state === 'finished').length;
    expect(finished, 'it was stopped in its first or second stack').toBeLessThan(2);
    const cells = 2 * (5 - finished);

    copyFileSync(labels, `${labels}.kept`);
    rmSync(labels);
    const gone = await surgeJson(['resume', 'images', ...training]);
    expect(gone.code, gone.stderr).toBe(3);
    expect(gone.value).toMatchObject({ experiments: [{ end: 'held' }] });
    expect(JSON.stringify(gone.value)).toMatch(
      /3 stacks failed at once for the same reason: .*labels\.idx: cannot be read/,
    );

    // The other one or two stacks fail by data that are not the same; too few to hold the sweep.
    writeFileSync(labels, changed(`${labels}.kept`));
    const altered = await surgeJson(['resume', 'images', ...training]);
    expect(altered.code, altered.stderr).toBe(4);
    const report = await surgeJson(['status', 'images', '--store', store]);
    expect(report.value).toMatchObject({ state: 'failures', counts: { failed: cells } });
    expect(JSON.stringify(report.value)).toContain('the data have changed since this experiment was planned');
    const shown = await surge(['status', 'images', '--store', store]);
    expect(shown.stdout).toContain(`${cells - 6} failed: `);
    expect(shown.stdout).toContain('6 failed: ');

    copyFileSync(`${labels}.kept`, labels);
    const untouched = await surge(['resume', 'images', ...training]);
    expect(untouched.code).toBe(4);
    expect(untouched.stdout).toContain('Try them again with: surge resume');
    const retried = await surgeJson(['resume', 'images', '--failed', ...training]);
    expect(retried.code, retried.stderr).toBe(0);
    expect(retried.value).toMatchObject({
      experiments: [{ end: 'complete', cells: 10, counts: { done: 10, failed: 0 } }],
    });
  });
});

/** The labels in another order. */
function changed(file: string): Buffer {
  const HEADER = 8;
  const bytes = readFileSync(file);
  return Buffer.concat([bytes.subarray(0, HEADER), bytes.subarray(HEADER).reverse()]);
}

/** A real limit: a control group (version 1 or 2) of its own, whose kernel kills what takes too much. Needs root. */
function memoryLimit(bytes: number): { join: string; remove(): void } | null {
  const version1 = existsSync('/sys/fs/cgroup/memory/cgroup.procs');
  const group = `/sys/fs/cgroup/${version1 ? 'memory/' : ''}surge-test-${process.pid}`;
  try {
    mkdirSync(group);
    writeFileSync(`${group}/${version1 ? 'memory.limit_in_bytes' : 'memory.max'}`, String(bytes));
  } catch {
    return null;
  }
  return { join: `${group}/cgroup.procs`, remove: () => rmdirSync(group) };
}

describe('stacks that do not fit in memory', () => {
  const MEGABYTE = 2 ** 20;
  const specification: SpecificationInput = {
    name: 'large',
    // 25 MB of parameters a cell.
    workload: { kind: 'mlp', hidden: [8000] },
    optimizer: { kind: 'sgd' },
    learningRates: { list: [1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4, 7e-4, 8e-4] },
    batchSizes: { list: [2] },
    length: { steps: 3 },
    marks: { geometricPerDecade: 0 },
    evaluation: { examples: 50 },
  };
  // What is predicted would keep them from trying.
  const training = ['--trainers', '1', '--threads', '1', '--cells-per-stack', '8', '--memory', '100'];

  async function runWithin(bytes: number) {
    const limit = memoryLimit(bytes);
    if (limit === null) return null;
    const file = folder.file(`large-${number}.yaml`);
    writeExperiment(file, specification);
    // Measured without the limit: it must bite while training.
    const checked = await surge(['check', file, '--trainers', '1', '--threads', '1']);
    expect(checked.code, checked.stderr).toBe(0);
    try {
      return await surge(['run', file, '--store', store, '--json', ...training], {}, limit.join);
    } finally {
      limit.remove();
    }
  }

  test('are cut in two until they do', async ({ skip }) => {
    const run = await runWithin(500 * MEGABYTE);
    if (run === null) return skip('control groups cannot be made here');
    expect(run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ experiments: [{ end: 'complete', counts: { done: 8 } }] });
    expect(run.stderr).toContain('8 cells did not fit in memory; trying 4 at a time');
    const stacks = stacksOf(store).map((s) => [cellsOf(s), s.state]);
    expect(stacks.filter(([, state]) => state === 'finished').reduce((sum, [n]) => sum + Number(n), 0)).toBe(
      8,
    );
    expect(stacks).not.toContainEqual([8, 'finished']);
  });

  test('leave single cells with a state and a reason, and they can be tried again', async ({ skip }) => {
    const run = await runWithin(250 * MEGABYTE);
    if (run === null) return skip('control groups cannot be made here');
    expect(run.code, run.stderr).toBe(4);
    expect(JSON.parse(run.stdout)).toMatchObject({
      experiments: [{ end: 'failures', counts: { 'out-of-memory': 8 } }],
    });
    expect(run.stdout).toContain('the system killed the trainer because memory ran out');
    const status = await surge(['status', 'large', '--store', store]);
    expect(status.stdout).toMatch(/8 out-of-memory: /);
    const retried = await surgeJson(['resume', '--failed', '--store', store, ...training]);
    expect(retried.code, retried.stderr).toBe(0);
    expect(retried.value).toMatchObject({ experiments: [{ counts: { done: 8, 'out-of-memory': 0 } }] });
  });
});

test('a trainer that is killed from outside is started again, and its stack stays whole', async () => {
  const file = folder.file(`killed-${number}.yaml`);
  writeExperiment(file, {
    name: 'killed from outside',
    workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
    optimizer: { kind: 'sign' },
    learningRates: { list: [0.01, 0.02, 0.05, 0.1] },
    batchSizes: { list: [2] },
    length: { steps: 100 },
  });
  const lab = startSurge(['run', file, '--store', store, '--json', '--trainers', '1', '--threads', '1']);
  const killed = new Set<number>();
  await waitUntil(
    'the run ends',
    () => {
      for (const { state, process: trainer } of stacksOf(store)) {
        if (state !== 'running' || trainer === null || killed.has(trainer.pid) || killed.size >= 5) continue;
        killed.add(trainer.pid);
        process.kill(trainer.pid, 'SIGKILL');
      }
      return lab.child.exitCode !== null;
    },
    120,
  );
  const { code, stderr } = await lab.finished;
  expect(code, stderr).toBe(0);
  expect(killed.size).toBe(5);
  expect(stacksOf(store).map((s) => [cellsOf(s), s.state])).toEqual([[4, 'finished']]);
});
