import { describe, expect, test } from 'vitest';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { cellIndex } from '#shared/analysis/curves.ts';
import { describeMigration, describeRidge, migrationTable, ridgeTable } from '#shared/analysis/describe.ts';
import {
  defaultTargets,
  directionOf,
  migrationOverLoss,
  migrationOverSamples,
  migrationOverSteps,
} from '#shared/analysis/migration.ts';
import { peakOf } from '#shared/analysis/peak.ts';
import { interval, resampling, tailShare } from '#shared/analysis/resampling.ts';
import { ridgeOf, ridgesOf } from '#shared/analysis/ridge.ts';
import type { Definition } from '#shared/analysis/scores.ts';
import { syntheticCurves } from '../../support/synthetic-curves.ts';

const learningRates = Array.from({ length: 12 }, (_, i) => 4e-4 * 1.6 ** i);
const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const marks = [1, 2, 5, 10, 20, 50, 100];
/** Surge form whose peak moves left with the step: B = 160 at step 1, 16 at step 10. */
const surge = (batchSize: number, step: number) => {
  const peak = 160 / step;
  return (2 * 6e-3) / (Math.sqrt(batchSize / peak) + Math.sqrt(peak / batchSize));
};
const sweep = { batchSizes, learningRates, seeds: 6, marks, optimum: surge };

function edited(curves: CurveSet, edit: (draft: CurveSet) => void): CurveSet {
  const draft = {
    ...curves,
    values: curves.values.slice(),
    recorded: curves.recorded.slice(),
    divergedAt: curves.divergedAt.slice(),
  };
  edit(draft);
  return draft;
}

const within = (actual: number | null, wanted: number, tolerance = 1e-9) =>
  expect(Math.abs(actual! / wanted - 1)).toBeLessThan(tolerance);

describe('the ridge', () => {
  test('of exact parabolas is exact at every mark', () => {
    for (const ridge of migrationOverSteps(syntheticCurves(sweep))) {
      const { step } = ridge.definition as Extract<Definition, { kind: 'equal-steps' }>;
      for (const point of ridge.points) {
        if (point.flags.includes('edge-low')) continue;
        within(point.learningRate, surge(point.batchSize, step));
      }
    }
  });

  test('many at once are the same as one by one', () => {
    const curves = syntheticCurves({ ...sweep, noise: 0.2, cellNoise: 0.02 });
    const definitions: Definition[] = [
      ...Array.from({ length: 100 }, (_, i): Definition => ({ kind: 'equal-steps', step: i + 1 })),
      { kind: 'equal-loss', target: 1.5, moreSteps: 10, passage: 'mean-curve' },
      { kind: 'equal-samples', samples: 640 },
      { kind: 'fewest-steps', target: 1.5 },
    ];
    const together = ridgesOf(curves, definitions);
    for (const i of [0, 6, 63, 64, 99, 100, 101, 102]) {
      const alone = ridgeOf(curves, definitions[i]);
      expect(together[i].definition).toEqual(definitions[i]);
      expect(alone.peak).toEqual(together[i].peak);
      expect(alone.points).toEqual(together[i].points);
    }
  });

  test('between marks is interpolated in ln step and says so; beyond the marks there is nothing', () => {
    const curves = syntheticCurves({ ...sweep, optimum: () => 3e-3, floor: (_, step) => Math.log(step) });
    const between = ridgeOf(curves, { kind: 'equal-steps', step: 30 }).points[0];
    within(between.score, Math.log(30));
    expect(between.flags).toEqual(['interpolated']);
    const exact = ridgeOf(curves, { kind: 'equal-steps', step: 20 }).points[0];
    expect(exact.flags).toEqual([]);
    for (const step of [0.5, 101, Infinity, NaN]) {
      const beyond = ridgeOf(curves, { kind: 'equal-steps', step }).points[0];
      expect(beyond.learningRate).toBeNull();
      expect(beyond.dropped).toHaveLength(learningRates.length);
    }
  });

  test('a cell that diverges between two marks has no value between them', () => {
    const curves = edited(syntheticCurves({ ...sweep, optimum: () => 3e-3 }), (draft) => {
      const cell = cellIndex(draft, 0, 11, 0);
      draft.divergedAt[cell] = 40;
      draft.values.fill(NaN, cell * draft.stride + 5, (cell + 1) * draft.stride);
    });
    const dropped = (step: number) => ridgeOf(curves, { kind: 'equal-steps', step }).points[0].dropped;
    expect(dropped(20)).toEqual([]);
    for (const step of [30, 45, 50, 100])
      expect(dropped(step)).toEqual([{ learningRate: learningRates[11], reason: 'diverged', seeds: 1 }]);
  });

  test('a cell that stopped because it diverged is diverged, not missing', () => {
    const curves = edited(syntheticCurves({ ...sweep, optimum: () => 3e-3 }), (draft) => {
      const cell = cellIndex(draft, 0, 11, 0);
      draft.divergedAt[cell] = 15;
      draft.recorded[cell] = 4;
    });
    const [point] = ridgeOf(curves, { kind: 'equal-steps', step: 100 }).points;
    expect(point.dropped).toEqual([{ learningRate: learningRates[11], reason: 'diverged', seeds: 1 }]);
    expect(point.flags).not.toContain('missing-cells');
  });

  test('a loss that is finite again after one that was not is not believed', () => {
    const curves = edited(syntheticCurves({ ...sweep, optimum: () => 3e-3 }), (draft) => {
      draft.values[cellIndex(draft, 0, 5, 0) * draft.stride + 2] = Infinity;
    });
    const point = ridgeOf(curves, { kind: 'equal-steps', step: 100 }).points[0];
    expect(point.dropped.map((drop) => drop.reason)).toEqual(['diverged']);
  });

  test('at equal samples takes step samples / B of each batch size', () => {
    const curves = syntheticCurves({ ...sweep, floor: (b, step) => 1e3 * b + step });
    const ridge = ridgeOf(curves, { kind: 'equal-samples', samples: 160 });
    const at = (batchSize: number) => ridge.points[batchSizes.indexOf(batchSize)];
    within(at(8).score, 8020);
    within(at(16).score, 16010);
    // 160 steps of B = 1 were not trained, and B = 256 has no 0.6th step.
    expect(at(1).learningRate).toBeNull();
    expect(at(256).learningRate).toBeNull();
  });

  test('a sweep that is half done shows its half', () => {
    const curves = edited(syntheticCurves(sweep), (draft) => {
      for (let batch = 0; batch < batchSizes.length; batch++)
        for (let rate = 0; rate < learningRates.length; rate++)
          for (let seed = 0; seed < 6; seed++)
            if (batch > 4 || rate % 2 === 1) draft.recorded[cellIndex(draft, batch, rate, seed)] = 0;
    });
    const ridge = ridgeOf(curves, { kind: 'equal-steps', step: 10 });
    within(ridge.points[3].learningRate, surge(8, 10));
    expect(ridge.points[3].flags).toEqual(['missing-neighbour', 'missing-cells']);
    expect(ridge.points[6].learningRate).toBeNull();
    expect(ridge.peak!.flags).toContain('missing-batch-sizes');
    expect(describeRidge(ridge)).toContain('4 of 9 batch sizes have no optimum here.');
  });

  test('empty and hopeless experiments have no peak, and no exception', () => {
    const none = { batchSizes: [], learningRates: [], seeds: 0, marks: [], optimum: () => 1 };
    const definition: Definition = { kind: 'equal-steps', step: 1 };
    for (const options of [
      none,
      { ...sweep, marks: [] },
      { ...sweep, seeds: 0 },
      { ...sweep, learningRates: [] },
    ]) {
      const curves = syntheticCurves(options);
      const ridge = ridgeOf(curves, definition);
      expect(ridge.peak).toBeNull();
      expect(describeRidge(ridge)).toBe('At equal steps (step 1) there is no optimal learning rate to show.');
      expect(migrationOverSteps(curves)).toEqual([]);
      expect(migrationOverSamples(curves)).toEqual([]);
      expect(defaultTargets(curves)).toEqual([]);
      for (const passage of ['each-seed', 'mean-curve'] as const)
        expect(migrationOverLoss(curves, [1], 10, passage)[0].peak).toBeNull();
    }
    const diverged = edited(syntheticCurves(sweep), (draft) => draft.divergedAt.fill(1));
    expect(ridgeOf(diverged, definition).peak).toBeNull();
  });

  test('a resampling of another number of seeds is refused', () => {
    expect(() =>
      ridgeOf(syntheticCurves(sweep), { kind: 'equal-steps', step: 1 }, { bootstrap: resampling(3) }),
    ).toThrow(/3 seeds/);
  });
});

describe('the peak', () => {
  const at = (step: number, options: Partial<typeof sweep> & { noise?: number } = {}) =>
    ridgeOf(syntheticCurves({ ...sweep, ...options }), { kind: 'equal-steps', step }).peak!;

  test('is found, refined, and has rise and fall', () => {
    const peak = at(10, { noise: 0.05 });
    expect(peak.batchSize).toBe(16);
    expect(peak.atEdge).toBeNull();
    expect(Math.abs(Math.log2(peak.refinedBatchSize! / 16))).toBeLessThan(0.3);
    expect(peak.interval!.low).toBeLessThanOrEqual(16);
    expect(peak.interval!.high).toBeGreaterThanOrEqual(16);
    expect(peak.refinedInterval!.low).toBeGreaterThan(11);
    expect(peak.refinedInterval!.high).toBeLessThan(23);
    expect(peak.refinedInterval!.low).toBeLessThanOrEqual(peak.refinedBatchSize!);
    expect(peak.refinedInterval!.high).toBeGreaterThanOrEqual(peak.refinedBatchSize!);
    within(peak.riseFromSmallest, surge(16, 10) / surge(1, 10), 0.1);
    within(peak.fallToLargest, surge(16, 10) / surge(256, 10), 0.1);
    expect(peak.probabilityOfRise).toBe(1);
    expect(peak.probabilityOfFall).toBe(1);
    expect(peak.flags).toEqual([]);
  });

  test('at an end of the sweep says so', () => {
    const rising = at(10, { optimum: (b: number) => 6e-4 * b ** 0.4 });
    expect(rising.atEdge).toBe('largest');
    expect(rising.refinedBatchSize).toBeNull();
    expect(rising.flags).toEqual(['few-batch-sizes-above', 'below-resolution']);
    expect(at(10, { optimum: (b: number) => 6e-3 * b ** -0.4 }).atEdge).toBe('smallest');
  });

  test('of a flat ridge is below the resolution, and noise alone seldom counts as a fall', () => {
    let falls = 0;
    for (let randomSeed = 0; randomSeed < 40; randomSeed++) {
      const curves = syntheticCurves({ ...sweep, optimum: () => 3e-3, noise: 0.2, randomSeed });
      const peak = ridgeOf(curves, { kind: 'equal-steps', step: 10 }).peak!;
      if (peak.atEdge === null && peak.probabilityOfFall! > 0.95) falls++;
    }
    expect(falls).toBeLessThanOrEqual(2);
    expect(at(10, { optimum: () => 3e-3 }).flags).toContain('below-resolution');
  });

  test('rise and fall of a resample are counted at the batch size of the peak, not at its own highest', () => {
    const { points } = ridgeOf(syntheticCurves({ ...sweep, batchSizes: [1, 4, 16, 64] }), {
      kind: 'equal-steps',
      step: 20,
    });
    const heights = [
      [1, 2.9, 3, 2],
      // Another batch size is highest; at the peak's own there is no fall.
      [1, 9, 3, 3],
      // Less than a step (ln 1.6) of the grid.
      [2.8, 3, 3, 2.8],
      [2, 2, 3, 1],
    ];
    const learningRate = learningRates[6];
    const edited = points.map((point, i) => ({
      ...point,
      learningRate: learningRate * [0.5, 0.9, 1, 0.5][i],
      gridLearningRate: learningRate,
      resampled: Float64Array.from(heights, (row) => row[i]),
    }));
    const peak = peakOf(edited, learningRates)!;
    expect(peak.batchSize).toBe(16);
    expect(peak.probabilityOfRise).toBe(3 / 4);
    expect(peak.probabilityOfFall).toBe(2 / 4);
    expect(peak.interval).toEqual({ low: 4, high: 16 });
  });

  test('with one seed has no interval and no probability', () => {
    const peak = at(10, { seeds: 1 });
    expect(peak.batchSize).toBe(16);
    expect([peak.interval, peak.refinedInterval, peak.probabilityOfRise, peak.probabilityOfFall]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(peak.flags).toEqual(['few-seeds']);
  });

  test('of one batch size is no peak', () => {
    const ridge = ridgeOf(syntheticCurves({ ...sweep, batchSizes: [16] }), { kind: 'equal-steps', step: 10 });
    expect(ridge.peak!.flags).toEqual(['one-batch-size']);
    expect(describeRidge(ridge)).toMatch(/only B = 16 .*has an optimal learning rate/);
  });

  test('covers the true batch size in most experiments', () => {
    let covered = 0;
    for (let randomSeed = 0; randomSeed < 60; randomSeed++) {
      const { interval: range } = ridgeOf(syntheticCurves({ ...sweep, noise: 0.2, randomSeed }), {
        kind: 'equal-steps',
        step: 10,
      }).peak!;
      if (range!.low <= 16 && 16 <= range!.high) covered++;
    }
    expect(covered / 60).toBeGreaterThan(0.8);
  });
});

describe('equal loss', () => {
  /**
   * loss = 4·s^(−a) with a(LR) largest at the optimum: target t is reached at s = (4/t)^(1/a). In ln step the marks are
   * dense, so that interpolation is close.
   */
  const dense = Array.from({ length: 120 }, (_, i) => Math.round(1.1 ** (i / 2) * 10));
  const steps = [...new Set(dense)];
  const power = (batchSizes: number[], seeds = 3): CurveSet => {
    const curves = syntheticCurves({ batchSizes, learningRates, seeds, marks: steps, optimum: () => 3e-3 });
    return edited(curves, (draft) => {
      batchSizes.forEach((batchSize, batch) =>
        learningRates.forEach((rate, index) => {
          const x = Math.log(rate / (1e-3 * Math.sqrt(batchSize)));
          const exponent = 0.5 * Math.exp(-(x ** 2) / 8);
          for (let seed = 0; seed < seeds; seed++)
            steps.forEach((step, m) => {
              draft.values[cellIndex(draft, batch, index, seed) * draft.stride + m] = 4 * step ** -exponent;
            });
        }),
      );
    });
  };

  test.each(['each-seed', 'mean-curve'] as const)(
    'fewest steps: step and optimum are right (%s)',
    (passage) => {
      const ridge = ridgeOf(power([4, 9]), { kind: 'fewest-steps', target: 0.8, passage });
      for (const point of ridge.points) {
        within(point.learningRate, 1e-3 * Math.sqrt(point.batchSize), 0.1);
        // At the optimum the target is reached at (4/0.8)² = 25 steps.
        within(point.reachedAt, 25, 0.05);
        within(point.score, 25, 0.02);
      }
    },
  );

  test.each(['each-seed', 'mean-curve'] as const)(
    'then k more steps: the loss after them (%s)',
    (passage) => {
      const ridge = ridgeOf(power([4, 9]), { kind: 'equal-loss', target: 0.8, moreSteps: 75, passage });
      for (const point of ridge.points) {
        within(point.learningRate, 1e-3 * Math.sqrt(point.batchSize), 0.1);
        within(point.score, 4 / Math.sqrt(100), 0.02);
        expect(point.flags).toEqual(['censored-cells']);
      }
    },
  );

  test('learning rates that never arrive are censored and counted', () => {
    const [point] = ridgeOf(power([4]), { kind: 'fewest-steps', target: 0.8 }).points;
    const censored = point.dropped.filter((drop) => drop.reason === 'censored');
    expect(censored.length).toBeGreaterThan(0);
    expect(censored.every((drop) => drop.seeds === 3)).toBe(true);
    expect(point.used.length + point.dropped.length).toBe(learningRates.length);
    const none = ridgeOf(power([4]), { kind: 'fewest-steps', target: 1e-9 });
    expect(none.peak).toBeNull();
    expect(none.points[0].dropped).toHaveLength(learningRates.length);
  });

  test('cells that diverge before or during the further steps are diverged, those cut off are missing', () => {
    const definition: Definition = { kind: 'equal-loss', target: 1, moreSteps: 20 };
    const reason = (edit: (draft: CurveSet, cell: number) => void) => {
      const best = learningRates.findIndex((rate) => rate > 1.9e-3);
      const curves = edited(power([4]), (draft) => edit(draft, cellIndex(draft, 0, best, 1)));
      return ridgeOf(curves, definition).points[0].dropped.find(
        (d) => d.learningRate === learningRates[best],
      );
    };
    const before = reason((draft, cell) => (draft.divergedAt[cell] = 12));
    const during = reason((draft, cell) => (draft.divergedAt[cell] = 30));
    const after = reason((draft, cell) => (draft.divergedAt[cell] = 900));
    expect(before).toMatchObject({ reason: 'diverged', seeds: 1 });
    expect(during).toMatchObject({ reason: 'diverged', seeds: 1 });
    expect(after).toBeUndefined();
    // A single cut seed costs only itself; the other two stay.
    expect(reason((draft, cell) => (draft.recorded[cell] = 2))).toBeUndefined();
  });

  test('targets reached at once are flagged', () => {
    const curves = syntheticCurves({ ...sweep, optimum: () => 3e-3 });
    const early = ridgeOf(curves, { kind: 'equal-loss', target: 1.9, moreSteps: 10 }).points[0];
    expect(early.flags).toContain('early-target');
    const first = ridgeOf(curves, { kind: 'fewest-steps', target: 50 }).points[0];
    expect(first.flags).toEqual(['edge-low', 'flat', 'early-target', 'first-mark']);
    // 55 steps and 5 more lie between the marks 50 and 100.
    const coarse = ridgeOf(curves, { kind: 'equal-loss', target: 2 / (1 + 55 / 50), moreSteps: 5 }).points[0];
    expect(coarse.flags).toContain('coarse-marks');
  });

  test('a noisy curve crosses too early by itself, less so in the mean', () => {
    const curves = syntheticCurves({
      ...sweep,
      batchSizes: [8],
      seeds: 40,
      optimum: () => 3e-3,
      cellNoise: 0,
    });
    const noisy = edited(curves, (draft) => {
      // Alternating errors of ±0.3 in time and seed: the mean over seeds has none.
      draft.values.forEach((value, i) => {
        const [cell, mark] = [Math.floor(i / draft.stride), i % draft.stride];
        draft.values[i] = value + ((cell + mark) % 2 === 0 ? 0.3 : -0.3);
      });
    });
    const truth = 50 * (2 / 1.2 - 1);
    const reached = (passage: 'each-seed' | 'mean-curve') =>
      ridgeOf(noisy, { kind: 'fewest-steps', target: 1.2, passage }).points[0].score!;
    within(reached('mean-curve'), truth, 0.05);
    expect(reached('each-seed')).toBeLessThan(0.9 * truth);
  });

  test('a small target loss of zero or less is no trouble', () => {
    const curves = syntheticCurves({ ...sweep, floor: (_, step) => -Math.log(step) });
    const [point] = ridgeOf(curves, { kind: 'equal-loss', target: -1, moreSteps: 10 }).points;
    expect(point.score).toBeLessThan(-1);
  });

  test('default targets lie where the losses are, rounded and descending', () => {
    const targets = defaultTargets(syntheticCurves(sweep), 10);
    expect(targets).toHaveLength(6);
    expect(targets).toEqual([...targets].sort((a, b) => b - a));
    expect(targets[0]).toBeLessThan(2);
    expect(targets[5]).toBeGreaterThan(2 / 3);
    for (const ridge of migrationOverLoss(syntheticCurves(sweep), targets, 10))
      expect(ridge.points.every((point) => point.learningRate !== null)).toBe(true);
    expect(defaultTargets(syntheticCurves({ ...sweep, floor: () => 1, optimum: () => 3e-3 }))).toEqual([]);
  });
});

describe('migration', () => {
  test('left at equal steps', () => {
    const path = migrationOverSteps(syntheticCurves({ ...sweep, noise: 0.05 }));
    expect(path.map((ridge) => ridge.definition)).toEqual(
      marks.map((step) => ({ kind: 'equal-steps', step })),
    );
    const way = directionOf(path);
    expect(way.direction).toBe('smaller');
    expect(way.beyondError).toBe(true);
    expect(describeMigration(path)).toMatch(
      /^The peak moves to smaller batch sizes: B = \d+ at equal steps \(step [12]\), B = 4 at equal steps \(step 50\); their intervals are apart\.$/,
    );
  });

  test('right towards lower losses, when the peak grows with the step', () => {
    const path = migrationOverLoss(
      syntheticCurves({
        ...sweep,
        marks: [1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 60, 80, 120, 160],
        optimum: (b, step) => surge(b, 1600 / (step + 20)),
      }),
      [1.8, 1.2, 0.7],
      5,
    );
    expect(directionOf(path).direction).toBe('larger');
  });

  test('batch sizes with different marks are compared where both have come', () => {
    const lists = batchSizes.map((b) => [1, 2, 4, 8, 16, 32, 64, 128, 256].filter((step) => step * b <= 512));
    const path = migrationOverSteps(syntheticCurves({ ...sweep, marks: lists }));
    const last = path.at(-1)!;
    expect(last.definition).toEqual({ kind: 'equal-steps', step: 256 });
    expect(last.points.filter((point) => point.learningRate !== null).map((p) => p.batchSize)).toEqual([
      1, 2,
    ]);
    expect(last.peak!.flags).toContain('missing-batch-sizes');
    const samples = migrationOverSamples(syntheticCurves({ ...sweep, marks: lists }));
    const everywhere = samples.find((ridge) => (ridge.definition as { samples: number }).samples === 256)!;
    expect(everywhere.points.every((point) => point.learningRate !== null)).toBe(true);
  });

  test('at most 200 numbers of samples, the ends among them', () => {
    const curves = syntheticCurves({
      ...sweep,
      seeds: 1,
      marks: Array.from({ length: 60 }, (_, i) => 3 * i + 7),
    });
    const samples = migrationOverSamples(curves).map((r) => (r.definition as { samples: number }).samples);
    expect(samples.length).toBeLessThanOrEqual(200);
    expect(samples).toEqual([...new Set(samples)].sort((a, b) => a - b));
    expect(samples[0]).toBe(14);
    expect(samples.at(-1)).toBe(184 * 128);
  });

  test('is undetermined with fewer than two inner peaks', () => {
    expect(directionOf([])).toMatchObject({ direction: 'undetermined', ratio: null });
    expect(describeMigration([])).toMatch(/undetermined/);
  });
});

describe('sentences and tables', () => {
  test('a ridge in words', () => {
    const ridge = ridgeOf(syntheticCurves({ ...sweep, noise: 0.05 }), { kind: 'equal-steps', step: 10 });
    expect(describeRidge(ridge)).toMatch(
      /^At equal steps \(step 10\) the optimal learning rate peaks at B = 16 \[\d+–\d+\]: \d\.\de-3 \[\d\.\de-3–\d\.\de-3\]\.$/,
    );
  });

  test('tables survive JSON: nothing turns into null that was not', () => {
    const curves = syntheticCurves({ ...sweep, noise: 0.1 });
    for (const definition of [
      { kind: 'equal-steps', step: 10 },
      { kind: 'equal-samples', samples: 160 },
      { kind: 'equal-loss', target: 1.2, moreSteps: 5 },
      { kind: 'fewest-steps', target: 1.2 },
    ] satisfies Definition[]) {
      const table = ridgeTable(ridgeOf(curves, definition));
      expect(table.definition.kind).toBe(definition.kind);
      expect(JSON.parse(JSON.stringify(table))).toEqual(table);
      expect(JSON.stringify(table)).not.toContain('resampled');
    }
    const migration = migrationTable(migrationOverSteps(curves));
    expect(JSON.parse(JSON.stringify(migration))).toEqual(migration);
  });
});

describe('resampling', () => {
  test('draws as many seeds as there are, the same ones every time', () => {
    const { weights } = resampling(7, 50);
    for (let r = 0; r < 50; r++)
      expect(weights.slice(r * 7, r * 7 + 7).reduce((sum, weight) => sum + weight, 0)).toBe(7);
    expect(resampling(7, 50).weights).toEqual(weights);
  });

  test('the tails of the interval are those of the expanded percentile interval', () => {
    // Phi(−sqrt(n/(n−1)) t), t of Student with n − 1 degrees of freedom, computed by numerical integration.
    const wanted = {
      2: 0,
      3: 1.7428758710736525e-4,
      4: 0.0032895532791,
      8: 0.02141368,
      16: 0.03510584,
      100: 0.04758288,
    };
    for (const [seeds, share] of Object.entries(wanted))
      expect(tailShare(Number(seeds))).toBeCloseTo(share, 3);
    expect(tailShare(1e6)).toBeCloseTo(0.05, 5);
  });

  test('an interval needs half of its values, and ends on the grid when asked', () => {
    const values = Float64Array.from({ length: 101 }, (_, i) => 100 - i);
    expect(interval(values, 1e9)).toEqual({
      low: expect.closeTo(5, 5) as number,
      high: expect.closeTo(95, 5) as number,
    });
    expect(interval(Float64Array.of(1, 2, 4, 8), 1e9, 'grid')).toEqual({ low: 1, high: 8 });
    expect(interval(Float64Array.of(1, NaN, NaN), 8)).toBeNull();
    expect(interval(new Float64Array(0), 8)).toBeNull();
  });
});
