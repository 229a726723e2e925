/** From a noisy quadratic to the figure of its laws. */
import { examineLaw, theoryBatchSizes } from '../theory/examine.ts';
import type { LocalLaw } from '../theory/lemma1.ts';
import type { TheoryOptimizer } from '../theory/optimizer-law.ts';
import type { MonteCarloOptimum } from '../theory/predict.ts';
import type { NoisyQuadratic } from '../theory/quadratic.ts';
import { simulateLineSearch } from '../theory/simulator.ts';
import { geometric } from './curves.ts';
import type { TheoryCurve, TheoryCurveKind, TheoryInput } from './theory-figure.ts';

export interface TheoryProblem {
  readonly name: string;
  readonly quadratic: NoisyQuadratic;
  readonly optimizer: TheoryOptimizer;
  /** By default powers of two around the peak. */
  readonly batchSizes?: readonly number[] | undefined;
}

/** What a simulation found at one batch size. */
export interface SimulatedOptimum {
  readonly batchSize: number;
  readonly optimum: MonteCarloOptimum;
}

/** Simulates the update at every batch size of the problem; the same draws every time. */
export function simulateProblem(problem: TheoryProblem, draws: number): SimulatedOptimum[] {
  const { quadratic, optimizer } = problem;
  const sizes = problem.batchSizes ?? theoryBatchSizes(examineLaw(quadratic, optimizer));
  return sizes.map((batchSize) => ({
    batchSize,
    optimum: simulateLineSearch(quadratic, { optimizer, batchSize, draws, seed: 0 }).optimum,
  }));
}

export function theoryInput(
  problem: TheoryProblem,
  simulated: readonly SimulatedOptimum[],
  draws: number | null,
): TheoryInput {
  const { name, quadratic, optimizer } = problem;
  const examined = examineLaw(quadratic, optimizer);
  const { law, smallBatch, plateau, search, regimeEnd } = examined;
  const sizes = problem.batchSizes ?? theoryBatchSizes(examined);
  const along = sizes.length === 0 ? [] : geometric(Math.min(...sizes), Math.max(...sizes));
  const curve = (kind: TheoryCurveKind, at: LocalLaw): TheoryCurve => ({
    kind,
    points: along.map((batchSize) => {
      const { learningRate, decrease } = at(batchSize);
      return { batchSize, learningRate, decrease };
    }),
  });
  const sign = optimizer.kind === 'sign';
  return {
    name,
    optimizer: describeOptimizer(optimizer),
    curves: [
      curve('exact', law),
      ...(sign ? [curve('small-batch', smallBatch.optimum)] : []),
      ...(optimizer.kind === 'sgd' || plateau.learningRate === null ? [] : [curve('plateau', () => plateau)]),
    ],
    simulated: simulated.map(({ batchSize, optimum }) => ({
      batchSize,
      learningRate: optimum.learningRate,
      learningRateError: optimum.learningRateStandardError,
      decrease: optimum.decrease,
      decreaseError: optimum.decreaseStandardError,
    })),
    draws: simulated.length === 0 ? null : draws,
    bNoise: sign ? smallBatch.bNoise : null,
    peak: search.peak,
    regimeEnd: sign ? regimeEnd : null,
  };
}

function describeOptimizer(optimizer: TheoryOptimizer): string {
  switch (optimizer.kind) {
    case 'sign':
      return 'sign descent';
    case 'sgd':
      return 'SGD';
    case 'signum':
      return `Signum, β = ${optimizer.beta1}`;
    case 'adam':
      return `Adam, β₁ = ${optimizer.beta1}, β₂ = ${optimizer.beta2}`;
  }
}
