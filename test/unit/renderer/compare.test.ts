import { describe, expect, it } from 'vitest';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import type { ExperimentDetail } from '#shared/api/types.ts';
import { specificationSchema } from '#shared/experiment/specification.ts';
import { lossDifferences, rateRatios, seedsMatch } from '#renderer/compare/differences.ts';
import { labelsOf, settingRows } from '#renderer/compare/settings.ts';
import { sharedStops } from '#renderer/compare/stops.ts';
import { placeOfStop } from '#renderer/watch/model/stops.ts';
import { syntheticCurves } from '../../support/synthetic-curves.ts';

const step = { kind: 'equal-steps', step: 20 } as const;

function curvesWith(
  factor: number,
  options: { seeds?: number; marks?: number[]; extra?: number } = {},
): CurveSet {
  return syntheticCurves({
    batchSizes: [1, 2, 4, 8],
    learningRates: Array.from({ length: 12 }, (_, i) => 1e-4 * 2 ** i),
    seeds: options.seeds ?? 8,
    marks: options.marks ?? [1, 5, 20],
    optimum: () => 2e-3 * factor,
    noise: 0.4,
    offset: (seed) => 0.3 * Math.sin(5 * seed),
    floor: (_, at) => 2 / (1 + at / 50) + (options.extra ?? 0),
    randomSeed: 3,
  });
}

describe('differences', () => {
  const base = curvesWith(1);
  const other = curvesWith(2, { extra: -0.1 });
  const [one, two] = [ridgeOf(base, step), ridgeOf(other, step)];

  it('are ratios of optimal learning rates, and pairing removes what seeds share', () => {
    const ratios = rateRatios(one, two, true);
    expect(ratios.map(({ batchSize }) => batchSize)).toEqual([1, 2, 4, 8]);
    for (const [i, { value, interval, seeds }] of ratios.entries()) {
      // The seeds' own shifts are the same in both, and so gone from the ratio.
      expect(value).toBeCloseTo(2, 6);
      expect(interval!.low).toBeCloseTo(2, 6);
      expect(interval!.high).toBeCloseTo(2, 6);
      expect(seeds).toBe(8);
      expect(one.points[i].interval!.high / one.points[i].interval!.low).toBeGreaterThan(1.1);
    }
  });

  it('have no interval without pairs', () => {
    const fewer = curvesWith(2, { seeds: 4 });
    expect(seedsMatch(base, fewer)).toBe(false);
    expect(seedsMatch(base, other)).toBe(true);
    for (const { interval } of rateRatios(one, ridgeOf(fewer, step), false)) expect(interval).toBeNull();
  });

  it('of losses are paired too: the offsets of the seeds cancel', () => {
    const list = lossDifferences({ curves: base, ridge: one }, { curves: other, ridge: two }, step, true);
    expect(list).toHaveLength(4);
    for (const { value, interval, seeds } of list) {
      expect(seeds).toBe(8);
      expect(value).toBeCloseTo(-0.1, 1);
      expect(interval!.low).toBeLessThanOrEqual(value);
      expect(interval!.high).toBeGreaterThanOrEqual(value);
      // Unpaired the offsets alone would give a width of 0.2.
      expect(interval!.high - interval!.low).toBeLessThan(0.1);
    }
  });

  it('are left out where one side has nothing, and have no interval from two seeds', () => {
    const half = { ...other, recorded: other.recorded.slice() };
    half.recorded.fill(0, 0, 12 * 8);
    const ridge = ridgeOf(half, step);
    expect(rateRatios(one, ridge, true).map(({ batchSize }) => batchSize)).toEqual([2, 4, 8]);
    expect(
      lossDifferences({ curves: base, ridge: one }, { curves: half, ridge }, step, true).map(
        (d) => d.batchSize,
      ),
    ).toEqual([2, 4, 8]);
    const two2 = curvesWith(1, { seeds: 2 });
    const few = ridgeOf(two2, step);
    for (const { interval } of lossDifferences(
      { curves: two2, ridge: few },
      { curves: two2, ridge: few },
      step,
      true,
    ))
      expect(interval).toBeNull();
  });
});

describe('stops of several experiments', () => {
  it('are those of all of them, where two have something', () => {
    const short = curvesWith(1, { marks: [1, 5, 20] });
    const long = curvesWith(1, { marks: [2, 5, 50, 100] });
    const longer = curvesWith(1, { marks: [5, 50, 70] });
    expect(sharedStops([short], 'equal-steps').map(placeOfStop)).toEqual([1, 5, 20]);
    expect(sharedStops([short, long], 'equal-steps').map(placeOfStop)).toEqual([2, 5, 20]);
    expect(sharedStops([short, long, longer], 'equal-steps').map(placeOfStop)).toEqual([2, 5, 20, 50, 70]);
    expect(sharedStops([], 'equal-steps')).toEqual([]);
  });

  it('are descending for losses and at most 200', () => {
    const marks = Array.from({ length: 400 }, (_, i) => i + 1);
    const many = curvesWith(1, { marks, seeds: 1 });
    const places = sharedStops([many, many], 'equal-steps').map(placeOfStop);
    expect(places).toHaveLength(200);
    expect([places[0], places.at(-1)]).toEqual([1, 400]);
    const losses = sharedStops([many, curvesWith(2, { marks, seeds: 1, extra: 0.1 })], 'equal-loss').map(
      placeOfStop,
    );
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(losses.length).toBeGreaterThan(10);
  });
});

function detail(name: string, key: string, change: Record<string, unknown>): ExperimentDetail {
  const specification = specificationSchema.parse({
    name,
    workload: { kind: 'mlp' },
    optimizer: { kind: 'adam' },
    learningRates: { list: [1e-3, 2e-3] },
    batchSizes: { list: [1, 2] },
    length: { steps: 10 },
    ...change,
  });
  return {
    key,
    name,
    state: 'complete',
    reason: '',
    createdAt: 0,
    archived: false,
    notes: '',
    tags: [],
    workload: 'mlp',
    optimizer: 'adam',
    batchUnit: 'samples',
    cells: 4,
    counts: { planned: 0, running: 0, done: 4, diverged: 0, 'out-of-memory': 0, interrupted: 0, failed: 0 },
    thumbnail: null,
    specification,
    text: '',
    imported: null,
    hasCurves: true,
    metrics: ['evaluationLoss'],
    events: [],
  };
}

describe('settings', () => {
  it('that differ come first, and label the legend', () => {
    const details = [
      detail('one', 'aaaa', { optimizer: { kind: 'adam', beta1: 0 } }),
      detail('two', 'bbbb', { optimizer: { kind: 'adam', beta1: 0.9 } }),
    ];
    const rows = settingRows(details);
    expect(rows[0]).toEqual({ field: 'optimizer.beta1', values: ['0', '0.9'], differs: true });
    expect(rows.slice(1).every((row) => !row.differs)).toBe(true);
    expect(rows.map(({ field }) => field)).not.toContain('name');
    expect(labelsOf(details)).toEqual(['beta1 0', 'beta1 0.9']);
  });

  it('label by names where nothing varies, and tell equal names apart', () => {
    expect(labelsOf([detail('one', 'aaaa', {}), detail('two', 'bbbb', {})])).toEqual(['one', 'two']);
    expect(labelsOf([detail('same', 'aaaa', {}), detail('same', 'bbbb', {})])).toEqual([
      'same (aaaa)',
      'same (bbbb)',
    ]);
  });

  it('show learning rates with significant digits and mark what one side does not have', () => {
    const rows = settingRows([
      detail('one', 'aaaa', {}),
      detail('two', 'bbbb', { optimizer: { kind: 'sign' }, learningRates: { list: [3e-4] } }),
    ]);
    const of = (field: string) => rows.find((row) => row.field === field)?.values;
    expect(of('learningRates.list')).toEqual(['1e-3, 2e-3', '3e-4']);
    expect(of('optimizer.beta1')).toEqual(['0.9', '']);
    expect(of('optimizer.kind')).toEqual(['adam', 'sign']);
  });
});
