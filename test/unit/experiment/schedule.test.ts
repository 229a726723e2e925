import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeSchedule,
  rateFactor,
  scheduleSchema,
  type RateSchedule,
} from '#shared/experiment/schedule.ts';
import { describeTrainingOptions } from '#shared/experiment/training-options.ts';
import { parseSpecification } from '#shared/experiment/validate.ts';
import { layOutSchedule } from '#shared/theory/schedules.ts';
import { describeWithReference, referenceFolder } from '../../support/reference.ts';
import { smallInput } from './specifications.ts';

type Written = Parameters<typeof scheduleSchema.parse>[0];
const factors = (written: Written, totalSteps: number) => {
  const schedule = scheduleSchema.parse(written);
  return Array.from({ length: totalSteps }, (_, i) => rateFactor(schedule, i + 1, totalSteps));
};
const close = (values: readonly number[], expected: readonly number[]) => {
  expect(values.length).toBe(expected.length);
  values.forEach((value, i) => expect(value, `step ${i + 1}`).toBeCloseTo(expected[i], 12));
};

const anyWarmUp = fc.oneof(
  fc.constant({}),
  fc.record({ warmUpSteps: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ warmUpShare: fc.double({ min: 0.001, max: 1, noNaN: true }) }),
);
const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });
const anySchedule: fc.Arbitrary<RateSchedule> = fc
  .oneof(
    fc.record({ kind: fc.constant('growth'), start: share, stages: fc.integer({ min: 2, max: 30 }) }),
    fc
      .tuple(
        fc.oneof(
          fc.record({ kind: fc.constantFrom('cosine', 'linear'), final: share }),
          fc.record({ kind: fc.constantFrom('constant', 'inverse-sqrt') }),
          fc.record({ kind: fc.constant('step'), factor: share, everyShare: share }),
          fc.record({
            kind: fc.constant('step'),
            atSteps: fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1 }),
          }),
        ),
        anyWarmUp,
      )
      .map(([decay, warmUp]) => ({ ...decay, ...warmUp })),
  )
  .map((written) => scheduleSchema.parse(written));

describe('factors of the learning rate', () => {
  it('warm up to the peak in the step after the warm-up', () => {
    close(factors({ kind: 'constant', warmUpSteps: 3 }, 6), [1 / 4, 2 / 4, 3 / 4, 1, 1, 1]);
    close(factors({ kind: 'constant', warmUpShare: 0.5 }, 4), [1 / 3, 2 / 3, 1, 1]);
    close(factors({ kind: 'constant' }, 3), [1, 1, 1]);
    close(factors({ kind: 'linear', warmUpSteps: 10 }, 3), [1 / 11, 2 / 11, 3 / 11]);
  });

  it('decay from there', () => {
    close(factors({ kind: 'linear' }, 4), [1, 0.75, 0.5, 0.25]);
    close(factors({ kind: 'linear', final: 0.5, warmUpSteps: 2 }, 6), [1 / 3, 2 / 3, 1, 0.875, 0.75, 0.625]);
    close(factors({ kind: 'cosine' }, 3), [1, 0.75, 0.25]);
    close(factors({ kind: 'cosine', final: 0.2, warmUpSteps: 1 }, 4), [0.5, 1, 0.8, 0.4]);
    close(factors({ kind: 'inverse-sqrt', warmUpSteps: 1 }, 8).slice(0, 2), [0.5, 1]);
    expect(factors({ kind: 'inverse-sqrt', warmUpSteps: 1 }, 8)[7]).toBeCloseTo(0.5, 12);
  });

  it('drop at steps and at shares of the run', () => {
    const dropped = [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125];
    close(factors({ kind: 'step', factor: 0.5, everySteps: 3 }, 10), dropped);
    close(factors({ kind: 'step', factor: 0.5, everyShare: 0.3 }, 10), dropped);
    close(factors({ kind: 'step', factor: 0.5, atSteps: [3, 6, 9] }, 10), dropped);
    // 0.7·10 is 7.000000000000001 in doubles.
    close(factors({ kind: 'step', atShares: [0.7, 0.9] }, 10), [1, 1, 1, 1, 1, 1, 1, 0.1, 0.1, 0.01]);
    close(factors({ kind: 'step', factor: 0.5, atSteps: [1], warmUpSteps: 1 }, 3), [0.5, 0.5, 0.5]);
  });

  it('grow by stages as the growth schedules of the theory', () => {
    const { epochs } = layOutSchedule({
      epochs: 60,
      examples: 8,
      interval: 5,
      batch: { kind: 'constant', start: 8 },
      learningRate: { kind: 'growth', start: 0.02, max: 0.2 },
    });
    close(
      factors({ kind: 'growth', start: 0.1, stages: 12 }, 60).map((factor) => 0.2 * factor),
      epochs.map(({ learningRate }) => learningRate),
    );
  });

  it('lie between 0 and 1 and are never 0, whatever the schedule and the length', () => {
    fc.assert(
      fc.property(anySchedule, fc.integer({ min: 1, max: 100 }), (schedule, totalSteps) => {
        const values = Array.from({ length: totalSteps }, (_, i) => rateFactor(schedule, i + 1, totalSteps));
        for (const value of values) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
    );
  });

  it('rise and then fall: one peak', () => {
    fc.assert(
      fc.property(anySchedule, fc.integer({ min: 2, max: 100 }), (schedule, totalSteps) => {
        if (schedule.kind === 'step') return;
        const values = Array.from({ length: totalSteps }, (_, i) => rateFactor(schedule, i + 1, totalSteps));
        const top = values.indexOf(Math.max(...values));
        values.forEach((value, i) => {
          if (i === 0) return;
          if (i <= top) expect(value).toBeGreaterThanOrEqual(values[i - 1] - 1e-12);
          else expect(value).toBeLessThanOrEqual(values[i - 1] + 1e-12);
        });
      }),
    );
  });
});

interface GoldenSchedule {
  readonly id: string;
  readonly inputs: { readonly epochs: number; readonly eta0: number; readonly eta_max: number };
  readonly expected: {
    readonly total_steps: number;
    /** Epoch, learning rate at its first step, batch, steps in it, steps before it. */
    readonly table: readonly (readonly [number, number, number, number, number])[];
  };
}

describeWithReference('factors equal the golden schedules of one batch size', () => {
  const { entries } = JSON.parse(readFileSync(`${referenceFolder()}/golden/theory.json`, 'utf8')) as {
    entries: readonly GoldenSchedule[];
  };
  const golden = (id: string) => entries.find((entry) => entry.id === `i.schedule_${id}`)!;
  it.each([
    ['const_linear', { kind: 'linear' }],
    ['const_diminishing', { kind: 'inverse-sqrt' }],
  ] as const)('%s, by steps', (id, written) => {
    const { inputs, expected } = golden(id);
    const schedule = scheduleSchema.parse(written);
    for (const [, rate, , , stepsBefore] of expected.table)
      expect((inputs.eta0 * rateFactor(schedule, stepsBefore + 1, expected.total_steps)) / rate).toBeCloseTo(
        1,
        11,
      );
  });
  it.each([
    ['const_cosine', { kind: 'cosine' }, 'eta0'],
    ['both_grow', { kind: 'growth', start: 0.5, stages: 10 }, 'eta_max'],
  ] as const)('%s, by epochs', (id, written, peak) => {
    const { inputs, expected } = golden(id);
    const schedule = scheduleSchema.parse(written);
    for (const [epoch, rate] of expected.table)
      expect((inputs[peak] * rateFactor(schedule, epoch + 1, inputs.epochs)) / rate).toBeCloseTo(1, 10);
  });
});

describe('schedules in a file', () => {
  const check = (change: object) => {
    const parsed = parseSpecification({ ...smallInput, ...change });
    return parsed.ok
      ? parsed.warnings
      : parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  it.each([
    [
      { kind: 'cosine', warmUpSteps: 3, warmUpShare: 0.1 },
      'schedule: give warmUpSteps or warmUpShare, not both',
    ],
    [{ kind: 'step' }, 'schedule: give exactly one of everySteps, everyShare, atSteps or atShares'],
    [
      { kind: 'step', everySteps: 3, atShares: [0.5] },
      'schedule: give exactly one of everySteps, everyShare, atSteps or atShares',
    ],
    [
      { kind: 'cosin' },
      'schedule.kind: must be one of constant, cosine, linear, inverse-sqrt, step, growth, not the text "cosin"; did you mean cosine?',
    ],
    [{ kind: 'cosine', stages: 3 }, 'schedule.stages: belongs to kind growth only'],
    [
      { kind: 'growth', warmUpSteps: 3 },
      'schedule.warmUpSteps: belongs to kind constant or kind cosine or kind linear or kind inverse-sqrt or kind step only',
    ],
    [{ kind: 'linear', final: 2 }, 'schedule.final: must be at most 1 (got 2)'],
    [
      { kind: 'constant', warmUpSteps: 20 },
      'schedule: the warm-up fills the run of batch size 16 (20 steps), which never trains at the peak learning rate',
    ],
    [
      { kind: 'growth', stages: 21 },
      'schedule.stages: there are more stages than steps in the run of batch size 16 (20 steps)',
    ],
    [{ kind: 'step', atSteps: [5, 20] }, 'schedule: a drop at step 20 is beyond the longest run (20 steps)'],
  ])('%j', (schedule, told) => {
    expect(check({ schedule })).toEqual([told]);
  });

  it('has neither problems nor warnings where all is well', () => {
    expect(
      check({
        schedule: { kind: 'cosine', warmUpShare: 0.1, final: 0.1 },
        gradientClipping: { kind: 'norm', limit: 1 },
      }),
    ).toEqual([]);
    expect(check({ gradientClipping: { kind: 'norm', limit: 0 } })).toEqual([
      'gradientClipping.limit: must be positive (got 0)',
    ]);
  });

  it('and clipping are refused for an external program', () => {
    expect(
      check({
        workload: { kind: 'external', command: ['train'] },
        optimizer: { kind: 'external', name: 'adam' },
        schedule: { kind: 'cosine' },
        gradientClipping: { kind: 'value', limit: 1 },
      }).map((problem) => problem.split(':')[0]),
    ).toEqual(['schedule', 'gradientClipping']);
  });
});

describe('schedules in words', () => {
  it.each([
    [{ kind: 'cosine', warmUpSteps: 100, final: 0.1 }, 'warm-up of 100 steps, then cosine decay to 10 %'],
    [{ kind: 'linear', warmUpShare: 0.05 }, 'warm-up of 5 % of the run, then linear decay to zero'],
    [{ kind: 'constant', warmUpSteps: 1 }, 'warm-up of 1 step, then constant'],
    [{ kind: 'inverse-sqrt' }, 'decay as 1/√step'],
    [{ kind: 'step', everySteps: 30 }, 'times 0.1 every 30 steps'],
    [{ kind: 'step', everyShare: 0.25 }, 'times 0.1 every 25 % of the run'],
    [{ kind: 'step', atSteps: [10, 20] }, 'times 0.1 at steps 10, 20'],
    [{ kind: 'step', atShares: [0.5, 0.75] }, 'times 0.1 at 50 %, 75 % of the run'],
    [{ kind: 'growth' }, 'growth from 10 % in 10 stages'],
  ])('%j', (written, words) => {
    expect(describeSchedule(scheduleSchema.parse(written))).toBe(words);
  });
});

describe('training options in words', () => {
  it('are a line each', () => {
    expect(describeTrainingOptions({})).toEqual([]);
    expect(
      describeTrainingOptions({
        schedule: scheduleSchema.parse({ kind: 'linear' }),
        gradientClipping: { kind: 'norm', limit: 2 },
        microBatch: 8,
      }),
    ).toEqual([
      'schedule: linear decay to zero; learning rates are its peak',
      'gradients are clipped by norm at 2',
      'at most 8 of a minibatch at once',
    ]);
  });
});
