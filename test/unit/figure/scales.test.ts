import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelWidth, type Label } from '#shared/figure/label.ts';
import {
  batchAxis,
  linearAxis,
  linearDomain,
  logAxis,
  logDomain,
  type Axis,
  type Tick,
} from '#shared/figure/scales.ts';
import { powers } from './synthetic.ts';

const room = (length: number) => ({ length, textSize: 7, face: 'sans', direction: 'horizontal' }) as const;

/** The number that a reader takes from a label. */
function read(label: Label): number {
  const text = label.map(({ text: part, raised }) => (raised === true ? `^${part}` : part)).join('');
  const power = /^(?:([−\d.]+) × )?10\^(−?\d+)$/.exec(text);
  const digits = (part: string) => part.replace('−', '-');
  return Number(power === null ? digits(text) : `${digits(power[1] ?? '1')}e${digits(power[2])}`);
}

function check(axis: Axis, length: number): Tick[] {
  const ticks = axis.ticks(room(length));
  ticks.forEach((tick, i) => {
    expect(tick.value).toBeGreaterThanOrEqual(axis.domain[0]);
    expect(tick.value).toBeLessThanOrEqual(axis.domain[1]);
    expect(tick.place).toBe(axis.place(tick.value));
    if (i > 0) expect(tick.value).toBeGreaterThan(ticks[i - 1].value);
    if (tick.label !== null)
      expect(read(tick.label)).toBeCloseTo(tick.value, 10 - Math.log10(Math.abs(tick.value) || 1));
  });
  const labelled = ticks.filter((tick) => tick.label !== null).sort((a, b) => a.place - b.place);
  labelled.slice(1).forEach((tick, i) => {
    const before = labelled[i];
    const needed = (labelWidth(tick.label!, 7, 'sans') + labelWidth(before.label!, 7, 'sans')) / 2;
    expect((tick.place - before.place) * length).toBeGreaterThan(needed);
  });
  return ticks;
}

const lengths = fc.double({ min: 40, max: 600, noNaN: true });
const exponents = fc.double({ min: -200, max: 200, noNaN: true });

describe('logarithmic axis', () => {
  it('has increasing ticks inside the domain, labels that read back and never overlap', () => {
    fc.assert(
      fc.property(
        exponents,
        fc.double({ min: 0.01, max: 14, noNaN: true }),
        lengths,
        (from, decades, length) => {
          const ticks = check(logAxis([10 ** from, 10 ** (from + decades)]), length);
          expect(ticks.some((tick) => tick.label !== null)).toBe(true);
        },
      ),
    );
  });

  it('labels decades only when two or more are in view, and 1-2-5 otherwise', () => {
    const labels = (axis: Axis) =>
      axis.ticks(room(300)).flatMap(({ label }) => (label === null ? [] : [read(label)]));
    expect(labels(logAxis([3e-4, 3e-2]))).toEqual([1e-3, 1e-2]);
    expect(labels(logAxis([0.3, 3]))).toEqual([0.5, 1, 2]);
    expect(labels(logAxis([1e-9, 1e3]))).toHaveLength(13);
  });

  it('places decades exactly where their logarithms are and gives nothing to what has no logarithm', () => {
    const axis = logAxis([1e-4, 1e-2]);
    expect(axis.place(1e-3)).toBeCloseTo(0.5, 12);
    for (const value of [0, -1e-3, NaN, Infinity, -Infinity]) expect(axis.place(value)).toBeNull();
    expect(logAxis([1, 10], { descending: true }).place(1)).toBe(1);
  });

  it('has a domain for no value, one value, equal values and extremes', () => {
    const strange = fc.array(fc.double(), { maxLength: 6 });
    fc.assert(
      fc.property(strange, fc.double({ min: 0, max: 0.2, noNaN: true }), (values, padding) => {
        const [low, high] = logDomain(values, padding);
        expect(low).toBeGreaterThan(0);
        expect(high).toBeGreaterThan(low);
        expect(high).toBeLessThan(Infinity);
        for (const value of values)
          if (value > 1e-300 && value < 1e300) {
            expect(value).toBeGreaterThanOrEqual(low * (1 - 1e-9));
            expect(value).toBeLessThanOrEqual(high * (1 + 1e-9));
          }
      }),
    );
  });
});

describe('domain without padding', () => {
  it('holds its own first and last value in spite of rounding', () => {
    const positive = fc.double({ min: 1e-300, max: 1e300, noNaN: true });
    fc.assert(
      fc.property(fc.array(positive, { minLength: 1, maxLength: 5 }), (values) => {
        const axis = logAxis(logDomain(values, 0));
        for (const value of values) {
          expect(axis.place(value)).toBeGreaterThanOrEqual(0);
          expect(axis.place(value)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('axis of batch sizes', () => {
  it('has a tick at each sampled batch size and nowhere else', () => {
    const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sizes, lengths, (sampled, length) => {
        const ticks = check(batchAxis(logDomain(sampled, 0.06), sampled), length);
        expect(ticks.map((tick) => tick.value)).toEqual([...sampled].sort((a, b) => a - b));
        expect(ticks.some((tick) => tick.label !== null)).toBe(true);
      }),
    );
  });

  it('thins labels evenly when powers of two do not all fit', () => {
    const sampled = powers(1, 10);
    const ticks = batchAxis(logDomain(sampled, 0.06), sampled).ticks(room(80));
    expect(ticks.filter((tick) => tick.label !== null).map((tick) => tick.value)).toEqual([
      1, 4, 16, 64, 256,
    ]);
  });

  it('labels all sampled sizes that are no powers of two', () => {
    const sampled = [128, 192, 256];
    const ticks = batchAxis(logDomain(sampled, 0.06), sampled).ticks(room(200));
    expect(ticks.map(({ label }) => (label === null ? null : read(label)))).toEqual(sampled);
  });
});

describe('linear axis', () => {
  it('has increasing ticks inside the domain, labels that read back and never overlap', () => {
    const ends = fc.double({ min: -1e4, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(ends, fc.double({ min: 0.01, max: 1e4, noNaN: true }), lengths, (low, span, length) => {
        check(linearAxis([low, low + span]), length);
      }),
    );
  });

  it('has a domain of positive, finite length for any values', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 6 }), (values) => {
        const [low, high] = linearDomain(values, 0.06);
        expect(high - low).toBeGreaterThan(0);
        expect(high - low).toBeLessThan(Infinity);
      }),
    );
  });
});
