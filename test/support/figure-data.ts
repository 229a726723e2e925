/** A synthetic experiment for figures, without a store. */
import type { FigureData } from '#shared/figure/draw.ts';
import { syntheticCurves } from './synthetic-curves.ts';

export interface FigureDataOptions {
  readonly batchSizes?: number;
  readonly learningRates?: number;
  readonly seeds?: number;
  readonly marks?: number;
}

/** Its ridge rises, peaks and falls, and the peak moves to smaller batch sizes. */
export function syntheticFigureData({
  batchSizes = 8,
  learningRates = 9,
  seeds = 5,
  marks = 100,
}: FigureDataOptions = {}): FigureData {
  const curves = syntheticCurves({
    batchSizes: Array.from({ length: batchSizes }, (_, i) => 2 ** i),
    learningRates: Array.from(
      { length: learningRates },
      (_, i) => 1e-4 * 10 ** ((2.5 * i) / (learningRates - 1)),
    ),
    seeds,
    marks: Array.from({ length: marks }, (_, i) => i + 1),
    optimum: (batchSize, step) =>
      4e-3 / (Math.sqrt(batchSize / (640 / step)) + Math.sqrt(640 / step / batchSize)),
    noise: 0.05,
  });
  return {
    experiment: (name) => ({
      name,
      specification: null,
      curves: () => curves,
      predictions: () => [],
      cells: () => [],
      finalLosses: () => null,
    }),
  };
}
