/**
 * A case with a closed form: n equal coordinates, H = (1 − rho) I + rho 11'. The off-diagonal curvature grows with rho
 * alone, so that the peak can be switched on and off.
 */
import { erf } from './erf.ts';
import { bisect } from './numeric.ts';
import type { NoisyQuadratic } from './quadratic.ts';
import { noisyQuadratic } from './quadratic.ts';

export interface Equicorrelated {
  readonly n: number;
  readonly rho: number;
  readonly mu: number;
  readonly sigma: number;
}

export function equicorrelatedQuadratic({ n, rho, mu, sigma }: Equicorrelated): NoisyQuadratic {
  return noisyQuadratic({
    mu: Array.from({ length: n }, () => mu),
    sigma: Array.from({ length: n }, () => sigma),
    hessian: Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : rho))),
  });
}

export interface EquicorrelatedPeak {
  /** E* = √(D/S_sign), the mean sign at which the law peaks; null unless S_sign > 0. At 1 or more there is no peak. */
  readonly betaStar: number | null;
  /** B with erf(√(B/2)·r) = E*; null when there is no peak. */
  readonly bPeak: number | null;
}

/** Maximum of eps = E·sum|mu|/(D + E² S_sign), which has one iff S_sign > D. */
export function equicorrelatedPeak({ n, rho, mu, sigma }: Equicorrelated): EquicorrelatedPeak {
  const signOffDiagonal = n * (n - 1) * rho;
  const betaStar = signOffDiagonal > 0 ? Math.sqrt(n / signOffDiagonal) : null;
  if (betaStar === null || betaStar >= 1 || mu === 0 || sigma === 0) return { betaStar, bPeak: null };
  // erf(6) is 1 in double precision.
  const x = bisect((at) => erf(at) - betaStar, 0, 6);
  return { betaStar, bPeak: x === null ? null : 2 * (x * (sigma / mu)) ** 2 };
}
