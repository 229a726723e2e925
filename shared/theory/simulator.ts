/**
 * Monte Carlo of the real update on the noisy quadratic at a frozen point: draw mini-batch gradients, form the update V
 * as the optimizer does, and measure how the true loss changes along it. The loss is quadratic, so that the decrease of
 * one draw, eps·G'V − eps²·V'HV/2, is exact at every learning rate, and the argmax of the average is a ratio of means.
 */
import { stream } from '../random/index.ts';
import type { TheoryOptimizer } from './optimizer-law.ts';
import { momentumVariance } from './momentum.ts';
import type { MonteCarloOptimum } from './predict.ts';
import { optimumOfUpdates } from './predict.ts';
import { bilinearForm, dot } from './quadratic.ts';
import type { NoisyQuadratic } from './quadratic.ts';
import { checkBatchSize } from './lemma1.ts';

export interface SimulationOptions {
  readonly optimizer: TheoryOptimizer;
  readonly batchSize: number;
  /** Independent draws: single updates for sign descent and SGD, chains of a warm optimizer for Signum and Adam. */
  readonly draws: number;
  /** Seed of the stream, a whole number. */
  readonly seed: number;
  /** Updates averaged in each chain after its warm-up (Signum and Adam). */
  readonly chainLength?: number;
  /** Correlation of per-sample gradients, n rows of length n, positive semidefinite; independent when left out. */
  readonly correlation?: readonly (readonly number[])[];
  /** Learning rates of the line search curve. */
  readonly learningRates?: readonly number[];
}

export interface LineSearchPoint {
  readonly learningRate: number;
  /** Mean loss decrease over draws. */
  readonly decrease: number;
  readonly standardError: number;
}

export interface Simulation {
  readonly batchSize: number;
  readonly optimum: MonteCarloOptimum;
  readonly curve: readonly LineSearchPoint[];
}

/** Lower triangle of the Cholesky factor, row-major. Semidefinite matrices pass; indefinite ones do not. */
function cholesky(matrix: readonly (readonly number[])[], n: number): Float64Array {
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= factor[i * n + k] * factor[j * n + k];
      if (i === j) {
        if (!(sum > -1e-10)) throw new RangeError('The correlation matrix is not positive semidefinite.');
        factor[i * n + i] = Math.sqrt(Math.max(0, sum));
      } else {
        const pivot = factor[j * n + j];
        factor[i * n + j] = pivot > 1e-10 ? sum / pivot : 0;
      }
    }
  }
  return factor;
}

/** Source of mini-batch gradients mu + sigma·z/√B, z standard normal with the wanted correlation. */
function gradientSource(quadratic: NoisyQuadratic, options: SimulationOptions) {
  const { n, mu, sigma } = quadratic;
  const { correlation } = options;
  if (correlation !== undefined && (correlation.length !== n || correlation.some((row) => row.length !== n)))
    throw new RangeError(`The correlation matrix must have ${n} rows of ${n} entries.`);
  const factor = correlation === undefined ? null : cholesky(correlation, n);
  const normals = stream('theory/simulator', options.seed);
  const root = 1 / Math.sqrt(options.batchSize);
  const noise = new Float64Array(n);
  const gradient = new Float64Array(n);
  let counter = 0;
  return (): Float64Array => {
    normals.fillNormal(noise, counter);
    counter += n;
    for (let i = 0; i < n; i++) {
      let z = noise[i];
      if (factor !== null) {
        z = 0;
        for (let k = 0; k <= i; k++) z += factor[i * n + k] * noise[k];
      }
      gradient[i] = mu[i] + sigma[i] * root * z;
    }
    return gradient;
  };
}

/** Slope and curvature along the mean over a chain of updates. */
type Chain = () => { readonly slope: number; readonly curvature: number };

/** A chain of updates from a warm state: `advance` takes one gradient and writes the update. */
function warmChain(
  quadratic: NoisyQuadratic,
  next: () => Float64Array,
  warmUp: number,
  length: number,
  fresh: () => (gradient: Float64Array, update: Float64Array) => void,
): Chain {
  const update = new Float64Array(quadratic.n);
  return () => {
    const advance = fresh();
    let [slope, curvature] = [0, 0];
    for (let step = 0; step < warmUp + length; step++) {
      advance(next(), update);
      if (step < warmUp) continue;
      slope += dot(update, quadratic.mu);
      curvature += bilinearForm(quadratic, update);
    }
    return { slope: slope / length, curvature: curvature / length };
  };
}

function chainOf(quadratic: NoisyQuadratic, options: SimulationOptions): Chain {
  const next = gradientSource(quadratic, options);
  const { optimizer } = options;
  const length = options.chainLength ?? 200;
  switch (optimizer.kind) {
    case 'sgd':
      return () => {
        const update = next();
        return { slope: dot(update, quadratic.mu), curvature: bilinearForm(quadratic, update) };
      };
    case 'sign': {
      const update = new Float64Array(quadratic.n);
      return () => {
        next().forEach((value, i) => (update[i] = Math.sign(value)));
        return { slope: dot(update, quadratic.mu), curvature: bilinearForm(quadratic, update) };
      };
    }
    case 'signum': {
      const { beta1 } = optimizer;
      momentumVariance(beta1);
      return warmChain(quadratic, next, memory(beta1), length, () => {
        const average = quadratic.mu.slice();
        return (gradient, update) => {
          for (let i = 0; i < average.length; i++) {
            average[i] = beta1 * average[i] + (1 - beta1) * gradient[i];
            update[i] = Math.sign(average[i]);
          }
        };
      });
    }
    case 'adam': {
      const { beta1, beta2 } = optimizer;
      momentumVariance(beta1);
      if (!(beta2 >= 0 && beta2 < 1))
        throw new RangeError(`beta2 must be at least 0 and below 1, not ${beta2}.`);
      // The second moment starts at its mean, so that only its small fluctuation has to settle.
      const warmUp = Math.max(memory(beta1), Math.ceil(3 / (1 - beta2)));
      return warmChain(quadratic, next, warmUp, length, () => {
        const first = quadratic.mu.slice();
        const second = quadratic.mu.map((mu, i) => mu ** 2 + quadratic.sigma[i] ** 2 / options.batchSize);
        return (gradient, update) => {
          for (let i = 0; i < first.length; i++) {
            first[i] = beta1 * first[i] + (1 - beta1) * gradient[i];
            second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] ** 2;
            update[i] = second[i] > 0 ? first[i] / Math.sqrt(second[i]) : 0;
          }
        };
      });
    }
  }
}

/** Steps after which an exponential average has forgotten its start to 1e-9. */
function memory(decay: number): number {
  return decay === 0 ? 1 : Math.ceil(Math.log(1e-9) / Math.log(decay));
}

/** Simulates the local line search at one batch size. @throws RangeError naming the option that is wrong. */
export function simulateLineSearch(quadratic: NoisyQuadratic, options: SimulationOptions): Simulation {
  checkBatchSize(options.batchSize);
  const { draws, chainLength } = options;
  if (!(Number.isSafeInteger(draws) && draws >= 2))
    throw new RangeError(`draws must be a whole number of at least 2, not ${draws}.`);
  if (chainLength !== undefined && !(Number.isSafeInteger(chainLength) && chainLength >= 1))
    throw new RangeError(`chainLength must be a positive whole number, not ${chainLength}.`);
  const chain = chainOf(quadratic, options);
  const slopes = new Array<number>(draws);
  const curvatures = new Array<number>(draws);
  for (let k = 0; k < draws; k++) {
    const { slope, curvature } = chain();
    slopes[k] = slope;
    curvatures[k] = curvature;
  }
  const curve = (options.learningRates ?? []).map((learningRate) => {
    const decreases = slopes.map(
      (slope, k) => learningRate * slope - (learningRate ** 2 * curvatures[k]) / 2,
    );
    const decrease = decreases.reduce((sum, value) => sum + value, 0) / draws;
    const square = decreases.reduce((sum, value) => sum + (value - decrease) ** 2, 0) / (draws - 1);
    return { learningRate, decrease, standardError: Math.sqrt(square / draws) };
  });
  return { batchSize: options.batchSize, optimum: optimumOfUpdates(slopes, curvatures), curve };
}
