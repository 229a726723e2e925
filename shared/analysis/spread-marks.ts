import type { CurveSet } from './curves.ts';

/** Of two marks that are equally near up to rounding the lower one is taken. */
const TIE = 1e-9;

/**
 * `count` marks that all batch sizes share, at about equal ratios, the last one included; fewer where marks coincide,
 * none where the batch sizes share none.
 */
export function spreadMarks(
  { marks: [first = [], ...others] }: Pick<CurveSet, 'marks'>,
  count: number,
): number[] {
  const shared = first.filter((step) => others.every((marks) => marks.includes(step)));
  const last = shared.at(-1);
  if (last === undefined) return [];
  const wanted = Array.from({ length: count }, (_, i) => shared[0] * (last / shared[0]) ** ((i + 1) / count));
  const nearest = wanted.map((step) =>
    shared.reduce((best, mark) =>
      Math.abs(Math.log(mark / step)) < Math.abs(Math.log(best / step)) - TIE ? mark : best,
    ),
  );
  return [...new Set(nearest)];
}

/** Up to `count` of the places 0 … length − 1, evenly spread, the first and the last included. */
export function spreadPlaces(length: number, count: number): number[] {
  if (length <= count) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / (count - 1)));
}
