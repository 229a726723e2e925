/**
 * Axes: where a value stands (0 to 1 along the axis) and which ticks and labels there are. Logarithms are true ones: a
 * value that has no place (zero or negative on a logarithm, or not a number) gets null and is counted by the caller.
 */
import { ticks as linearTicks } from 'd3';
import type { Axis, AxisRoom, Tick } from './axis.ts';
import { ASCENT, DESCENT, labelWidth, plainLabel, type Label } from './label.ts';

export type { Axis, Tick };

/** Where there is nothing to place: no ticks, since any would be made up. */
export const blankAxis: Axis = {
  scale: 'linear',
  descending: false,
  domain: [0, 1],
  place: () => null,
  ticks: () => [],
};

/** The number with typographic minus and without an exponent that a reader would have to decode. */
export function numberLabel(value: number, smallest = 1e-3): Label {
  const magnitude = Math.abs(value);
  if (value === 0 || (magnitude >= smallest && magnitude < (Number.isInteger(value) ? 1e7 : 1e5)))
    return plainLabel(String(Number(value.toPrecision(12))).replace('-', '−'));
  const [mantissa, exponent] = Number(value.toPrecision(12)).toExponential().split('e');
  const power = powerLabel(Number(exponent));
  if (mantissa === '1') return power;
  return [{ text: `${mantissa.replace('-', '−')} × 10` }, power[1]];
}

/** To three significant digits: for values in a text. */
export function shortLabel(value: number): Label {
  return numberLabel(Number(value.toPrecision(3)));
}

function powerLabel(exponent: number): Label {
  return [{ text: '10' }, { text: String(exponent).replace('-', '−'), raised: true }];
}

/** Domain of the values that a logarithm can place, widened on both sides by a share of its length. */
export function logDomain(values: Iterable<number>, padding: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!(value > 0) || value === Infinity) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [1, 10];
  const length = Math.log10(high) - Math.log10(low);
  // A single value gets a little more than a factor of two of room, so that ticks stand on both sides.
  const added = length < 1e-9 ? 0.4 : padding * length;
  // At the ends of the range of numbers some room must be left between the two. A power of a logarithm may be rounded
  // to inside of the value itself, which would then be called clipped.
  return [
    Math.min(low, 10 ** Math.max(-307, Math.min(306.5, Math.log10(low) - added))),
    Math.max(high, 10 ** Math.min(307, Math.max(-306.5, Math.log10(high) + added))),
  ];
}

/** Domain of the finite values, widened on both sides by a share of its length. */
export function linearDomain(values: Iterable<number>, padding: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const length = high - low;
  const added =
    length <= 1e-12 * Math.max(Math.abs(low), Math.abs(high)) ? Math.abs(low) / 10 || 1 : padding * length;
  // So that the length of the domain is a number as well.
  return [Math.max(-8e307, Math.min(7e307, low - added)), Math.min(8e307, Math.max(-7e307, high + added))];
}

/** A logarithmic place for the two kinds of logarithmic axes. */
function logPlace(domain: readonly [number, number], descending = false): (value: number) => number | null {
  const from = Math.log(domain[0]);
  const length = Math.log(domain[1]) - from;
  return (value) => {
    if (!(value > 0) || value === Infinity) return null;
    const place = (Math.log(value) - from) / length;
    return descending ? 1 - place : place;
  };
}

/** Labelled at decades; where fewer than two are in view at 1, 2, 5 or finer too. `domain` is positive and not empty. */
export function logAxis(domain: readonly [number, number], { descending = false } = {}): Axis {
  const place = logPlace(domain, descending);
  return {
    scale: 'log',
    descending,
    domain,
    place,
    ticks(room) {
      const first = Math.floor(Math.log10(domain[0]));
      const last = Math.ceil(Math.log10(domain[1]));
      const exponents = Array.from({ length: last - first + 1 }, (_, i) => first + i);
      const inside = (value: number) => value >= domain[0] && value <= domain[1];
      const digits = (list: readonly number[]) =>
        exponents.flatMap((n) => list.map((digit) => Number(`${digit}e${n}`))).filter(inside);
      const decades = digits([1]);
      const at = (values: readonly number[], label: (value: number) => Label | null, major: boolean) =>
        values.map((value) => ({ value, place: place(value)!, label: label(value), major }));
      if (decades.length >= 2) {
        const labelled = decades.map((value) => ({
          value,
          place: place(value)!,
          label: decadeLabel(value),
          major: true,
        }));
        const stride = smallestStride(labelled, room);
        const lengthOfDecade = room.length / (Math.log10(domain[1]) - Math.log10(domain[0]));
        // From a multiple of the stride, so that 10⁰ keeps its label.
        const kept = labelled.map((tick) =>
          Math.round(Math.log10(tick.value)) % stride === 0
            ? tick
            : { ...tick, label: null, major: stride === 1 },
        );
        const minor =
          lengthOfDecade < SHORTEST_DECADE ? [] : at(digits([2, 3, 4, 5, 6, 7, 8, 9]), () => null, false);
        return sorted([...kept, ...minor]);
      }
      // One form for all labels of an axis.
      const label = (value: number) => numberLabel(value, domain[0] < 0.01 ? Infinity : undefined);
      for (const list of [
        [1, 2, 5],
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
      ]) {
        const values = digits(list);
        if (values.length < 2) continue;
        const major = withoutOverlap(at(values, label, true), room);
        const minor = digits([1, 2, 3, 4, 5, 6, 7, 8, 9]).filter((value) => !values.includes(value));
        return sorted([...major, ...at(minor, () => null, false)]);
      }
      // So short that it is as good as linear.
      return sorted(
        withoutOverlap(at(linearTicks(domain[0], domain[1], 3).filter(inside), label, true), room),
      );
    },
  };
}

/** Minor ticks of a shorter decade would run into each other. */
const SHORTEST_DECADE = 14;

function decadeLabel(value: number): Label {
  return powerLabel(Math.round(Math.log10(value)));
}

const LONGEST_BATCH = 1e7;

/** Base 2, with ticks at the sampled batch sizes only. */
export function batchAxis(domain: readonly [number, number], sampled: readonly number[]): Axis {
  const place = logPlace(domain);
  const values = [...new Set(sampled)]
    .filter((value) => value >= domain[0] && value <= domain[1])
    .sort((a, b) => a - b);
  return {
    scale: 'log',
    descending: false,
    domain,
    place,
    ticks(room) {
      const ticks = values.map((value) => ({
        value,
        place: place(value)!,
        // Batch sizes of so many tokens are known by their first digits.
        label: value < LONGEST_BATCH ? numberLabel(value) : shortLabel(value),
        major: true,
      }));
      const kept: Tick[] = [];
      // Every 256-fold, 16-fold, 4-fold, 2-fold first (coarser ones on very long axes): a level is labelled as a whole
      // or not at all, for even spacing.
      for (const level of [64, 32, 16, 8, 4, 2, 1]) {
        const added = ticks.filter(
          (tick) => !kept.includes(tick) && Number.isInteger(Math.log2(tick.value) / level),
        );
        if (overlaps([...kept, ...added], room)) break;
        kept.push(...added);
      }
      for (const tick of ticks) {
        if (
          !kept.includes(tick) &&
          !Number.isInteger(Math.log2(tick.value)) &&
          !overlaps([...kept, tick], room)
        )
          kept.push(tick);
      }
      if (kept.length === 0 && ticks.length > 0) kept.push(ticks[0]);
      return ticks.map((tick) => (kept.includes(tick) ? tick : { ...tick, label: null, major: false }));
    },
  };
}

export function linearAxis(domain: readonly [number, number], { descending = false } = {}): Axis {
  const [low, high] = domain;
  const place = (value: number) => {
    if (!Number.isFinite(value)) return null;
    const share = (value - low) / (high - low);
    return descending ? 1 - share : share;
  };
  return {
    scale: 'linear',
    descending,
    domain,
    place,
    ticks(room) {
      for (const count of [5, 4, 3, 2]) {
        const values = linearTicks(low, high, count).filter((value) => value >= low && value <= high);
        const ticks = values.map((value) => ({
          value,
          place: place(value)!,
          label: numberLabel(value),
          major: true,
        }));
        if (!overlaps(ticks, room)) return withMinor(ticks, place, domain, room);
      }
      const [tick] = linearTicks(low, high, 1).filter((value) => value >= low && value <= high);
      return tick === undefined
        ? []
        : [{ value: tick, place: place(tick)!, label: numberLabel(tick), major: true }];
    },
  };
}

/** Halfway between the major ticks, where there is room. */
function withMinor(
  major: readonly Tick[],
  place: (value: number) => number | null,
  [low, high]: readonly [number, number],
  room: AxisRoom,
): Tick[] {
  if (major.length < 2) return sorted(major);
  const step = (major[1].value - major[0].value) / 2;
  if (Math.abs(major[1].place - major[0].place) * room.length < 8) return sorted(major);
  const minor = Array.from({ length: major.length + 1 }, (_, i) => major[0].value + (2 * i - 1) * step)
    .filter((value) => value >= low && value <= high)
    .map((value) => ({ value, place: place(value)!, label: null, major: false }));
  return sorted([...major, ...minor]);
}

function sorted(ticks: readonly Tick[]): Tick[] {
  return [...ticks].sort((a, b) => a.value - b.value);
}

/** Half the length that a label needs along the axis, with its share of the gap. */
function reach(tick: Tick, { textSize, face, direction }: AxisRoom): number {
  if (tick.label === null) return 0;
  return direction === 'horizontal'
    ? labelWidth(tick.label, textSize, face) / 2 + 0.28 * textSize
    : ((ASCENT + DESCENT) * textSize) / 2 + 0.1 * textSize;
}

function overlaps(ticks: readonly Tick[], room: AxisRoom): boolean {
  const labelled = ticks.filter((tick) => tick.label !== null).sort((a, b) => a.place - b.place);
  return labelled.some((tick, i) => {
    if (i === 0) return false;
    const before = labelled[i - 1];
    return (tick.place - before.place) * room.length < reach(before, room) + reach(tick, room);
  });
}

function smallestStride(ticks: readonly Tick[], room: AxisRoom): number {
  for (let stride = 1; stride < ticks.length; stride++) {
    const kept = ticks.filter((tick) => Math.round(Math.log10(tick.value)) % stride === 0);
    if (!overlaps(kept, room)) return stride;
  }
  return ticks.length;
}

/** Every label that does not run into one before it. */
function withoutOverlap(ticks: readonly Tick[], room: AxisRoom): Tick[] {
  const kept: Tick[] = [];
  for (const tick of ticks) kept.push(overlaps([...kept, tick], room) ? { ...tick, label: null } : tick);
  return kept;
}
