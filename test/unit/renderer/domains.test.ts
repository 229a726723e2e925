import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { niceLogDomain, roundBeyond } from '#renderer/charts/domains.ts';

describe('domains', () => {
  it('contain their values and leave at most a quarter empty', () => {
    const positive = fc.double({ min: 1e-12, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(fc.array(positive, { minLength: 2, maxLength: 20 }), (values) => {
        const domain = niceLogDomain(values);
        const [low, high] = [Math.min(...values), Math.max(...values)];
        expect(domain![0]).toBeLessThanOrEqual(low * (1 + 1e-9));
        expect(domain![1]).toBeGreaterThanOrEqual(high * (1 - 1e-9));
        expect(domain![1]).toBeGreaterThan(domain![0]);
        if (high > 1.001 * low)
          expect(Math.log(high / low) / Math.log(domain![1] / domain![0])).toBeGreaterThan(0.74);
      }),
    );
  });

  it('have an extent where values differ by rounding only', () => {
    const domain = niceLogDomain([1e-12, 1.0000000000000002e-12]);
    expect(domain![1]).toBeGreaterThan(1.1 * domain![0]);
  });

  it('stand still while values move a little', () => {
    expect(niceLogDomain([0.21, 1.93])).toEqual(niceLogDomain([0.205, 1.97]));
  });

  it('leave out what has no logarithm', () => {
    expect(niceLogDomain([NaN, 0, -3, Infinity])).toBeNull();
    expect(niceLogDomain([NaN, 2, 0])).toEqual([1.6, 2.5]);
  });

  it('round to significant digits', () => {
    expect(roundBeyond(0.0234, 1, 'below')).toBe(0.02);
    expect(roundBeyond(0.0234, 2, 'above')).toBe(0.024);
    expect(roundBeyond(0.3, 1, 'above')).toBe(0.3);
    expect(roundBeyond(0.3, 1, 'below')).toBe(0.3);
    expect(roundBeyond(9.6, 1, 'above')).toBe(10);
  });
});
