/** Domains that change in steps, so that an axis stands still while the data move a little. */

/** The nearest number of so many significant digits at or beyond a positive number. */
export function roundBeyond(value: number, digits: number, direction: 'below' | 'above'): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - digits + 1);
  // What is a whole number of units already must not be taken for a hair more.
  const units = value / unit;
  const whole = Math.round(units);
  const steps =
    Math.abs(units - whole) < 1e-9 * units
      ? whole
      : direction === 'above'
        ? Math.ceil(units)
        : Math.floor(units);
  return Number((steps * unit).toPrecision(digits + 1));
}

/** Most of the axis that the round ends may leave empty. */
const WASTE = 0.25;
const MOST_DIGITS = 6;

/** A logarithmic domain of ends as round as the values allow; null without positive values. */
export function niceLogDomain(values: Iterable<number>): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!(value > 0) || value === Infinity) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return null;
  // Numbers that differ by rounding only would have an axis without extent.
  if (high <= low * (1 + 1e-9)) return [low * 0.8, high * 1.25];
  for (let digits = 1; digits <= MOST_DIGITS; digits++) {
    const ends: [number, number] = [roundBeyond(low, digits, 'below'), roundBeyond(high, digits, 'above')];
    if (!(ends[0] > 0)) continue;
    if (Math.log(high / low) >= (1 - WASTE) * Math.log(ends[1] / ends[0])) return ends;
  }
  return [low, high];
}
