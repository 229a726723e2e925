/** Migration of the peak: ridges at several steps (or target losses), and the peak's batch size against them. */
import type { Interval } from '../analysis/resampling.ts';
import { lineColor, orderedPlace } from './colors.ts';
import { seedCount, seedNote, Tally, type Figure, type Table } from './figure.ts';
import { BATCH_SIZE } from './label.ts';
import { legend, SAMPLE_WIDTH, type LegendEntry } from './legend.ts';
import { dashOf, drawMarker } from './markers.ts';
import {
  axisMargins,
  drawFrame,
  drawLine,
  drawWhisker,
  header,
  positionInside,
  type Panel,
} from './panel.ts';
import { wantsLogarithm } from './robust.ts';
import {
  batchAxis,
  blankAxis,
  linearAxis,
  linearDomain,
  logAxis,
  logDomain,
  numberLabel,
  type Axis,
} from './scales.ts';
import { emptyNote, PAGE_MARGIN, sheet } from './sheet.ts';
import { printStyle, type Style } from './style.ts';
import { element, pathData, type SvgNode } from './tree.ts';

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

/** The ridge at one step or target loss. */
export interface RidgeSeries {
  /** Step or target loss. */
  readonly value: number;
  /** Ascending in the batch size. */
  readonly points: readonly RidgePoint[];
  readonly peak: PeakPoint | null;
}

export interface MigrationInput {
  readonly name: string;
  readonly by: 'steps' | 'loss';
  /** In the order of training: ascending steps, descending target losses. */
  readonly series: readonly RidgeSeries[];
  /** The values whose ridges are drawn; the others appear in the path of the peak only. */
  readonly shown: readonly number[];
  readonly batchSizes: readonly number[];
  readonly plannedSeeds: number;
  readonly definition: string;
}

export interface MigrationOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
}

const COLUMN_GAP = 10;
/** Intervals widen the axis of the learning rate up to this factor beyond the optima. */
const INTERVAL_ROOM = 3;
/** Sideways distance of the lines' markers at the same batch size, in points. */
const DODGE = 1.6;
/** Below this width the panels stand one above the other. */
const SIDE_BY_SIDE = 380;

export function migrationFigure(input: MigrationInput, options: MigrationOptions): Figure {
  const { series, by, batchSizes, plannedSeeds } = input;
  const { width, style = printStyle } = options;
  const shown = series.filter(({ value }) => input.shown.includes(value));
  const looks = new Map(
    shown.map(({ value }, i) => [value, { color: lineColor(orderedPlace(i, shown.length)), shape: i }]),
  );
  const points = shown.flatMap((one) => one.points);
  const batch = batchSizes.length === 0 ? blankAxis : batchAxis(logDomain(batchSizes, 0.06), batchSizes);
  const placed = points.some(({ learningRate }) => learningRate !== null && learningRate > 0);
  const rate = placed ? logAxis(rateDomain(points)) : blankAxis;
  const values = series.map(({ value }) => value);
  const descending = by === 'loss';
  const progress =
    by === 'steps' || wantsLogarithm(values)
      ? logAxis(logDomain(values, 0.06), { descending })
      : linearAxis(linearDomain(values, 0.06), { descending });

  const valueTitle = by === 'steps' ? 'step' : 'target loss';
  const entries = shown.map(({ value }): LegendEntry => {
    const { color, shape } = looks.get(value)!;
    return {
      label: numberLabel(Number(value.toPrecision(6))),
      sample: (x, y) => [
        element('path', {
          d: pathData([
            [x - SAMPLE_WIDTH / 2, y],
            [x + SAMPLE_WIDTH / 2, y],
          ]),
          fill: 'none',
          stroke: color,
          'stroke-width': style.lineWidth,
          'stroke-dasharray': dashOf(shape),
        }),
        drawMarker(shape, x, y, { radius: style.markerRadius, color, paper: style.paper }),
      ],
    };
  });
  const side = legend(valueTitle, entries, style);

  const one = axisMargins(batch, rate, style, { x: true, y: true });
  const two = axisMargins(progress, batch, style, { x: true, y: true });
  const beside = width >= SIDE_BY_SIDE;
  // Panels above each other share their left side, and so the room for the wider labels.
  const left = beside ? one.left : Math.max(one.left, two.left);
  const free = width - 2 * PAGE_MARGIN - side.width - COLUMN_GAP - left;
  const boxWidth = beside ? (free - 1.6 * COLUMN_GAP - two.left - two.end) / 2 : free;
  const boxHeight = Math.min(220, Math.max(80, 0.8 * boxWidth));

  const ridgeTally = new Tally();
  const peakTally = new Tally();
  for (const { uncertain, learningRate } of points) {
    if (learningRate === null) ridgeTally.add('without optimum');
    else if (uncertain) ridgeTally.add('uncertain');
  }
  for (const { peak } of series) {
    if (peak === null) peakTally.add('without optimum');
    else if (peak.uncertain) peakTally.add('uncertain');
  }
  // So that the bars of different lines can be told apart; never so far that a point could be taken for its neighbour.
  const dodge = Math.min(DODGE, (0.4 * smallestGap(batchSizes, batch, boxWidth)) / Math.max(1, shown.length));
  const measure = { x: 0, y: 0, width: boxWidth, height: boxHeight };
  ridgeTally.add('intervals clipped', drawRidges({ box: measure, x: batch, y: rate }).clipped);
  const seeds = seedCount(
    points.filter((p) => p.learningRate !== null).map((p) => p.seeds),
    plannedSeeds,
  );
  const ridgeHeader = header(
    { letter: 'a', title: '', notes: [...ridgeTally.notes(), seedNote(seeds)] },
    boxWidth,
    style,
  );
  const peakHeader = header({ letter: 'b', title: '', notes: peakTally.notes() }, boxWidth, style);

  const top = PAGE_MARGIN + Math.max(ridgeHeader.height, beside ? peakHeader.height : 0);
  const first = { x: PAGE_MARGIN + left, y: top, width: boxWidth, height: boxHeight };
  const sideX = first.x + boxWidth + COLUMN_GAP * 0.7;
  const second = beside
    ? { ...first, x: sideX + side.width + COLUMN_GAP * 1.2 + two.left }
    : { ...first, y: top + boxHeight + one.bottom + 4 + peakHeader.height };
  const bottom = Math.max(second.y + boxHeight + two.bottom, top + side.height);

  const nodes =
    series.length === 0
      ? [emptyNote(width, style, `no ${by === 'steps' ? 'marks' : 'target losses'}`)]
      : [
          ...ridgeHeader.draw(first),
          ...drawRidges({ box: first, x: batch, y: rate }).nodes,
          ...drawFrame({ box: first, x: batch, y: rate }, style, {
            xTitle: BATCH_SIZE,
            yTitle: 'optimal learning rate',
            left,
          }),
          ...side.draw(sideX, first.y, boxHeight),
          ...peakHeader.draw(second),
          ...drawPath({ box: second, x: progress, y: batch }),
          ...drawFrame({ box: second, x: progress, y: batch }, style, {
            xTitle: by === 'steps' ? 'step' : 'target loss (training →)',
            yTitle: 'peak batch size',
            left: beside ? two.left : left,
          }),
        ];
  const total = new Tally();
  total.addAll(ridgeTally);
  total.addAll(peakTally);
  return {
    tree: sheet(
      width,
      series.length === 0 ? 45 : bottom + PAGE_MARGIN,
      `Migration of the peak over ${by === 'steps' ? 'steps' : 'target losses'}: ${input.name}`,
      nodes,
      style,
    ),
    caption: {
      text: `a, optimal learning rate against batch size, one line a ${valueTitle}; large markers: peaks; points of different lines are set slightly apart. b, batch size of the peak against ${valueTitle}. Bars: 5–95 % bootstrap intervals over seeds; hollow: at the edge of the grid, flat, or from few seeds.`,
      definition: input.definition,
      seeds,
      counts: total.counts(),
    },
    data: tableOf(series, new Set(looks.keys()), by),
    warnings: series.some(({ peak }) => peak !== null)
      ? []
      : ['Nowhere an optimal learning rate: no peak is drawn.'],
  };

  function drawRidges(panel: Panel): { nodes: SvgNode[]; clipped: number } {
    const lines: SvgNode[] = [];
    const whiskers: SvgNode[] = [];
    const markers: SvgNode[] = [];
    let clipped = 0;
    for (const [i, { value, points: ridge, peak }] of shown.entries()) {
      const { color, shape } = looks.get(value)!;
      const aside = dodge * (i - (shown.length - 1) / 2);
      const moved = { ...panel, box: { ...panel.box, x: panel.box.x + aside } };
      let piece: (readonly [number, number])[] = [];
      const end = () => {
        lines.push(...drawLine(piece, panel.box, { color, width: style.lineWidth, dash: dashOf(shape) }));
        piece = [];
      };
      for (const point of ridge) {
        const at =
          point.learningRate === null ? null : positionInside(moved, point.batchSize, point.learningRate);
        if (at === null) {
          end();
          continue;
        }
        piece.push(at);
        if (point.interval !== null) {
          const { low, high } = point.interval;
          const stroke = { color, width: style.thinLineWidth };
          const whisker = drawWhisker(moved, 'vertical', low, high, point.batchSize, stroke);
          if (whisker !== null) whiskers.push(whisker.node);
          if (whisker?.clipped === true) clipped++;
        }
        const isPeak = peak !== null && peak.batchSize === point.batchSize;
        const radius = style.markerRadius * (isPeak ? 1.5 : 1);
        const outline = isPeak ? style.ink : color;
        const hollow = point.uncertain;
        markers.push(drawMarker(shape, ...at, { radius, color, paper: style.paper, hollow, outline }));
      }
      end();
    }
    return { nodes: [...whiskers, ...lines, ...markers], clipped };
  }

  function drawPath(panel: Panel): SvgNode[] {
    const whiskers: SvgNode[] = [];
    const markers: SvgNode[] = [];
    const line: (readonly [number, number])[] = [];
    for (const { value, peak } of series) {
      const at = peak === null ? null : positionInside(panel, value, peak.batchSize);
      if (peak === null || at === null) continue;
      line.push(at);
      const look = looks.get(value);
      const color = look?.color ?? style.mutedInk;
      if (peak.interval !== null) {
        const { low, high } = peak.interval;
        const whisker = drawWhisker(panel, 'vertical', low, high, value, {
          color,
          width: style.thinLineWidth,
        });
        if (whisker !== null) whiskers.push(whisker.node);
      }
      const { markerRadius, paper, ink } = style;
      const radius = look === undefined ? markerRadius * 0.75 : markerRadius * 1.2;
      const outline = look === undefined ? color : ink;
      markers.push(
        drawMarker(look?.shape ?? 0, ...at, { radius, color, paper, hollow: peak.uncertain, outline }),
      );
    }
    return [
      ...whiskers,
      ...drawLine(line, panel.box, { color: style.mutedInk, width: style.thinLineWidth }),
      ...markers,
    ];
  }
}

function smallestGap(batchSizes: readonly number[], axis: Axis, width: number): number {
  const places = batchSizes.map((batchSize) => (axis.place(batchSize) ?? 0) * width).sort((a, b) => a - b);
  return Math.min(width, ...places.slice(1).map((place, i) => place - places[i]));
}

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

function tableOf(series: readonly RidgeSeries[], shown: ReadonlySet<number>, by: 'steps' | 'loss'): Table {
  return {
    columns: [
      'element',
      by === 'steps' ? 'step' : 'target_loss',
      'batch_size',
      'batch_size_low',
      'batch_size_high',
      'learning_rate',
      'learning_rate_low',
      'learning_rate_high',
      'uncertain',
      'seeds',
    ],
    rows: series.flatMap(({ value, points, peak }) => [
      ...(shown.has(value) ? points : []).map((p) => [
        'ridge',
        value,
        p.batchSize,
        null,
        null,
        p.learningRate,
        p.interval?.low ?? null,
        p.interval?.high ?? null,
        p.uncertain ? 'yes' : 'no',
        p.seeds,
      ]),
      ...(peak === null
        ? []
        : [
            [
              'peak',
              value,
              peak.batchSize,
              peak.interval?.low ?? null,
              peak.interval?.high ?? null,
              peak.learningRate,
              null,
              null,
              peak.uncertain ? 'yes' : 'no',
              null,
            ],
          ]),
    ]),
  };
}
