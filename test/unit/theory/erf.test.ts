import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchAtLinearisationError, elementaryErf, erf, erfc } from '#shared/theory/erf.ts';
import { bisect, goldenSection } from '#shared/theory/numeric.ts';
import { integrate } from '#shared/theory/quadrature.ts';

/** [x, erf, erfc], rounded from 40-digit arithmetic. */
const VALUES: readonly (readonly [number, number, number])[] = [
  [1e-300, 1.1283791670955126e-300, 1],
  [1e-20, 1.1283791670955125e-20, 1],
  [3e-5, 3.385137500270997e-5, 0.9999661486249973],
  [0.2, 0.22270258921047847, 0.7772974107895215],
  [0.49999, 0.5204910899433182, 0.4795089100566818],
  [0.5, 0.5204998778130465, 0.4795001221869535],
  [0.75, 0.7111556336535151, 0.28884436634648486],
  [0.9999999, 0.842700751438961, 0.157299248561039],
  [1, 0.8427007929497149, 0.15729920705028513],
  [1.0000001, 0.8427008344604605, 0.15729916553953951],
  [1.25, 0.9229001282564583, 0.07709987174354177],
  [1.7, 0.9837904585907745, 0.01620954140922544],
  [2.3, 0.9988568234026434, 0.0011431765973566525],
  [3.14159, 0.9999911236987586, 8.876301241364415e-6],
  [4.4, 0.999999999510829, 4.891710270605872e-10],
  [5.9, 0.9999999999999999, 7.190409783550478e-17],
  [6.2831853, 1, 6.348192284982649e-19],
  [7.5, 1, 2.776649386030569e-26],
  [10, 1, 2.088487583762545e-45],
  [15.3, 1, 7.9765601254207e-104],
  [20, 1, 5.395865611607901e-176],
  [26, 1, 5.663192408856143e-296],
];

describe('erf and erfc', () => {
  it.each(VALUES)('at %d are right to 1e-14', (x, wanted, complement) => {
    expect(Math.abs(erf(x) / wanted - 1)).toBeLessThan(1e-14);
    expect(Math.abs(erfc(x) / complement - 1)).toBeLessThan(1e-14);
    expect(erf(-x)).toBe(-erf(x));
    expect(Math.abs(erfc(-x) - (1 + wanted))).toBeLessThan(4e-16);
  });
  it('agree with a direct integral of their definition', () => {
    const density = (t: number) => (2 / Math.sqrt(Math.PI)) * Math.exp(-t * t);
    for (let x = 0.05; x < 6; x += 0.173) {
      expect(Math.abs(erf(x) - integrate(density, 0, x))).toBeLessThan(1e-14);
      expect(Math.abs(erfc(x) / integrate(density, x, x + 6, 1e-300) - 1)).toBeLessThan(2e-14);
    }
  });
  it('have the right values at the ends of the axis', () => {
    expect([erf(0), erf(Infinity), erf(-Infinity), erf(NaN)]).toEqual([0, 1, -1, NaN]);
    expect([erfc(0), erfc(Infinity), erfc(-Infinity), erfc(NaN)]).toEqual([1, 0, 2, NaN]);
    expect(Object.is(erf(-0), -0)).toBe(true);
    expect(erfc(30)).toBe(0);
  });
  it('are monotone and complementary across their branches', () => {
    fc.assert(
      fc.property(fc.double({ min: -7, max: 7, noNaN: true }), (x) => {
        expect(Math.abs(erf(x) + erfc(x) - 1)).toBeLessThan(4e-16);
        const next = x + 1e-6;
        expect(erf(next)).toBeGreaterThanOrEqual(erf(x) - 3e-16);
      }),
    );
  });
  it('the elementary form is near, odd and saturates', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (x) => {
        expect(Math.abs(elementaryErf(x) - erf(x))).toBeLessThan(0.1079);
        expect(elementaryErf(-x)).toBe(-elementaryErf(x));
      }),
    );
    expect(elementaryErf(Infinity)).toBe(1);
  });
  it('the linearisation error is met at the batch size given', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 5, noNaN: true }), (error) => {
        const ratio = batchAtLinearisationError(error);
        // h = π/2 for r = 1, so that B = ratio·π/2.
        const batch = (ratio * Math.PI) / 2;
        const excess = Math.sqrt((2 * batch) / Math.PI) / erf(Math.sqrt(batch / 2)) - 1;
        expect(Math.abs(excess - error)).toBeLessThan(1e-13 + 1e-12 * error);
      }),
    );
    expect(() => batchAtLinearisationError(0)).toThrow(RangeError);
  });
});

describe('searches and integrals', () => {
  it('golden section finds a maximum, also at the end of a bracket', () => {
    expect(goldenSection((x) => -((x - 0.3) ** 2), -1, 2).at).toBeCloseTo(0.3, 7);
    expect(goldenSection((x) => x, 0, 1).at).toBeCloseTo(1, 8);
    expect(goldenSection((x) => -((x - 1e9 - 0.5) ** 2), 1e9, 1e9 + 1, 0).at).toBeCloseTo(1e9 + 0.5, 5);
  });
  it('bisection returns null without a change of sign', () => {
    expect(bisect((x) => x * x - 2, 0, 2)).toBeCloseTo(Math.SQRT2, 15);
    expect(bisect((x) => x * x + 1, -1, 1)).toBeNull();
    expect(bisect(() => NaN, 0, 1)).toBeNull();
    expect(bisect((x) => x, 0, 1)).toBe(0);
  });
  it('integrates sharp and oscillating functions, in both directions', () => {
    expect(integrate(Math.exp, 0, 1)).toBeCloseTo(Math.E - 1, 14);
    expect(integrate(Math.exp, 1, 0)).toBeCloseTo(1 - Math.E, 14);
    expect(integrate((x) => 1 / (1 + (1e4 * x) ** 2), -1, 1)).toBeCloseTo((2 * Math.atan(1e4)) / 1e4, 14);
    expect(integrate(Math.sin, 0, 0)).toBe(0);
  });
});
