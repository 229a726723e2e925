/**
 * Store benchmark: 12,000 cells × 500 marks through the real ingest path, then the mean-over-seeds matrix of one mark,
 * then the same as 20 shards that are merged into one store, twice.
 * The spool files are written first, as trainers write them (one line a mark); only ingest and reading are timed.
 *
 *   npm run bench:store [-- --json] [-- --cells-per-stack 120]
 */
import { closeSync, mkdtempSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import { openStore, openStoreReadOnly, stackSpoolFile } from '#main/lab/store/index.ts';
import { specificationSchema } from '#shared/experiment/specification.ts';
import type { CellConfiguration } from '#shared/experiment/stack.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    'cells-per-stack': { type: 'string', default: '120' },
  },
});
const batches = 20;
const rateCount = 60;
const seedCount = 10;
const markCount = 500;
const cellsPerStack = Number(options['cells-per-stack']);
const ratesPerStack = cellsPerStack / seedCount;
if (!Number.isInteger(ratesPerStack) || ratesPerStack < 1 || rateCount % ratesPerStack !== 0) {
  throw new Error(
    `--cells-per-stack: ${options['cells-per-stack']} must be ${seedCount} × a divisor of ${rateCount}`,
  );
}

const batchSizes = Array.from({ length: batches }, (_, i) => i + 1);
const rates = Array.from({ length: rateCount }, (_, i) => (i + 1) / 1000);
const seeds = Array.from({ length: seedCount }, (_, i) => i);
const marks = Array.from({ length: markCount }, (_, i) => i + 1);
const specification = specificationSchema.parse({
  name: 'benchmark',
  workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
  optimizer: { kind: 'sign' },
  learningRates: { list: rates },
  batchSizes: { list: batchSizes },
  seeds: seedCount,
  length: { steps: markCount },
  marks: { geometricPerDecade: 0, list: marks },
  recordTrainingLoss: false,
});
const cells: CellConfiguration[] = batchSizes.flatMap((batchSize) =>
  rates.flatMap((learningRate) =>
    seeds.map((seed) => ({
      workload: specification.workload,
      optimizer: specification.optimizer,
      batchSize,
      learningRate,
      seed,
      steps: markCount,
      marks,
      evaluationExamples: 2000,
      recordTrainingLoss: false,
      streams: 'common' as const,
      dataChecksum: '',
    })),
  ),
);

function writeSpool(file: string, stack: string): void {
  const descriptor = openSync(file, 'w');
  const write = (line: object) => writeSync(descriptor, `${JSON.stringify(line)}\n`);
  const engine = {
    backend: 'compiled',
    fallbackReason: null,
    device: 'CPU',
    threads: 2,
    tensorflow: '',
    tfjs: '',
  };
  write({
    event: 'start',
    time: 1,
    stack,
    pid: 1,
    host: 'bench',
    step: 0,
    cells: cellsPerStack,
    engine: { ...engine, node: '', platform: '', cpu: '', chunkSteps: 10 },
    dataChecksum: '',
  });
  const point = new Float32Array(cellsPerStack);
  for (let first = 0; first < markCount; first++) {
    for (let cell = 0; cell < cellsPerStack; cell++) point[cell] = 2 / (1 + 0.01 * first) + 0.001 * cell;
    const encoded = Buffer.from(point.buffer).toString('base64');
    write({
      event: 'curve',
      metric: 'evaluationLoss',
      first,
      points: 1,
      cells: cellsPerStack,
      values: encoded,
    });
  }
  const milliseconds = { trainMilliseconds: 1, evaluateMilliseconds: 1, compileMilliseconds: 1 };
  write({ event: 'finished', time: 2, step: markCount, ...milliseconds, peakResidentBytes: 1 });
  closeSync(descriptor);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function timed<Result>(work: () => Result): { milliseconds: number; result: Result } {
  const before = performance.now();
  const result = work();
  return { milliseconds: performance.now() - before, result };
}

const folder = mkdtempSync(join(tmpdir(), 'surge-bench-store-'));
try {
  const file = join(folder, 'bench.surge');
  const store = openStore(file);
  const created = timed(() => store.createExperiment(specification, cells));
  const { id } = created.result;
  const plans = batchSizes.flatMap((batchSize) =>
    Array.from({ length: rateCount / ratesPerStack }, (_, i) => ({
      plan: {
        batchSize,
        learningRates: rates.slice(i * ratesPerStack, (i + 1) * ratesPerStack),
        seeds,
        steps: markCount,
        marks,
      },
      settings: { threads: 2, chunkSteps: 10, mode: 'compiled' as const },
    })),
  );
  const planned = timed(() => store.planStacks(id, plans));
  for (const { key } of planned.result) writeSpool(stackSpoolFile(store.spoolFolder, key), key);

  const ingest = timed(() => planned.result.reduce((sum, { key }) => sum + store.ingest(key).values, 0));
  if (ingest.result !== cells.length * markCount) throw new Error(`${ingest.result} values were ingested`);
  if (store.experiment('benchmark').counts.done !== cells.length) throw new Error('not every cell is done');

  const repeats = 15;
  const surfaces = Array.from({ length: repeats }, (_, i) =>
    timed(() => store.meanSurface(id, 'evaluationLoss', (i * 33) % markCount)),
  );
  // A reader that has just opened the store, as a window or a command does.
  const cold = Array.from({ length: 5 }, () =>
    timed(() => {
      const reader = openStoreReadOnly(file);
      const surface = reader.meanSurface(id, 'evaluationLoss', markCount - 1);
      reader.close();
      return surface;
    }),
  );
  const [surface] = surfaces;
  if (surface?.result.length !== batches * rateCount || surface.result.some(Number.isNaN))
    throw new Error('wrong surface');
  const whole = timed(() => store.curveSet(id, 'evaluationLoss'));
  const { key, createdAt } = store.experiment('benchmark');
  const shards = batchSizes.map((batchSize) => {
    const shard = openStore(join(folder, `shard-${batchSize}.surge`));
    const own = cells.filter((cell) => cell.batchSize === batchSize);
    const experiment = shard.createExperiment(specification, own, { key, createdAt });
    const stacks = planned.result.filter((stack) => stack.batchSize === batchSize);
    shard.adoptStacks(
      experiment.id,
      stacks.map(({ key: stack, learningRates, threads, chunkSteps, mode }) => ({
        key: stack,
        plan: { batchSize, learningRates, seeds, steps: markCount, marks },
        settings: { threads, chunkSteps, mode },
        columns: Array.from({ length: cellsPerStack }, (_, column) => column),
      })),
    );
    for (const stack of stacks) {
      renameSync(stackSpoolFile(store.spoolFolder, stack.key), stackSpoolFile(shard.spoolFolder, stack.key));
      shard.ingest(stack.key);
    }
    shard.close();
    return shard.file;
  });
  store.close();
  const target = openStore(join(folder, 'merged.surge'));
  const mergeAll = () => shards.flatMap((shard) => mergeStore(target, shard));
  const merged = timed(mergeAll);
  if (target.experiment(key).counts.done !== cells.length)
    throw new Error(`not every cell came over: ${merged.result.flatMap((each) => each.problems).join('; ')}`);
  const mergedAgain = timed(mergeAll);
  if (mergedAgain.result.some((each) => each.stacksAdded + each.stacksExtended + each.conflicts.length > 0))
    throw new Error('the second merge changed something');
  target.close();

  const report = {
    cells: cells.length,
    marks: markCount,
    cellsPerStack,
    points: ingest.result,
    cpu: cpus()[0]?.model ?? '',
    node: process.versions.node,
    createMilliseconds: created.milliseconds,
    planMilliseconds: planned.milliseconds,
    ingestMilliseconds: ingest.milliseconds,
    pointsPerSecond: ingest.result / (ingest.milliseconds / 1000),
    meanSurfaceMilliseconds: median(surfaces.map((s) => s.milliseconds)),
    meanSurfaceFreshReaderMilliseconds: median(cold.map((s) => s.milliseconds)),
    curveSetMilliseconds: whole.milliseconds,
    storeBytes: statSync(file).size,
    mergeMilliseconds: merged.milliseconds,
    mergeAgainMilliseconds: mergedAgain.milliseconds,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    targets: {
      pointsPerSecond: 1_000_000,
      meanSurfaceMilliseconds: 50,
      mergeMilliseconds: 20_000,
      peakResidentBytes: 1e9,
    },
  };
  if (options.json) {
    console.log(JSON.stringify(report, null, 2));
  } else {
    const row = (name: string, value: string, target = '') =>
      console.log(`${name.padEnd(42)}${value.padStart(16)}  ${target}`);
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    console.log(
      `${report.cells} cells × ${report.marks} marks, ${cellsPerStack} cells a stack, Node ${report.node}, ${report.cpu}`,
    );
    row(
      'ingest',
      `${Math.round(report.pointsPerSecond).toLocaleString('en')} points/s`,
      'target at least 1,000,000',
    );
    row('mean over seeds at one mark (median)', ms(report.meanSurfaceMilliseconds), 'target at most 50 ms');
    row(
      'the same by a reader just opened',
      ms(report.meanSurfaceFreshReaderMilliseconds),
      'target at most 50 ms',
    );
    row('every curve as a dense grid', ms(report.curveSetMilliseconds));
    row('create the experiment', ms(report.createMilliseconds));
    row('plan its stacks', ms(report.planMilliseconds));
    row('merge of 20 shards', ms(report.mergeMilliseconds), 'target at most 20,000 ms');
    row('the same again', ms(report.mergeAgainMilliseconds));
    row('peak memory', `${(report.peakResidentBytes / 1e6).toFixed(0)} MB`, 'target at most 1,000 MB');
    row('store file', `${(report.storeBytes / 1e6).toFixed(1)} MB`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
