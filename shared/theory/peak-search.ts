/**
 * Search for the peak of a law of the optimal learning rate in ln B. A law need not have a peak, whatever its
 * small-batch form says; then the answer is that there is none.
 */
import type { LocalLaw } from './lemma1.ts';
import { bisect, goldenSection } from './numeric.ts';
import type { NoisyQuadratic } from './quadratic.ts';
import { exactSignLaw, plateau, signQuantities, smallBatchLaw } from './sign-descent.ts';

export interface Extremum {
  readonly type: 'max' | 'min';
  readonly batchSize: number;
  readonly learningRate: number;
}

export interface Peak {
  readonly batchSize: number;
  readonly learningRate: number;
  /** eps_peak/eps_inf − 1: how far the peak stands above the plateau; null without a plateau. Negative below it. */
  readonly prominence: number | null;
}

export interface PeakSearch {
  /** Batch sizes searched. */
  readonly range: readonly [number, number];
  /** All extrema, ascending in batch size. */
  readonly extrema: readonly Extremum[];
  /** All maxima, ascending in batch size. */
  readonly peaks: readonly Peak[];
  /** The highest maximum, or null: no peak. */
  readonly peak: Peak | null;
  /** Smallest batch size of the search without a finite optimum (curvature not positive); null when there is none. */
  readonly undefinedFrom: number | null;
}

/** Grid spacing in ln B. Each coordinate's transition is several units wide, so that no hump falls between points. */
const SPACING = 0.04;
/** Relative changes below this are rounding of the flat plateau, not extrema. */
const ROUNDING = 1e-12;

interface Turn {
  readonly index: number;
  readonly type: 'max' | 'min';
}

/** Turning points of a sequence: a change counts once it exceeds rounding. */
function turningPoints(values: readonly number[]): Turn[] {
  const turns: Turn[] = [];
  let highest = 0;
  let lowest = 0;
  let direction = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[highest]) highest = i;
    if (values[i] < values[lowest]) lowest = i;
    const tolerance = ROUNDING * Math.abs(values[i]);
    if (direction >= 0 && values[highest] - values[i] > tolerance) {
      if (direction > 0) turns.push({ index: highest, type: 'max' });
      direction = -1;
      lowest = i;
      highest = i;
    } else if (direction <= 0 && values[i] - values[lowest] > tolerance) {
      if (direction < 0) turns.push({ index: lowest, type: 'min' });
      direction = 1;
      lowest = i;
      highest = i;
    }
  }
  return turns;
}

/** Finds every extremum of a law between two batch sizes, and the highest maximum if there is one. */
export function searchPeak(
  law: LocalLaw,
  range: readonly [number, number],
  epsInf: number | null,
): PeakSearch {
  const [lower, upper] = range;
  if (!(lower > 0 && upper > lower && Number.isFinite(upper)))
    throw new RangeError(
      `The range of the peak search must be two ascending batch sizes, not ${lower} to ${upper}.`,
    );
  const first = Math.log(lower);
  const last = Math.log(upper);
  const count = Math.max(100, Math.ceil((last - first) / SPACING));
  const at = (i: number) => (first * (count - i) + last * i) / count;
  const value = (lnBatch: number) => law(Math.exp(lnBatch)).learningRate;
  const extrema: Extremum[] = [];
  let undefinedFrom: number | null = null;
  // Beside a batch size without a finite optimum the law is unbounded, so stretches are searched one by one.
  let start = 0;
  let stretch: number[] = [];
  const finish = () => {
    for (const { index, type } of turningPoints(stretch)) {
      const sign = type === 'max' ? 1 : -1;
      const best = goldenSection(
        (x) => sign * (value(x) ?? NaN),
        at(start + index - 1),
        at(start + index + 1),
      );
      extrema.push({ type, batchSize: Math.exp(best.at), learningRate: sign * best.value });
    }
    stretch = [];
  };
  for (let i = 0; i <= count; i++) {
    const here = value(at(i));
    if (here === null) {
      undefinedFrom ??= Math.exp(at(i));
      finish();
    } else {
      if (stretch.length === 0) start = i;
      stretch.push(here);
    }
  }
  finish();
  const peaks = extrema
    .filter(({ type }) => type === 'max')
    .map(({ batchSize, learningRate }) => ({
      batchSize,
      learningRate,
      prominence: epsInf === null ? null : learningRate / epsInf - 1,
    }));
  const peak = peaks.reduce<Peak | null>(
    (best, next) => (best === null || next.learningRate > best.learningRate ? next : best),
    null,
  );
  return { range, extrema, peaks, peak, undefinedFrom };
}

/**
 * Range of a search: from where every coordinate is still dominated by noise (1e-3/max r², or a hundredth of the
 * small-batch peak when many aligned coordinates put it lower) to where none is (`reach`/min r²). Null without a
 * coordinate that has both gradient and noise.
 */
export function peakRange(
  r: ArrayLike<number>,
  reach: number,
  smallBatchPeak: number | null,
): [number, number] | null {
  let least = Infinity;
  let largest = 0;
  for (let i = 0; i < r.length; i++) {
    const size = Math.abs(r[i]);
    if (!(size > 0 && Number.isFinite(size))) continue;
    least = Math.min(least, size);
    largest = Math.max(largest, size);
  }
  if (largest === 0) return null;
  const lower = 1e-3 / largest ** 2;
  return [smallBatchPeak === null ? lower : Math.min(lower, smallBatchPeak / 100), reach / least ** 2];
}

/** 1 − erf(√(35/2)) is 3e-9: from here on the exact law is its plateau. */
const SIGN_REACH = 35;

/** Peak of the exact law of sign descent, or none. Null when no coordinate has both gradient and noise. */
export function signPeak(quadratic: NoisyQuadratic): PeakSearch | null {
  const quantities = signQuantities(quadratic);
  const { bNoise } = smallBatchLaw(quantities.trace, quantities.offDiagonal, quantities.gradientMass);
  const range = peakRange(quadratic.r, SIGN_REACH, bNoise);
  if (range === null) return null;
  return searchPeak(
    (batchSize) => exactSignLaw(quadratic, batchSize),
    range,
    plateau(quantities).learningRate,
  );
}

/** Batch sizes where the law crosses `level` left and right of `center`, within `range`; null where it does not. */
export function levelCrossings(
  law: LocalLaw,
  level: number,
  center: number,
  range: readonly [number, number],
): { readonly left: number | null; readonly right: number | null } {
  const middle = Math.log(center);
  const excess = (lnBatch: number) => (law(Math.exp(lnBatch)).learningRate ?? Infinity) - level;
  // Walking outwards from the center finds the nearest crossing on each side.
  const walk = (end: number): number | null => {
    const steps = Math.max(1, Math.ceil(Math.abs(end - middle) / SPACING));
    let before = middle;
    for (let i = 1; i <= steps; i++) {
      const next = middle + ((end - middle) * i) / steps;
      if (excess(next) <= 0) {
        const root = bisect(excess, Math.min(before, next), Math.max(before, next));
        return root === null ? null : Math.exp(root);
      }
      before = next;
    }
    return null;
  };
  return { left: walk(Math.log(range[0])), right: walk(Math.log(range[1])) };
}
