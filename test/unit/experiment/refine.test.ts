import fc from 'fast-check';
import { expect, it } from 'vitest';
import { refinedRates } from '#shared/experiment/refine.ts';

it('places learning rates evenly in the logarithm around the optimum', () => {
  expect(refinedRates([], { around: 1e-2, factor: 2, points: 3 })).toEqual([0.005, 0.01, 0.02]);
  expect(refinedRates([], { around: 1e-2, factor: 2, points: 1 })).toEqual([0.01]);
});

it('leaves out what the grid has already', () => {
  expect(refinedRates([0.0100001, 0.05], { around: 1e-2, factor: 2, points: 3 })).toEqual([0.005, 0.02]);
});

it('stays in its window, ascending and off the known rates', () => {
  const rate = fc.double({ min: 1e-6, max: 10, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(rate),
      rate,
      fc.double({ min: 1.01, max: 100, noNaN: true }),
      fc.integer({ min: 1, max: 50 }),
      (known, around, factor, points) => {
        const added = refinedRates(known, { around, factor, points });
        expect(added.length).toBeLessThanOrEqual(points);
        added.forEach((value, i) => {
          expect(value).toBeGreaterThan((around / factor) * (1 - 1e-9));
          expect(value).toBeLessThan(around * factor * (1 + 1e-9));
          if (i > 0) expect(value).toBeGreaterThan(added[i - 1]);
          for (const other of known) expect(Math.abs(value / other - 1)).toBeGreaterThan(0.0099);
        });
      },
    ),
  );
});

it.each([
  [{ around: 0, factor: 2, points: 3 }, 'around'],
  [{ around: NaN, factor: 2, points: 3 }, 'around'],
  [{ around: 1, factor: 1, points: 3 }, 'factor'],
  [{ around: 1, factor: Infinity, points: 3 }, 'factor'],
  [{ around: 1, factor: 2, points: 0 }, 'points'],
  [{ around: 1, factor: 2, points: 1.5 }, 'points'],
])('names the argument that cannot be used: %j', (refinement, name) => {
  expect(() => refinedRates([], refinement)).toThrow(new RegExp(`^${name} must be`));
});
