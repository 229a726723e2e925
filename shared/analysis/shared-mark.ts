import type { CurveSet } from './curves.ts';

/** The last mark that every batch size has; the shortest batch size's last one when they share none; 1 without any. */
export function lastSharedMark({ marks }: Pick<CurveSet, 'marks'>): number {
  const [first = [], ...others] = marks;
  const shared = first.filter((step) => others.every((list) => list.includes(step)));
  return shared.at(-1) ?? Math.min(...marks.map((list) => list.at(-1) ?? 1));
}
