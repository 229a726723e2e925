/**
 * `kill -9` of trainer, lab or both at random instants: the sweep must finish, train nothing twice, lose nothing, and
 * end with exactly the numbers of an undisturbed run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { metrics } from '#shared/experiment/stack.ts';
import { openStoreReadOnly } from '#main/lab/store/index.ts';
import { identify } from '#main/lab/scheduler/processes.ts';
import { startSurge, surge, temporaryFolder, waitUntil, writeExperiment } from '../../support/cli.ts';
import type { Running } from '../../support/cli.ts';

const specification: SpecificationInput = {
  name: 'killed',
  workload: { kind: 'mlp', hidden: [16] },
  optimizer: { kind: 'adam' },
  learningRates: { list: [1e-3, 3e-3, 1e-2, 1e30] },
  batchSizes: { list: [2, 8, 64] },
  seeds: 2,
  length: { steps: 3000 },
  evaluation: { examples: 500 },
};
const training = [
  '--trainers',
  '2',
  '--threads',
  '1',
  '--cells-per-stack',
  '4',
  '--checkpoint-seconds',
  '0.2',
];
const KILLS = 20;
const folder = temporaryFolder();
const file = folder.file('experiment.yaml');
const undisturbed = folder.file('undisturbed.surge');
const disturbed = folder.file('disturbed.surge');

beforeAll(async () => {
  writeExperiment(file, specification);
  const { code, stderr } = await surge(['run', file, '--store', undisturbed, ...training]);
  expect(code, stderr).toBe(0);
});

afterAll(() => folder.remove());

/** Trainers that the store knows to be running. */
function trainers(): number[] {
  try {
    const store = openStoreReadOnly(disturbed);
    const pids = store
      .experiments()
      .flatMap((e) => store.stacks(e.id))
      .flatMap((s) => (s.state === 'running' && s.process !== null ? [s.process.pid] : []));
    store.close();
    return pids.filter((pid) => identify(pid) !== null);
  } catch {
    // The store is not there yet.
    return [];
  }
}

test('twenty kills at random instants change nothing', async () => {
  let lab: Running | null = null;
  const counts = { trainer: 0, lab: 0, both: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    if (lab === null || lab.child.exitCode !== null || lab.child.signalCode !== null)
      lab = startSurge(['run', file, '--store', disturbed, ...training]);
    const { child } = lab;
    // Every other one comes when there is something to lose, however slow the machine is.
    if (kill % 2 === 1)
      await waitUntil('a trainer runs', () => trainers().length > 0 || child.exitCode !== null);
    await setTimeout(Math.random() * 2_000);
    const target = (['trainer', 'lab', 'both'] as const)[kill % 3];
    counts[target]++;
    const pids = trainers();
    if (target !== 'trainer') lab.child.kill('SIGKILL');
    if (target !== 'lab') for (const pid of pids) process.kill(pid, 'SIGKILL');
    if (target !== 'trainer') {
      await lab.finished;
      lab = null;
    }
  }
  await lab?.finished;
  const last = await surge(['resume', '--store', disturbed, ...training]);
  expect(last.code, last.stderr).toBe(0);

  const expected = openStoreReadOnly(undisturbed);
  const actual = openStoreReadOnly(disturbed);
  const [calm] = expected.experiments();
  const [shaken] = actual.experiments();
  expect(actual.experiments()).toHaveLength(1);
  expect(shaken.counts).toEqual(calm.counts);
  expect(shaken.counts.diverged).toBeGreaterThan(0);
  for (const metric of metrics) {
    const a = expected.curveSet(calm.id, metric);
    const b = actual.curveSet(shaken.id, metric);
    expect(b.recorded).toEqual(a.recorded);
    expect(b.divergedAt).toEqual(a.divergedAt);
    // Bit by bit: NaN equals NaN.
    expect(Buffer.from(b.values.buffer).equals(Buffer.from(a.values.buffer)), metric).toBe(true);
  }
  for (const name of readdirSync(actual.spoolFolder).filter(
    (n) => n.startsWith('stack-') && n.endsWith('.jsonl'),
  )) {
    const events =
      readFileSync(join(actual.spoolFolder, name), 'utf8').match(/"event":"(start|finished)"/g) ?? [];
    expect(
      events.filter((e) => e.includes('finished')),
      `${name} finished once`,
    ).toHaveLength(1);
    expect(events.at(-1), `${name} was not started again after it had finished`).toContain('finished');
  }
  // Nothing is left behind: no checkpoint, no trainer.
  expect(readdirSync(actual.spoolFolder).filter((n) => /safetensors|\.tmp$/.test(n))).toEqual([]);
  expect(trainers()).toEqual([]);
  expected.close();
  actual.close();
});
