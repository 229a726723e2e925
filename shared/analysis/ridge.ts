/** The ridge: optimal learning rate against batch size under one definition. */
import type { Averages } from './averages.ts';
import { averagesOf, meanCurveAverages } from './averages.ts';
import type { CurveSet } from './curves.ts';
import type { Optimum, OptimumMethod } from './optimum.ts';
import { optimumOf } from './optimum.ts';
import type { Peak } from './peak.ts';
import { peakOf } from './peak.ts';
import type { Resampling } from './resampling.ts';
import { resampling } from './resampling.ts';
import type { Definition, TargetDefinition } from './scores.ts';
import { curveOf, scoreTable } from './scores.ts';

export interface Ridge {
  readonly definition: Definition;
  readonly method: OptimumMethod;
  /** One a batch size, ascending. */
  readonly points: readonly Optimum[];
  /** Null without at least one optimum. */
  readonly peak: Peak | null;
}

export interface RidgeOptions {
  /** Shared between ridges, so that all see the same resamples and no time is lost. */
  readonly bootstrap?: Resampling;
  /** Whether the points keep the optimum of every resample (default). */
  readonly keepResampled?: boolean;
  /** How optima are read off the means; three-point when absent. */
  readonly method?: OptimumMethod;
}

export function ridgeOf(curves: CurveSet, definition: Definition, options: RidgeOptions = {}): Ridge {
  const [ridge] = ridgesOf(curves, [definition], options);
  return ridge;
}

/** Definitions handled at once: bounds the memory of the resampled means. */
const BLOCK = 64;

/** Ridges under several definitions, in their order; far faster than one by one. */
export function ridgesOf(
  curves: CurveSet,
  definitions: readonly Definition[],
  options: RidgeOptions = {},
): Ridge[] {
  const bootstrap = options.bootstrap ?? resampling(curves.seeds.length);
  if (bootstrap.seeds !== curves.seeds.length)
    throw new RangeError(
      `the resampling is of ${bootstrap.seeds} seeds, the curves have ${curves.seeds.length}`,
    );
  const method = options.method ?? 'three-point';
  const order = ranks(curves.seeds);
  const references = curves.batchSizes.map((_, batch) => referenceLoss(curves, batch));
  const ridges = new Array<Ridge>(definitions.length);
  const byPassage = Map.groupBy(definitions.keys(), (i) => usesMeanCurve(definitions[i]));
  for (const [meanCurve, indices] of byPassage)
    for (let start = 0; start < indices.length; start += BLOCK) {
      const block = indices.slice(start, start + BLOCK);
      const asked = block.map((i) => definitions[i]);
      const points = curves.batchSizes.map((batchSize, batch) => {
        const averages: Averages = meanCurve
          ? meanCurveAverages(curves, batch, asked as TargetDefinition[], bootstrap, order)
          : averagesOf(scoreTable(curves, batch, asked), bootstrap, order);
        return asked.map((definition, instant) =>
          optimumOf(averages, instant, {
            batchSize,
            learningRates: curves.learningRates,
            tolerance: toleranceOf(definition, references[batch]),
            method,
          }),
        );
      });
      block.forEach((index, instant) => {
        const list = points.map((optima) => optima[instant]);
        ridges[index] = {
          definition: definitions[index],
          method,
          points:
            options.keepResampled === false
              ? list.map((point) => ({ ...point, resampled: new Float64Array(0) }))
              : list,
          peak: peakOf(list, curves.learningRates),
        };
      });
    }
  return ridges;
}

function usesMeanCurve(definition: Definition): definition is TargetDefinition {
  return 'passage' in definition && definition.passage === 'mean-curve';
}

/** Place of each seed in ascending order, so that the resamples do not depend on how the seeds are listed. */
export function ranks(seeds: readonly number[]): Uint32Array {
  const sorted = seeds.map((_, i) => i).sort((a, b) => seeds[a] - seeds[b] || a - b);
  const order = new Uint32Array(seeds.length);
  sorted.forEach((seed, rank) => (order[seed] = rank));
  return order;
}

const NEAR = 0.05;

/** 5 % of the best gain: the fall of the loss since the start or since the target; for fewest steps 5 % of the steps. */
export function toleranceOf(definition: Definition, reference: number): (best: number) => number {
  switch (definition.kind) {
    case 'equal-steps':
    case 'equal-samples':
      return (best) => Math.max(0, NEAR * (reference - best)) || 0;
    case 'equal-loss':
      return (best) => Math.max(0, NEAR * (definition.target - best));
    case 'fewest-steps':
      return (best) => NEAR * best;
    case 'local':
      // The curves hold changes: the gain is the best change itself.
      return (best) => Math.max(0, -NEAR * best);
  }
}

/**
 * Loss from which gains are counted: no loss before training is recorded, so the mean at the first mark of the lowest
 * learning rate that has one stands for it, since it has moved least. NaN where there is none.
 */
export function referenceLoss(curves: CurveSet, batch: number): number {
  for (let rate = 0; rate < curves.learningRates.length; rate++) {
    let sum = 0;
    let count = 0;
    for (let seed = 0; seed < curves.seeds.length; seed++) {
      const { recorded, values } = curveOf(curves, batch, rate, seed);
      if (recorded === 0 || !Number.isFinite(values[0])) continue;
      sum += values[0];
      count++;
    }
    if (count > 0) return sum / count;
  }
  return NaN;
}
