/** Domains that change in steps, so that an axis stands still while the data move a little. */

const LADDER = [1, 1.5, 2, 3, 4, 5, 6, 8];

/** The nearest value of 1, 1.5, 2, 3, 4, 5, 6, 8 × 10ⁿ at or beyond a positive number. */
export function niceBeyond(value: number, direction: 'below' | 'above'): number {
  const exponent = Math.floor(Math.log10(value));
  const steps = [...LADDER.map((digit) => Number(`${digit}e${exponent}`)), Number(`1e${exponent + 1}`)];
  // A power of ten may come out of the logarithm as just below itself.
  const slack = 1e-9 * value;
  if (direction === 'above') return steps.find((step) => step >= value - slack) ?? value;
  return steps.findLast((step) => step <= value + slack) ?? value;
}

/** A logarithmic domain of nice ends around positive values; null without any. */
export function niceLogDomain(values: Iterable<number>): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!(value > 0) || value === Infinity) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return null;
  const ends: [number, number] = [niceBeyond(low, 'below'), niceBeyond(high, 'above')];
  return ends[0] < ends[1] ? ends : [niceBeyond(low * 0.8, 'below'), niceBeyond(high * 1.25, 'above')];
}
