import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOutSchedule } from '#shared/theory/schedules.ts';
import type { ScheduleSpecification } from '#shared/theory/schedules.ts';

const BASE: ScheduleSpecification = {
  epochs: 12,
  examples: 1000,
  interval: 3,
  batch: { kind: 'exponential', start: 8, factor: 2 },
  learningRate: { kind: 'growth', start: 0.1, max: 0.4 },
};

describe('growth schedules', () => {
  it('counts steps and gradient evaluations', () => {
    const schedule = layOutSchedule(BASE);
    expect(schedule.epochs.map(({ batchSize }) => batchSize)).toEqual([
      8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64,
    ]);
    expect(schedule.totalSteps).toBe(3 * (125 + 63 + 32 + 16));
    expect(schedule.totalEvaluations).toBe(3 * (125 * 8 + 63 * 16 + 32 * 32 + 16 * 64));
    expect(schedule.epochs[11].evaluationsBefore).toBe(schedule.totalEvaluations - 16 * 64);
    expect(schedule.gamma).toBeCloseTo(4 ** (1 / 3), 12);
    expect(schedule.gammaBelowRootDelta).toBe(false);
    expect(schedule.epochs[11].learningRate).toBeCloseTo(0.4, 12);
  });
  it('the learning rate at a step is the one of its epoch, and per-step decays change within it', () => {
    const grown = layOutSchedule(BASE);
    const linear = layOutSchedule({ ...BASE, learningRate: { kind: 'linear', start: 1 } });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: grown.totalSteps - 1 }), (step) => {
        const epoch = grown.epochs.findLast(({ stepsBefore }) => stepsBefore <= step)!;
        expect(grown.learningRateAt(step)).toBe(epoch.learningRate);
        expect(linear.learningRateAt(step)).toBeCloseTo(1 - step / linear.totalSteps, 14);
      }),
    );
    for (const step of [-1, 0.5, grown.totalSteps, NaN])
      expect(() => grown.learningRateAt(step)).toThrow('outside');
  });
  it('a capped batch ends at its cap and never passes it; a linear one grows by its increment', () => {
    const capped = layOutSchedule({ ...BASE, batch: { kind: 'exponential', start: 8, factor: 3, cap: 100 } });
    const sizes = capped.epochs.map(({ batchSize }) => batchSize);
    expect([sizes[0], sizes[11], Math.max(...sizes)]).toEqual([8, 100, 100]);
    const linear = layOutSchedule({ ...BASE, batch: { kind: 'linear', start: 5, increment: 10 } });
    expect(linear.epochs.map(({ batchSize }) => batchSize).filter((_, i) => i % 3 === 0)).toEqual([
      5, 15, 25, 35,
    ]);
    expect(linear.gammaBelowRootDelta).toBeNull();
  });
  it.each([
    [{ epochs: 0 }, 'epochs'],
    [{ examples: 1.5 }, 'examples'],
    [{ interval: NaN }, 'interval'],
    [{ interval: 12 }, 'shorter than epochs'],
    [{ batch: { kind: 'constant', start: 0 } }, 'batch.start'],
    [{ batch: { kind: 'exponential', start: 8, factor: -2 } }, 'batch.factor'],
    [{ batch: { kind: 'exponential', start: 8, factor: 2, cap: 4 } }, 'batch.cap'],
    [{ batch: { kind: 'linear', start: 8, increment: -1 } }, 'batch.increment'],
    [{ learningRate: { kind: 'constant', start: -1 } }, 'learningRate.start'],
    [{ learningRate: { kind: 'growth', start: 1, max: 2, factor: 1 } }, 'learningRate.factor'],
    [{ learningRate: { kind: 'growth', start: 1, max: Infinity } }, 'learningRate.max'],
    [
      {
        learningRate: {
          kind: 'warmup',
          start: 1,
          max: 2,
          warmupEpochs: 3,
          warmupInterval: 3,
          then: 'constant',
        },
      },
      'warmupInterval < warmupEpochs',
    ],
  ])('refuses %j and names the field', (change, message) => {
    expect(() => layOutSchedule({ ...BASE, ...(change as Partial<ScheduleSpecification>) })).toThrow(message);
  });
});
