import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { migrationOverSamples } from '#shared/analysis/migration.ts';
import { resampling } from '#shared/analysis/resampling.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { cellStates } from '#shared/experiment/stack.ts';
import { AnalysisDesk, type AnalysisAnswer } from '#renderer/watch/model/analysis-desk.ts';
import { censusOf, countStates } from '#renderer/watch/model/census.ts';
import { withIntervals } from '#renderer/watch/model/intervals.ts';
import { LiveCurves, NO_CELL } from '#renderer/watch/model/live-curves.ts';
import { debiasedAverage, decimate, firstNonFinite } from '#renderer/watch/model/loss-curve.ts';
import { ScrubModel } from '#renderer/watch/model/scrub.ts';
import { seedSpread } from '#renderer/watch/model/seed-spread.ts';
import { firstStop, nearestStop, placeOfStop, scrubKinds, stopsOf } from '#renderer/watch/model/stops.ts';
import { syntheticCurves } from '../../../support/synthetic-curves.ts';
import { copyOf, deltaOf, snapshotOf, stateIndex } from './support.ts';

const batchSizes = [1, 2, 4, 8, 16, 32];
function sweep(seeds = 4): CurveSet {
  const curves = syntheticCurves({
    batchSizes,
    learningRates: Array.from({ length: 9 }, (_, i) => 1e-4 * 2 ** i),
    seeds,
    marks: [1, 2, 5, 10, 20, 40, 80, 160],
    optimum: (b, step) => (4e-3 * 2) / (Math.sqrt(160 / step / b) + Math.sqrt(b / (160 / step))) / 2,
    noise: 0.1,
    cellNoise: 0.002,
  });
  // What a real sweep has: a run that diverges, one that was never run, one still running.
  curves.divergedAt[curves.learningRates.length * seeds - 1] = 15;
  curves.values[(curves.learningRates.length * seeds - 2) * curves.stride + 3] = NaN;
  curves.recorded[2 * seeds] = 0;
  curves.recorded[7 * seeds + 1] = 3;
  return curves;
}
const allCells = (curves: CurveSet) => Array.from(curves.recorded.keys());

describe('live curves', () => {
  it('end at the snapshot of the whole, in whatever pieces the deltas come', () => {
    const curves = sweep(2);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 107 }), fc.integer({ min: 1, max: 4 })), {
          maxLength: 300,
        }),
        (pieces) => {
          const live = new LiveCurves(snapshotOf(curves, { empty: true, cursor: 0 }));
          const values = live.curves.values;
          const reached = new Array<number>(curves.recorded.length).fill(0);
          let cursor = 0;
          const send = (cell: number, count: number) => {
            const marks = { from: reached[cell], to: reached[cell] + count };
            expect(live.apply(deltaOf(curves, [cell], marks, { from: cursor, to: cursor + 1 }))).toBe(
              'applied',
            );
            reached[cell] = Math.min(curves.recorded[cell], marks.to);
            cursor++;
          };
          for (const [cell, count] of pieces) send(cell, count);
          for (const cell of allCells(curves)) send(cell, 8);
          const whole = new LiveCurves(snapshotOf(curves, { cursor }));
          expect(live.curves.recorded).toEqual(whole.curves.recorded);
          expect(live.curves.divergedAt).toEqual(whole.curves.divergedAt);
          // In place: nothing new was allocated.
          expect(live.curves.values).toBe(values);
          for (const cell of allCells(curves))
            for (let m = 0; m < curves.recorded[cell]; m++)
              expect(live.curves.values[cell * 8 + m]).toBe(whole.curves.values[cell * 8 + m]);
          expect(live.states).toEqual(whole.states);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('drop what is known, notice what was missed, and take a repetition', () => {
    const curves = sweep(1);
    const live = new LiveCurves(snapshotOf(curves, { empty: true, cursor: 5 }));
    const marks = { from: 0, to: 3 };
    expect(live.apply(deltaOf(curves, [0], marks, { from: 3, to: 5 }))).toBe('old');
    expect(live.curves.recorded[0]).toBe(0);
    expect(live.apply(deltaOf(curves, [0], marks, { from: 6, to: 7 }))).toBe('gap');
    expect(live.apply(deltaOf(curves, [0], marks, { from: 4, to: 6 }))).toBe('applied');
    expect(live.curves.recorded[0]).toBe(3);
    expect(live.apply(deltaOf(curves, [0], { from: 0, to: 2 }, { from: 6, to: 8 }))).toBe('applied');
    expect(live.curves.recorded[0]).toBe(3);
    expect(live.cursor).toBe(8);
  });

  it('refuse what does not fit, changing nothing', () => {
    const curves = sweep(1);
    expect(() => new LiveCurves({ ...snapshotOf(curves), states: new Uint8Array(3) })).toThrow(RangeError);
    const live = new LiveCurves(snapshotOf(curves, { empty: true, cursor: 0 }));
    const good = deltaOf(curves, [0], { from: 0, to: 2 }, { from: 0, to: 1 });
    for (const bad of [
      { ...good, cells: Uint32Array.of(54) },
      { ...good, firstMark: Uint32Array.of(1) },
      { ...good, values: new Float64Array(3) },
      { ...good, counts: Uint32Array.of(9), values: new Float64Array(9) },
    ])
      expect(() => live.apply(bad)).toThrow(RangeError);
    expect(live.cursor).toBe(0);
    expect(live.curves.recorded.every((count) => count === 0)).toBe(true);
    expect(live.batchVersions.every((version) => version === 0)).toBe(true);
  });
});

describe('stops', () => {
  it('are the marks, the samples of the migration, and descending targets', () => {
    const curves = sweep();
    expect(stopsOf(curves, 'equal-steps').map(placeOfStop)).toEqual([1, 2, 5, 10, 20, 40, 80, 160]);
    expect(stopsOf(curves, 'equal-samples').map(placeOfStop)).toEqual(
      migrationOverSamples(curves, { bootstrap: resampling(4, 0) }).map(({ definition }) =>
        definition.kind === 'equal-samples' ? definition.samples : NaN,
      ),
    );
    const targets = stopsOf(curves, 'equal-loss').map(placeOfStop);
    expect(targets.length).toBeGreaterThan(20);
    expect(targets).toEqual([...targets].sort((a, b) => b - a));
  });

  it('start where the picture is full', () => {
    const curves = sweep(1);
    const stops = stopsOf(curves, 'equal-steps');
    expect(placeOfStop(stops[firstStop(curves, stops)])).toBe(160);
    const begun = copyOf(curves);
    begun.recorded.fill(0);
    expect(firstStop(begun, stops)).toBe(0);
    begun.recorded.fill(5, 0, 20);
    expect(placeOfStop(stops[firstStop(begun, stops)])).toBe(20);
    expect(firstStop(begun, [])).toBe(-1);
  });

  it('are found again by their place', () => {
    const stops = stopsOf(sweep(), 'equal-steps');
    expect(nearestStop(stops, 30)).toBe(5);
    expect(nearestStop(stops, 1e9)).toBe(7);
    expect(nearestStop(stops, 0)).toBe(0);
    expect(nearestStop([], 3)).toBe(-1);
  });
});

describe('scrubbing', () => {
  it.each(scrubKinds)('shows at every stop what the analysis says: %s', (kind) => {
    const curves = sweep();
    const live = new LiveCurves(snapshotOf(curves));
    const stops = stopsOf(curves, kind);
    const model = new ScrubModel(live, stops);
    for (const [i, definition] of stops.entries()) {
      const expected = ridgeOf(curves, definition, { bootstrap: resampling(4, 0) });
      const { ridge, lines } = model.at(i);
      expect(ridge).toEqual(expected);
      for (const [batch, points] of lines.entries())
        expect(
          points.filter((point) => point.status === 'finite').map((point) => point.learningRate),
        ).toEqual(expected.points[batch].used);
    }
    expect(() => model.at(stops.length)).toThrow(RangeError);
  });

  it('follows the data, and only where they changed', () => {
    const curves = sweep();
    const live = new LiveCurves(snapshotOf(curves, { empty: true, cursor: 0 }));
    const stops = stopsOf(curves, 'equal-steps');
    const model = new ScrubModel(live, stops);
    expect(model.at(4).ridge.peak).toBeNull();
    live.apply(deltaOf(curves, allCells(curves), { from: 0, to: 8 }, { from: 0, to: 1 }));
    expect(model.at(4).ridge).toEqual(ridgeOf(curves, stops[4], { bootstrap: resampling(4, 0) }));
    const before = Array.from(live.batchVersions);
    live.apply(deltaOf(curves, [0], { from: 0, to: 1 }, { from: 1, to: 2 }));
    expect(Array.from(live.batchVersions)).toEqual([before[0] + 1, ...before.slice(1)]);
  });

  it('prepares everything, nearest first, and then has nothing to do', () => {
    const live = new LiveCurves(snapshotOf(sweep()));
    const stops = stopsOf(live.curves, 'equal-loss');
    const model = new ScrubModel(live, stops);
    let pieces = 0;
    while (model.prepare(3)) pieces++;
    expect(pieces).toBe(stops.length * batchSizes.length);
  });
});

describe('intervals', () => {
  const curves = sweep();
  const definition = { kind: 'equal-steps', step: 40 } as const;
  const plain = ridgeOf(curves, definition, { bootstrap: resampling(4, 0) });
  const resampled = ridgeOf(curves, definition);

  it('are laid over the same optima', () => {
    const merged = withIntervals(plain, resampled);
    expect(merged.points).toEqual(resampled.points);
    expect(merged.peak).toEqual(resampled.peak);
    expect(merged.points.some((point) => point.interval !== null)).toBe(true);
  });

  it('are left out where the numbers are no longer the same', () => {
    const changed = copyOf(curves);
    changed.values[cellOf(changed, 2, 4, 0) * changed.stride + 5] += 0.5;
    const fresh = ridgeOf(changed, definition, { bootstrap: resampling(4, 0) });
    const merged = withIntervals(fresh, resampled);
    expect(merged.points[2]).toBe(fresh.points[2]);
    expect(merged.points[2].interval).toBeNull();
    expect(merged.points[3]).toBe(resampled.points[3]);
    expect(merged.peak).toBe(fresh.peak);
    expect(withIntervals(fresh, undefined)).toBe(fresh);
  });
});

function cellOf(curves: CurveSet, batch: number, rate: number, seed: number): number {
  return (batch * curves.learningRates.length + rate) * curves.seeds.length + seed;
}

describe('analysis desk', () => {
  const curves = sweep();
  const stops = stopsOf(curves, 'equal-steps');
  const drain = (desk: AnalysisDesk) => {
    const answers: AnalysisAnswer[] = [];
    for (let answer = desk.next(); answer !== null; answer = desk.next()) answers.push(answer);
    return answers;
  };

  it('answers the asked stop first, then the path, then laws, then all intervals', () => {
    const desk = new AnalysisDesk();
    expect(desk.next()).toBeNull();
    desk.take({ kind: 'load', snapshot: snapshotOf(curves) });
    expect(desk.next()).toBeNull();
    desk.take({ kind: 'ask', question: 7, stops, stop: 5 });
    const answers = drain(desk);
    expect(answers.map((answer) => answer.kind)).toEqual(['ridges', 'ridges', 'laws', 'ridges']);
    expect(answers.every((answer) => answer.question === 7 && answer.cursor === 1)).toBe(true);
    const [first, path, laws, rest] = answers;
    if (first.kind !== 'ridges' || path.kind !== 'ridges' || rest.kind !== 'ridges' || laws.kind !== 'laws')
      throw new Error('order');
    const expected = ridgeOf(curves, stops[5]);
    expect(first.ridges[0].stop).toBe(5);
    expect(first.ridges[0].ridge.peak).toEqual(expected.peak);
    expect(path.ridges.map(({ stop }) => stop).sort((a, b) => a - b)).toEqual(stops.map((_, i) => i));
    expect(laws.laws.laws.length).toBeGreaterThan(2);
    expect(rest.ridges.map(({ stop }) => stop)).not.toContain(5);
    for (const { stop, ridge } of rest.ridges) expect(ridge.peak).toEqual(ridgeOf(curves, stops[stop]).peak);
  });

  it('begins again with new data, and keeps what it knows when only the stop moves', () => {
    const desk = new AnalysisDesk();
    desk.take({ kind: 'load', snapshot: snapshotOf(curves) });
    desk.take({ kind: 'ask', question: 1, stops, stop: 5 });
    drain(desk);
    desk.take({ kind: 'ask', question: 1, stops, stop: 3 });
    expect(drain(desk).map((answer) => answer.kind)).toEqual(['laws']);
    desk.take({ kind: 'delta', delta: deltaOf(curves, [0], { from: 0, to: 1 }, { from: 1, to: 2 }) });
    const after = drain(desk);
    expect(after).toHaveLength(4);
    expect(after.every((answer) => answer.cursor === 2)).toBe(true);
  });
});

describe('census', () => {
  it('counts every cell once and shows the state that must not be overlooked', () => {
    const curves = sweep(3);
    const snapshot = snapshotOf(curves);
    snapshot.states[0] = stateIndex('running');
    snapshot.states[1] = stateIndex('diverged');
    snapshot.states[3] = stateIndex('failed');
    snapshot.states.fill(NO_CELL, 6, 9);
    const live = new LiveCurves(snapshot);
    expect(censusOf(live, 0, 0).state).toBe('diverged');
    expect(censusOf(live, 0, 1).state).toBe('failed');
    expect(censusOf(live, 0, 2)).toEqual({ counts: cellStates.map(() => 0), state: null });
    expect(censusOf(live, 0, 3).state).toBe('done');
    const counts = countStates(live);
    expect(counts.cells).toBe(curves.recorded.length - 3);
    expect(cellStates.reduce((sum, state) => sum + counts[state], 0)).toBe(counts.cells);
  });
});

describe('seeds', () => {
  it('have median, quartiles and standard error; none where one diverged', () => {
    const curves = sweep(4);
    const spread = seedSpread(curves, 1, { kind: 'equal-steps', step: 40 });
    const known = Array.from(spread.scores.slice(0, 4)).sort((a, b) => a - b);
    expect(spread.median[0]).toBeCloseTo((known[1] + known[2]) / 2, 12);
    const mean = known.reduce((a, b) => a + b) / 4;
    const deviation = Math.sqrt(known.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3);
    expect(spread.standardError[0]).toBeCloseTo(deviation / 2, 12);
    const diverged = seedSpread(curves, 0, { kind: 'equal-steps', step: 40 });
    expect(diverged.median[8]).toBeNaN();
    expect(diverged.scores[8 * 4]).not.toBeNaN();
  });
});

describe('loss curves', () => {
  it('are smoothed without a start bias and end at the first value that is not finite', () => {
    for (const value of debiasedAverage([3, 3, 3], 0.9)) expect(value).toBeCloseTo(3, 12);
    const ended = debiasedAverage([1, 2, NaN, 4], 0.5);
    expect(ended[1]).toBeCloseTo((0.25 * 1 + 0.5 * 2) / 0.75, 12);
    expect(Array.from(ended.slice(2))).toEqual([NaN, NaN]);
    expect(firstNonFinite([1, Infinity, NaN])).toBe(1);
    expect(firstNonFinite([])).toBe(-1);
  });

  it('keep every extreme when decimated', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 500 }),
        (values) => {
          const kept = decimate(values, (i) => i / values.length, 20);
          expect(kept.length).toBeLessThanOrEqual(40);
          const found = kept.map(({ value }) => value);
          expect(Math.max(...found)).toBe(Math.max(...values));
          expect(Math.min(...found)).toBe(Math.min(...values));
          const indices = kept.map(({ index }) => index);
          expect(indices).toEqual([...indices].sort((a, b) => a - b));
        },
      ),
    );
    expect(decimate([NaN, Infinity], (i) => i / 2, 3)).toEqual([]);
  });
});
