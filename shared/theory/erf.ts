/**
 * Error function in double precision, relative error below 1e-14 on the whole axis.
 *
 * |x| < 1: erf(x) = 2x/√π · e^(−x²) · Σ (2x²)^n/(2n+1)!!, all terms positive.
 * Elsewhere erfc by the trapezoidal rule for its integral over e^(−t²)/(t² + x²) with the residue of the pole at t = ix
 * subtracted (Goodwin 1949; Matta and Reichel, Math. Comp. 25, 1971): with spacing 1/2 the rule's own error is e^(−4π²).
 */
import { bisect, goldenSection } from './numeric.ts';

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);
const SPACING = 0.5;
/** e^(−n²h²) for n = 1 … 13; the next one is below 1e-21. */
const WEIGHTS = Float64Array.from({ length: 13 }, (_, i) => Math.exp(-(((i + 1) * SPACING) ** 2)));
/** erfc is below the smallest double from here on. */
const UNDERFLOW = 27.3;

/** e^(−x²) without the error that rounding x² would bring for large x. */
function gaussian(x: number): number {
  // 24 bits of x have an exact square.
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
}

function series(x: number): number {
  const factor = 2 * x * x;
  let term = 1;
  let sum = 1;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= factor / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_ROOT_PI * x * Math.exp(-x * x) * sum;
}

/** erfc for x >= 0.5. */
function tail(x: number): number {
  if (x > UNDERFLOW) return 0;
  const square = x * x;
  let sum = 0;
  for (let n = WEIGHTS.length; n >= 1; n--) sum += WEIGHTS[n - 1] / ((n * SPACING) ** 2 + square);
  const rule = ((SPACING * x * gaussian(x)) / Math.PI) * (1 / square + 2 * sum);
  // Beyond π/h the pole is further off the axis than the rule looks; its residue would then exceed erfc itself.
  return x < Math.PI / SPACING ? rule - 2 / Math.expm1((2 * Math.PI * x) / SPACING) : rule;
}

/** Error function: odd, erf(±Infinity) = ±1, NaN for NaN. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size >= 1)) return series(x);
  return Math.sign(x) * (1 - tail(size));
}

/** Complementary error function 1 − erf(x), without cancellation for large x. */
export function erfc(x: number): number {
  return x >= 0.5 ? tail(x) : 1 - erf(x);
}

/**
 * Elementary stand-in x/√(x² + π/4) for erf(x) (arXiv 2405.14578, after equation 9), off by up to 0.108. For display
 * and for showing why a formula looks as it does, never for reference values.
 */
export function elementaryErf(x: number): number {
  return Math.abs(x) === Infinity ? Math.sign(x) : x / Math.hypot(x, Math.sqrt(Math.PI) / 2);
}

/** Largest distance between erf and its elementary stand-in, and the argument where it occurs. */
export function elementaryErfError(): { readonly error: number; readonly at: number } {
  const { at, value } = goldenSection((x) => erf(x) - elementaryErf(x), 0.5, 3, 1e-9);
  return { error: value, at };
}

/**
 * Batch size, as a multiple of the regime bound h = π sigma²/(2 mu²), at which the small-batch form √(2B/π)·r of the
 * mean sign is too large by the relative `error`: B/h = 4x²/π where 2x/√π = (1 + error) erf(x), x = √(B/2)·r.
 */
export function batchAtLinearisationError(error: number): number {
  if (!(error >= 1e-9 && Number.isFinite(error)))
    throw new RangeError(`The linearisation error must be a number of at least 1e-9, not ${error}.`);
  const excess = (x: number) => (TWO_OVER_ROOT_PI * x) / erf(x) - 1 - error;
  // The excess is at most 2x/√π − 1 once erf is 1, and about x²/3 near 0.
  const x = bisect(excess, Math.min(1e-3, Math.sqrt(error)), 2 + error)!;
  return (4 * x * x) / Math.PI;
}
