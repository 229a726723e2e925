/** The losses of one mark or several: what the two figures of losses are drawn from. */
import type { Interval } from '../analysis/resampling.ts';
import type { Status } from '../analysis/scores.ts';
import { Tally, type Table } from './figure.ts';
import { robustHighest, wantsLogarithm } from './robust.ts';
import { blankAxis, linearAxis, linearDomain, logAxis, logDomain, type Axis } from './scales.ts';

export interface LossPoint {
  readonly learningRate: number;
  /** Mean over the seeds; not a number unless the status is finite. */
  readonly loss: number;
  readonly status: Status;
}

export interface LossOptimum {
  readonly learningRate: number;
  readonly loss: number;
  /** Of the learning rate, 5–95 %; null with one seed. */
  readonly interval: Interval | null;
  /** At the edge of the grid, flat, or from few seeds: drawn hollow. */
  readonly uncertain: boolean;
}

/** Loss against learning rate at one batch size. */
export interface LossLine {
  readonly batchSize: number;
  /** Ascending in the learning rate. */
  readonly points: readonly LossPoint[];
  readonly optimum: LossOptimum | null;
  /** Seeds in every mean. */
  readonly seeds: number;
}

export interface LossPanel {
  readonly title: string;
  /** Ascending in the batch size. */
  readonly lines: readonly LossLine[];
}

export type LossAxis = 'auto' | 'linear' | 'log';

/** The point's status, a loss that is not finite counting as diverged. */
export function statusOf({ status, loss }: LossPoint): Status {
  return status === 'finite' && !Number.isFinite(loss) ? 'diverged' : status;
}

/** One axis for all panels, cut above Tukey's outer fence; `padding` as a share of its length. */
export function lossAxisOf(panels: readonly LossPanel[], kind: LossAxis, padding: number): Axis {
  const points = panels.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  const values = points.filter((point) => statusOf(point) === 'finite').map(({ loss }) => loss);
  const optima = panels.flatMap(({ lines }) =>
    lines.flatMap(({ optimum }) => (optimum === null ? [] : [optimum.loss])),
  );
  const shown = (logarithmic: boolean) => {
    const highest = robustHighest(values, logarithmic);
    return [...values.filter((value) => value <= highest), ...optima];
  };
  if (values.length === 0) return blankAxis;
  const logarithmic =
    kind === 'log' || (kind === 'auto' && wantsLogarithm(shown(values.every((v) => v > 0))));
  return logarithmic
    ? logAxis(logDomain(shown(true), padding))
    : linearAxis(linearDomain(shown(false), padding));
}

/** Counts what a panel leaves out. */
export function tallyOf(panel: LossPanel, lossAxis: Axis): Tally {
  const tally = new Tally();
  for (const { points, optimum } of panel.lines) {
    for (const point of points) {
      const status = statusOf(point);
      if (status !== 'finite') {
        tally.add(status);
        continue;
      }
      const place = lossAxis.place(point.loss);
      if (place === null || !(point.learningRate > 0)) tally.add('not on a log axis');
      else if (place < 0 || place > 1) tally.add('clipped');
    }
    if (optimum?.uncertain === true) tally.add('uncertain');
  }
  return tally;
}

export function lossTable(panels: readonly LossPanel[]): Table {
  return {
    columns: [
      'panel',
      'element',
      'batch_size',
      'learning_rate',
      'learning_rate_low',
      'learning_rate_high',
      'loss',
      'status',
      'seeds',
    ],
    rows: panels.flatMap(({ title, lines }) =>
      lines.flatMap(({ batchSize, points, optimum, seeds }) => [
        ...points.map((point) => [
          title,
          'mean',
          batchSize,
          point.learningRate,
          null,
          null,
          point.loss,
          statusOf(point),
          seeds,
        ]),
        ...(optimum === null
          ? []
          : [
              [
                title,
                'optimum',
                batchSize,
                optimum.learningRate,
                optimum.interval?.low ?? null,
                optimum.interval?.high ?? null,
                optimum.loss,
                optimum.uncertain ? 'uncertain' : 'finite',
                seeds,
              ],
            ]),
      ]),
    ),
  };
}
