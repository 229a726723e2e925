/** Random noisy quadratics for tests, from named streams. */
import { stream } from '#shared/random/index.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import type { NoisyQuadratic, NoisyQuadraticInput } from '#shared/theory/quadratic.ts';

/**
 * Positive definite Hessian A A'/n + 0.1 I, gradients and noise of mixed size, 2 to 6 coordinates. r is between about
 * 0.003 and 3, so that batch sizes of 1 to 10,000 pass through every regime.
 */
export function randomQuadraticInput(seed: number): NoisyQuadraticInput {
  const numbers = stream('test/quadratic', seed);
  const n = 2 + Math.floor(5 * numbers.uniform(0));
  const normals = new Float64Array(n * n + 3 * n);
  numbers.fillNormal(normals, 0);
  const a = (i: number, k: number) => normals[i * n + k];
  const spread = (i: number) => normals[n * n + i];
  return {
    mu: Array.from({ length: n }, (_, i) => 0.1 * spread(i)),
    sigma: Array.from({ length: n }, (_, i) => Math.exp(0.7 * spread(n + i))),
    hessian: Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => {
        let sum = i === j ? 0.1 : 0;
        for (let k = 0; k < n; k++) sum += (a(i, k) * a(j, k)) / n;
        return sum;
      }),
    ),
  };
}

export function randomQuadratic(seed: number): NoisyQuadratic {
  return noisyQuadratic(randomQuadraticInput(seed));
}

export const THREE_PARAMETERS: NoisyQuadraticInput = {
  mu: [0.02, 0.05, 0.01],
  sigma: [1, 2, 0.5],
  hessian: [
    [2, 1.2, 0.8],
    [1.2, 3, 1],
    [0.8, 1, 1.5],
  ],
};

/** The same gradient and noise without off-diagonal curvature. */
export const DIAGONAL: NoisyQuadraticInput = {
  ...THREE_PARAMETERS,
  hessian: [
    [2, 0, 0],
    [0, 3, 0],
    [0, 0, 1.5],
  ],
};
