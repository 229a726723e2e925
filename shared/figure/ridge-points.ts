/** A ridge as every figure draws it: optima with their intervals, the peak, and what could not be drawn. */
import type { Interval } from '../analysis/resampling.ts';
import type { Stroke } from './curves.ts';
import { Tally } from './figure.ts';
import { drawPoint } from './markers.ts';
import { drawLine, drawWhisker, positionInside, type Panel } from './panel.ts';
import type { Drawn } from './panel-grid.ts';
import { logDomain } from './scales.ts';
import type { Style } from './style.ts';
import { plotted, type SvgNode } from './tree.ts';

export interface RidgePoint {
  readonly batchSize: number;
  /** Null without an optimum. */
  readonly learningRate: number | null;
  /** 5–95 %; null with one seed. */
  readonly interval: Interval | null;
  /** At the edge of the grid, flat, or from few seeds: drawn hollow. */
  readonly uncertain: boolean;
  readonly seeds: number;
}

export interface PeakPoint {
  readonly batchSize: number;
  readonly interval: Interval | null;
  /** At the smallest or largest batch size, or itself an uncertain optimum: drawn hollow. */
  readonly uncertain: boolean;
  readonly learningRate: number;
}

export interface RidgeLook {
  readonly color: string;
  readonly shape: number;
  /** The line from optimum to optimum; none when absent. It breaks where there is no optimum. */
  readonly line?: Stroke;
  readonly peak: { readonly shape: number; readonly radius: number; readonly outline?: string };
  /** Sideways shift in points, so that the intervals of several ridges can be told apart. */
  readonly aside?: number;
}

/** The marker of a peak among the markers of a ridge. */
export const STAR = 5;
export const STAR_RADIUS = 2.4;

export function drawRidgePoints(
  panel: Panel,
  points: readonly RidgePoint[],
  peak: Pick<PeakPoint, 'batchSize'> | null,
  look: RidgeLook,
  style: Style,
): Drawn {
  const { color, shape, line, aside = 0 } = look;
  const tally = new Tally();
  const moved = { ...panel, box: { ...panel.box, x: panel.box.x + aside } };
  const lines: SvgNode[] = [];
  const whiskers: SvgNode[] = [];
  const markers: SvgNode[] = [];
  let piece: (readonly [number, number])[] = [];
  let values: { x: number; y: number }[] = [];
  const end = () => {
    if (line !== undefined)
      lines.push(...plotted(drawLine(piece, panel.box, line), { kind: 'line', points: values, aside }));
    [piece, values] = [[], []];
  };
  for (const { batchSize, learningRate, interval, uncertain } of points) {
    if (learningRate === null) {
      tally.add('without optimum');
      end();
      continue;
    }
    const at = positionInside(moved, batchSize, learningRate);
    if (at === null) {
      tally.add(learningRate > 0 && batchSize > 0 ? 'clipped' : 'not on a log axis');
      end();
      continue;
    }
    piece.push(at);
    const value = { x: batchSize, y: learningRate };
    values.push(value);
    if (uncertain) tally.add('uncertain');
    if (interval !== null) {
      const stroke = { color, width: style.thinLineWidth };
      const whisker = drawWhisker(moved, 'vertical', interval.low, interval.high, batchSize, stroke, aside);
      if (whisker !== null) whiskers.push(whisker.node);
      if (whisker?.clipped === true) tally.add('intervals clipped');
    }
    const isPeak = peak?.batchSize === batchSize;
    markers.push(
      drawPoint(
        isPeak ? look.peak.shape : shape,
        at,
        { ...value, aside },
        {
          radius: isPeak ? look.peak.radius : style.markerRadius,
          color,
          paper: style.paper,
          hollow: uncertain,
          // A hollow marker tells its ridge by its outline alone.
          outline: isPeak && !uncertain ? look.peak.outline : undefined,
        },
      ),
    );
  }
  end();
  return { nodes: [...whiskers, ...lines, ...markers], tally };
}

/** Intervals widen the axis of the learning rate up to this factor beyond the optima. */
const INTERVAL_ROOM = 3;

/** Domain of the optima, and of their intervals as far as these do not dwarf the optima. */
export function rateDomain(
  points: readonly Pick<RidgePoint, 'learningRate' | 'interval'>[],
): [number, number] {
  const rates = points.map((p) => p.learningRate ?? NaN).filter((rate) => rate > 0 && rate < Infinity);
  const [low, high] = logDomain(rates, 0);
  const ends = points.flatMap(({ interval }) => (interval === null ? [] : [interval.low, interval.high]));
  const near = (end: number) => Math.min(high * INTERVAL_ROOM, Math.max(low / INTERVAL_ROOM, end));
  return logDomain([...rates, ...(rates.length === 0 ? [] : ends.filter((end) => end > 0).map(near))], 0.07);
}

/** Columns of `ridgeRow` and `peakRow`, after those that tell one ridge from another. */
export const ridgeColumns = [
  'batch_size',
  'batch_size_low',
  'batch_size_high',
  'learning_rate',
  'learning_rate_low',
  'learning_rate_high',
  'uncertain',
  'seeds',
] as const;

export function ridgeRow(p: RidgePoint): (string | number | null)[] {
  const { low = null, high = null } = p.interval ?? {};
  return [p.batchSize, null, null, p.learningRate, low, high, p.uncertain ? 'yes' : 'no', p.seeds];
}

export function peakRow(p: PeakPoint): (string | number | null)[] {
  const { low = null, high = null } = p.interval ?? {};
  return [p.batchSize, low, high, p.learningRate, null, null, p.uncertain ? 'yes' : 'no', null];
}
