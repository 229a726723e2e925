import { minimizeSquares } from './least-squares.ts';
import { fromCoordinate, LAWS, toCoordinate } from './laws.ts';
import type { Law, LawName, LawParameters, ParameterName } from './laws.ts';

/** Tables of scanned law shapes, so that many ridges on the same batch sizes scan by multiplication alone. */
export type ScanCache = Map<string, Float64Array>;

/** Local minima of the coarse scan that are refined. */
const STARTS = 3;
/** A coordinate this close to its bound counts as at the bound. */
const BOUND_TOLERANCE = 1e-7;

/** One least-squares solution: weighted sum of squares of ln LR residuals, the scale profiled out. */
export interface Solution {
  readonly at: Float64Array;
  /** ln of the scale a. */
  readonly lnScale: number;
  readonly sumOfSquares: number;
  readonly atBound: readonly ParameterName[];
  readonly converged: boolean;
}

/**
 * Fits one law to optima on fixed batch sizes. `weights` of 0 leave a batch size out, and the bounds of batch scales
 * then follow the batch sizes that remain.
 */
export class LawSolver {
  readonly law: Law;
  readonly #lnBatch: Float64Array;
  readonly #batchSizes: readonly number[];
  /** Coordinates of the scan, [shape][parameter], and g at the scan points, [shape][batch]. */
  readonly #axes: readonly Float64Array[];
  readonly #table: Float64Array;

  constructor(name: LawName, batchSizes: readonly number[], cache: ScanCache = new Map()) {
    this.law = LAWS[name];
    this.#batchSizes = batchSizes;
    this.#lnBatch = Float64Array.from(batchSizes, Math.log);
    const smallest = Math.min(...batchSizes);
    const largest = Math.max(...batchSizes);
    this.#axes = this.law.shape.map((parameter) => {
      const bounds = parameter.bounds(smallest, largest);
      const lower = toCoordinate(parameter, bounds[0]);
      const upper = toCoordinate(parameter, bounds[1]);
      const last = parameter.scanPoints - 1;
      return Float64Array.from(
        { length: parameter.scanPoints },
        (_, i) => (lower * (last - i) + upper * i) / last,
      );
    });
    const key = `${name}:${batchSizes.join(',')}`;
    let table = cache.get(key);
    if (table === undefined) {
      table = this.#scanTable();
      cache.set(key, table);
    }
    this.#table = table;
  }

  /** Coordinates of scan point `index`; the last shape parameter varies fastest. */
  #scanPoint(index: number): Float64Array {
    const at = new Float64Array(this.#axes.length);
    for (let p = this.#axes.length - 1; p >= 0; p--) {
      const axis = this.#axes[p];
      at[p] = axis[index % axis.length]!;
      index = Math.floor(index / axis.length);
    }
    return at;
  }

  #scanTable(): Float64Array {
    const count = this.#axes.reduce((product, axis) => product * axis.length, 1);
    const width = this.#lnBatch.length;
    const gradient = new Float64Array(this.#axes.length);
    const table = new Float64Array(count * width);
    for (let s = 0; s < count; s++) {
      const at = this.#scanPoint(s);
      for (let i = 0; i < width; i++) {
        table[s * width + i] = this.law.lnShape(this.#lnBatch[i], at, gradient);
      }
    }
    return table;
  }

  /** Bounds of the shape coordinates for the batch sizes whose weight is not 0. */
  bounds(weights: ArrayLike<number>): { lower: Float64Array; upper: Float64Array } {
    let smallest = Infinity;
    let largest = 0;
    for (let i = 0; i < this.#batchSizes.length; i++) {
      if (!(weights[i] > 0)) continue;
      smallest = Math.min(smallest, this.#batchSizes[i]);
      largest = Math.max(largest, this.#batchSizes[i]);
    }
    const lower = new Float64Array(this.law.shape.length);
    const upper = new Float64Array(this.law.shape.length);
    this.law.shape.forEach((parameter, p) => {
      const pair = parameter.bounds(smallest, largest);
      lower[p] = toCoordinate(parameter, pair[0]);
      upper[p] = toCoordinate(parameter, pair[1]);
    });
    return { lower, upper };
  }

  /** The lowest local minima of the coarse scan, lowest first. */
  #starts(lnRates: ArrayLike<number>, weights: ArrayLike<number>, lower: Float64Array, upper: Float64Array) {
    const width = this.#lnBatch.length;
    const count = this.#table.length / width;
    const sums = new Float64Array(count);
    const dimensions = this.#axes.length;
    // Removing the plain mean first keeps the one-pass variance below free of cancellation.
    let center = 0;
    let total = 0;
    for (let i = 0; i < width; i++) {
      if (weights[i] > 0) {
        center += weights[i] * lnRates[i];
        total += weights[i];
      }
    }
    center /= total;
    const [first, second] = this.#axes;
    const inner = second === undefined ? 1 : second.length;
    for (let s = 0; s < count; s++) {
      const outside =
        (first !== undefined && outsideOf(first[Math.floor(s / inner)], lower[0], upper[0])) ||
        (second !== undefined && outsideOf(second[s % inner], lower[1], upper[1]));
      if (outside) {
        sums[s] = Infinity;
        continue;
      }
      let sum = 0;
      let squares = 0;
      const offset = s * width;
      for (let i = 0; i < width; i++) {
        const weight = weights[i];
        if (weight === 0) continue;
        const difference = lnRates[i] - center - this.#table[offset + i];
        const weighted = weight * difference;
        sum += weighted;
        squares += weighted * difference;
      }
      sums[s] = squares - (sum * sum) / total;
    }
    const minima: number[] = [];
    for (let s = 0; s < count; s++) {
      const value = sums[s];
      if (value === Infinity) continue;
      const column = s % inner;
      const lowest =
        !(dimensions === 2 && column > 0 && sums[s - 1] < value) &&
        !(dimensions === 2 && column < inner - 1 && sums[s + 1] < value) &&
        !(s - inner >= 0 && sums[s - inner] < value) &&
        !(s + inner < count && sums[s + inner] < value);
      if (lowest) minima.push(s);
    }
    minima.sort((a, b) => sums[a] - sums[b] || a - b);
    return minima.slice(0, STARTS).map((s) => ({ at: this.#scanPoint(s), sumOfSquares: sums[s] }));
  }

  /**
   * Best fit to ln LR at the batch sizes. `hold` pins the first shape coordinate (for profiles); `near` is a start for
   * a refit of nearly the same points.
   */
  solve(
    lnRates: ArrayLike<number>,
    weights: ArrayLike<number>,
    options: { hold?: number; near?: Float64Array } = {},
  ): Solution {
    const width = this.#lnBatch.length;
    const count = this.law.shape.length;
    const { lower, upper } = this.bounds(weights);
    const starts = this.#starts(lnRates, weights, lower, upper);
    if (options.hold !== undefined && count > 0) {
      lower[0] = options.hold;
      upper[0] = options.hold;
    }
    const slopes = new Float64Array(width * count);
    const gradient = new Float64Array(count);
    const meanSlope = new Float64Array(count);
    let total = 0;
    const roots = Float64Array.from({ length: width }, (_, i) => {
      total += weights[i];
      return Math.sqrt(weights[i]);
    });
    let lnScale = 0;
    const problem = {
      size: width,
      lower,
      upper,
      evaluate: (at: Float64Array, residuals: Float64Array, jacobian: Float64Array | null) => {
        let mean = 0;
        meanSlope.fill(0);
        for (let i = 0; i < width; i++) {
          const weight = weights[i];
          if (weight === 0) {
            residuals[i] = 0;
            continue;
          }
          const difference = lnRates[i] - this.law.lnShape(this.#lnBatch[i], at, gradient);
          residuals[i] = difference;
          mean += weight * difference;
          for (let p = 0; p < count; p++) {
            slopes[i * count + p] = gradient[p]!;
            meanSlope[p] += weight * gradient[p];
          }
        }
        mean /= total;
        lnScale = mean;
        for (let i = 0; i < width; i++) {
          const root = roots[i];
          residuals[i] = root === 0 ? 0 : root * (residuals[i] - mean);
          if (jacobian === null) continue;
          for (let p = 0; p < count; p++) {
            jacobian[i * count + p] = root === 0 ? 0 : -root * (slopes[i * count + p] - meanSlope[p] / total);
          }
        }
      },
    };
    let best = minimizeSquares(problem, options.near ?? starts[0]?.at ?? new Float64Array(count));
    for (const start of starts.slice(options.near === undefined ? 1 : 0)) {
      // A refit of nearly the same points needs no second start when it lies below everything that the scan has seen.
      if (options.near !== undefined && best.sumOfSquares <= start.sumOfSquares) break;
      const other = minimizeSquares(problem, start.at);
      if (other.sumOfSquares < best.sumOfSquares) best = other;
    }
    problem.evaluate(best.at, new Float64Array(width), null);
    const atBound = this.law.shape
      .filter(
        (_, p) =>
          !(options.hold !== undefined && p === 0) &&
          (best.at[p] - lower[p] < BOUND_TOLERANCE || upper[p] - best.at[p] < BOUND_TOLERANCE),
      )
      .map((parameter) => parameter.name);
    return { at: best.at, lnScale, sumOfSquares: best.sumOfSquares, atBound, converged: best.converged };
  }

  /** ln LR that a solution gives at batch `index`. */
  predict(solution: Solution, index: number): number {
    const gradient = new Float64Array(this.law.shape.length);
    return solution.lnScale + this.law.lnShape(this.#lnBatch[index], solution.at, gradient);
  }

  parameters(solution: Solution): LawParameters {
    const parameters: Partial<Record<ParameterName, number>> = {
      [this.law.scale]: Math.exp(solution.lnScale),
    };
    this.law.shape.forEach((parameter, p) => {
      parameters[parameter.name] = fromCoordinate(parameter, solution.at[p]);
    });
    return parameters;
  }
}

function outsideOf(value: number, lower: number, upper: number): boolean {
  return value < lower - BOUND_TOLERANCE || value > upper + BOUND_TOLERANCE;
}
