/** The questions of a sceptical reader, asked of a real sweep on digits through the command line. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { surge, surgeJson, temporaryFolder, writeExperiment } from '../../support/cli.ts';
import { describeWithEngine } from '../../support/engine.ts';

/** The demo of the foundation with half of its batch sizes and fewer learning rates. */
const specification = {
  name: 'science',
  workload: { kind: 'mlp', hidden: [32], data: { source: 'digits' } },
  optimizer: { kind: 'sign' },
  learningRates: { log: { from: 6e-4, to: 3e-2, count: 14 } },
  batchSizes: { list: [2, 8, 32, 128, 512] },
  seeds: 6,
  length: { steps: 160 },
  marks: { geometricPerDecade: 3, list: [3, 7, 14, 28, 40, 56, 80, 112, 135] },
  evaluation: { examples: 1000 },
} satisfies SpecificationInput;

const interval = z.strictObject({ low: z.number(), high: z.number() });
const warnings = z.array(
  z.strictObject({ code: z.string(), sentence: z.string(), numbers: z.record(z.string(), z.number()) }),
);
const protocol = z.looseObject({
  targets: z.array(
    z.looseObject({
      target: z.number(),
      bNoise: z.number(),
      bNoiseInterval: interval,
      peak: z.looseObject({ batchSize: z.number(), interval }),
      warnings,
    }),
  ),
  warnings,
});
const recommendation = z.strictObject({
  experiment: z.string(),
  name: z.literal('science'),
  definition: z.looseObject({ kind: z.string() }).nullable(),
  method: z.enum(['three-point', 'smooth']),
  rate: z
    .strictObject({
      batchSize: z.number(),
      basis: z.enum(['measured', 'interpolated', 'extrapolated', 'refused']),
      learningRate: z.number().nullable(),
      interval: interval.nullable(),
      laws: z.array(
        z.strictObject({ law: z.string(), share: z.number(), learningRate: z.number(), interval }),
      ),
      flags: z.array(z.string()),
      sentence: z.string(),
    })
    .nullable(),
  budget: z
    .looseObject({
      rows: z.array(
        z.looseObject({
          batchSize: z.int(),
          steps: z.int().nullable(),
          seconds: z.number().nullable(),
          standing: z.string(),
          probabilityBest: z.number().nullable(),
        }),
      ),
      best: z.looseObject({ batchSize: z.int(), learningRate: z.number(), loss: z.number() }).nullable(),
      sentence: z.string(),
    })
    .nullable(),
  horizon: z
    .looseObject({ rows: z.array(z.looseObject({ verified: z.literal(false), learningRate: z.number() })) })
    .nullable(),
  schedule: z.looseObject({ stages: z.array(z.looseObject({ batchSize: z.int() })) }).nullable(),
  warnings,
});

describe('problems with a known answer', () => {
  test('rho = 0.005: no surge, although Theorem 3 puts a peak at 7933', async () => {
    const { code, value } = await surgeJson(['theory', '--preset', 'no-peak']);
    expect(code).toBe(0);
    const result = z
      .looseObject({
        theorem3: z.looseObject({ bNoise: z.number() }),
        peak: z.null(),
        warnings,
      })
      .parse(value);
    expect(result.theorem3.bNoise).toBeCloseTo(7933.3, 0);
    expect(result.warnings.map((warning) => warning.code)).toContain('small-batch-peak-not-real');
    const { stdout } = await surge(['theory', '--preset', 'no-peak']);
    expect(stdout).toContain('No peak');
    expect(stdout).toMatch(/^warning \[small-batch-peak-not-real\]: .*7930/m);
  });
});

describeWithEngine('a sweep on real digits', () => {
  const folder = temporaryFolder();
  const store = folder.file('lab.surge');

  beforeAll(async () => {
    const file = folder.file('experiment.yaml');
    writeExperiment(file, specification);
    const { code, stderr } = await surge([
      'run',
      file,
      '--store',
      store,
      '--trainers',
      '2',
      '--threads',
      '1',
    ]);
    expect(code, stderr).toBe(0);
  }, 600_000);

  afterAll(() => folder.remove());

  async function json(...args: string[]): Promise<unknown> {
    const { code, value, stderr } = await surgeJson([...args, '--store', store]);
    expect(code, stderr).toBe(0);
    return value;
  }
  async function text(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await surge([...args, '--store', store]);
    expect(code, stderr).toBe(0);
    return stdout;
  }
  const recommend = async (...args: string[]) =>
    recommendation.parse(await json('recommend', 'science', ...args));
  const codes = (list: z.output<typeof warnings>) => list.map((warning) => warning.code);

  test('the paper protocol: the peak moves to larger batch sizes as the target loss falls', async () => {
    const { targets, warnings: own } = protocol.parse(
      await json('protocol', 'paper', 'science', '--target', '2.1,0.5', '--k', '10'),
    );
    const [early, late] = targets;
    expect(late.peak.batchSize).toBeGreaterThan(early.peak.batchSize);
    expect(late.peak.interval.low).toBeGreaterThan(early.peak.interval.low);
    for (const { bNoise, bNoiseInterval } of targets) {
      expect(bNoise).toBeGreaterThan(1);
      expect(bNoiseInterval.high).toBeGreaterThan(bNoiseInterval.low);
    }
    expect(codes(early.warnings)).toContain('critical-batch-is-not-the-peak');
    expect(codes(late.warnings)).toContain('cells-left-out');
    expect(codes(own)).toEqual(['outside-the-theory']);
    const shown = await text('protocol', 'paper', 'science', '--target', '2.1,0.5', '--k', '10');
    expect(shown).toMatch(/^target loss +B_noise \(eq 22\) +B_noise \(log\) +5–95 % +peak B +5–95 %/m);
    for (const { sentence } of [...early.warnings, ...late.warnings, ...own])
      expect(shown).toContain(sentence);
  });

  test('predicted and measured peak are printed together with their errors', async () => {
    const point = ['--step', '14', '--batch-size', '32', '--samples', '150', '--hessian-examples', '200'];
    const shown = await text('predict', 'science', ...point, '--probes', '4', '--draws', '4');
    expect(shown).toMatch(/^B_noise \(Theorem 3\) +\S+ +\S+/m);
    expect(shown).toMatch(/^sign-updates +[\d.]+ +[\d.]+–[\d.]+/m);
    expect(shown).toMatch(/^measured \(equal steps\) +[\d.]+ +[\d.]+–[\d.]+/m);
    expect(shown).toMatch(/^warning \[too-few-samples\]: /m);
  }, 120_000);

  test('ridge and laws give the same warnings in text and JSON', async () => {
    for (const command of ['ridge', 'laws']) {
      const value = z.looseObject({ warnings }).parse(await json(command, 'science', '--step', '14'));
      expect(codes(value.warnings)).toContain('outside-the-theory');
      const shown = await text(command, 'science', '--step', '14');
      for (const { code, sentence } of value.warnings)
        expect(shown).toContain(`warning [${code}]: ${sentence}`);
    }
  });

  test('recommend: a learning rate measured, interpolated, extrapolated, refused', async () => {
    const measured = await recommend('--batch-size', '32', '--steps', '14');
    expect(measured.rate).toMatchObject({ basis: 'measured', batchSize: 32 });
    expect(measured.definition).toEqual({ kind: 'equal-steps', step: 14 });
    const between = await recommend('--batch-size', '64', '--loss', '1.5', '--smooth');
    expect(between.rate!.basis).toBe('interpolated');
    expect(between.definition).toEqual({ kind: 'equal-loss', target: 1.5, moreSteps: 10 });
    expect(between.rate!.interval!.low).toBeLessThan(between.rate!.learningRate!);
    expect(between.rate!.interval!.high).toBeGreaterThan(between.rate!.learningRate!);
    const beyond = await recommend('--batch-size', '1024');
    expect(beyond.rate!.basis).toBe('extrapolated');
    expect(codes(beyond.warnings)).toContain('extrapolated');
    const far = await recommend('--batch-size', '100000');
    expect(far.rate).toMatchObject({ basis: 'refused', learningRate: null, interval: null });
    expect(codes(far.warnings)).toContain('far-extrapolation');
    expect(await text('recommend', 'science', '--batch-size', '32', '--steps', '14')).toContain(
      measured.rate!.sentence,
    );
  });

  test('recommend: both for a budget of steps, samples and measured time', async () => {
    const steps = await recommend('--steps', '14');
    expect(steps.definition).toBeNull();
    expect(steps.budget!.best!.batchSize).toBeGreaterThanOrEqual(128);
    const samples = await recommend('--samples', '1280');
    // Batch size 2 would need 640 steps, and 512 takes two.
    expect(samples.budget!.rows.map((row) => row.steps)).toEqual([640, 160, 40, 10, 2]);
    expect(samples.budget!.rows[0].standing).toBe('too-long');
    expect([8, 32]).toContain(samples.budget!.best!.batchSize);
    expect(codes(samples.warnings)).toContain('budget-beyond-curves');
    const seconds = samples.budget!.rows[2].seconds!;
    expect(seconds).toBeGreaterThan(0);
    const time = await recommend('--time', String(seconds * 1.001));
    expect(time.budget!.rows[2].steps).toBe(40);
    expect(await text('recommend', 'science', '--samples', '1280')).toContain(samples.budget!.sentence);
  });

  test('recommend: a schedule and a longer run, marked as not verified', async () => {
    const {
      schedule,
      horizon,
      warnings: own,
    } = await recommend(
      ...['--batch-size', '8', '--horizon', '4', '--schedule', 'growing-batch'],
      ...['--epochs', '30', '--max-batch-size', '128'],
    );
    expect(schedule!.stages.map((stage) => stage.batchSize)).toHaveLength(10);
    expect(schedule!.stages.at(-1)!.batchSize).toBe(128);
    expect(horizon!.rows.length).toBeGreaterThanOrEqual(3);
    expect(codes(own).filter((code) => code === 'not-verified')).toHaveLength(2);
  });

  test('recommend refuses a question that is none, or two', async () => {
    for (const [args, words] of [
      [[], /--batch-size, or for both with --steps/],
      [['--steps', '5', '--samples', '100'], /exclude each other/],
      [['--batch-size', '8', '--time', '3'], /leave --batch-size out/],
      [['--loss', '1'], /need --batch-size/],
      [['--batch-size', '8', '--steps', '100000'], /beyond the last mark/],
      [['--batch-size', '8', '--schedule', 'growing-both', '--max-learning-rate', '1e-9'], /max/],
    ] as const) {
      const { code, stdout, stderr } = await surge(['recommend', 'science', ...args, '--store', store]);
      expect(code, args.join(' ')).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(words);
    }
  });
});
