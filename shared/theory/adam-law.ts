/**
 * Adam coordinate by coordinate on the noisy quadratic, for beta2 → 1 and a gradient that changes slowly against the
 * momentum window. With v ≈ mu² + sigma²/B the mean update is E_i = r_i/√(1/B + r_i²), and its mean square
 * a + (1 − a) E_i² with a = (1 − beta1)/(1 + beta1); both go into Lemma 1 of arXiv 2405.14578. Own derivation after
 * kexue.fm/archives/11301; direct simulation with beta2 = 0.999 agrees to about 0.5 %.
 */
import type { LocalOptimum } from './lemma1.ts';
import { checkBatchSize, lemma1 } from './lemma1.ts';
import { momentumVariance } from './momentum.ts';
import { peakRange, searchPeak } from './peak-search.ts';
import type { PeakSearch } from './peak-search.ts';
import { dot, offDiagonalForm, weightedTrace } from './quadratic.ts';
import type { NoisyQuadratic } from './quadratic.ts';
import { plateau, signQuantities } from './sign-descent.ts';

/** E_i(B), the mean of Adam's update per coordinate. */
export function adamMeanUpdates(quadratic: NoisyQuadratic, batchSize: number): Float64Array {
  checkBatchSize(batchSize);
  const noise = 1 / Math.sqrt(batchSize);
  return quadratic.r.map((r) =>
    Number.isFinite(r) ? (r === 0 ? 0 : r / Math.hypot(noise, r)) : Math.sign(r),
  );
}

/** Mean square a + (1 − a) E_i² of Adam's update per coordinate; 0 where the coordinate never moves. */
function meanSquares(quadratic: NoisyQuadratic, updates: Float64Array, a: number): Float64Array {
  return updates.map((value, i) => quadratic.moves[i] * (a + (1 - a) * value ** 2));
}

export function adamLaw(quadratic: NoisyQuadratic, beta1: number, batchSize: number): LocalOptimum {
  const updates = adamMeanUpdates(quadratic, batchSize);
  const squares = meanSquares(quadratic, updates, momentumVariance(beta1));
  return lemma1(
    dot(updates, quadratic.mu),
    weightedTrace(quadratic, squares) + offDiagonalForm(quadratic, updates),
  );
}

/** Root mean square of the update over the coordinates. */
export function adamLawUpdateRms(quadratic: NoisyQuadratic, beta1: number, batchSize: number): number {
  const squares = meanSquares(quadratic, adamMeanUpdates(quadratic, batchSize), momentumVariance(beta1));
  return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / quadratic.n);
}

export interface AdamSmallBatch {
  readonly a: number;
  /** T2 = sum of r_i² H_ii; null when a coordinate has no noise. */
  readonly weightedTrace: number | null;
  /** K = (1 − a) T2 + S_off; null likewise. */
  readonly k: number | null;
  /** B_peak = aD/K; null unless D > 0 and K > 0. */
  readonly bPeak: number | null;
  /** eps_peak = M/(2√(aDK)); null likewise. */
  readonly epsPeak: number | null;
}

/** The law far below every regime bound: surge form with aD in place of D and K in place of S_off. */
export function adamSmallBatch(quadratic: NoisyQuadratic, beta1: number): AdamSmallBatch {
  const a = momentumVariance(beta1);
  const { trace, offDiagonal, gradientMass } = signQuantities(quadratic);
  const none = { a, weightedTrace: null, k: null, bPeak: null, epsPeak: null };
  if (offDiagonal === null || gradientMass === null) return none;
  const t2 = weightedTrace(
    quadratic,
    quadratic.r.map((r) => r * r),
  );
  return adamSmallBatchOf({ trace, offDiagonal, weightedTrace: t2, gradientMass }, beta1);
}

/** The same from the quantities alone (for estimates of networks). */
export function adamSmallBatchOf(
  quantities: {
    readonly trace: number;
    readonly offDiagonal: number;
    readonly weightedTrace: number;
    readonly gradientMass: number;
  },
  beta1: number,
): AdamSmallBatch {
  const a = momentumVariance(beta1);
  const k = (1 - a) * quantities.weightedTrace + quantities.offDiagonal;
  const peaks = quantities.trace > 0 && k > 0;
  return {
    a,
    weightedTrace: quantities.weightedTrace,
    k,
    bPeak: peaks ? (a * quantities.trace) / k : null,
    epsPeak: peaks ? quantities.gradientMass / (2 * Math.sqrt(a * quantities.trace * k)) : null,
  };
}

/** Adam's mean update nears its limit as 1/(2 B r²) only, so that the search reaches further than for sign descent. */
const ADAM_REACH = 1e4;

/** Peak of Adam's law, or none. Null when no coordinate has both gradient and noise. */
export function adamPeak(quadratic: NoisyQuadratic, beta1: number): PeakSearch | null {
  const range = peakRange(quadratic.r, ADAM_REACH, adamSmallBatch(quadratic, beta1).bPeak);
  if (range === null) return null;
  const epsInf = plateau(signQuantities(quadratic)).learningRate;
  return searchPeak((batchSize) => adamLaw(quadratic, beta1, batchSize), range, epsInf);
}
