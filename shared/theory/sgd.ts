/** Optimal learning rate of SGD against batch size (arXiv 1812.06162, equations 2.6–2.8): it rises and saturates. */
import type { LocalOptimum } from './lemma1.ts';
import { checkBatchSize, lemma1 } from './lemma1.ts';

export interface SgdQuantities {
  /** |G|²; loss²/theta². */
  readonly gradientSquare: number;
  /** G'HG. */
  readonly gradientCurvature: number;
  /** tr(H Sigma), Sigma the covariance of per-sample gradients. */
  readonly noiseCurvature: number;
  /** tr(Sigma). */
  readonly noiseTrace: number;
}

export interface SgdLaw {
  /** |G|²/(G'HG), in theta²/loss; null unless G'HG > 0. */
  readonly epsMax: number | null;
  /** tr(H Sigma)/(G'HG); null likewise. */
  readonly bNoise: number | null;
  /** |G|⁴/(2 G'HG); null likewise. */
  readonly decreaseMax: number | null;
  /** tr(Sigma)/|G|², the noise scale that needs no Hessian; null when the gradient is zero. */
  readonly bSimple: number | null;
  readonly optimum: (batchSize: number) => LocalOptimum;
}

/** G length n; Hessian and per-sample covariance as n rows of length n. */
export function sgdQuantities(
  gradient: readonly number[],
  hessian: readonly (readonly number[])[],
  covariance: readonly (readonly number[])[],
): SgdQuantities {
  const quantities = { gradientSquare: 0, gradientCurvature: 0, noiseCurvature: 0, noiseTrace: 0 };
  gradient.forEach((g, i) => {
    quantities.gradientSquare += g * g;
    quantities.noiseTrace += covariance[i][i];
    gradient.forEach((other, j) => {
      quantities.gradientCurvature += g * hessian[i][j] * other;
      quantities.noiseCurvature += hessian[i][j] * covariance[j][i];
    });
  });
  return quantities;
}

export function sgdLaw(quantities: SgdQuantities): SgdLaw {
  const { gradientSquare, gradientCurvature, noiseCurvature, noiseTrace } = quantities;
  const defined = gradientCurvature > 0;
  return {
    epsMax: defined ? gradientSquare / gradientCurvature : null,
    bNoise: defined ? noiseCurvature / gradientCurvature : null,
    decreaseMax: defined ? gradientSquare ** 2 / (2 * gradientCurvature) : null,
    bSimple: gradientSquare > 0 ? noiseTrace / gradientSquare : null,
    optimum: (batchSize) => {
      checkBatchSize(batchSize);
      return lemma1(gradientSquare, gradientCurvature + noiseCurvature / batchSize);
    },
  };
}
