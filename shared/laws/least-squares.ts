/**
 * Bounded nonlinear least squares for a handful of parameters: Levenberg-Marquardt (Marquardt 1963) with parameters
 * held at a bound while the gradient pushes them outwards. It only descends, so its result is never worse than its
 * start; callers choose the start by a coarse scan.
 */

export interface LeastSquaresProblem {
  /** Number of residuals. */
  readonly size: number;
  readonly lower: ArrayLike<number>;
  readonly upper: ArrayLike<number>;
  /**
   * Residuals at `at`, and their derivatives in `jacobian`, row-major [size, parameters], unless it is null.
   */
  readonly evaluate: (at: Float64Array, residuals: Float64Array, jacobian: Float64Array | null) => void;
}

export interface LeastSquaresResult {
  readonly at: Float64Array;
  readonly sumOfSquares: number;
  readonly iterations: number;
  /** False when the iteration limit came first. */
  readonly converged: boolean;
}

const ITERATION_LIMIT = 2000;
const STEP_TOLERANCE = 1e-11;
/** A step whose predicted gain is this small a part of the sum of squares is lost in rounding. */
const GAIN_TOLERANCE = 1e-15;
/** Beyond this damping a step is shorter than rounding: the point is as low as double precision can tell. */
const DAMPING_LIMIT = 1e14;

function sumOfSquares(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}

/**
 * Solves the symmetric positive definite system `matrix` x = `right` in place by Cholesky; the answer is in `right`.
 * Returns false when the matrix is not positive definite.
 */
export function solvePositiveDefinite(matrix: Float64Array, right: Float64Array, size: number): boolean {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k] * matrix[j * size + k];
      if (i === j) {
        if (!(sum > 0)) return false;
        matrix[i * size + i] = Math.sqrt(sum);
      } else {
        matrix[i * size + j] = sum / matrix[j * size + j];
      }
    }
  }
  for (let i = 0; i < size; i++) {
    let sum = right[i];
    for (let k = 0; k < i; k++) sum -= matrix[i * size + k] * right[k];
    right[i] = sum / matrix[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = right[i];
    for (let k = i + 1; k < size; k++) sum -= matrix[k * size + i] * right[k];
    right[i] = sum / matrix[i * size + i];
  }
  return true;
}

/** Minimises the sum of squared residuals from `start` (clamped into the bounds). */
export function minimizeSquares(problem: LeastSquaresProblem, start: ArrayLike<number>): LeastSquaresResult {
  const count = start.length;
  const { size, lower, upper } = problem;
  const clamp = (value: number, index: number) => Math.min(Math.max(value, lower[index]), upper[index]);
  let at = Float64Array.from(start, clamp);
  let trial = new Float64Array(count);
  let residuals = new Float64Array(size);
  let trialResiduals = new Float64Array(size);
  const jacobian = new Float64Array(size * count);
  const normal = new Float64Array(count * count);
  const gradient = new Float64Array(count);
  const system = new Float64Array(count * count);
  const step = new Float64Array(count);
  const free: number[] = [];

  problem.evaluate(at, residuals, jacobian);
  let best = sumOfSquares(residuals);
  let damping = 1e-3;
  let iterations = 0;
  let converged = count === 0;
  while (!converged && iterations < ITERATION_LIMIT) {
    iterations++;
    normal.fill(0);
    gradient.fill(0);
    for (let i = 0; i < size; i++) {
      for (let p = 0; p < count; p++) {
        const derivative = jacobian[i * count + p];
        gradient[p] += derivative * residuals[i];
        for (let q = 0; q <= p; q++) normal[p * count + q] += derivative * jacobian[i * count + q];
      }
    }
    free.length = 0;
    for (let p = 0; p < count; p++) {
      const outward = (at[p] <= lower[p] && gradient[p] > 0) || (at[p] >= upper[p] && gradient[p] < 0);
      if (!outward && normal[p * count + p] > 0) free.push(p);
    }
    const width = free.length;
    if (width === 0) {
      converged = true;
      break;
    }
    let accepted = false;
    while (!accepted && !converged) {
      for (let p = 0; p < width; p++) {
        for (let q = 0; q <= p; q++) system[p * width + q] = normal[free[p] * count + free[q]]!;
        system[p * width + p] *= 1 + damping;
        step[p] = -gradient[free[p]];
      }
      trial.set(at);
      let longest = Infinity;
      let gain = Infinity;
      if (solvePositiveDefinite(system, step, width)) {
        longest = 0;
        gain = 0;
        for (let p = 0; p < width; p++) {
          const index = free[p];
          trial[index] = clamp(at[index] + step[p], index);
          const moved = trial[index] - at[index];
          longest = Math.max(longest, Math.abs(moved));
          gain -= gradient[index] * moved;
        }
        problem.evaluate(trial, trialResiduals, null);
        const sum = sumOfSquares(trialResiduals);
        if (sum <= best) {
          accepted = true;
          converged = longest < STEP_TOLERANCE || gain <= GAIN_TOLERANCE * best;
          best = sum;
          damping = Math.max(damping / 10, 1e-12);
        }
      }
      if (!accepted) {
        damping *= 10;
        converged = longest < STEP_TOLERANCE || gain <= GAIN_TOLERANCE * best || damping > DAMPING_LIMIT;
      }
    }
    if (accepted) {
      [at, trial] = [trial, at];
      [residuals, trialResiduals] = [trialResiduals, residuals];
      if (!converged) problem.evaluate(at, residuals, jacobian);
    }
  }
  return { at, sumOfSquares: best, iterations, converged };
}
