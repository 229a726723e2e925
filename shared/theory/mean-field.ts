/**
 * Mean-field form of the optimal learning rate (J. Su, kexue.fm/archives/10542 and 11280): one number
 * beta = (1 + B_mf/B)^(−1/2) stands for the mean update of every coordinate. B_mf is an average of c·sigma_i²/mu_i², with
 * c = π/2 to match the slope of the erf law (10542) or c = 1 (11280): say which one a number uses.
 */
import type { LocalOptimum } from './lemma1.ts';
import { checkBatchSize, lemma1 } from './lemma1.ts';

/** eta(beta) = sum|g| / (p/beta + q·beta). */
export interface MeanFieldForm {
  /** Sum of |g_i|. */
  readonly absoluteGradient: number;
  /** Weight p of the curvature that noise meets: D for sign descent. */
  readonly noiseCurvature: number;
  /** Weight q of the curvature that the mean update meets: S_sign for sign descent. */
  readonly meanCurvature: number;
  /** Batch scale in beta, in the batch unit. */
  readonly scale: number;
}

export interface MeanFieldSummary {
  /** beta* = √(p/q), where eta is highest; null unless q > 0. At 1 or more eta rises throughout. */
  readonly betaStar: number | null;
  /** B_peak = scale·beta*²/(1 − beta*²); null without a peak. */
  readonly bPeak: number | null;
  readonly etaPeak: number | null;
  /** Height (1 + beta*²)/(2 beta*) over the plateau; null without a peak. */
  readonly peakOverPlateau: number | null;
  /** Large-batch limit of eta; null when p + q is not positive. */
  readonly etaInf: number | null;
  /** Large-batch limit of the loss decrease; null likewise. */
  readonly decreaseMax: number | null;
  /** B_noise of the loss decrease, decreaseMax/(1 + B_noise/B): always monotone, and below B_peak. Null likewise. */
  readonly bNoise: number | null;
  /** 1/B_noise − 1/B_peak = 2/scale, the reason why a steps/examples fit underestimates the peak; null without a peak. */
  readonly inverseGap: number | null;
}

export function meanFieldBeta(scale: number, batchSize: number): number {
  checkBatchSize(batchSize);
  return 1 / Math.sqrt(1 + scale / batchSize);
}

/** eta and loss decrease at a batch size. */
export function meanFieldLaw(form: MeanFieldForm, batchSize: number): LocalOptimum {
  const beta = meanFieldBeta(form.scale, batchSize);
  return lemma1(beta * form.absoluteGradient, form.noiseCurvature + beta ** 2 * form.meanCurvature);
}

export function meanFieldSummary(form: MeanFieldForm): MeanFieldSummary {
  const { absoluteGradient, noiseCurvature: p, meanCurvature: q, scale } = form;
  const { learningRate: etaInf, decrease: decreaseMax } = lemma1(absoluteGradient, p + q);
  const bNoise = etaInf === null ? null : (scale * p) / (p + q);
  const betaStar = p > 0 && q > 0 ? Math.sqrt(p / q) : null;
  // Compared as p < q: a root rounded to 1 must not decide.
  const hasPeak = betaStar !== null && p < q;
  const bPeak = hasPeak ? (scale * p) / (q - p) : null;
  return {
    betaStar,
    bPeak,
    etaPeak: hasPeak ? absoluteGradient / (2 * Math.sqrt(p * q)) : null,
    peakOverPlateau: hasPeak ? (1 + betaStar ** 2) / (2 * betaStar) : null,
    etaInf,
    decreaseMax,
    bNoise,
    inverseGap: bPeak === null || bNoise === null ? null : 1 / bNoise - 1 / bPeak,
  };
}
