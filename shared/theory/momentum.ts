/** Momentum and Adam in the mean-field form (J. Su, kexue.fm/archives/11301). */
import type { MeanFieldForm } from './mean-field.ts';
import { meanFieldBeta } from './mean-field.ts';

/** sign: sign descent. signMomentum: Signum (SGD with momentum and Muon scale the batch alike). adam: Adam, beta2 → 1. */
export type MeanFieldOptimizer = 'sign' | 'signMomentum' | 'adam';

/**
 * a = (1 − beta1)/(1 + beta1), the variance that an exponential average with decay beta1 leaves.
 * @throws RangeError unless beta1 is in [0, 1).
 */
export function momentumVariance(beta1: number): number {
  if (!(beta1 >= 0 && beta1 < 1)) throw new RangeError(`beta1 must be at least 0 and below 1, not ${beta1}.`);
  return (1 - beta1) / (1 + beta1);
}

export interface MeanFieldInput {
  /** D. */
  readonly trace: number;
  /** S_sign. */
  readonly signOffDiagonal: number;
  /** Sum of |g_i|. */
  readonly absoluteGradient: number;
  /** B_mf, in the batch unit. */
  readonly bMeanField: number;
}

/**
 * Momentum averages gradients: the batch acts as B/a, so every batch scale is multiplied by a. Adam also shrinks its
 * update when noise dominates: p = aD, q = (1 − a)D + S_sign. With a diagonal Hessian Adam has a peak iff beta1 > 1/3.
 */
export function meanFieldOf(input: MeanFieldInput, optimizer: MeanFieldOptimizer, beta1 = 0): MeanFieldForm {
  const { trace, signOffDiagonal, absoluteGradient, bMeanField } = input;
  const a = optimizer === 'sign' ? 1 : momentumVariance(beta1);
  switch (optimizer) {
    case 'sign':
    case 'signMomentum':
      return {
        absoluteGradient,
        noiseCurvature: trace,
        meanCurvature: signOffDiagonal,
        scale: a * bMeanField,
      };
    case 'adam':
      return {
        absoluteGradient,
        noiseCurvature: a * trace,
        meanCurvature: (1 - a) * trace + signOffDiagonal,
        scale: bMeanField,
      };
  }
}

/** Root mean square of Adam's update per coordinate, √(a + (1 − a) beta²): √a at small batch, 1 at large batch. */
export function adamUpdateRms(beta1: number, bMeanField: number, batchSize: number): number {
  const a = momentumVariance(beta1);
  return Math.sqrt(a + (1 - a) * meanFieldBeta(bMeanField, batchSize) ** 2);
}

/**
 * B_mf from the logged root mean square of Adam's update at one batch size: beta² = (rms² − a)/(1 − a),
 * B_mf = B(1/beta² − 1). A plain average over coordinates: a rough guide. Null when the value is not between √a and 1.
 */
export function bMeanFieldFromUpdateRms(rms: number, beta1: number, batchSize: number): number | null {
  const a = momentumVariance(beta1);
  const square = (rms ** 2 - a) / (1 - a);
  return square > 0 && square < 1 ? batchSize * (1 / square - 1) : null;
}
