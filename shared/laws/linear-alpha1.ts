import { minimizeSquares, solvePositiveDefinite } from './least-squares.ts';
import type { RidgePoint } from './fit.ts';

/** eps = eps_max / (1 + B_noise/B) fitted to learning rates themselves, not to their logarithms. */
export interface LinearAlpha1Fit {
  readonly epsMax: number;
  readonly bNoise: number;
  readonly epsMaxStandardError: number;
  readonly bNoiseStandardError: number;
  /** Sum of squared residuals of the learning rate. */
  readonly sumOfSquares: number;
}

/**
 * Least squares on the linear scale, as line-search studies of SGD report it (arXiv 1812.06162, equation 2.5), with
 * standard errors from s^2 (J'J)^-1, s^2 = SSR/(n - 2). Null for fewer than three points.
 */
export function fitAlpha1Linear(points: readonly RidgePoint[]): LinearAlpha1Fit | null {
  const n = points.length;
  if (n < 3) return null;
  const batchSizes = points.map((point) => point.batchSize);
  const rates = points.map((point) => point.learningRate);
  // The scale that is best for a given B_noise: linear least squares through the origin.
  const scaleAt = (bNoise: number) => {
    let cross = 0;
    let square = 0;
    batchSizes.forEach((batchSize, i) => {
      const shape = 1 / (1 + bNoise / batchSize);
      cross += shape * rates[i];
      square += shape * shape;
    });
    return cross / square;
  };
  const lower = Math.log(Math.min(...batchSizes) / 20);
  const upper = Math.log(Math.max(...batchSizes) * 20);
  const sumAt = (lnNoise: number) => {
    const scale = scaleAt(Math.exp(lnNoise));
    return batchSizes.reduce((sum, b, i) => sum + (rates[i] - scale / (1 + Math.exp(lnNoise) / b)) ** 2, 0);
  };
  const scan = Array.from({ length: 61 }, (_, i) => lower + ((upper - lower) * i) / 60);
  const start = scan.reduce((a, b) => (sumAt(b) < sumAt(a) ? b : a));
  // Relative learning rates keep both coordinates of order one.
  const unit = Math.max(...rates);
  const evaluate = (at: Float64Array, residuals: Float64Array, jacobian: Float64Array | null) => {
    batchSizes.forEach((batchSize, i) => {
      const ratio = Math.exp(at[1]) / batchSize;
      residuals[i] = rates[i] / unit - at[0] / (1 + ratio);
      if (jacobian === null) return;
      jacobian[2 * i] = -1 / (1 + ratio);
      jacobian[2 * i + 1] = (at[0] * ratio) / (1 + ratio) ** 2;
    });
  };
  const result = minimizeSquares({ size: n, lower: [0, lower], upper: [Infinity, upper], evaluate }, [
    scaleAt(Math.exp(start)) / unit,
    start,
  ]);
  const residuals = new Float64Array(n);
  const jacobian = new Float64Array(2 * n);
  evaluate(result.at, residuals, jacobian);
  const variances = [0, 1].map((parameter) => {
    const normal = new Float64Array(4);
    for (let i = 0; i < n; i++) {
      for (let p = 0; p < 2; p++) {
        for (let q = 0; q < 2; q++) normal[2 * p + q] += jacobian[2 * i + p] * jacobian[2 * i + q];
      }
    }
    const right = new Float64Array(2);
    right[parameter] = 1;
    if (!solvePositiveDefinite(normal, right, 2)) return Infinity;
    return (right[parameter] * result.sumOfSquares) / (n - 2);
  });
  const bNoise = Math.exp(result.at[1]);
  return {
    epsMax: result.at[0] * unit,
    bNoise,
    epsMaxStandardError: Math.sqrt(variances[0]) * unit,
    bNoiseStandardError: Math.sqrt(variances[1]) * bNoise,
    sumOfSquares: result.sumOfSquares * unit ** 2,
  };
}
