/** Where a scrubber can stand: the marks, the numbers of samples they stand for, or target losses. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { defaultTargets, sharedSamples } from '#shared/analysis/migration.ts';
import type { Definition } from '#shared/analysis/scores.ts';

export const scrubKinds = ['equal-steps', 'equal-samples', 'equal-loss'] as const;
export type ScrubKind = (typeof scrubKinds)[number];
/** The definitions of the optimum that a scrubber goes along. */
export type ScrubDefinition = Extract<Definition, { readonly kind: ScrubKind }>;

/** Target losses are as many as a hand can tell apart on a slider. */
const TARGETS = 40;
/** Further steps after the target (arXiv 2405.14578, section 3, has 10 for its smallest network). */
export const MORE_STEPS = 10;

/** In the order of training: ascending steps or samples, descending target losses. Empty where there are none. */
export function stopsOf(curves: CurveSet, kind: ScrubKind): ScrubDefinition[] {
  switch (kind) {
    case 'equal-steps':
      return [...new Set(curves.marks.flat())].sort((a, b) => a - b).map((step) => ({ kind, step }));
    case 'equal-samples':
      return sharedSamples(curves).map((samples) => ({ kind, samples }));
    case 'equal-loss':
      return [...new Set(defaultTargets(curves, MORE_STEPS, TARGETS))].map((target) => ({
        kind,
        target,
        moreSteps: MORE_STEPS,
      }));
  }
}

/** Step, samples or target loss. */
export function placeOfStop(definition: ScrubDefinition): number {
  switch (definition.kind) {
    case 'equal-steps':
      return definition.step;
    case 'equal-samples':
      return definition.samples;
    case 'equal-loss':
      return definition.target;
  }
}

/** Index of the stop nearest to a place; on a logarithm for steps and samples. -1 without stops. */
export function nearestStop(stops: readonly ScrubDefinition[], place: number): number {
  let best = -1;
  let least = Infinity;
  for (const [i, stop] of stops.entries()) {
    const at = placeOfStop(stop);
    const distance =
      stop.kind === 'equal-loss' || !(place > 0) ? Math.abs(at - place) : Math.abs(Math.log(at / place));
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/**
 * Where to look first: the last stop at which most learning rates and batch sizes that have begun have a value, so that
 * the picture is full. For losses the middle of the targets.
 */
export function firstStop(curves: CurveSet, stops: readonly ScrubDefinition[]): number {
  if (stops.length === 0) return -1;
  if (stops[0].kind === 'equal-loss') return Math.floor(stops.length / 2);
  const perBatch = curves.learningRates.length * curves.seeds.length;
  const last: number[] = [];
  for (let cell = 0; cell < curves.recorded.length; cell++) {
    const recorded = curves.recorded[cell];
    if (recorded === 0) continue;
    const batch = Math.floor(cell / perBatch);
    const step = curves.marks[batch][Math.min(recorded, curves.marks[batch].length) - 1];
    last.push(stops[0].kind === 'equal-samples' ? step * curves.batchSizes[batch] : step);
  }
  if (last.length === 0) return 0;
  last.sort((a, b) => a - b);
  // Nine in ten cells that have begun have come that far.
  const reached = last[Math.floor(last.length / 10)];
  return Math.max(
    0,
    stops.findLastIndex((stop) => placeOfStop(stop) <= reached * (1 + 1e-9)),
  );
}
