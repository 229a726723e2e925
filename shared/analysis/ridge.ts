/** The ridge: optimal learning rate against batch size under one definition. */
import type { CurveSet } from './curves.ts';
import type { Optimum } from './optimum.ts';
import { optimumOf } from './optimum.ts';
import type { Peak } from './peak.ts';
import { peakOf } from './peak.ts';
import type { Resampling } from './resampling.ts';
import { resampling } from './resampling.ts';
import type { Definition } from './scores.ts';
import { scoresOf } from './scores.ts';

export interface Ridge {
  readonly definition: Definition;
  /** One a batch size, ascending. */
  readonly points: readonly Optimum[];
  /** Null without at least one optimum. */
  readonly peak: Peak | null;
}

export interface RidgeOptions {
  /** Shared between ridges, so that all see the same resamples and no time is lost. */
  readonly bootstrap?: Resampling;
}

export function ridgeOf(curves: CurveSet, definition: Definition, options: RidgeOptions = {}): Ridge {
  const bootstrap = options.bootstrap ?? resampling(curves.seeds.length);
  const points = scoresOf(curves, definition).map((scores) =>
    optimumOf(scores, curves.learningRates, bootstrap),
  );
  return { definition, points, peak: peakOf(points, gridStep(curves.learningRates)) };
}

/** Median distance of neighbouring learning rates in ln LR: what the grid can resolve. */
export function gridStep(learningRates: readonly number[]): number {
  const steps = learningRates
    .slice(1)
    .map((rate, i) => Math.log(rate / learningRates[i]))
    .sort((a, b) => a - b);
  return steps.length === 0 ? 0 : steps[steps.length >> 1];
}
