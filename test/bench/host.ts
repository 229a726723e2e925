/**
 * Host benchmark, in milliseconds of processor time: how long a window waits for 12,000 cells × 500 marks, and what
 * watching them costs while they train; and for how long the host answers nobody while pictures of them are drawn.
 *
 *   npm run bench:host
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeFrame, encodeFrame } from '#shared/api/codec.ts';
import { createHandlers } from '#main/lab/api/handlers.ts';
import { WatchedCurves } from '#main/lab/api/watched-curves.ts';
import { Lab } from '#main/lab/lab.ts';
import { openStore } from '#main/lab/store/index.ts';
import { createLarge, feed, LARGE } from '../support/large-store.ts';

const REPEATS = 7;
/** The last stacks are fed while the benchmark watches. */
const LIVE_STACKS = 4;

/** Processor time of this process, which other programs on the machine do not lengthen, and time on the clock. */
function timed<Result>(work: () => Result): { milliseconds: number; clock: number; result: Result } {
  const cpu = process.cpuUsage();
  const before = performance.now();
  const result = work();
  const { user, system } = process.cpuUsage(cpu);
  return { milliseconds: (user + system) / 1000, clock: performance.now() - before, result };
}

function quantile(numbers: readonly number[], share: number): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
}

const folder = mkdtempSync(join(tmpdir(), 'surge-bench-host-'));
try {
  const store = openStore(join(folder, 'bench.surge'));
  const { experiment, stacks } = createLarge(store, LARGE);
  for (const stack of stacks.slice(0, -LIVE_STACKS)) feed(store, stack, 0, LARGE.marks);

  const opened = Array.from({ length: REPEATS }, () =>
    timed(() => new WatchedCurves(store, experiment, 'evaluationLoss')),
  );
  const encoded = opened.map(({ result }) => timed(() => encodeFrame(result.snapshot())));
  const decoded = encoded.map(({ result }) => timed(() => decodeFrame(result)));
  const totals = opened.map((each, i) => each.milliseconds + encoded[i].milliseconds);
  const report = (what: string, times: readonly number[]) =>
    console.log(`${what.padEnd(44)} median ${quantile(times, 0.5)} ms, worst ${quantile(times, 1)} ms`);
  report(
    'snapshot: read from the store',
    opened.map((each) => each.milliseconds),
  );
  report(
    'snapshot: to a frame',
    encoded.map((each) => each.milliseconds),
  );
  report('snapshot: both (target 400 ms)', totals);
  report(
    'snapshot: from a frame',
    decoded.map((each) => each.milliseconds),
  );
  console.log(`${'frame'.padEnd(44)} ${(encoded[0].result.length / 2 ** 20).toFixed(1)} MiB`);

  const curves = opened[REPEATS - 1].result;
  const refreshed: number[] = [];
  const told: number[] = [];
  for (let mark = 0; mark < LARGE.marks; mark += 10) {
    for (const stack of stacks.slice(-LIVE_STACKS)) feed(store, stack, mark, mark + 10);
    const before = curves.cursor;
    refreshed.push(timed(() => curves.refresh()).milliseconds);
    told.push(timed(() => encodeFrame(curves.since(before))).milliseconds);
  }
  report('while training: taking over what is new', refreshed);
  report('while training: a difference to a frame', told);
  report(
    'nothing new: noticing that',
    Array.from({ length: 20 }, () => timed(() => store.revision()).milliseconds),
  );
  console.log(`${'memory'.padEnd(44)} ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB resident`);

  const lab = await Lab.open({ file: store.file, readOnly: true, version: 'bench' });
  const session = lab.openSession(() => undefined);
  const handlers = createHandlers(lab, session);
  /** The longest time on the clock in which no other call would have been answered. */
  const longestBlock = async (what: string, work: () => unknown): Promise<void> => {
    const delay = monitorEventLoopDelay({ resolution: 2 });
    await wait(20);
    delay.enable();
    await wait(20);
    const before = performance.now();
    await work();
    const took = performance.now() - before;
    await wait(20);
    delay.disable();
    console.log(
      `${what.padEnd(44)} ${took.toFixed(0)} ms, others wait at most ${(delay.max / 1e6).toFixed(0)} ms`,
    );
  };
  const figure = (kind: string) =>
    handlers['figures.render']({
      experiments: [experiment.key],
      specification: { kind, experiment: experiment.key, ...(kind === 'migration' ? { by: 'steps' } : {}) },
      formats: ['svg'],
      preset: 'neurips-text',
      dotsPerInch: 300,
    });
  await longestBlock('list of experiments', () => handlers['experiments.list']({ archived: false }));
  await longestBlock('thumbnail', async () => {
    while (lab.cards(false)[0].thumbnail === null) await wait(10);
  });
  await longestBlock('figure: ridge', () => figure('ridge'));
  await longestBlock('figure: migration', () => figure('migration'));
  lab.closeSession(session);
  await lab.close();
  store.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
