/** Monte Carlo of the real update at a few batch sizes, for the worker: one batch size at a time. */
import type { TheoryOptimizer } from '#shared/theory/optimizer-law.ts';
import { simulateLineSearch } from '#shared/theory/simulator.ts';
import { quadraticOf, type FamilySettings } from './families.ts';

export interface SimulationRequest {
  /** Comes back with every answer, so that answers to older settings are dropped. */
  readonly question: number;
  readonly settings: FamilySettings;
  readonly optimizer: TheoryOptimizer;
  readonly batchSizes: readonly number[];
  readonly draws: number;
}

export interface SimulatedPoint {
  readonly question: number;
  readonly batchSize: number;
  readonly learningRate: number | null;
  /** Standard error of the learning rate; null without an optimum. */
  readonly error: number | null;
}

/** Batch sizes from the middle outwards, one simulation each. */
export function* simulatePoints(request: SimulationRequest): Generator<SimulatedPoint> {
  const { question, settings, optimizer, batchSizes, draws } = request;
  const quadratic = quadraticOf(settings);
  const middle = (batchSizes.length - 1) / 2;
  const order = batchSizes.map((_, i) => i).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
  for (const i of order) {
    const { optimum } = simulateLineSearch(quadratic, {
      optimizer,
      batchSize: batchSizes[i],
      draws,
      // Draws of their own: with shared ones all points would be off to the same side.
      seed: i,
      // Warm chains cost their warm-up once.
      chainLength: 20,
    });
    yield {
      question,
      batchSize: batchSizes[i],
      learningRate: optimum.learningRate,
      error: optimum.learningRateStandardError,
    };
  }
}
