/** Small inputs named by their edge; every one becomes a snapshot and is checked for its geometry. */
import type { Figure } from '#shared/figure/figure.ts';
import { heatMapFigure } from '#shared/figure/heat-map.ts';
import type { LossAxis, LossLine, LossPoint } from '#shared/figure/loss-panels.ts';
import { lossesFigure } from '#shared/figure/losses.ts';
import { migrationFigure, type RidgeSeries } from '#shared/figure/migration.ts';
import { COLUMN, FULL, NAME } from './sizes.ts';
import { powers, spaced } from './synthetic.ts';

const SEEDS = 8;

/** Where the optimum of a batch size lies: it rises up to B = 8 and falls again. */
const optimum = (batchSize: number) => 8e-3 / (Math.sqrt(8 / batchSize) + Math.sqrt(batchSize / 8));

interface SurfaceOptions {
  readonly batchSizes?: readonly number[];
  readonly learningRates?: readonly number[];
  readonly lowest?: number;
  readonly status?: (batchSize: number, learningRate: number, index: number) => LossPoint['status'];
  readonly interval?: number;
  readonly seeds?: number;
}

function surface(options: SurfaceOptions = {}): LossLine[] {
  const { batchSizes = powers(1, 6), learningRates = spaced(3e-4, 3e-2, 9), lowest = 0.4 } = options;
  const { status = () => 'finite', interval = 1.3, seeds = SEEDS } = options;
  return batchSizes.map((batchSize) => {
    const best = optimum(batchSize);
    const height = lowest + 1 / Math.sqrt(batchSize);
    const loss = (rate: number) => height + 0.12 * Math.log(rate / best) ** 2;
    const points = learningRates.map((rate, i) => {
      const state = status(batchSize, rate, i);
      return { learningRate: rate, loss: state === 'finite' ? loss(rate) : NaN, status: state };
    });
    const known = points.filter((point) => point.status === 'finite');
    const inside = known.length > 0 && best > known[0].learningRate && best < known.at(-1)!.learningRate;
    const at = inside ? best : (known[0]?.learningRate ?? NaN);
    return {
      batchSize,
      points,
      optimum:
        known.length === 0
          ? null
          : {
              learningRate: at,
              loss: loss(at),
              interval: { low: at / interval, high: at * interval },
              uncertain: !inside,
            },
      seeds: known.length === 0 ? 0 : seeds,
    };
  });
}

const surfaces: Record<
  string,
  { lines: LossLine[]; lossAxis?: LossAxis; title?: string; lossTitle?: string }
> = {
  ordinary: { lines: surface() },
  'one batch': { lines: surface({ batchSizes: [8] }) },
  'one learning rate': { lines: surface({ learningRates: [1e-3] }) },
  'one cell': { lines: surface({ batchSizes: [8], learningRates: [1e-3] }) },
  'all diverged': { lines: surface({ status: () => 'diverged' }) },
  'some diverged': {
    lines: surface({ status: (b, rate) => (rate > 5e-3 * Math.sqrt(b) ? 'diverged' : 'finite') }),
  },
  'half missing': {
    lines: surface({ status: (b, _, i) => ((i + b) % 2 === 0 ? 'missing' : 'finite'), seeds: 5 }),
  },
  'interval beyond the axis': { lines: surface({ interval: 500 }) },
  'twelve decades': { lines: surface({ learningRates: spaced(1e-9, 1e3, 13) }) },
  'part of a decade': { lines: surface({ learningRates: spaced(2e-3, 6e-3, 5) }) },
  'sixty batches': {
    lines: surface({
      batchSizes: Array.from({ length: 60 }, (_, i) => 1 + i * 3),
      learningRates: spaced(3e-4, 3e-2, 5),
    }),
  },
  'uneven batches': { lines: surface({ batchSizes: [1, 2, 3, 5, 100, 128, 192, 256, 1000] }) },
  empty: { lines: [] },
  'negative values': { lines: surface({ lowest: -1.2 }) },
  'negative values on a log axis': { lines: surface({ lowest: -1.2 }), lossAxis: 'log' },
  'three far away': {
    lines: surface().map((line, i) => ({
      ...line,
      points: line.points.map((p, j) =>
        i < 3 && j === line.points.length - 1 ? { ...p, loss: 1e6 * (i + 1) } : p,
      ),
    })),
  },
  'long names': {
    lines: surface(),
    title:
      'a title that somebody pasted <from a paper> & that no panel of any journal could hold in a single line',
    lossTitle: 'held-out cross-entropy of the second replicate of the wide network, in nats per example',
  },
};

/** Ridges that migrate to smaller batch sizes as training goes on. */
function ridges(
  values: readonly number[],
  batchSizes: readonly number[],
  options: SurfaceOptions = {},
): RidgeSeries[] {
  const { interval = 1.3, seeds = SEEDS } = options;
  return values.map((value, i) => {
    const top = batchSizes[Math.max(0, batchSizes.length - 2 - i)];
    return {
      value,
      points: batchSizes.map((batchSize, b) => {
        const at = 5e-3 / (Math.sqrt(top / batchSize) + Math.sqrt(batchSize / top)) / (1 + 0.2 * i);
        const none = options.status?.(batchSize, at, b) === 'missing';
        return {
          batchSize,
          learningRate: none ? null : at,
          interval: none ? null : { low: at / interval, high: at * interval },
          uncertain: b === 0,
          seeds: none ? 0 : seeds,
        };
      }),
      peak: {
        batchSize: top,
        interval: { low: batchSizes[0], high: top },
        uncertain: top === batchSizes[0],
        learningRate: 2.5e-3,
      },
    };
  });
}

interface MigrationCase {
  readonly series: RidgeSeries[];
  readonly shown?: readonly number[];
  readonly batchSizes: readonly number[];
  readonly by?: 'steps' | 'loss';
  readonly width?: number;
}

const six = powers(1, 6);
const tokens = powers(1024, 13);
const migrations: Record<string, MigrationCase> = {
  ordinary: { series: ridges([1, 2, 5, 10, 20, 50, 100], six), shown: [2, 10, 100], batchSizes: six },
  'equal loss': { series: ridges([2, 1.5, 1, 0.5], six), batchSizes: six, by: 'loss' },
  'one column': { series: ridges([2, 10, 100], six), batchSizes: six, width: COLUMN },
  // Short labels of the learning rate above long ones of the batch size.
  'long batch sizes in one column': {
    series: ridges([2, 10, 100], tokens),
    batchSizes: tokens,
    width: COLUMN,
  },
  'one batch': { series: ridges([1, 10], [8]), batchSizes: [8] },
  'one step': { series: ridges([10], six), batchSizes: six },
  'interval beyond the axis': { series: ridges([1, 10], six, { interval: 500 }), batchSizes: six },
  'half missing': {
    series: ridges([1, 10, 100], six, {
      status: (_, __, i) => (i % 2 === 0 ? 'missing' : 'finite'),
      seeds: 3,
    }),
    batchSizes: six,
  },
  'sixty batches': {
    series: ridges(
      [1, 10],
      Array.from({ length: 60 }, (_, i) => 1 + i * 3),
    ),
    batchSizes: Array.from({ length: 60 }, (_, i) => 1 + i * 3),
  },
  'twelve decades of steps': { series: ridges(spaced(1, 1e12, 7), six), batchSizes: six },
  'negative target losses': { series: ridges([0.5, 0, -0.5], six), batchSizes: six, by: 'loss' },
  'no optimum': {
    series: ridges([1, 10], six, { status: () => 'missing' }).map((one) => ({ ...one, peak: null })),
    batchSizes: six,
  },
  empty: { series: [], batchSizes: [] },
};

const common = { name: NAME, plannedSeeds: SEEDS, definition: 'at equal steps' };

export const cases: ReadonlyMap<string, () => Figure> = new Map<string, () => Figure>([
  ...Object.entries(surfaces).flatMap(
    ([edge, { lines, lossAxis = 'auto', title, lossTitle = 'held-out loss' }]) => [
      [
        `losses, ${edge}`,
        () =>
          lossesFigure(
            {
              ...common,
              lossTitle,
              panels:
                lines.length === 0
                  ? []
                  : [10, 100].map((step) => ({ title: title ?? `step ${step}`, lines })),
            },
            { width: FULL, lossAxis },
          ),
      ] as const,
      [
        `heat map, ${edge}`,
        () =>
          heatMapFigure(
            {
              ...common,
              lossTitle,
              panel: { title: title ?? 'step 100', lines },
              peak: lines.some((line) => line.batchSize === 8)
                ? { batchSize: 8, learningRate: optimum(8) }
                : null,
            },
            { width: COLUMN, lossAxis },
          ),
      ] as const,
    ],
  ),
  ...Object.entries(migrations).map(
    ([edge, { series, shown, batchSizes, by = 'steps', width = FULL }]) =>
      [
        `migration, ${edge}`,
        () =>
          migrationFigure(
            { ...common, by, series, shown: shown ?? series.map(({ value }) => value), batchSizes },
            { width },
          ),
      ] as const,
  ),
  ['losses, one column', () => lossesFigure(sevenPanels(), { width: COLUMN })],
]);

/** More panels than a column holds side by side, the last row not full. */
function sevenPanels() {
  const panels = Array.from({ length: 7 }, (_, i) => ({
    title: `step ${2 ** i}`,
    lines: surface({ batchSizes: [1, 8] }),
  }));
  return { ...common, lossTitle: 'held-out loss', panels };
}
