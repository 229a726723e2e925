import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { debiasedAverage } from '#shared/analysis/smoothing.ts';
import { spreadMarks, spreadPlaces } from '#shared/analysis/spread-marks.ts';

describe('debiased average', () => {
  it('leaves a constant as it is from the first step on, at any spacing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0.1, max: 1e3, noNaN: true }),
        (gaps, halfLife) => {
          let step = 0;
          const steps = gaps.map((gap) => (step += gap));
          for (const value of debiasedAverage(steps, new Array<number>(steps.length).fill(2.5), halfLife))
            expect(value).toBeCloseTo(2.5, 10);
        },
      ),
    );
  });

  it('is the bias-corrected average of Adam at every step', () => {
    const beta = 0.9;
    const values = [3, 1, 4, 1, 5, 9, 2, 6];
    let moment = 0;
    const wanted = values.map((value, i) => {
      moment = beta * moment + (1 - beta) * value;
      return moment / (1 - beta ** (i + 1));
    });
    const found = debiasedAverage(
      values.map((_, i) => i + 1),
      values,
      Math.log(0.5) / Math.log(beta),
    );
    found.forEach((value, i) => expect(value).toBeCloseTo(wanted[i], 12));
  });

  it('ends where a value is not finite, and refuses a half-life that is not positive', () => {
    expect(debiasedAverage([1, 2, 3], [1, NaN, 1], 2).map(Number.isNaN)).toEqual([false, true, true]);
    expect(() => debiasedAverage([1], [1], 0)).toThrow('halfLife');
    expect(debiasedAverage([], [], 1)).toEqual([]);
  });
});

describe('spread marks', () => {
  it('are shared by all batch sizes, ascending, with the last one', () => {
    const marks = [
      [1, 2, 5, 10, 20, 50, 100],
      [1, 5, 10, 50, 100, 200],
    ];
    expect(spreadMarks({ marks }, 4)).toEqual([5, 10, 50, 100]);
    expect(spreadMarks({ marks: [[1], [2]] }, 4)).toEqual([]);
    expect(spreadMarks({ marks: [] }, 4)).toEqual([]);
  });

  it('spread places keep first and last', () => {
    expect(spreadPlaces(3, 6)).toEqual([0, 1, 2]);
    expect(spreadPlaces(60, 6)).toEqual([0, 12, 24, 35, 47, 59]);
    expect(spreadPlaces(0, 6)).toEqual([]);
  });
});
