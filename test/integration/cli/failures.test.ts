/** What cannot be trained gets a state and a reason, holds the sweep when everything fails alike, and can be tried again. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
      length: { steps: 60_000 },
      evaluation: { examples: 20 },
    });
    const training = ['--store', store, '--trainers', '1', '--threads', '1'];
    const lab = startSurge(['run', file, ...training, '--checkpoint-seconds', '0.3']);
    await waitUntil(
      'a stack is trained',
      () => stacksOf(store).some((s) => s.stepsDone > 0) || lab.child.exitCode !== null,
    );
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

describe('a stack that the system kills again and again, as it does when memory runs out', () => {
  const specification: SpecificationInput = {
    name: 'large',
    workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
    optimizer: { kind: 'sign' },
    learningRates: { list: [0.01, 0.02, 0.05, 0.1] },
    batchSizes: { list: [2] },
    length: { steps: 100 },
  };
  const training = ['--trainers', '1', '--threads', '1', '--cells-per-stack'];

  /** Runs the sweep while every trainer of more cells than `limit` is killed before it has trained a step. */
  async function runWithLimit(cellsPerStack: number, limit: number) {
    const file = folder.file(`large-${number}.yaml`);
    writeExperiment(file, specification);
    const lab = startSurge(['run', file, '--store', store, '--json', ...training, String(cellsPerStack)]);
    const killed = new Set<number>();
    await waitUntil(
      'the run ends',
      () => {
        for (const stack of stacksOf(store)) {
          if (stack.state !== 'running' || stack.process === null || cellsOf(stack) <= limit) continue;
          if (killed.has(stack.process.pid)) continue;
          killed.add(stack.process.pid);
          process.kill(stack.process.pid, 'SIGKILL');
        }
        return lab.child.exitCode !== null;
      },
      120,
    );
    return lab.finished;
  }

  test('is cut in two until it fits', async () => {
    const { code, stdout, stderr } = await runWithLimit(4, 2);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ experiments: [{ end: 'complete', counts: { done: 4 } }] });
    expect(stderr).toContain('4 cells did not fit in memory; trying 2 at a time');
    const stacks = stacksOf(store).map((s) => [cellsOf(s), s.state]);
    expect(stacks.filter(([cells, state]) => cells === 2 && state === 'finished')).toHaveLength(2);
    expect(stacks).not.toContainEqual([4, 'finished']);
  });

  test('gives single cells that do not fit a state and a reason, and they can be tried again', async () => {
    const { code, stdout, stderr } = await runWithLimit(2, 0);
    expect(code, stderr).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      experiments: [{ end: 'failures', counts: { 'out-of-memory': 4 } }],
    });
    expect(stdout).toContain(
      'the trainer was killed (SIGKILL) 3 times; the system does that when memory runs out',
    );
    const status = await surge(['status', 'large', '--store', store]);
    expect(status.stdout).toMatch(/4 out-of-memory: /);
    const retried = await surgeJson(['resume', '--failed', '--store', store, ...training, '4']);
    expect(retried.code, retried.stderr).toBe(0);
    expect(retried.value).toMatchObject({ experiments: [{ counts: { done: 4, 'out-of-memory': 0 } }] });
  });
});
