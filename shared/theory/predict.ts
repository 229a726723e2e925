/**
 * The peak predicted from one checkpoint: the quantities of arXiv 2405.14578 estimated from per-sample gradients on two
 * halves and Hessian-vector products. The products must come from other samples than the gradients, or the whole
 * training set, without dropout or augmentation noise. Own estimators; their bias terms are checked by simulation.
 */
import { adamSmallBatchOf } from './adam-law.ts';
import type { AdamSmallBatch } from './adam-law.ts';
import { correctedBatch } from './batch-corrections.ts';
import { erf } from './erf.ts';
import type { GradientMoments } from './gradient-moments.ts';
import { normEstimates } from './gradient-moments.ts';
import type { LocalOptimum } from './lemma1.ts';
import { checkBatchSize, lemma1 } from './lemma1.ts';
import { smallBatchLaw } from './sign-descent.ts';
import { dot } from './quadratic.ts';

/** Hv for a vector of the network's parameters. */
export type HessianProduct = (vector: Float64Array) => ArrayLike<number>;

export interface Estimate {
  readonly value: number;
  /** From the spread over probes alone (not over samples); null with fewer than two probes, 0 for an exact diagonal. */
  readonly standardError: number | null;
}

/** Random probes z with entries ±1, or the exact diagonal of H where that is known. */
export type DiagonalSource =
  { readonly probes: readonly Float64Array[] } | { readonly diagonal: ArrayLike<number> };

/** Rademacher probes from random bits: `words(i)` is a uniform 32-bit word. */
export function rademacherProbes(n: number, count: number, words: (index: number) => number): Float64Array[] {
  return Array.from({ length: count }, (_, p) =>
    Float64Array.from({ length: n }, (_, i) => (words(p * n + i) >>> 31 === 0 ? 1 : -1)),
  );
}

function meanOf(values: readonly number[]): Estimate {
  const n = values.length;
  const value = values.reduce((sum, next) => sum + next, 0) / n;
  if (n < 2) return { value, standardError: null };
  const square = values.reduce((sum, next) => sum + (next - value) ** 2, 0) / (n - 1);
  return { value, standardError: Math.sqrt(square / n) };
}

/**
 * Diagonal part of a bilinear form, sum of u_i v_i H_ii: by the diagonal itself, or as the mean over probes of
 * (z∘u)'H(z∘v) (Hutchinson 1990), whose variance for u = v = 1 is 2·sum over i ≠ j of H_ij² per probe.
 */
export function diagonalForm(
  product: HessianProduct,
  source: DiagonalSource,
  u: Float64Array,
  v: Float64Array,
): Estimate {
  if ('diagonal' in source) {
    const { diagonal } = source;
    return { value: u.reduce((sum, value, i) => sum + value * v[i] * diagonal[i], 0), standardError: 0 };
  }
  if (source.probes.length === 0) throw new RangeError('At least one probe is needed.');
  return meanOf(
    source.probes.map((z) => {
      const right = product(z.map((sign, i) => sign * v[i]));
      return dot(
        z.map((sign, i) => sign * u[i]),
        right,
      );
    }),
  );
}

export interface CheckpointPrediction {
  /** D over the active coordinates. */
  readonly trace: Estimate;
  /** S_off with the half-A mean on one side and the half-B mean on the other. */
  readonly offDiagonal: Estimate;
  /** T2 = sum of r_i² H_ii, likewise. */
  readonly weightedTrace: Estimate;
  /** M = sum of mu_A mu_B/sigma. */
  readonly gradientMass: number;
  /** Null unless D > 0 and S_off > 0. */
  readonly bNoise: number | null;
  readonly epsMax: number | null;
  /** Theorem 3 with Adam's momentum for each beta1 asked for. */
  readonly adam: readonly (AdamSmallBatch & { readonly beta1: number })[];
}

/** Small-batch prediction. With `plugin` both sides use the mean of all samples: biased, kept for comparison. */
export function predictFromCheckpoint(
  moments: GradientMoments,
  product: HessianProduct,
  source: DiagonalSource,
  options: { readonly beta1?: readonly number[]; readonly plugin?: boolean } = {},
): CheckpointPrediction {
  const { active, deviation } = moments;
  const plugin = options.plugin === true;
  const scaled = (mean: Float64Array) => mean.map((value, i) => (active[i] === 1 ? value / deviation[i] : 0));
  const left = scaled(plugin ? moments.mean : moments.meanA);
  const right = scaled(plugin ? moments.mean : moments.meanB);
  const trace = diagonalForm(product, source, active, active);
  const weightedTrace = diagonalForm(product, source, left, right);
  const offDiagonal = {
    value: dot(left, product(right)) - weightedTrace.value,
    standardError: weightedTrace.standardError,
  };
  const norms = normEstimates(moments);
  const gradientMass = plugin ? norms.gradientMassPlugin : norms.gradientMassSplit;
  const { bNoise, epsMax } = smallBatchLaw(trace.value, offDiagonal.value, gradientMass);
  const quantities = {
    trace: trace.value,
    offDiagonal: offDiagonal.value,
    weightedTrace: weightedTrace.value,
    gradientMass,
  };
  return {
    trace,
    offDiagonal,
    weightedTrace,
    gradientMass,
    bNoise,
    epsMax,
    adam: (options.beta1 ?? []).map((beta1) => ({ beta1, ...adamSmallBatchOf(quantities, beta1) })),
  };
}

/**
 * Exact law at one batch size without the small-batch assumption: E_A and E_B are erf of each half's r at the batch size
 * that undoes the error of a half's mean. Null for B >= samples of a half, beyond which the data say nothing.
 */
export function exactLawFromHalves(
  moments: GradientMoments,
  product: HessianProduct,
  source: DiagonalSource,
  batchSize: number,
): LocalOptimum | null {
  checkBatchSize(batchSize);
  const { active, deviation, halfCount, meanA, meanB } = moments;
  const corrected = correctedBatch(batchSize, halfCount);
  if (corrected === null) return null;
  const root = Math.sqrt(corrected / 2);
  const signs = (mean: Float64Array) =>
    mean.map((value, i) => (active[i] === 1 ? erf((root * value) / deviation[i]) : 0));
  const [signsA, signsB] = [signs(meanA), signs(meanB)];
  const curvature =
    diagonalForm(product, source, active, active).value +
    dot(signsA, product(signsB)) -
    diagonalForm(product, source, signsA, signsB).value;
  return lemma1((dot(signsA, meanB) + dot(signsB, meanA)) / 2, curvature);
}

export interface MonteCarloOptimum extends LocalOptimum {
  /**
   * Of the learning rate, by the delta method over updates; null with fewer than two or without an optimum. Near 0 when
   * all updates were alike, which says only that others are rarer than one in `updates`.
   */
  readonly learningRateStandardError: number | null;
  readonly decreaseStandardError: number | null;
  readonly updates: number;
}

/** Optimum from paired slopes G'V_k and curvatures V_k'HV_k of independent updates: a ratio of means, with its errors. */
export function optimumOfUpdates(
  slopes: readonly number[],
  curvatures: readonly number[],
): MonteCarloOptimum {
  const n = slopes.length;
  if (n === 0 || curvatures.length !== n)
    throw new RangeError('Slopes and curvatures must be paired and not empty.');
  const slope = slopes.reduce((sum, value) => sum + value, 0) / n;
  const curvature = curvatures.reduce((sum, value) => sum + value, 0) / n;
  const optimum = lemma1(slope, curvature);
  const none = { ...optimum, learningRateStandardError: null, decreaseStandardError: null, updates: n };
  const { learningRate } = optimum;
  if (learningRate === null || n < 2) return none;
  // d(eps) = (ds − eps·dc)/c and d(decrease) = eps·ds − eps²·dc/2.
  let [rate, decrease] = [0, 0];
  for (let k = 0; k < n; k++) {
    const ds = slopes[k] - slope;
    const dc = curvatures[k] - curvature;
    rate += ((ds - learningRate * dc) / curvature) ** 2;
    decrease += (learningRate * ds - (learningRate ** 2 * dc) / 2) ** 2;
  }
  const scale = 1 / (n * (n - 1));
  return {
    ...none,
    learningRateStandardError: Math.sqrt(rate * scale),
    decreaseStandardError: Math.sqrt(decrease * scale),
  };
}

/**
 * Lemma 1 by Monte Carlo, assuming neither Gaussian noise nor independent coordinates: updates V_k (signs of mini-batch
 * gradients, say), the gradient G, and Hessian products.
 */
export function lemma1FromUpdates(
  updates: readonly Float64Array[],
  gradient: Float64Array,
  product: HessianProduct,
): MonteCarloOptimum {
  return optimumOfUpdates(
    updates.map((update) => dot(update, gradient)),
    updates.map((update) => dot(update, product(update))),
  );
}

/** Hessian products of an explicit symmetric matrix, n rows of length n. */
export function matrixProduct(hessian: readonly ArrayLike<number>[]): HessianProduct {
  return (vector) => Float64Array.from(hessian, (row) => dot(vector, row));
}
