/** Grid axes: from a specification to the values, ascending and without repetition. */
import type { AxisSpecification } from './specification.ts';

/** A value of the specification cannot be used; `path` is the field as written, the message says why in plain words. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type AxisKind = 'learningRates' | 'batchSizes';

export interface AxisValues {
  readonly values: readonly number[];
  readonly problems: readonly Problem[];
}

/** Values this close count as the same learning rate: the same number written with other roundings. */
const SAME_RATE = 1e-9;
/** Generated rates are rounded to this many digits, so that identities do not depend on the last bit of exp(). */
const SIGNIFICANT_DIGITS = 12;
/** A generated range of more values than this is a mistake in the exponent. */
const MAX_VALUES = 10_000;

/**
 * Expands an axis. Learning rates are rounded to 12 significant digits; batch sizes of a generated range to whole
 * numbers, equal ones merged. Explicit values that repeat are a problem, since they would be trained once only.
 */
export function axisValues(axis: AxisSpecification, kind: AxisKind): AxisValues {
  const problems: Problem[] = [];
  const problem = (message: string, ...path: (string | number)[]) =>
    problems.push({ path: [kind, ...path], message });
  const tidy = kind === 'batchSizes' ? Math.round : (x: number) => Number(x.toPrecision(SIGNIFICANT_DIGITS));
  const generated: number[] = [];
  for (const part of ['log', 'linear'] as const) {
    const range = axis[part];
    if (range === undefined) continue;
    if (range.from > range.to) {
      problem(`from (${range.from}) is above to (${range.to})`, part);
      continue;
    }
    const count = valueCount(range);
    if (count > MAX_VALUES)
      problem(`would have ${count.toExponential(1)} values; at most ${MAX_VALUES} are allowed`, part);
    else if (count === 1 && range.from < range.to && 'count' in range)
      problem('a range with count 1 must have from equal to to', part, 'count');
    else generated.push(...spaced(range, count, part).map(tidy));
  }
  const explicit = [
    ...(axis.list ?? []).map((value, i) => ({ value, path: ['list', i] as const })),
    ...axis.extra.map((value, i) => ({ value, path: ['extra', i] as const })),
  ];
  const same = (a: number, b: number) => (kind === 'batchSizes' ? a === b : Math.abs(a - b) <= SAME_RATE * a);
  const values = generated.filter((value, i) => !generated.slice(0, i).some((other) => same(value, other)));
  for (const { value, path } of explicit) {
    if (values.some((other) => same(value, other))) problem(`${value} is on the axis twice`, ...path);
    else values.push(value);
  }
  if (values.length === 0 && problems.length === 0) problem('the axis is empty');
  return { values: values.sort((a, b) => a - b), problems };
}

type Range = NonNullable<AxisSpecification['log']> | NonNullable<AxisSpecification['linear']>;

function valueCount(range: Range): number {
  if ('count' in range) return range.count;
  if ('perDecade' in range) return Math.round(Math.log10(range.to / range.from) * range.perDecade) + 1;
  // A step that misses the end by rounding still reaches it.
  return Math.floor((range.to - range.from) / range.step + 1e-9) + 1;
}

/** Endpoints are exact. */
function spaced(range: Range, count: number, part: 'log' | 'linear'): number[] {
  if (count === 1) return [range.from];
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return range.from;
    if ('step' in range) return range.from + i * range.step;
    if (i === count - 1) return range.to;
    const t = i / (count - 1);
    return part === 'log'
      ? range.from * (range.to / range.from) ** t
      : range.from + t * (range.to - range.from);
  });
}

/** 1, 2, 5, 10, 20, 50, … for perDecade 3; other densities are rounded powers. Up to and including `last`. */
export function geometricMarks(perDecade: number, last: number): number[] {
  if (perDecade === 0) return [];
  const marks = new Set<number>();
  if (perDecade === 3) {
    for (let decade = 1; decade <= last; decade *= 10)
      for (const digit of [1, 2, 5]) marks.add(digit * decade);
  } else {
    for (let i = 0; ; i++) {
      const mark = Math.round(10 ** (i / perDecade));
      if (mark > last) break;
      marks.add(mark);
    }
  }
  return [...marks].filter((m) => m <= last);
}
