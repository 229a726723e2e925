/** What the commands say about a sweep: JSON of stable shape, the same numbers as text, nothing trained twice. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { cellStates } from '#shared/experiment/stack.ts';
import {
  spoolEvents,
  stacksOf,
  startSurge,
  surge,
  surgeJson,
  temporaryFolder,
  writeExperiment,
} from '../../support/cli.ts';

const specification = {
  name: 'report',
  workload: {
    kind: 'quadratic',
    mu: [1, -0.5],
    sigma: [1, 2],
    hessian: [
      [1, 0],
      [0, 3],
    ],
  },
  optimizer: { kind: 'sgd' },
  learningRates: { list: [0.01, 0.05, 0.2, 1e6] },
  batchSizes: { list: [1, 4, 16] },
  seeds: 3,
  length: { steps: 100 },
} satisfies SpecificationInput;
const DIVERGING = 1e6;
const CELLS = 36;
const DIVERGED = 9;

const folder = temporaryFolder();
const file = folder.file('experiment.yaml');
const store = folder.file('lab.surge');
const training = ['--store', store, '--trainers', '2', '--threads', '1'];

const counts = z.strictObject(Object.fromEntries(cellStates.map((state) => [state, z.int()])));
const summary = z.strictObject({
  key: z.string(),
  name: z.string(),
  state: z.string(),
  createdAt: z.int(),
  archived: z.boolean(),
  hold: z.strictObject({ reason: z.string(), since: z.int() }).nullable(),
  cells: z.int(),
  counts,
  imported: z.null(),
});
const runReport = z.strictObject({
  experiments: z.array(
    z.strictObject({
      key: z.string(),
      name: z.string(),
      end: z.enum(['complete', 'stopped', 'held', 'failures']),
      reason: z.string().nullable(),
      cells: z.int(),
      counts,
      seconds: z.number(),
      ingestSeconds: z.number(),
    }),
  ),
});
const status = summary.extend({
  abandonedStacks: z.int(),
  reasons: z.array(z.strictObject({ state: z.string(), reason: z.string(), cells: z.int() })),
  cellStates: z.array(
    z.strictObject({
      key: z.string(),
      batchSize: z.int(),
      learningRate: z.number(),
      seed: z.int(),
      state: z.enum(cellStates),
      reason: z.string(),
      divergedAt: z.int().nullable(),
      stepsDone: z.int(),
      steps: z.int(),
      stack: z.string().nullable(),
    }),
  ),
});
const show = summary.extend({
  specification: z.looseObject({ name: z.string() }),
  stacks: z.array(
    z.looseObject({
      key: z.string(),
      batchSize: z.int(),
      state: z.string(),
      stepsDone: z.int(),
      threads: z.int(),
      chunkSteps: z.int(),
      trainMilliseconds: z.number(),
      evaluateMilliseconds: z.number(),
      compileMilliseconds: z.number(),
      engine: z.looseObject({ backend: z.string(), device: z.string(), tensorflow: z.string() }),
    }),
  ),
  events: z.array(z.looseObject({ time: z.int(), kind: z.string(), message: z.string() })),
});
const interval = z.object({ low: z.number(), high: z.number() }).nullable();
const ridge = z.object({
  definition: z.looseObject({ kind: z.string() }),
  sentence: z.string(),
  peak: z.looseObject({ batchSize: z.int(), learningRate: z.number(), interval }).nullable(),
  points: z.array(
    z.looseObject({
      batchSize: z.int(),
      learningRate: z.number().nullable(),
      interval,
      score: z.number().nullable(),
      flags: z.array(z.string()),
      seeds: z.int(),
      dropped: z.array(z.looseObject({ learningRate: z.number(), reason: z.string(), seeds: z.int() })),
    }),
  ),
});

let first: z.output<typeof runReport>['experiments'][number];

beforeAll(async () => {
  writeExperiment(file, specification);
  const { code, value, stderr } = await surgeJson(['run', file, ...training]);
  expect(code, stderr).toBe(0);
  [first] = runReport.parse(value).experiments;
});

afterAll(() => folder.remove());

/** The JSON of a reading command on the store. */
async function read(...args: string[]): Promise<unknown> {
  const { code, value, stderr } = await surgeJson([...args, '--store', store]);
  expect(code, stderr).toBe(0);
  expect(stderr).toBe('');
  return value;
}

async function text(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await surge([...args, '--store', store]);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe('reports', () => {
  test('run: every cell has a result, and what the lab itself took is known', async () => {
    expect(first).toMatchObject({ name: 'report', end: 'complete', reason: null, cells: CELLS });
    expect(first.counts).toMatchObject({ done: CELLS - DIVERGED, diverged: DIVERGED, failed: 0, planned: 0 });
    const { stacks } = show.parse(await read('show', 'report'));
    const trainers = stacks.reduce((sum, s) => sum + s.trainMilliseconds + s.evaluateMilliseconds, 0);
    const compile = stacks.reduce((sum, s) => sum + s.compileMilliseconds, 0);
    console.log(
      `${CELLS} cells: ${first.seconds.toFixed(2)} s in all; trainers ${trainers.toFixed(0)} ms training, ${compile.toFixed(0)} ms compiling; lab ${(1000 * first.ingestSeconds).toFixed(0)} ms ingesting`,
    );
    expect(first.ingestSeconds).toBeLessThanOrEqual(first.seconds);
  });

  test('list, status, show: documented shapes that agree with each other', async () => {
    const { experiments } = z.strictObject({ experiments: z.array(summary) }).parse(await read('list'));
    expect(experiments).toHaveLength(1);
    const cells = status.parse(await read('status', 'report'));
    const { reasons: _, abandonedStacks: abandoned, cellStates: states, ...same } = cells;
    expect(abandoned).toBe(0);
    expect(same).toEqual(experiments[0]);
    expect(states).toHaveLength(CELLS);
    const details = show.parse(await read('show', first.key.slice(0, 5)));
    expect(details.specification).toMatchObject(
      specification.optimizer.kind === 'sgd' ? { name: 'report' } : {},
    );
    expect(details.stacks.map((s) => s.stepsDone).every((steps) => steps > 0)).toBe(true);
    expect(await text('list')).toContain(first.key);
    expect(await text('status', 'report')).toContain(`${CELLS - DIVERGED} done, ${DIVERGED} diverged`);
    expect(await text('show', 'report')).toContain(details.stacks[0].key);
  });

  test('divergence is a state with its step, in status, ridge and export', async () => {
    const { cellStates: states } = status.parse(await read('status', 'report'));
    for (const cell of states) {
      expect(cell.state).toBe(cell.learningRate === DIVERGING ? 'diverged' : 'done');
      if (cell.learningRate === DIVERGING) expect(cell.divergedAt).toBeGreaterThan(0);
      else expect(cell).toMatchObject({ divergedAt: null, stepsDone: 100 });
    }
    const { points } = ridge.parse(await read('ridge', 'report'));
    for (const { dropped, learningRate } of points) {
      expect(dropped).toEqual([
        expect.objectContaining({ learningRate: DIVERGING, reason: 'diverged', seeds: 3 }),
      ]);
      expect(learningRate).toBeLessThan(1);
    }
    const out = folder.file('csv');
    await text('export', 'report', '--out', out);
    const [head, ...rows] = readFileSync(`${out}/cells.csv`, 'utf8').trimEnd().split('\n');
    const column = (name: string) => head.split(',').indexOf(name);
    expect(rows).toHaveLength(CELLS);
    const diverged = rows.map((row) => row.split(',')).filter((row) => row[column('state')] === 'diverged');
    expect(diverged.map((row) => Number(row[column('diverged_at')]))).toEqual(
      states.filter((cell) => cell.state === 'diverged').map((cell) => cell.divergedAt),
    );
  });

  test('ridge and migrate: the text shows the numbers of the JSON', async () => {
    const value = ridge.parse(await read('ridge', 'report'));
    const shown = await text('ridge', 'report');
    expect(shown).toContain(value.sentence);
    for (const { batchSize, learningRate } of value.points) {
      expect(learningRate).not.toBeNull();
      const row = shown.split('\n').find((line) => line.trim().startsWith(`${batchSize} `));
      expect(row).toContain(learningRate?.toExponential(1));
    }
    for (const by of ['steps', 'samples', 'loss']) {
      const { ridges } = z
        .object({ experiment: z.string(), name: z.string(), by: z.literal(by), ridges: z.array(ridge) })
        .parse(await read('migrate', 'report', '--by', by));
      expect(ridges.length, by).toBeGreaterThan(0);
      const lines = await text('migrate', 'report', '--by', by);
      for (const { peak } of ridges)
        if (peak !== null) expect(lines).toContain(peak.learningRate.toExponential(1));
    }
    // The loss of a quadratic is negative.
    const atLoss = ridge.parse(await read('ridge', 'report', '--loss', '-0.1', '--more-steps', '5'));
    expect(atLoss.definition).toMatchObject({ kind: 'equal-loss', target: -0.1, moreSteps: 5 });
  });

  test('export: what the manifest promises is in the files, as CSV and as JSON', async () => {
    const out = folder.file('files');
    const manifest = z
      .object({
        format: z.literal('surge-lab-csv'),
        version: z.literal(1),
        exportedAt: z.int(),
        experiment: z.looseObject({ key: z.string() }),
        files: z.array(
          z.strictObject({ name: z.string(), rows: z.int(), bytes: z.int(), columns: z.array(z.string()) }),
        ),
      })
      .parse(await read('export', 'report', '--training', '--out', out));
    expect(manifest.files.map((f) => f.name)).toEqual([
      'cells.csv',
      'marks.csv',
      'training.csv',
      'ridge.csv',
    ]);
    for (const { name, rows, bytes } of manifest.files) {
      const content = readFileSync(`${out}/${name}`, 'utf8');
      expect(Buffer.byteLength(content)).toBe(bytes);
      expect(content.trimEnd().split('\n')).toHaveLength(rows + 1);
    }
    const json = z
      .strictObject({ file: z.string(), cells: z.literal(CELLS), bytes: z.int() })
      .parse(await read('export', 'report', '--format', 'json', '--out', out));
    const document = z
      .object({
        format: z.literal('surge-lab-json'),
        cells: z.array(
          z.looseObject({ curves: z.record(z.string(), z.array(z.union([z.number(), z.string()]))) }),
        ),
      })
      .parse(JSON.parse(readFileSync(json.file, 'utf8')));
    expect(document.cells).toHaveLength(CELLS);
  });

  test('check: grid and cost without a store', async () => {
    const { code, value } = await surgeJson(['check', file]);
    expect(code).toBe(0);
    expect(value).toMatchObject({
      name: 'report',
      batchSizes: [1, 4, 16],
      learningRates: [0.01, 0.05, 0.2, DIVERGING],
      seeds: [0, 1, 2],
      steps: [100, 100, 100],
      cost: { cells: CELLS, runSteps: CELLS * 100 },
      warnings: expect.any(Array) as unknown[],
    });
    const uncalibrated = await surgeJson(['check', file, '--no-calibrate']);
    expect(uncalibrated.value).toMatchObject({ cost: { cells: CELLS, seconds: null }, calibration: null });
  });
});

describe('output', () => {
  test('is the same in two time zones, apart from shown times', async () => {
    for (const command of ['list', 'status', 'show', 'ridge']) {
      const args = [command, ...(command === 'list' ? [] : ['report']), '--store', store];
      const [east, west] = await Promise.all(
        ['Asia/Kolkata', 'America/St_Johns'].map((zone) => surgeJson(args, { TZ: zone })),
      );
      expect(east).toEqual(west);
    }
    // Shown times name their zone.
    expect((await surge(['list', '--store', store], { TZ: 'UTC' })).stdout).toMatch(
      /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/,
    );
  });

  test('has no colour codes and ends with one line end', async () => {
    for (const args of [['list'], ['status', 'report'], ['show', 'report'], ['ridge', 'report']]) {
      const shown = await text(...args);
      expect(shown).not.toContain('\u001b');
      expect(shown).toMatch(/[^\n]\n$/);
    }
  });

  test('into a pipe that closes early is not an error', async () => {
    const { child, finished } = startSurge(['show', 'report', '--json', '--store', store]);
    child.stdout?.destroy();
    const { code, stderr } = await finished;
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});

describe('nothing is trained twice', () => {
  test('the same file again', async () => {
    const before = spoolEvents(store);
    const { code, value, stderr } = await surgeJson(['run', file, ...training]);
    expect(code).toBe(0);
    expect(stderr).toContain(`Continuing "report" (${first.key}).`);
    expect(runReport.parse(value).experiments[0]).toMatchObject({
      key: first.key,
      end: 'complete',
      cells: CELLS,
    });
    expect(spoolEvents(store)).toEqual(before);
  });

  test('a wider grid trains only the new cells, and the old experiment keeps its own', async () => {
    const before = new Set(stacksOf(store).map((s) => s.key));
    const wider = folder.file('wider.yaml');
    writeExperiment(wider, {
      ...specification,
      name: 'wider',
      learningRates: { list: [0.01, 0.05, 0.1, 0.2, 1e6] },
      batchSizes: { list: [1, 4, 16, 64] },
    });
    const { code, value } = await surgeJson(['run', wider, ...training]);
    expect(code).toBe(0);
    const [report] = runReport.parse(value).experiments;
    expect(report).toMatchObject({ name: 'wider', cells: 60, end: 'complete' });
    const added = stacksOf(store).filter((s) => !before.has(s.key));
    expect(added.reduce((sum, s) => sum + s.learningRates.length * s.seeds.length, 0)).toBe(60 - CELLS);
    expect(spoolEvents(store).every((s) => s.starts === 1 && s.finishes === 1)).toBe(true);

    // Shared cells give the same numbers to both, and outlive the experiment that trained them.
    const shared = async (name: string) => {
      const out = folder.file(`shared-${name}`);
      await text('export', name, '--out', out);
      const rows = readFileSync(`${out}/marks.csv`, 'utf8').trimEnd().split('\n').slice(1);
      return new Set(rows);
    };
    const narrow = await shared('report');
    const wide = await shared('wider');
    expect([...narrow].every((row) => wide.has(row))).toBe(true);
    await text('delete', 'report', '--yes');
    expect(await shared('wider')).toEqual(wide);
    expect((await surge(['status', 'report', '--store', store])).code).toBe(2);
  });
});
