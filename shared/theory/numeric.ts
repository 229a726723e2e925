/** One-dimensional searches: a maximum by golden section, a root by bisection. */

/** 1/φ, the share of the bracket that golden section keeps. */
const KEPT = (Math.sqrt(5) - 1) / 2;

export interface Located {
  readonly at: number;
  readonly value: number;
}

/** Maximum of a function with one hump between `lower` and `upper`, to `tolerance` in its argument. */
export function goldenSection(
  f: (x: number) => number,
  lower: number,
  upper: number,
  tolerance = 1e-10,
): Located {
  let [a, b] = [lower, upper];
  let c = b - KEPT * (b - a);
  let d = a + KEPT * (b - a);
  let [fc, fd] = [f(c), f(d)];
  while (b - a > tolerance) {
    if (fc >= fd) {
      [b, d, fd] = [d, c, fc];
      c = b - KEPT * (b - a);
      // Once the bracket is as narrow as rounding, the inner points no longer move.
      if (!(c > a && c < d)) break;
      fc = f(c);
    } else {
      [a, c, fc] = [c, d, fd];
      d = a + KEPT * (b - a);
      if (!(d > c && d < b)) break;
      fd = f(d);
    }
  }
  return fc >= fd ? { at: c, value: fc } : { at: d, value: fd };
}

/**
 * Root of a function that changes sign between `lower` and `upper`, to the last bit that bisection can give; null when
 * it has the same sign at both ends.
 */
export function bisect(f: (x: number) => number, lower: number, upper: number): number | null {
  let [a, b] = [lower, upper];
  const left = f(a);
  if (left === 0) return a;
  const right = f(b);
  if (right === 0) return b;
  if (!(left < 0 !== right < 0) || Number.isNaN(left) || Number.isNaN(right)) return null;
  for (;;) {
    const middle = a + (b - a) / 2;
    if (middle <= a || middle >= b) return middle;
    const value = f(middle);
    if (value === 0) return middle;
    if (value < 0 === left < 0) a = middle;
    else b = middle;
  }
}
