/**
 * Signs of correlated gradient coordinates. Noise that is correlated as the curvature is adds to the denominator of
 * Theorem 2 of arXiv 2405.14578 and lowers the optimal learning rate.
 */
import { erf } from './erf.ts';
import type { LocalOptimum } from './lemma1.ts';
import { lemma1 } from './lemma1.ts';
import { integrate } from './quadrature.ts';
import { dot, offDiagonalForm, weightedTrace } from './quadratic.ts';
import type { NoisyQuadratic } from './quadratic.ts';
import { meanSigns } from './sign-descent.ts';

/** @throws RangeError unless rho is in [−1, 1]. */
function checkCorrelation(rho: number): void {
  if (!(rho >= -1 && rho <= 1)) throw new RangeError(`A correlation must lie between -1 and 1, not ${rho}.`);
}

/** cov(sign X, sign Y) = (2/π) asin(rho) for zero-mean jointly Gaussian X, Y. */
export function signCovarianceAtZero(rho: number): number {
  checkCorrelation(rho);
  return (2 / Math.PI) * Math.asin(rho);
}

/**
 * cov(sign X, sign Y) for X ~ N(h, 1), Y ~ N(k, 1) with correlation rho: 4 times the integral from 0 to rho of the
 * bivariate normal density at (h, k; t) dt. With t = sin(angle) the integrand is smooth.
 */
export function signCovariance(h: number, k: number, rho: number): number {
  checkCorrelation(rho);
  if (h === 0 && k === 0) return signCovarianceAtZero(rho);
  if (!Number.isFinite(h) || !Number.isFinite(k)) return 0;
  const eh = erf(h / Math.SQRT2);
  const ek = erf(k / Math.SQRT2);
  if (rho === 1) return 1 - Math.abs(eh - ek) - eh * ek;
  if (rho === -1) return Math.abs(eh + ek) - 1 - eh * ek;
  const density = (angle: number) => {
    const sine = Math.sin(angle);
    const square = Math.cos(angle) ** 2;
    // (h² + k² − 2hk·sin)/(2 cos²), written so that nothing cancels when |sin| is near 1.
    const exponent =
      sine >= 0
        ? (h - k) ** 2 / (2 * square) + (h * k) / (1 + sine)
        : (h + k) ** 2 / (2 * square) - (h * k) / (1 - sine);
    return Math.exp(-exponent);
  };
  return (2 / Math.PI) * integrate(density, 0, Math.asin(rho));
}

export interface CorrelatedSigns {
  readonly meanSigns: Float64Array;
  /** Covariance of the signs, row-major n·n; 1 − E_i² on the diagonal. */
  readonly covariance: Float64Array;
  readonly optimum: LocalOptimum;
}

/**
 * Exact law for jointly Gaussian coordinates with the given correlation of per-sample gradients (n rows of length n).
 * @throws RangeError when the correlation matrix does not fit.
 */
export function correlatedSignLaw(
  quadratic: NoisyQuadratic,
  correlation: readonly (readonly number[])[],
  batchSize: number,
): CorrelatedSigns {
  const { n, r, hessian, moves } = quadratic;
  if (correlation.length !== n || correlation.some((row) => row.length !== n))
    throw new RangeError(`The correlation matrix must have ${n} rows of ${n} entries.`);
  const signs = meanSigns(quadratic, batchSize);
  const covariance = new Float64Array(n * n);
  const root = Math.sqrt(batchSize);
  let correction = 0;
  for (let i = 0; i < n; i++) {
    covariance[i * n + i] = moves[i] * (1 - signs[i] ** 2);
    for (let j = 0; j < i; j++) {
      if (moves[i] === 0 || moves[j] === 0) continue;
      const value = signCovariance(root * r[i], root * r[j], correlation[i][j]);
      covariance[i * n + j] = value;
      covariance[j * n + i] = value;
      correction += (hessian[i * n + j] + hessian[j * n + i]) * value;
    }
  }
  const curvature = weightedTrace(quadratic, moves) + offDiagonalForm(quadratic, signs) + correction;
  return { meanSigns: signs, covariance, optimum: lemma1(dot(signs, quadratic.mu), curvature) };
}
