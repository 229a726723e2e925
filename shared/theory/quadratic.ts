/**
 * The world of the theory (arXiv 2405.14578, section 2): a loss that is quadratic around the current point, with
 * gradient mu and Hessian H, and per-sample gradients of mean mu_i and standard deviation sigma_i.
 */

export interface NoisyQuadraticInput {
  /** True gradient, length n, in loss/theta. */
  readonly mu: readonly number[];
  /** Standard deviation of the per-sample gradient, length n, in loss/theta. */
  readonly sigma: readonly number[];
  /** Symmetric Hessian, n rows of length n, in loss/theta². It may be indefinite. */
  readonly hessian: readonly (readonly number[])[];
}

export interface NoisyQuadratic {
  readonly n: number;
  readonly mu: Float64Array;
  readonly sigma: Float64Array;
  /** r = mu/sigma, per sample. 0 where mu = 0; ±Infinity where only sigma = 0. */
  readonly r: Float64Array;
  /** Row-major, n·n. */
  readonly hessian: Float64Array;
  /** 1 where the coordinate can move; 0 where mu and sigma are both 0, as sign(0) = 0. */
  readonly moves: Float64Array;
}

/** @throws RangeError naming the field that is wrong. */
export function noisyQuadratic(input: NoisyQuadraticInput): NoisyQuadratic {
  const n = input.mu.length;
  if (n === 0) throw new RangeError('mu is empty: give one entry for each parameter.');
  if (input.sigma.length !== n)
    throw new RangeError(`sigma has ${input.sigma.length} entries, but mu has ${n}.`);
  if (input.hessian.length !== n)
    throw new RangeError(`hessian has ${input.hessian.length} rows, but mu has ${n} entries.`);
  const hessian = new Float64Array(n * n);
  let largest = 0;
  input.hessian.forEach((row, i) => {
    if (row.length !== n) throw new RangeError(`hessian row ${i + 1} has ${row.length} entries, not ${n}.`);
    row.forEach((value, j) => {
      if (!Number.isFinite(value))
        throw new RangeError(
          `hessian row ${i + 1}, column ${j + 1} is ${value}: it must be a finite number.`,
        );
      hessian[i * n + j] = value;
      largest = Math.max(largest, Math.abs(value));
    });
  });
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(input.mu[i]))
      throw new RangeError(`mu entry ${i + 1} is ${input.mu[i]}: it must be a finite number.`);
    if (!(Number.isFinite(input.sigma[i]) && input.sigma[i] >= 0))
      throw new RangeError(`sigma entry ${i + 1} is ${input.sigma[i]}: it must be a number of at least 0.`);
    for (let j = 0; j < i; j++) {
      if (Math.abs(hessian[i * n + j] - hessian[j * n + i]) > 1e-9 * largest)
        throw new RangeError(
          `hessian is not symmetric: row ${i + 1}, column ${j + 1} is ${hessian[i * n + j]}, the mirrored entry ${hessian[j * n + i]}.`,
        );
    }
  }
  const mu = Float64Array.from(input.mu);
  const sigma = Float64Array.from(input.sigma);
  return {
    n,
    mu,
    sigma,
    r: mu.map((value, i) => (value === 0 ? 0 : value / sigma[i])),
    hessian,
    moves: mu.map((value, i) => (value === 0 && sigma[i] === 0 ? 0 : 1)),
  };
}

/** Sum over i ≠ j of u_i H_ij v_j. */
export function offDiagonalForm(
  quadratic: NoisyQuadratic,
  u: ArrayLike<number>,
  v: ArrayLike<number> = u,
): number {
  const { n, hessian } = quadratic;
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (u[i] === 0) continue;
    let row = 0;
    for (let j = 0; j < n; j++) if (j !== i && v[j] !== 0) row += hessian[i * n + j] * v[j];
    total += u[i] * row;
  }
  return total;
}

/** u'Hv. */
export function bilinearForm(
  quadratic: NoisyQuadratic,
  u: ArrayLike<number>,
  v: ArrayLike<number> = u,
): number {
  const { n, hessian } = quadratic;
  let total = offDiagonalForm(quadratic, u, v);
  for (let i = 0; i < n; i++) total += u[i] * hessian[i * n + i] * v[i];
  return total;
}

export function dot(u: ArrayLike<number>, v: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
  return sum;
}

/** Sum over i of weight_i H_ii. */
export function weightedTrace(quadratic: NoisyQuadratic, weights: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < quadratic.n; i++) sum += weights[i] * quadratic.hessian[i * quadratic.n + i];
  return sum;
}
