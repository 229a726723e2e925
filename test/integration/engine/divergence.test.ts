import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildStack } from '#main/training/build-stack.ts';
import { openSession } from '#main/training/open-session.ts';
import type { StackJob } from '#main/training/protocol.ts';
import { SpoolWriter } from '#main/training/spool-writer.ts';
import { trainStack } from '#main/training/train-stack.ts';
import { describeWithEngine, engine, optimizers } from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';
import { readSpool, smallJob } from '../../support/training.ts';

const files = writeSmallImages(240, 6, 4);
const base = mkdtempSync(join(tmpdir(), 'surge-divergence-'));
afterAll(() => {
  files.remove();
  rmSync(base, { recursive: true, force: true });
});
const mlp: StackJob['workload'] = {
  kind: 'mlp',
  hidden: [8],
  activation: 'relu',
  data: { source: 'idx', images: files.images, labels: files.labels },
};

async function run(changes: Partial<StackJob>) {
  const job = smallJob(mkdtempSync(join(base, 'job-')), { workload: mlp, ...changes });
  const { tf } = engine();
  const stack = buildStack(tf, job);
  const { session } = await openSession(tf, stack, job.mode, job.chunkSteps);
  const spool = new SpoolWriter(job.spoolFile, stack.program.cells);
  const outcome = await trainStack(
    job,
    stack,
    session,
    spool,
    0,
    {
      shouldStop: () => false,
      phase: () => undefined,
      spooled: () => undefined,
      breathe: () => Promise.resolve(),
    },
    () => undefined,
  );
  spool.flush();
  spool.close();
  session.dispose();
  return { job, outcome, spool: readSpool(job.spoolFile) };
}

/** The values of one cell, [point], as bits. */
function cellBits(values: readonly Float32Array[], cell: number): string[] {
  return values.map((row) => Buffer.from(row.slice(cell, cell + 1).buffer).toString('hex'));
}

for (const mode of ['compiled', 'eager'] as const)
  describeWithEngine(`divergence, ${mode}`, () => {
    for (const [name, optimizer, huge] of [
      ['sgd', optimizers.sgd, 1e30],
      ['momentum', optimizers.momentum, 1e30],
      ['adam', optimizers.adam, 3e38],
    ] as const)
      it(`of one cell (${name}) stays in it, and its first step is recorded`, async () => {
        const calm = await run({ mode, optimizer, learningRates: [0.01, 0.02, 0.03], seeds: [0, 1] });
        const wild = await run({ mode, optimizer, learningRates: [0.01, huge, 0.03], seeds: [0, 1] });
        expect(calm.spool.count('diverged')).toBe(0);
        expect(wild.outcome).toMatchObject({ finished: true, step: wild.job.steps });
        for (const metric of ['trainingLoss', 'evaluationLoss', 'evaluationAccuracy'] as const)
          for (const cell of [0, 2, 3, 5]) {
            const untouched = cellBits(wild.spool.values(metric), cell);
            expect(untouched.length).toBe(metric === 'trainingLoss' ? 40 : 3);
            expect(untouched).toEqual(cellBits(calm.spool.values(metric), cell));
          }
        const losses = wild.spool.values('trainingLoss');
        const diverged = wild.spool.lines.filter((line) => line.event === 'diverged');
        expect(diverged.map((line) => line.cell).sort()).toEqual([1, 4]);
        for (const { cell, step } of diverged) {
          const firstTraining = losses.findIndex((row) => !Number.isFinite(row[cell])) + 1;
          const firstMark = wild.job.marks.find(
            (_, m) => !Number.isFinite(wild.spool.values('evaluationLoss')[m][cell]),
          );
          expect(step).toBe(Math.min(firstTraining || Infinity, firstMark ?? Infinity));
          // Once lost, always lost.
          for (const row of losses.slice(step)) expect(Number.isFinite(row[cell])).toBe(false);
        }
      });

    it('of every cell ends the stack early, checkpoint or not', async () => {
      const { job, outcome, spool } = await run({
        mode,
        optimizer: optimizers.sgd,
        learningRates: [1e30, 1e32],
        steps: 4000,
      });
      expect(outcome.finished).toBe(true);
      expect(outcome.step).toBeLessThanOrEqual(2 * job.chunkSteps);
      expect(spool.count('diverged')).toBe(4);
      expect(spool.values('trainingLoss').length).toBe(outcome.step);
      expect(existsSync(job.checkpointFile)).toBe(false);
    });
  });
