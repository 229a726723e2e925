/** Migration: the path of the peak as training goes on, at equal steps or towards lower target losses. */
import type { CurveSet } from './curves.ts';
import { resampling } from './resampling.ts';
import type { Ridge } from './ridge.ts';
import { ridgeOf } from './ridge.ts';

/** Ridges at every mark that all batch sizes share. */
export function migrationOverSteps(curves: CurveSet): Ridge[] {
  const [first, ...others] = curves.marks;
  const shared = (first ?? []).filter((step) => others.every((marks) => marks.includes(step)));
  const bootstrap = resampling(curves.seeds.length);
  return shared.map((step) => ridgeOf(curves, { kind: 'equal-steps', step }, { bootstrap }));
}

/** Ridges at the numbers of samples that the batch sizes' marks stand for, where at least two batch sizes reach. */
export function migrationOverSamples(curves: CurveSet): Ridge[] {
  const samples = new Set(curves.batchSizes.flatMap((b, i) => curves.marks[i].map((step) => step * b)));
  const bootstrap = resampling(curves.seeds.length);
  return [...samples]
    .sort((a, b) => a - b)
    .map((n) => ridgeOf(curves, { kind: 'equal-samples', samples: n }, { bootstrap }))
    .filter((ridge) => ridge.points.filter((p) => p.learningRate !== null).length > 1);
}

export function migrationOverLoss(curves: CurveSet, targets: readonly number[], moreSteps: number): Ridge[] {
  const bootstrap = resampling(curves.seeds.length);
  return targets.map((target) => ridgeOf(curves, { kind: 'equal-loss', target, moreSteps }, { bootstrap }));
}

const TARGETS = 6;
/** A target says something about a peak only where enough batch sizes reach it. */
const SHARE_OF_BATCH_SIZES = 0.6;

/**
 * Target losses, descending, evenly spaced between the loss after the first mark and the lowest loss that enough batch
 * sizes reach at their best learning rate. Rounded to two digits, since they are to be quoted.
 */
export function defaultTargets(curves: CurveSet): number[] {
  const final = curves.batchSizes.map((_, batch) => bestLoss(curves, batch, 'last')).filter(Number.isFinite);
  const initial = curves.batchSizes
    .map((_, batch) => bestLoss(curves, batch, 'first'))
    .filter(Number.isFinite);
  if (final.length === 0) return [];
  final.sort((a, b) => a - b);
  const lowest = final[Math.min(final.length - 1, Math.ceil(final.length * SHARE_OF_BATCH_SIZES))];
  const highest = Math.max(...initial);
  if (!(highest > lowest)) return [];
  const targets = Array.from({ length: TARGETS }, (_, i) => {
    const value = highest - ((i + 1) / (TARGETS + 1)) * (highest - lowest);
    return Number(value.toPrecision(2));
  });
  return [...new Set(targets)];
}

/** Lowest mean over finite seeds among the learning rates, at the first or last recorded mark. */
function bestLoss(curves: CurveSet, batch: number, which: 'first' | 'last'): number {
  const { learningRates, seeds, stride } = curves;
  let best = Infinity;
  for (let rate = 0; rate < learningRates.length; rate++) {
    let sum = 0;
    for (let seed = 0; seed < seeds.length; seed++) {
      const cell = (batch * learningRates.length + rate) * seeds.length + seed;
      const recorded = curves.recorded[cell];
      sum += recorded === 0 ? NaN : curves.values[cell * stride + (which === 'first' ? 0 : recorded - 1)];
    }
    if (sum / seeds.length < best) best = sum / seeds.length;
  }
  return best;
}
