/** Curves of cells, states, comparisons and schedules on inputs named by their edge. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { cellStates, type CellState } from '#shared/experiment/stack.ts';
import { compareFigure } from '#shared/figure/compare-figure.ts';
import type { Figure } from '#shared/figure/figure.ts';
import { compareInput } from '#shared/figure/from-compare.ts';
import { lossCurvesInput, type LossCurvesChoice } from '#shared/figure/from-curves.ts';
import { lossCurvesFigure, type LossCurvesOptions } from '#shared/figure/loss-curves.ts';
import { scheduleFigure } from '#shared/figure/schedule-figure.ts';
import { stateGridFigure, type GridCell } from '#shared/figure/state-grid.ts';
import { layOutSchedule, type ScheduleSpecification } from '#shared/theory/schedules.ts';
import { COLUMN, FULL, NAME } from './sizes.ts';
import { powers, spaced, syntheticSweep } from './synthetic.ts';

const LONG =
  'the second replicate <of> the wide network & its twin, trained until the very end of the budget';
const ordinary = syntheticSweep();
const dense = Array.from({ length: 1_500 }, (_, i) => i + 1);

interface CurvesCase extends Partial<LossCurvesChoice>, Partial<LossCurvesOptions> {
  readonly curves?: CurveSet;
}

const curveCases: Record<string, CurvesCase> = {
  ordinary: {},
  'one column': { width: COLUMN },
  'raw and smoothed': {
    curves: syntheticSweep({ batchSizes: [1, 16], marks: dense, noise: 0.3, seeds: 3 }),
    cells: [
      { batchSize: 1, learningRate: spaced(2e-4, 2e-2, 12)[5] },
      { batchSize: 16, learningRate: spaced(2e-4, 2e-2, 12)[6] },
    ],
    halfLife: 20,
  },
  'by samples': { by: 'samples' },
  'interval of the mean': { band: 'interval', curves: syntheticSweep({ noise: 0.2 }) },
  'linear axes': { lossAxis: 'linear', progressAxis: 'linear', band: 'none' },
  'some diverged': {
    cells: [3, 7, 9, 11].map((i) => ({ batchSize: 64, learningRate: ordinary.learningRates[i] })),
  },
  'all diverged': {
    curves: syntheticSweep({ learningRates: spaced(1, 100, 5) }),
    cells: [{ batchSize: 16, learningRate: 100 }],
  },
  'half missing': { curves: syntheticSweep({ recorded: (b, _, seed) => ((b + seed) % 2 === 0 ? 0 : 9) }) },
  'one batch': { curves: syntheticSweep({ batchSizes: [8] }) },
  'one seed': { curves: syntheticSweep({ seeds: 1 }) },
  'one mark': { curves: syntheticSweep({ marks: [10] }) },
  'one learning rate': { curves: syntheticSweep({ learningRates: [3e-3] }) },
  'long names': { valueTitle: LONG },
  'sixty batches': {
    curves: syntheticSweep({
      batchSizes: Array.from({ length: 60 }, (_, i) => 1 + 3 * i),
      learningRates: [3e-3],
      seeds: 2,
    }),
  },
  'twelve decades of steps': {
    curves: syntheticSweep({ batchSizes: powers(2 ** 30, 3), seeds: 2 }),
    by: 'samples',
    valueTitle: LONG,
  },
  empty: { cells: [] },
};

/** States of `seeds` seeds a cell, in grid order. */
function states(
  state: (batch: number, rate: number, seed: number) => CellState,
  seeds = 4,
  count = 8,
): GridCell[] {
  return powers(1, count).flatMap((batchSize, b) =>
    spaced(1e-4, 1e-2, 9).flatMap((learningRate, k) =>
      Array.from({ length: seeds }, (_, seed) => ({ batchSize, learningRate, state: state(b, k, seed) })),
    ),
  );
}

const stateCases: Record<string, { readonly cells: GridCell[]; readonly width?: number }> = {
  ordinary: {
    cells: states((b, k, seed) =>
      k > 6 && seed < 2 * (k - 6)
        ? 'diverged'
        : b < 5
          ? 'done'
          : b === 5
            ? k < 4
              ? 'done'
              : 'running'
            : 'planned',
    ),
  },
  'every state': { cells: states((b, k) => cellStates[(b + k) % cellStates.length], 1) },
  'all diverged': { cells: states(() => 'diverged') },
  'full width': { cells: states(() => 'done'), width: FULL },
  'one cell': { cells: [{ batchSize: 8, learningRate: 1e-3, state: 'failed' }] },
  'one learning rate': {
    cells: powers(1, 8).map((batchSize) => ({ batchSize, learningRate: 3e-3, state: 'done' })),
  },
  'twelve decades': {
    cells: spaced(1e-9, 1e3, 13).map((learningRate) => ({ batchSize: 8, learningRate, state: 'done' })),
  },
  'one batch': { cells: states((_, k) => (k < 5 ? 'done' : 'out-of-memory'), 2, 1) },
  'sixty batches': {
    cells: Array.from({ length: 60 }, (_, i) => 1 + 3 * i).flatMap((batchSize) =>
      spaced(1e-4, 1e-2, 30).map((learningRate, k) => ({
        batchSize,
        learningRate,
        state: cellStates[(k + batchSize) % 4],
      })),
    ),
  },
  empty: { cells: [] },
};

interface CompareCase {
  readonly sweeps: readonly CurveSet[];
  readonly names?: readonly string[];
  readonly width?: number;
  readonly difference?: boolean;
}

const other = syntheticSweep({ epsMax: 5.5e-3, bNoise: 40 });
const compareCases: Record<string, CompareCase> = {
  ordinary: { sweeps: [ordinary, other] },
  'one column': { sweeps: [ordinary, other], width: COLUMN },
  'without difference': { sweeps: [ordinary, other], difference: false },
  'one batch': { sweeps: [1, 2].map((by) => syntheticSweep({ batchSizes: [8], epsMax: by * 3e-3 })) },
  'one learning rate': { sweeps: [1, 2].map(() => syntheticSweep({ learningRates: [3e-3] })) },
  'half missing': {
    sweeps: [
      ordinary,
      syntheticSweep({ epsMax: 5.5e-3, recorded: (b, _, seed) => ((b + seed) % 2 === 0 ? 0 : 9) }),
    ],
  },
  'sixty batches': {
    sweeps: [3e-3, 6e-3].map((epsMax) =>
      syntheticSweep({ batchSizes: Array.from({ length: 60 }, (_, i) => 1 + 3 * i), seeds: 2, epsMax }),
    ),
  },
  'twelve decades': {
    sweeps: [1e-8, 1e3].map((epsMax) => syntheticSweep({ epsMax, learningRates: spaced(1e-9, 1e4, 27) })),
  },
  'six experiments': {
    sweeps: [4, 5, 6, 7, 8, 9].map((height, i) =>
      syntheticSweep({ epsMax: height * 1e-3, bNoise: 4 * 2 ** i }),
    ),
  },
  'the same twice': { sweeps: [ordinary, ordinary] },
  'other seeds': { sweeps: [ordinary, syntheticSweep({ seeds: 4, epsMax: 3e-3 })] },
  'no batch size in common': {
    sweeps: [syntheticSweep({ batchSizes: [1, 4, 16] }), syntheticSweep({ batchSizes: [2, 8, 32] })],
  },
  'one seed': { sweeps: [syntheticSweep({ seeds: 1 }), syntheticSweep({ seeds: 1, epsMax: 6e-3 })] },
  'all diverged': {
    sweeps: [1, 2].map((from) => syntheticSweep({ learningRates: spaced(from, 100, 5) })),
  },
  'long names': { sweeps: [ordinary, other], names: [LONG, `${LONG} again`] },
  empty: { sweeps: [] },
};

/** Settings of arXiv 2409.08770. */
const base = { epochs: 300, examples: 50_000, interval: 30 } as const;
const growing: ScheduleSpecification['batch'] = { kind: 'exponential', start: 8, factor: 2 };
const scheduleCases: Record<
  string,
  { readonly list: readonly (readonly [string, ScheduleSpecification])[]; readonly width?: number }
> = {
  ordinary: {
    list: [
      [
        'constant batch, cosine',
        { ...base, batch: { kind: 'constant', start: 128 }, learningRate: { kind: 'cosine', start: 0.1 } },
      ],
      ['growing batch, cosine', { ...base, batch: growing, learningRate: { kind: 'cosine', start: 0.1 } }],
      ['both grow', { ...base, batch: growing, learningRate: { kind: 'growth', start: 0.1, max: 0.5 } }],
      [
        'growing batch, warm-up then cosine',
        {
          ...base,
          batch: growing,
          learningRate: {
            kind: 'warmup',
            start: 0.1,
            max: 0.5,
            warmupEpochs: 30,
            warmupInterval: 3,
            then: 'cosine',
          },
        },
      ],
    ],
  },
  'one column': {
    list: [
      ['both grow', { ...base, batch: growing, learningRate: { kind: 'growth', start: 0.1, max: 0.5 } }],
    ],
    width: COLUMN,
  },
  'one epoch': {
    list: [
      [
        'one epoch',
        {
          epochs: 1,
          examples: 100,
          interval: 1,
          batch: { kind: 'constant', start: 10 },
          learningRate: { kind: 'constant', start: 0.1 },
        },
      ],
    ],
  },
  'decay to zero over decades': {
    list: [
      [
        'polynomial',
        {
          ...base,
          batch: { kind: 'linear', start: 8, increment: 8 },
          learningRate: { kind: 'polynomial', start: 0.1, power: 6 },
        },
      ],
      ['diminishing', { ...base, batch: growing, learningRate: { kind: 'diminishing', start: 0.1 } }],
    ],
  },
  'long names': {
    list: [1, 2, 3].map((i) => [
      `${LONG} ${i}`,
      {
        ...base,
        batch: { kind: 'constant', start: 64 * i },
        learningRate: { kind: 'linear', start: 0.1 * i },
      },
    ]),
  },
  empty: { list: [] },
};

export const moreCases: ReadonlyMap<string, () => Figure> = new Map<string, () => Figure>([
  ...Object.entries(curveCases).map(
    ([edge, { curves = ordinary, width = FULL, lossAxis = 'auto', progressAxis = 'log', ...choice }]) =>
      [
        `curves, ${edge}`,
        () => {
          const input = lossCurvesInput(curves, {
            name: NAME,
            valueTitle: 'held-out loss',
            by: 'steps',
            band: 'range',
            halfLife: null,
            ...choice,
          });
          return lossCurvesFigure(input, { width, lossAxis, progressAxis });
        },
      ] as const,
  ),
  ...Object.entries(stateCases).map(
    ([edge, { cells, width = COLUMN }]) =>
      [`states, ${edge}`, () => stateGridFigure({ name: NAME, cells }, { width })] as const,
  ),
  ...Object.entries(compareCases).map(
    ([edge, { sweeps, names, width = FULL, difference = true }]) =>
      [
        `compare, ${edge}`,
        () => {
          const input = compareInput(
            sweeps.map((curves, i) => ({
              name: names?.[i] ?? `sweep ${i + 1}`,
              specification: null,
              seeds: curves.seeds,
              ridge: ridgeOf(curves, { kind: 'equal-steps', step: 40 }),
            })),
          );
          return compareFigure({ ...input, name: NAME }, { width, difference });
        },
      ] as const,
  ),
  ...Object.entries(scheduleCases).map(
    ([edge, { list, width = FULL }]) =>
      [
        `schedule, ${edge}`,
        () => {
          const schedules = list.map(([label, schedule]) => ({ label, schedule: layOutSchedule(schedule) }));
          return scheduleFigure({ name: NAME, schedules }, { width });
        },
      ] as const,
  ),
]);
