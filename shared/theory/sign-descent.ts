/**
 * Sign descent on the noisy quadratic: theta ← theta − eps·sign(minibatch gradient) (arXiv 2405.14578, equation 5), the
 * model behind the surge of the optimal learning rate. Batch sizes are in the unit in which sigma is "per sample".
 */
import { elementaryErf, erf } from './erf.ts';
import type { LocalOptimum } from './lemma1.ts';
import { checkBatchSize, lemma1 } from './lemma1.ts';
import { dot, offDiagonalForm, weightedTrace } from './quadratic.ts';
import type { NoisyQuadratic } from './quadratic.ts';

export interface SignQuantities {
  /** D = sum of H_ii over the coordinates that move; loss/theta². */
  readonly trace: number;
  /** S_off = sum over i ≠ j of r_i r_j H_ij. NaN-free: null when a coordinate has no noise (r infinite). */
  readonly offDiagonal: number | null;
  /** S_sign = sum over i ≠ j of sign(mu_i mu_j) H_ij. */
  readonly signOffDiagonal: number;
  /** M = sum of mu_i²/sigma_i; null when a coordinate has no noise. */
  readonly gradientMass: number | null;
  /** Sum of |mu_i|. */
  readonly absoluteGradient: number;
  /** h_i = π sigma_i²/(2 mu_i²), the batch size far below which coordinate i is dominated by noise; Infinity if mu_i = 0. */
  readonly regimeBounds: Float64Array;
  /** Smallest h_i; Theorem 3 needs batch sizes far below it. Infinity when the gradient is zero. */
  readonly regimeBound: number;
}

export function regimeBound(mu: number, sigma: number): number {
  return mu === 0 ? Infinity : (Math.PI / 2) * (sigma / mu) ** 2;
}

export function signQuantities(quadratic: NoisyQuadratic): SignQuantities {
  const { mu, sigma, r } = quadratic;
  const noiseless = r.some((value) => !Number.isFinite(value));
  const regimeBounds = mu.map((value, i) => regimeBound(value, sigma[i]));
  return {
    trace: weightedTrace(quadratic, quadratic.moves),
    offDiagonal: noiseless ? null : offDiagonalForm(quadratic, r),
    signOffDiagonal: offDiagonalForm(quadratic, mu.map(Math.sign)),
    gradientMass: noiseless ? null : dot(mu, r),
    absoluteGradient: mu.reduce((sum, value) => sum + Math.abs(value), 0),
    regimeBounds,
    regimeBound: regimeBounds.reduce((least, value) => Math.min(least, value), Infinity),
  };
}

/** E_i(B) = erf(√(B/2)·r_i), the mean of sign(minibatch gradient); `f` replaces erf. */
export function meanSigns(quadratic: NoisyQuadratic, batchSize: number, f = erf): Float64Array {
  checkBatchSize(batchSize);
  const root = Math.sqrt(batchSize / 2);
  return quadratic.r.map((r) => (r === 0 ? 0 : f(root * r)));
}

function optimumOfSigns(quadratic: NoisyQuadratic, signs: Float64Array): LocalOptimum {
  const curvature = weightedTrace(quadratic, quadratic.moves) + offDiagonalForm(quadratic, signs);
  return lemma1(dot(signs, quadratic.mu), curvature);
}

/** Exact law for Gaussian, independent coordinates (arXiv 2405.14578, Theorem 2, equations 8–10). */
export function exactSignLaw(quadratic: NoisyQuadratic, batchSize: number): LocalOptimum {
  return optimumOfSigns(quadratic, meanSigns(quadratic, batchSize));
}

/** The same with the elementary stand-in for erf: for display only, E is off by up to 0.108. */
export function elementarySignLaw(quadratic: NoisyQuadratic, batchSize: number): LocalOptimum {
  return optimumOfSigns(quadratic, meanSigns(quadratic, batchSize, elementaryErf));
}

/** Large-batch limit, B far above every h_i (arXiv 2405.14578, Theorem 4, equation 17): the plateau eps_inf. */
export function plateau(quantities: SignQuantities): LocalOptimum {
  return lemma1(quantities.absoluteGradient, quantities.trace + quantities.signOffDiagonal);
}

export interface SmallBatchLaw {
  /** B_noise = πD/(2 S_off), where the law peaks; null unless D > 0 and S_off > 0. */
  readonly bNoise: number | null;
  /** eps_max = M/(2√(D S_off)), the height of the peak; null likewise. */
  readonly epsMax: number | null;
  /** M/(D + S_off), which eps_max never falls below; null likewise. */
  readonly epsMaxLowerBound: number | null;
  /** M²/(2 S_off), the largest loss decrease; null likewise. */
  readonly decreaseMax: number | null;
  /** Batch sizes (7 ∓ 4√3)·B_noise at which the law is at half its height; null likewise. */
  readonly halfPoints: readonly [number, number] | null;
  /**
   * Theorem 3 (equations 13–16) and Theorem 5 (18–19) at a batch size far below every h_i. Defined for S_off <= 0 too,
   * as long as the denominator D + 2B·S_off/π is positive; it then rises without a peak.
   */
  readonly optimum: (batchSize: number) => LocalOptimum;
}

const HALF_HEIGHT = [1 / (7 + 4 * Math.sqrt(3)), 7 + 4 * Math.sqrt(3)] as const;

/** The law for batch sizes far below every regime bound, from D, S_off and M alone. */
export function smallBatchLaw(
  trace: number,
  offDiagonal: number | null,
  gradientMass: number | null,
): SmallBatchLaw {
  const optimum = (batchSize: number): LocalOptimum => {
    checkBatchSize(batchSize);
    if (offDiagonal === null || gradientMass === null) return lemma1(NaN, NaN);
    const gain = (2 * batchSize) / Math.PI;
    return lemma1(Math.sqrt(gain) * gradientMass, trace + gain * offDiagonal);
  };
  if (offDiagonal === null || gradientMass === null || !(trace > 0 && offDiagonal > 0)) {
    return {
      bNoise: null,
      epsMax: null,
      epsMaxLowerBound: null,
      decreaseMax: null,
      halfPoints: null,
      optimum,
    };
  }
  const bNoise = (Math.PI * trace) / (2 * offDiagonal);
  return {
    bNoise,
    epsMax: gradientMass / (2 * Math.sqrt(trace * offDiagonal)),
    epsMaxLowerBound: gradientMass / (trace + offDiagonal),
    decreaseMax: gradientMass ** 2 / (2 * offDiagonal),
    halfPoints: [HALF_HEIGHT[0] * bNoise, HALF_HEIGHT[1] * bNoise],
    optimum,
  };
}

/** eps_opt(B) = 2 eps_max/(√(B_noise/B) + √(B/B_noise)) (arXiv 2405.14578, equation 14). */
export function surgeLaw(epsMax: number, bNoise: number, batchSize: number): number {
  const root = Math.sqrt(bNoise / batchSize);
  return (2 * epsMax) / (root + 1 / root);
}

/**
 * Whether the exact law approaches its plateau from above, so that a peak certainly exists: with k the coordinate of
 * smallest |r|, 2 eps_inf·sum over j ≠ k of sign(mu_k mu_j) H_kj > |mu_k|, both sides summed over ties. Null when there is
 * no plateau or no gradient; false does not exclude a peak.
 */
export function approachesFromAbove(quadratic: NoisyQuadratic): boolean | null {
  const { n, mu, r, hessian } = quadratic;
  const epsInf = plateau(signQuantities(quadratic)).learningRate;
  const least = r.reduce((low, value) => (value === 0 ? low : Math.min(low, Math.abs(value))), Infinity);
  if (epsInf === null || !Number.isFinite(least)) return null;
  let pull = 0;
  let push = 0;
  for (let k = 0; k < n; k++) {
    if (!(Math.abs(r[k]) <= least * (1 + 1e-12)) || r[k] === 0) continue;
    push += Math.abs(mu[k]);
    for (let j = 0; j < n; j++) if (j !== k) pull += Math.sign(mu[k] * mu[j]) * hessian[k * n + j];
  }
  return 2 * epsInf * pull > push;
}
