/**
 * Fits of the rival laws to one ridge: least squares on ln LR with the scale profiled out, AICc with small-sample
 * correction (Hurvich and Tsai 1989) and leave-one-batch-out errors.
 */
import { LAW_NAMES, LAWS } from './laws.ts';
import type { LawName, LawParameters, ParameterName } from './laws.ts';
import { LawSolver } from './solver.ts';
import type { ScanCache } from './solver.ts';

/** One point of a ridge. */
export interface RidgePoint {
  readonly batchSize: number;
  /** Optimal learning rate at that batch size. */
  readonly learningRate: number;
  /** 1 / Var(ln optimal learning rate); all points or none. Only ratios matter. */
  readonly weight?: number;
}

export interface LeaveOneOut {
  /** Mean squared error of ln LR over left-out batch sizes (weighted as the fit is). */
  readonly meanSquare: number;
  /** The same over inner batch sizes only, and over the two ends, which test extrapolation. */
  readonly inner: number | null;
  readonly ends: number;
  /** Error of ln LR, one a point, in the order of `points`. */
  readonly errors: readonly number[];
}

export interface LawFit {
  readonly law: LawName;
  readonly parameters: LawParameters;
  /** Sum of (weighted) squared residuals of ln LR; weights are scaled to mean 1. */
  readonly sumOfSquares: number;
  /** ln(observed / fitted), one a point, in the order of `points`. */
  readonly residuals: readonly number[];
  /** Fitted parameters, the scale and the noise variance included. */
  readonly k: number;
  readonly aicc: number;
  /** AICc above the best law of this ridge. */
  readonly deltaAicc: number;
  readonly akaikeWeight: number;
  readonly leaveOneOut: LeaveOneOut;
  /** Parameters on the end of their range: there the sum of squares depends on the range. */
  readonly atBound: readonly ParameterName[];
  readonly converged: boolean;
}

export interface DroppedPoint {
  /** Index in the input. */
  readonly index: number;
  readonly reason: string;
}

export interface RidgeFit {
  /** Points used, by batch size, and the rest with the reason. */
  readonly points: readonly RidgePoint[];
  readonly dropped: readonly DroppedPoint[];
  /** Lowest AICc first. */
  readonly fits: readonly LawFit[];
  /** Laws with too many parameters for the number of points (n <= k + 1). */
  readonly notOffered: readonly { readonly law: LawName; readonly reason: string }[];
  readonly bestByAicc: LawName | null;
  readonly bestByLeaveOneOut: LawName | null;
}

export interface FitOptions {
  readonly laws?: readonly LawName[];
  /** Share one between ridges on the same batch sizes: their scans are then built once. */
  readonly cache?: ScanCache;
  /** False skips the refits; the leave-one-out errors are then NaN. */
  readonly leaveOneOut?: boolean;
}

/** ln LR is known to about 1e-15: below that a residual variance is rounding, not a better fit. */
const ROUNDING_VARIANCE = 1e-30;

/** Parameters of a law, its scale and the noise variance included. */
export function parameterCount(law: LawName): number {
  return LAWS[law].shape.length + 2;
}

/**
 * AICc = n ln(SSR/n) + 2k + 2k(k+1)/(n-k-1), or null where it is undefined (n <= k + 1).
 */
export function aicc(sumOfSquares: number, n: number, k: number): number | null {
  if (n <= k + 1) return null;
  const variance = Math.max(sumOfSquares / n, ROUNDING_VARIANCE);
  return n * Math.log(variance) + 2 * k + (2 * k * (k + 1)) / (n - k - 1);
}

/** Usable points by ascending batch size, and the others with the reason. */
export function usablePoints(points: readonly RidgePoint[]): {
  used: RidgePoint[];
  dropped: DroppedPoint[];
} {
  const dropped: DroppedPoint[] = [];
  const used: RidgePoint[] = [];
  const seen = new Set<number>();
  const weighted = points.some((point) => point.weight !== undefined);
  points.forEach((point, index) => {
    const { batchSize, learningRate, weight } = point;
    let reason: string | null = null;
    if (!(batchSize > 0 && Number.isFinite(batchSize))) reason = `batch size ${batchSize} is not positive`;
    else if (!(learningRate > 0 && Number.isFinite(learningRate)))
      reason = `learning rate ${learningRate} is not positive`;
    else if (weighted && weight === undefined) reason = 'no weight, while other points have one';
    else if (weight !== undefined && !(weight > 0 && Number.isFinite(weight)))
      reason = `weight ${weight} is not positive and finite`;
    else if (seen.has(batchSize)) reason = `a second optimum for batch size ${batchSize}`;
    if (reason === null) {
      seen.add(batchSize);
      used.push(point);
    } else {
      dropped.push({ index, reason });
    }
  });
  used.sort((a, b) => a.batchSize - b.batchSize);
  return { used, dropped };
}

/** Weights scaled to mean 1 (all 1 when none are given). */
export function meanOneWeights(points: readonly RidgePoint[]): Float64Array {
  const sum = points.reduce((total, point) => total + (point.weight ?? 1), 0);
  return Float64Array.from(points, (point) => ((point.weight ?? 1) * points.length) / sum);
}

function meanSquare(errors: readonly number[], weights: ArrayLike<number>, use: (index: number) => boolean) {
  let sum = 0;
  let total = 0;
  errors.forEach((error, index) => {
    if (!use(index)) return;
    sum += weights[index] * error * error;
    total += weights[index];
  });
  return total === 0 ? null : sum / total;
}

/** Fits every law that the number of points allows. Order of points does not matter. */
export function fitLaws(points: readonly RidgePoint[], options: FitOptions = {}): RidgeFit {
  const { used, dropped } = usablePoints(points);
  const n = used.length;
  const batchSizes = used.map((point) => point.batchSize);
  const lnRates = Float64Array.from(used, (point) => Math.log(point.learningRate));
  const weights = meanOneWeights(used);
  const cache = options.cache ?? new Map<string, Float64Array>();
  const notOffered: { law: LawName; reason: string }[] = [];
  const raw: Omit<LawFit, 'deltaAicc' | 'akaikeWeight'>[] = [];

  for (const law of options.laws ?? LAW_NAMES) {
    const k = parameterCount(law);
    if (n <= k + 1) {
      notOffered.push({ law, reason: `${n} points are too few for ${k} parameters (at least ${k + 2})` });
      continue;
    }
    const solver = new LawSolver(law, batchSizes, cache);
    const solution = solver.solve(lnRates, weights);
    const residuals = batchSizes.map((_, i) => lnRates[i] - solver.predict(solution, i));
    const errors = batchSizes.map((_, left) => {
      if (options.leaveOneOut === false) return NaN;
      const others = Float64Array.from(weights);
      others[left] = 0;
      const refit = solver.solve(lnRates, others, { near: solution.at });
      return lnRates[left] - solver.predict(refit, left);
    });
    const isEnd = (index: number) => index === 0 || index === n - 1;
    raw.push({
      law,
      parameters: solver.parameters(solution),
      sumOfSquares: solution.sumOfSquares,
      residuals,
      k,
      aicc: aicc(solution.sumOfSquares, n, k)!,
      leaveOneOut: {
        meanSquare: meanSquare(errors, weights, () => true)!,
        inner: meanSquare(errors, weights, (index) => !isEnd(index)),
        ends: meanSquare(errors, weights, isEnd)!,
        errors,
      },
      atBound: solution.atBound,
      converged: solution.converged,
    });
  }

  raw.sort((a, b) => a.aicc - b.aicc);
  const lowest = raw[0]?.aicc ?? 0;
  const evidence = raw.map((fit) => Math.exp(-(fit.aicc - lowest) / 2));
  const total = evidence.reduce((sum, value) => sum + value, 0);
  const fits = raw.map((fit, i) => ({
    ...fit,
    deltaAicc: fit.aicc - lowest,
    akaikeWeight: evidence[i] / total,
  }));
  const byLeaveOneOut = [...fits].sort((a, b) => a.leaveOneOut.meanSquare - b.leaveOneOut.meanSquare);
  return {
    points: used,
    dropped,
    fits,
    notOffered,
    bestByAicc: fits[0]?.law ?? null,
    bestByLeaveOneOut: byLeaveOneOut[0]?.law ?? null,
  };
}

/** The fit of one law, or undefined when it was not offered. */
export function fitOf(ridge: RidgeFit, law: LawName): LawFit | undefined {
  return ridge.fits.find((fit) => fit.law === law);
}
