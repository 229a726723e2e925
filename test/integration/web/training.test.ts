/** Training from a window: real trainers that are killed, a host that is killed, a queue, pauses. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import type { QueueState } from '#shared/api/types.ts';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import type { WebClient } from '#renderer/client/web-client.ts';
import { describeWithEngine } from '../../support/engine.ts';
import { connectWindow, hostLab, type Hosted } from '../../support/lab-host.ts';
import { trainers } from '../../support/trainers.ts';
import { expectEqual, Watching } from '../../support/watching.ts';

const specification: SpecificationInput = {
  name: 'from a window',
  workload: { kind: 'mlp', hidden: [16] },
  optimizer: { kind: 'adam' },
  learningRates: { list: [1e-3, 3e-3, 1e-2, 1e30] },
  batchSizes: { list: [2, 8, 64] },
  seeds: 2,
  length: { steps: 3000 },
  evaluation: { examples: 500 },
};
const CELLS = 24;
/** For a machine with far too much to do. */
const PATIENCE = { timeout: 300_000, interval: 50 };

let folder: string;
const ends: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'surge-train-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

const options = { trainers: 1, checkpointSeconds: 0.2 };

async function host(): Promise<{ hosted: Hosted; client: WebClient }> {
  const hosted = await hostLab(folder, options);
  ends.push(() => hosted.close());
  const client = connectWindow(hosted);
  ends.push(() => client.close());
  return { hosted, client };
}

function create(client: WebClient, changes: Partial<SpecificationInput> = {}) {
  return client.call('experiments.create', {
    text: stringify({ ...specification, ...changes }),
    start: true,
  });
}

async function until(client: WebClient, experiment: string, ...states: readonly string[]): Promise<void> {
  await vi.waitFor(
    async () => expect((await client.call('experiments.get', { experiment })).state).toBeOneOf([...states]),
    PATIENCE,
  );
}

/** Waits until cells are being trained, past compiling. */
async function untilTraining(client: WebClient): Promise<QueueState> {
  return vi.waitFor(async () => {
    const queue = await client.call('training.queue');
    expect(queue.running?.runStepsDone).toBeGreaterThan(0);
    return queue;
  }, PATIENCE);
}

/** The last cells of an experiment are stored a moment before its turn ends. */
function turnEnds(client: WebClient): Promise<void> {
  return vi.waitFor(async () => expect((await client.call('training.queue')).running).toBeNull(), PATIENCE);
}

describeWithEngine('training from a window', () => {
  it('goes on when trainers are killed, and the window sees it to its end', async () => {
    const { hosted, client } = await host();
    const { experiment } = await create(client);
    const watching = new Watching(client, experiment);
    await watching.open();
    for (let kill = 0; kill < 3; kill++) {
      await untilTraining(client);
      const killed = trainers(hosted.lab.store.file);
      for (const pid of killed) process.kill(pid, 'SIGKILL');
      // The lab has noticed, and trains again by another.
      await vi.waitFor(() => {
        const now = trainers(hosted.lab.store.file);
        expect(now.length).toBeGreaterThan(0);
        expect(now.filter((pid) => killed.includes(pid))).toEqual([]);
      }, PATIENCE);
    }
    await until(client, experiment, 'complete');
    await expectEqual(watching, hosted.lab.store, experiment);
    const detail = await client.call('experiments.get', { experiment });
    expect(detail.counts.done + detail.counts.diverged).toBe(CELLS);
    expect(detail.counts.diverged).toBe(6);
    expect(detail.thumbnail).not.toBeNull();
    await turnEnds(client);
    expect(await client.call('training.queue')).toMatchObject({ running: null, waiting: [], problem: '' });
    const [loss] = await client.call('cells.trainingLoss', { experiment, cells: [0] });
    expect(loss.values).toHaveLength(3000);
    expect([...loss.values].every(Number.isFinite)).toBe(true);
    const cell = await client.call('cells.detail', { experiment, cell: 6 });
    expect(cell).toMatchObject({ learningRate: 1e30, seed: 0, state: 'diverged', steps: 3000 });
    expect(cell.provenance.map(([label]) => label)).toContain('TensorFlow');
    const refined = await client.call('experiments.refine', { experiment });
    expect(refined.added).toBeGreaterThan(0);
    const { design } = await client.call('design.preview', { text: refined.text });
    expect(design).toMatchObject({ cells: CELLS + 6 * refined.added, cellsKnown: CELLS });
    expect(hosted.faults).toEqual([]);
  });

  it('pauses, waits its turn, and continues where it was', async () => {
    const { client } = await host();
    const first = await create(client);
    const second = await create(client, { name: 'second', seeds: [7, 8] });
    const third = await create(client, { name: 'third', seeds: [9] });
    await untilTraining(client);
    const queue = await client.call('training.queue');
    expect(queue.running?.experiment).toBe(first.experiment);
    expect(queue.waiting.map(({ name }) => name)).toEqual(['second', 'third']);
    await client.call('training.pause', { experiment: third.experiment });
    expect((await client.call('experiments.get', { experiment: third.experiment })).state).toBe('held');
    await expect(client.call('experiments.delete', { experiment: first.experiment })).rejects.toMatchObject({
      code: 'not-possible',
    });
    await client.call('training.pause', { experiment: first.experiment });
    await until(client, first.experiment, 'held');
    expect((await client.call('experiments.get', { experiment: first.experiment })).reason).toBe(
      'paused on request',
    );
    await until(client, second.experiment, 'running', 'complete');
    await client.call('training.start', { experiment: first.experiment });
    await until(client, second.experiment, 'complete');
    await until(client, first.experiment, 'complete');
    expect((await client.call('experiments.get', { experiment: third.experiment })).state).toBe('held');
    await expect(client.call('training.pause', { experiment: first.experiment })).rejects.toMatchObject({
      code: 'not-possible',
    });
    await turnEnds(client);
    await client.call('experiments.delete', { experiment: first.experiment });
    await expect(client.call('experiments.get', { experiment: first.experiment })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('survives the death of its host: the next one has everything, and continues', async () => {
    const support = new URL('../../support/lab-host.ts', import.meta.url);
    const program = `
      import { hostLab } from ${JSON.stringify(support.href)};
      const { socketUrl, origin, cookie } = await hostLab(${JSON.stringify(folder)}, ${JSON.stringify(options)});
      console.log(JSON.stringify({ socketUrl, origin, cookie }));`;
    const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    ends.push(() => child.kill('SIGKILL'));
    const [line] = await new Promise<string[]>((resolve) => {
      createInterface({ input: child.stdout! }).once('line', (text) => resolve([text]));
    });
    const client = connectWindow(JSON.parse(line) as Pick<Hosted, 'socketUrl' | 'origin' | 'cookie'>);
    ends.push(() => client.close());
    const { experiment } = await create(client);
    await untilTraining(client);
    const lost = new Promise<void>((resolve) =>
      client.onConnection((state) => state === 'lost' && resolve()),
    );
    child.kill('SIGKILL');
    await lost;
    await expect(client.call('lab.about')).rejects.toMatchObject({ code: 'disconnected' });

    const { hosted, client: next } = await host();
    // Its trainer outlives it for a moment, until it has noticed.
    await until(next, experiment, 'waiting');
    const detail = await next.call('experiments.get', { experiment });
    expect(detail.reason).toContain('checkpoint');
    expect(detail.counts.running).toBe(0);
    const watching = new Watching(next, experiment);
    await watching.open();
    await next.call('training.start', { experiment });
    await until(next, experiment, 'complete');
    await expectEqual(watching, hosted.lab.store, experiment);
    expect(trainers(hosted.lab.store.file)).toEqual([]);
  });
});
