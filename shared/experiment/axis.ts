/** Grid axes: from a specification to the values, ascending and without repetition. */
import type { AxisSpecification } from './specification.ts';

/** A value of the specification cannot be used; `path` is the field as written, the message says why in plain words. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Set where the name of the field is wrong, not its value. */
  readonly wrongName?: true;
}

export type AxisKind = 'learningRates' | 'batchSizes';

export interface AxisValues {
  readonly values: readonly number[];
  readonly problems: readonly Problem[];
  /** What is allowed but may surprise, as whole sentences that begin with the field. */
  readonly warnings: readonly string[];
}

/** Values this close count as the same learning rate: one number written with different roundings. */
const SAME_RATE = 1e-9;
/** Generated rates are rounded to this many digits, so that identities do not depend on the last bit of a power. */
const SIGNIFICANT_DIGITS = 12;
/** A generated range of more values than this is a mistake in the exponent. */
const MAX_VALUES = 10_000;
/** Training is in single precision: outside its normal numbers a rate would become 0 or infinite. */
const SMALLEST_RATE = 2 ** -126;
const LARGEST_RATE = (2 - 2 ** -23) * 2 ** 127;

/**
 * Expands an axis. Both ends of a range are taken as written; what lies between is rounded, learning rates to 12
 * significant digits, batch sizes to whole numbers (those that become equal are merged). Explicit values that repeat
 * are a problem, since they would be trained once only.
 */
export function axisValues(axis: AxisSpecification, kind: AxisKind): AxisValues {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const problem = (message: string, ...path: (string | number)[]) =>
    problems.push({ path: [kind, ...path], message });
  const explicit: { value: number; path: (string | number)[] }[] = [];
  let generated: readonly number[] = [];
  for (const [field, list] of [
    ['list', axis.list ?? []],
    ['extra', axis.extra],
  ] as const)
    list.forEach((value, i) => {
      const wrong = unusable(value, kind);
      if (wrong === null) explicit.push({ value, path: [field, i] });
      else problem(wrong, field, i);
    });
  for (const part of ['log', 'linear'] as const) {
    const range = axis[part];
    if (range === undefined) continue;
    const wrong = rangeProblem(range, kind);
    if (wrong !== null) {
      problem(wrong.message, part, wrong.field);
      continue;
    }
    const count = valueCount(range);
    const all = spaced(range, count, part).map((x, i) => (x === range.to || i === 0 ? x : rounded(x, kind)));
    const last = all[count - 1];
    generated = all.filter(
      (value, i) => i === 0 || i === count - 1 || !(same(all[i - 1], value, kind) || same(value, last, kind)),
    );
    if (generated.length < count)
      warnings.push(
        `${kind}.${part}: ${generated.length} of ${count} values are left after rounding to ${kind === 'batchSizes' ? 'whole numbers' : `${SIGNIFICANT_DIGITS} digits`}`,
      );
  }
  const values = [...generated.map((value) => ({ value, path: null })), ...explicit].sort(
    // Generated before explicit and in order of writing, so that the later one is told.
    (a, b) => a.value - b.value,
  );
  values.forEach(({ value, path }, i) => {
    const other = values[i - 1];
    if (other === undefined || !same(other.value, value, kind)) return;
    const told = path ?? other.path;
    if (told !== null) problem(`${value} is on the axis twice`, ...told);
  });
  if (values.length === 0 && problems.length === 0) problem('the axis is empty');
  return { values: values.map(({ value }) => value), problems, warnings };
}

type Range = NonNullable<AxisSpecification['log']> | NonNullable<AxisSpecification['linear']>;

function rangeProblem(range: Range, kind: AxisKind): { field: string; message: string } | null {
  for (const field of ['from', 'to'] as const) {
    const message = unusable(range[field], kind);
    if (message !== null) return { field, message };
  }
  if (range.from > range.to)
    return { field: 'from', message: `must not be above to (from is ${range.from}, to is ${range.to})` };
  const field = 'count' in range ? 'count' : 'perDecade' in range ? 'perDecade' : 'step';
  const count = valueCount(range);
  if (!(count <= MAX_VALUES))
    return {
      field,
      message: `would give ${count.toExponential(1)} values; at most ${MAX_VALUES.toLocaleString('en-US')} are allowed`,
    };
  if (count === 1 && range.from < range.to)
    return {
      field,
      message: `gives one value only, but from (${range.from}) and to (${range.to}) differ; use a list for a single value`,
    };
  if (count > 1 && same(range.from, range.to, kind))
    return {
      field,
      message: `asks for ${count} values, but from (${range.from}) and to (${range.to}) are the same`,
    };
  return null;
}

function unusable(value: number, kind: AxisKind): string | null {
  if (kind === 'batchSizes')
    return Number.isSafeInteger(value) && value >= 1
      ? null
      : `must be a whole number, 1 or more (got ${value})`;
  return value >= SMALLEST_RATE && value <= LARGEST_RATE
    ? null
    : `must lie within single precision, ${SMALLEST_RATE.toPrecision(2)} to ${LARGEST_RATE.toPrecision(2)} (got ${value})`;
}

function rounded(value: number, kind: AxisKind): number {
  return kind === 'batchSizes' ? Math.round(value) : Number(value.toPrecision(SIGNIFICANT_DIGITS));
}

/** Of ascending values. */
function same(low: number, high: number, kind: AxisKind): boolean {
  return kind === 'batchSizes' ? low === high : high - low <= SAME_RATE * low;
}

function valueCount(range: Range): number {
  if ('count' in range) return range.count;
  // To the nearest whole number of values, at least both ends: the spacing gives way so that both are on the grid.
  if ('perDecade' in range) {
    const steps = Math.round(Math.log10(range.to / range.from) * range.perDecade);
    return (range.from < range.to ? Math.max(1, steps) : steps) + 1;
  }
  return Math.floor((range.to - range.from) / range.step + STEP_SLACK) + 1;
}

/** A last step that misses the end by rounding still reaches it. */
const STEP_SLACK = 1e-9;

function spaced(range: Range, count: number, part: 'log' | 'linear'): number[] {
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return range.from;
    if ('step' in range) {
      const value = range.from + i * range.step;
      return Math.abs(value - range.to) <= 2 * STEP_SLACK * range.step ? range.to : value;
    }
    if (i === count - 1) return range.to;
    const t = i / (count - 1);
    return part === 'log'
      ? range.from * (range.to / range.from) ** t
      : range.from + t * (range.to - range.from);
  });
}

/**
 * Ascending, up to and including `last`: 1, 2, 5, 10, 20, 50, … for perDecade 3, else rounded powers of
 * 10^(1/perDecade), equal ones merged; none for 0.
 */
export function geometricMarks(perDecade: number, last: number): number[] {
  const marks = new Set<number>();
  const digits = [1, 2, 5];
  for (let i = 0; perDecade > 0; i++) {
    const mark =
      perDecade === 3 ? digits[i % 3] * 10 ** Math.floor(i / 3) : Math.round(10 ** (i / perDecade));
    if (!(mark <= last)) break;
    marks.add(mark);
  }
  return [...marks];
}
