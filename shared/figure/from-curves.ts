/** From stored curves to the figure of some cells' curves. */
import { cellIndex, type CurveSet } from '../analysis/curves.ts';
import { resampling, student95 } from '../analysis/resampling.ts';
import { ridgesOf, type Ridge } from '../analysis/ridge.ts';
import { curveOf } from '../analysis/scores.ts';
import { debiasedAverage } from '../analysis/smoothing.ts';
import { spreadPlaces } from '../analysis/spread-marks.ts';
import { placeOf } from '../analysis/subset.ts';
import type { Band, CellCurve, CurvePoint, LossCurvesInput } from './loss-curves.ts';

export interface CellChoice {
  readonly batchSize: number;
  readonly learningRate: number;
}

export interface LossCurvesChoice {
  readonly name: string;
  readonly valueTitle: string;
  readonly by: 'steps' | 'samples';
  /** By default the best learning rates of some batch sizes. */
  readonly cells?: readonly CellChoice[] | undefined;
  readonly band: Band;
  readonly halfLife: number | null;
}

/** Cells chosen by themselves. */
const MOST_CELLS = 6;
/** More points than this no eye tells apart; they are averaged in bins of equal ratios. */
const MOST_POINTS = 400;

export function lossCurvesInput(curves: CurveSet, choice: LossCurvesChoice): LossCurvesInput {
  const { cells = bestCells(curves), ...rest } = choice;
  return {
    ...rest,
    plannedSeeds: curves.seeds.length,
    curves: cells.map((cell) => curveOfCell(curves, cell, choice)),
  };
}

/**
 * The best learning rates of the grid at the last mark at which most batch sizes have one, of up to six batch sizes from
 * the first to the last; none where every cell has diverged.
 */
export function bestCells(curves: CurveSet): CellChoice[] {
  const steps = [...new Set(curves.marks.flat())].sort((a, b) => b - a);
  const ridges = ridgesOf(
    curves,
    steps.map((step) => ({ kind: 'equal-steps', step })),
    { bootstrap: resampling(curves.seeds.length, 0) },
  );
  const cellsOf = (ridge: Ridge) =>
    ridge.points.flatMap(({ batchSize, gridLearningRate }) =>
      gridLearningRate === null ? [] : [{ batchSize, learningRate: gridLearningRate }],
    );
  const most = Math.max(0, ...ridges.map((ridge) => cellsOf(ridge).length));
  const known = ridges.map(cellsOf).find((cells) => cells.length === most) ?? [];
  return spreadPlaces(known.length, MOST_CELLS).map((i) => known[i]);
}

function curveOfCell(
  curves: CurveSet,
  { batchSize, learningRate }: CellChoice,
  { by, band, halfLife }: LossCurvesChoice,
): CellCurve {
  const batch = placeOf('batch size', curves.batchSizes, batchSize);
  const rate = placeOf('learning rate', curves.learningRates, learningRate);
  const unit = by === 'steps' ? 1 : batchSize;
  const replicates = curves.seeds
    .map((_, seed) => curveOf(curves, batch, rate, seed))
    .filter(({ recorded }) => recorded > 0);
  const steps = curves.marks[batch].slice(0, Math.max(0, ...replicates.map(({ recorded }) => recorded)));
  const raw = steps.map((step, mark) => {
    const values = replicates.flatMap((one) =>
      mark < one.recorded && step < one.divergedAt ? [one.values[mark]] : [],
    );
    return { at: step * unit, ...meanAndBand(values, band) };
  });
  const smooth =
    halfLife === null
      ? null
      : debiasedAverage(
          steps,
          raw.map((p) => p.mean),
          halfLife,
        );
  const points = raw.map((p, i) => ({ ...p, smooth: smooth === null ? null : smooth[i] }));
  return {
    batchSize,
    learningRate: curves.learningRates[rate],
    points: thinned(points),
    diverged: curves.seeds.flatMap((_, seed) => {
      const step = curves.divergedAt[cellIndex(curves, batch, rate, seed)];
      return step < Infinity ? [step * unit] : [];
    }),
    seeds: replicates.length,
  };
}

function meanAndBand(values: readonly number[], band: Band): Pick<CurvePoint, 'mean' | 'low' | 'high'> {
  const n = values.length;
  if (n === 0) return { mean: NaN, low: NaN, high: NaN };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1 || band === 'none') return { mean, low: mean, high: mean };
  if (band === 'range') return { mean, low: Math.min(...values), high: Math.max(...values) };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = student95(n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half };
}

function thinned(points: readonly CurvePoint[]): readonly CurvePoint[] {
  if (points.length <= MOST_POINTS) return points;
  const [first, last] = [points[0].at, points[points.length - 1].at];
  const bin = (at: number) => Math.floor(((MOST_POINTS - 1) * Math.log(at / first)) / Math.log(last / first));
  return [...Map.groupBy(points, ({ at }) => bin(at)).values()].map((group) => {
    const mean = (value: (p: CurvePoint) => number) =>
      group.reduce((sum, p) => sum + value(p), 0) / group.length;
    return {
      at: Math.exp(mean((p) => Math.log(p.at))),
      mean: mean((p) => p.mean),
      low: mean((p) => p.low),
      high: mean((p) => p.high),
      smooth: group[0].smooth === null ? null : mean((p) => p.smooth ?? NaN),
    };
  });
}
