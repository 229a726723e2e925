/** The axes that the panels of a page share. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { LossPoint } from '#shared/figure/loss-panels.ts';
import { statusOf } from '#shared/figure/loss-panels.ts';
import { robustHighest } from '#shared/figure/robust.ts';
import {
  batchAxis,
  blankAxis,
  linearAxis,
  linearDomain,
  logAxis,
  logDomain,
  type Axis,
} from '#shared/figure/scales.ts';
import { niceLogDomain } from '#renderer/charts/domains.ts';

/** Lower and upper side of each value's place: halfway to its neighbours in the logarithm, at the ends as far as inwards. */
export function placeEdges(values: readonly number[]): (readonly [number, number])[] {
  return values.map((value, i) => {
    const below = i > 0 ? Math.sqrt(values[i - 1] * value) : null;
    const above = i < values.length - 1 ? Math.sqrt(value * values[i + 1]) : null;
    return [
      below ?? value / (above === null ? Math.SQRT2 : above / value),
      above ?? value * (below === null ? Math.SQRT2 : value / below),
    ];
  });
}

/** Batch sizes from the lower side of the first place to the upper side of the last. */
export function sharedBatchAxis({ batchSizes }: Pick<CurveSet, 'batchSizes'>): Axis {
  if (batchSizes.length === 0) return blankAxis;
  return batchAxis(logDomain(placeEdges(batchSizes).flat(), 0), batchSizes);
}

export function gridRateAxis({ learningRates }: Pick<CurveSet, 'learningRates'>): Axis {
  if (learningRates.length === 0) return blankAxis;
  return logAxis(logDomain(placeEdges(learningRates).flat(), 0));
}

/** The loss axis of means, cut above Tukey's outer fence when `clip`; its ends move in steps. */
export function lossAxisOf(
  points: readonly LossPoint[],
  optima: readonly number[],
  options: { readonly log: boolean; readonly clip: boolean },
): Axis {
  const values = points.filter((point) => statusOf(point) === 'finite').map((point) => point.loss);
  if (values.length === 0) return blankAxis;
  const log = options.log && values.some((value) => value > 0);
  const highest = options.clip ? robustHighest(values, log) : Infinity;
  const shown = [...values.filter((value) => value <= highest), ...optima];
  if (!log) return linearAxis(linearDomain(shown, 0.06));
  // A marker at the end of the axis would be cut in half.
  const domain = niceLogDomain(logDomain(shown, 0.03));
  return domain === null ? blankAxis : logAxis(domain);
}

/** Keeps the axis of before while its domain is the same, so that ticks and labels are not drawn anew. */
export function stableAxis(): (next: Axis, log: boolean) => Axis {
  let last: { readonly axis: Axis; readonly log: boolean } | null = null;
  return (axis, log) => {
    const same =
      last !== null && last.log === log && axis.domain.every((end, i) => end === last?.axis.domain[i]);
    // An axis without values has a domain too.
    if (last !== null && same && (axis === blankAxis) === (last.axis === blankAxis)) return last.axis;
    last = { axis, log };
    return axis;
  };
}
