import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axisValues, geometricMarks } from '#shared/experiment/axis.ts';
import type { AxisKind } from '#shared/experiment/axis.ts';
import type { AxisSpecification } from '#shared/experiment/specification.ts';
import { ranges } from './specifications.ts';

function axis(part: Partial<AxisSpecification>, kind: AxisKind = 'learningRates') {
  return axisValues({ extra: [], ...part }, kind);
}
const rates = (part: Partial<AxisSpecification>) => axis(part).values;
const sizes = (part: Partial<AxisSpecification>) => axis(part, 'batchSizes').values;
const problem = (part: Partial<AxisSpecification>, kind?: AxisKind) => {
  const { problems } = axis(part, kind);
  return problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
};

describe('generated axes', () => {
  it('spaces logarithmically by points per decade', () => {
    expect(rates({ log: { from: 1e-4, to: 1e-2, perDecade: 2 } })).toEqual([
      1e-4, 0.000316227766017, 1e-3, 0.00316227766017, 1e-2,
    ]);
  });

  it('spaces logarithmically by count', () => {
    const values = rates({ log: { from: 3e-4, to: 3e-2, count: 24 } });
    expect(values).toHaveLength(24);
    expect([values[0], values[23]]).toEqual([3e-4, 3e-2]);
  });

  it('keeps both ends as written where points per decade do not divide the range', () => {
    const values = rates({ log: { from: 2e-4, to: 0.123456789012345678, perDecade: 3 } });
    expect([values[0], values.at(-1)]).toEqual([2e-4, 0.123456789012345678]);
    expect(values).toHaveLength(9);
  });

  it('gives both ends for a range shorter than one spacing', () => {
    expect(rates({ log: { from: 1, to: 1.1, perDecade: 1 } })).toEqual([1, 1.1]);
  });

  it('includes the end of a linear range by step in spite of rounding', () => {
    expect(rates({ linear: { from: 1e-4, to: 1e-3, step: 1e-4 } })).toEqual([
      0.0001, 0.0002, 0.0003, 0.0004, 0.0005, 0.0006, 0.0007, 0.0008, 0.0009, 0.001,
    ]);
    expect(rates({ linear: { from: 1e-5, to: 1.09e-3, step: 1.2e-4 } }).at(-1)).toBe(1.09e-3);
  });

  it('stops before an end that the step misses', () => {
    expect(sizes({ linear: { from: 192, to: 12_000, step: 1200 } }).at(-1)).toBe(10_992);
  });

  it('rounds batch sizes to whole numbers, merges equal ones and says so', () => {
    const { values, warnings } = axis({ log: { from: 1, to: 8, count: 10 } }, 'batchSizes');
    expect(values).toEqual([1, 2, 3, 4, 5, 6, 8]);
    expect(warnings).toEqual(['batchSizes.log: 7 of 10 values are left after rounding to whole numbers']);
  });

  it('gives powers of two', () => {
    expect(sizes({ log: { from: 1, to: 512, count: 10 } })).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
  });

  it('adds extra values in their place', () => {
    expect(rates({ log: { from: 1e-3, to: 1e-1, count: 3 }, extra: [1, 5e-3] })).toEqual([
      1e-3, 5e-3, 1e-2, 1e-1, 1,
    ]);
  });

  it('spans single precision', () => {
    const values = rates({ log: { from: 2e-38, to: 3e38, count: 5 } });
    expect(values).toHaveLength(5);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  for (const kind of ['learningRates', 'batchSizes'] as const)
    it(`ascends strictly between the ends, for ${kind}`, () => {
      fc.assert(
        fc.property(ranges(kind), (part) => {
          const { values, problems } = axis(part, kind);
          expect(problems).toEqual([]);
          const range = 'log' in part ? part.log : part.linear;
          expect(values[0]).toBe(range.from);
          expect(values.at(-1)).toBeLessThanOrEqual(range.to);
          if (!('step' in range)) expect(values.at(-1)).toBe(range.to);
          else
            expect(values.at(-1)).toBeGreaterThan(
              range.to - 1.001 * range.step - (kind === 'batchSizes' ? 1 : 0),
            );
          for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThan(values[i - 1]);
          if (kind === 'batchSizes') expect(values.every(Number.isSafeInteger)).toBe(true);
          else for (const value of values.slice(1, -1)) expect(Number(value.toPrecision(12))).toBe(value);
        }),
      );
    });
});

describe('axes that cannot be used', () => {
  it.each<[string, Partial<AxisSpecification>, AxisKind, RegExp]>([
    [
      'from above to',
      { log: { from: 1, to: 0.1, count: 3 } },
      'learningRates',
      /^learningRates\.log\.from: must not be above to \(from is 1, to is 0\.1\)$/,
    ],
    [
      'count 1 with two ends',
      { log: { from: 1, to: 2, count: 1 } },
      'learningRates',
      /^learningRates\.log\.count: gives one value only/,
    ],
    [
      'several values in one place',
      { linear: { from: 2, to: 2, count: 3 } },
      'batchSizes',
      /^batchSizes\.linear\.count: asks for 3 values, but from \(2\) and to \(2\) are the same$/,
    ],
    [
      'a step above the range',
      { linear: { from: 1, to: 2, step: 5 } },
      'learningRates',
      /^learningRates\.linear\.step: gives one value only/,
    ],
    [
      '1e308 values by a tiny step',
      { linear: { from: 1e-4, to: 1, step: 1e-308 } },
      'learningRates',
      /^learningRates\.linear\.step: would give 1\.0e\+308 values; at most 10,000/,
    ],
    [
      'infinitely many values',
      { linear: { from: 1e-4, to: 1e30, step: 5e-324 } },
      'learningRates',
      /^learningRates\.linear\.step: would give Infinity values/,
    ],
    [
      'too many points per decade',
      { log: { from: 1e-30, to: 1e30, perDecade: 1000 } },
      'learningRates',
      /^learningRates\.log\.perDecade: would give 6\.0e\+4 values/,
    ],
    [
      'a rate that single precision makes zero',
      { log: { from: 1e-60, to: 1, count: 3 } },
      'learningRates',
      /^learningRates\.log\.from: must lie within single precision, 1\.2e-38 to 3\.4e\+38 \(got 1e-60\)$/,
    ],
    [
      'a rate that single precision makes infinite',
      { list: [1, 1e39] },
      'learningRates',
      /^learningRates\.list\.1: must lie within single precision/,
    ],
    [
      'part of an example',
      { log: { from: 0.5, to: 4, count: 3 } },
      'batchSizes',
      /^batchSizes\.log\.from: must be a whole number, 1 or more \(got 0\.5\)$/,
    ],
    [
      'a batch size that cannot be counted',
      { linear: { from: 1, to: 1e308, count: 3 } },
      'batchSizes',
      /^batchSizes\.linear\.to: must be a whole number/,
    ],
    [
      'a repeated batch size',
      { list: [4, 2, 4] },
      'batchSizes',
      /^batchSizes\.list\.2: 4 is on the axis twice$/,
    ],
    [
      'a repeated learning rate in other words',
      { list: [1e-3, 0.0010000000000001] },
      'learningRates',
      /^learningRates\.list\.1: 0\.0010000000000001 is on the axis twice$/,
    ],
    [
      'an extra value that the range has',
      { log: { from: 1e-3, to: 1e-1, count: 3 }, extra: [1e-2] },
      'learningRates',
      /^learningRates\.extra\.0: 0\.01 is on the axis twice$/,
    ],
    ['nothing at all', {}, 'learningRates', /^learningRates: the axis is empty$/],
  ])('%s', (_, part, kind, message) => {
    expect(problem(part, kind)).toMatch(message);
  });

  it('tells every repetition, wherever it stands', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 12 }), (list) => {
        const { problems } = axis({ list }, 'batchSizes');
        expect(problems).toHaveLength(list.length - new Set(list).size);
        for (const { path } of problems) {
          const i = path[2] as number;
          expect(list.indexOf(list[i])).toBeLessThan(i);
        }
      }),
    );
  });
});

describe('geometric marks', () => {
  it('are 1, 2, 5, … at three a decade', () => {
    expect(geometricMarks(3, 1000)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]);
  });
  it('are rounded powers at other densities', () => {
    expect(geometricMarks(4, 100)).toEqual([1, 2, 3, 6, 10, 18, 32, 56, 100]);
    expect(geometricMarks(1, 1e9)).toHaveLength(10);
  });
  it('are none at density 0', () => expect(geometricMarks(0, 1000)).toEqual([]));
  it('ascend and end at the last step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 1e9 }), (perDecade, last) => {
        const marks = geometricMarks(perDecade, last);
        expect(marks[0]).toBe(1);
        expect(marks.at(-1)).toBeLessThanOrEqual(last);
        for (let i = 1; i < marks.length; i++) expect(marks[i]).toBeGreaterThan(marks[i - 1]);
      }),
    );
  });
});
