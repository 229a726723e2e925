/**
 * Trade-off between steps S and examples E = B·S to a target loss (arXiv 2405.14578, equations 20–24; arXiv 1812.06162,
 * equations 2.11–2.12 and appendix A.3): S = S_min (1 + B_crit/B), or (S/S_min − 1)(E/E_min − 1) = 1. That B_crit equals
 * B_noise is exact only if gradient, noise and curvature stay constant along the run.
 */
import { minimizeSquares, solvePositiveDefinite } from '../laws/least-squares.ts';
import { surgeLaw } from './sign-descent.ts';

export interface StepsPoint {
  readonly batchSize: number;
  /** Steps to the target; Infinity or NaN where it was never reached. */
  readonly steps: number;
}

export interface StepsAndExamples {
  readonly steps: number;
  readonly examples: number;
}

/** S and E at a batch size. At B = B_crit exactly 2 S_min and 2 E_min. */
export function stepsAndExamples(stepsMin: number, bCrit: number, batchSize: number): StepsAndExamples {
  return { steps: stepsMin * (1 + bCrit / batchSize), examples: stepsMin * (batchSize + bCrit) };
}

/** Points that can be fitted, and how many cannot: a batch size that never reached the target is censored, not zero. */
function usable(points: readonly StepsPoint[]) {
  const kept = points.filter(
    ({ batchSize, steps }) =>
      batchSize > 0 && Number.isFinite(batchSize) && steps > 0 && Number.isFinite(steps),
  );
  return { kept, leftOut: points.length - kept.length };
}

export interface LineFit {
  /** −B_noise, in the batch unit. */
  readonly slope: number;
  /** 1/S_min. */
  readonly intercept: number;
  readonly slopeStandardError: number | null;
  readonly interceptStandardError: number | null;
  readonly rSquared: number | null;
  /** Null when the line falls the wrong way: slope >= 0. */
  readonly bNoise: number | null;
  /** Null unless the intercept is positive. */
  readonly stepsMin: number | null;
  /** B_noise·S_min; null when either is. */
  readonly examplesMin: number | null;
  readonly used: number;
  readonly leftOut: number;
}

/**
 * Ordinary least squares of 1/S on 1/E (arXiv 2405.14578, equation 22). E = B·S carries the error of S into both axes, so
 * that this is biased when S is noisy; null with fewer than two batch sizes or when all took equally many examples.
 */
export function fitStepsLine(points: readonly StepsPoint[]): LineFit | null {
  const { kept, leftOut } = usable(points);
  const n = kept.length;
  const x = kept.map(({ batchSize, steps }) => 1 / (batchSize * steps));
  const y = kept.map(({ steps }) => 1 / steps);
  const meanX = x.reduce((sum, value) => sum + value, 0) / n;
  const meanY = y.reduce((sum, value) => sum + value, 0) / n;
  let [sxx, sxy, syy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    sxx += (x[i] - meanX) ** 2;
    sxy += (x[i] - meanX) * (y[i] - meanY);
    syy += (y[i] - meanY) ** 2;
  }
  // Under perfect scaling all examples are equal, but for rounding, and no line is determined.
  if (n < 2 || !(sxx > 1e-24 * n * meanX ** 2)) return null;
  const slope = sxy / sxx;
  const intercept = meanY - slope * meanX;
  let residual = 0;
  for (let i = 0; i < n; i++) residual += (y[i] - intercept - slope * x[i]) ** 2;
  const variance = n > 2 ? residual / (n - 2) : null;
  const bNoise = slope < 0 ? -slope : null;
  const stepsMin = intercept > 0 ? 1 / intercept : null;
  return {
    slope,
    intercept,
    slopeStandardError: variance === null ? null : Math.sqrt(variance / sxx),
    interceptStandardError: variance === null ? null : Math.sqrt(variance * (1 / n + meanX ** 2 / sxx)),
    rSquared: syy > 0 ? 1 - residual / syy : null,
    bNoise,
    stepsMin,
    examplesMin: bNoise === null || stepsMin === null ? null : bNoise * stepsMin,
    used: n,
    leftOut,
  };
}

export interface LogSpaceFit {
  readonly bNoise: number;
  readonly stepsMin: number;
  readonly examplesMin: number;
  /** Sum of squared residuals of ln S. */
  readonly sumOfSquares: number;
  /** Standard errors of ln B_noise and ln S_min; null with fewer than three batch sizes or at a bound. */
  readonly lnBNoiseStandardError: number | null;
  readonly lnStepsMinStandardError: number | null;
  /** B_noise ran to the edge of what the batch sizes can tell: S is constant, or falls as 1/B throughout. */
  readonly atBound: boolean;
  readonly used: number;
  readonly leftOut: number;
}

/** B_noise further than this factor from the batch sizes cannot be told from 0 or infinity. */
const REACH = 1e4;

/**
 * The default fit: minimises the squared residuals of ln S = ln S_min + ln(1 + B_noise/B) over (ln S_min, ln B_noise), so
 * that the relative error of S counts once. Null with fewer than two distinct batch sizes.
 */
export function fitStepsLogSpace(points: readonly StepsPoint[]): LogSpaceFit | null {
  const { kept, leftOut } = usable(points);
  const n = kept.length;
  const sizes = kept.map(({ batchSize }) => batchSize);
  const smallest = Math.min(...sizes);
  const largest = Math.max(...sizes);
  if (n < 2 || smallest === largest) return null;
  const lnSteps = kept.map(({ steps }) => Math.log(steps));
  const lower = Math.log(smallest / REACH);
  const upper = Math.log(largest * REACH);
  const evaluate = (at: Float64Array, residuals: Float64Array, jacobian: Float64Array | null) => {
    const bNoise = Math.exp(at[1]);
    for (let i = 0; i < n; i++) {
      const ratio = bNoise / sizes[i];
      residuals[i] = at[0] + Math.log1p(ratio) - lnSteps[i];
      if (jacobian === null) continue;
      jacobian[2 * i] = 1;
      jacobian[2 * i + 1] = ratio / (1 + ratio);
    }
  };
  const profile = (lnNoise: number): [number, number] => {
    const excess = sizes.map((size, i) => lnSteps[i] - Math.log1p(Math.exp(lnNoise) / size));
    const mean = excess.reduce((sum, value) => sum + value, 0) / n;
    return [mean, excess.reduce((sum, value) => sum + (value - mean) ** 2, 0)];
  };
  // One parameter is left after profiling: a coarse scan of it finds the valley, least squares its floor.
  const scan = Array.from({ length: 200 }, (_, i) => lower + ((upper - lower) * i) / 199);
  const start = scan.reduce((best, next) => (profile(next)[1] < profile(best)[1] ? next : best));
  const result = minimizeSquares({ size: n, lower: [-Infinity, lower], upper: [Infinity, upper], evaluate }, [
    profile(start)[0],
    start,
  ]);
  const residuals = new Float64Array(n);
  const jacobian = new Float64Array(2 * n);
  evaluate(result.at, residuals, jacobian);
  const atBound = result.at[1] - lower < 1e-6 || upper - result.at[1] < 1e-6;
  const standardErrors = [0, 1].map((parameter) => {
    if (n < 3 || atBound) return null;
    const normal = new Float64Array(4);
    for (let i = 0; i < n; i++)
      for (let p = 0; p < 2; p++)
        for (let q = 0; q < 2; q++) normal[2 * p + q] += jacobian[2 * i + p] * jacobian[2 * i + q];
    const unit = new Float64Array(2);
    unit[parameter] = 1;
    if (!solvePositiveDefinite(normal, unit, 2)) return null;
    return Math.sqrt((unit[parameter] * result.sumOfSquares) / (n - 2));
  });
  const stepsMin = Math.exp(result.at[0]);
  const bNoise = Math.exp(result.at[1]);
  return {
    bNoise,
    stepsMin,
    examplesMin: bNoise * stepsMin,
    sumOfSquares: result.sumOfSquares,
    lnBNoiseStandardError: standardErrors[1],
    lnStepsMinStandardError: standardErrors[0],
    atBound,
    used: n,
    leftOut,
  };
}

export interface RidgeScale {
  /** The only free number of the curve: its scale. The noise scale is given. */
  readonly epsMax: number;
  readonly at: (batchSize: number) => number;
}

/**
 * The paper's curves through a measured ridge with B_noise from equation 22 and one free scale each: the surge law
 * (equation 23) and eps_max (1 + B_noise/B)^−alpha with alpha = 1 ("SGD") and 1/2 ("claimed for Adam") (equation 24), the
 * scale a plain mean over batch sizes. The peak position is predicted here, not fitted. Null without points.
 */
export function paperCurves(
  ridge: readonly { readonly batchSize: number; readonly learningRate: number }[],
  bNoise: number,
): { readonly surge: RidgeScale; readonly alpha1: RidgeScale; readonly alphaHalf: RidgeScale } | null {
  if (!(bNoise > 0 && Number.isFinite(bNoise)))
    throw new RangeError(`B_noise must be a positive number, not ${bNoise}.`);
  if (ridge.length === 0) return null;
  const scaled = (unit: (batchSize: number) => number): RidgeScale => {
    const total = ridge.reduce((sum, { batchSize, learningRate }) => sum + learningRate / unit(batchSize), 0);
    const epsMax = total / ridge.length;
    return { epsMax, at: (batchSize) => epsMax * unit(batchSize) };
  };
  return {
    surge: scaled((batchSize) => surgeLaw(1, bNoise, batchSize)),
    alpha1: scaled((batchSize) => 1 / (1 + bNoise / batchSize)),
    alphaHalf: scaled((batchSize) => 1 / Math.sqrt(1 + bNoise / batchSize)),
  };
}
