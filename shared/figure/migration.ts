/** Migration of the peak: ridges at several steps (or target losses), and the peak's batch size against them. */
import { lineColor, orderedPlace } from './colors.ts';
import { seedCount, seedNote, Tally, type Figure, type Table } from './figure.ts';
import { BATCH_SIZE, plainLabel } from './label.ts';
import { dashOf, drawPoint } from './markers.ts';
import { drawLine, drawWhisker, positionInside, type Panel } from './panel.ts';
import { legendBelow, panelGrid, SIDE_BY_SIDE, type Drawn, type PlannedPanel } from './panel-grid.ts';
import {
  drawRidgePoints,
  peakRow,
  rateDomain,
  ridgeColumns,
  ridgeRow,
  type PeakPoint,
  type RidgePoint,
} from './ridge-points.ts';
import { wantsLogarithm } from './robust.ts';
import { markedLineEntry } from './samples.ts';
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
import { plotted, type SvgNode } from './tree.ts';

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

/** Sideways distance of the lines' markers at the same batch size, in points. */
const DODGE = 1.6;

export function migrationFigure(input: MigrationInput, options: MigrationOptions): Figure {
  const { series, by, batchSizes, plannedSeeds } = input;
  const { width, style = printStyle } = options;
  const shown = series.filter(({ value }) => input.shown.includes(value));
  const looks = new Map(
    shown.map(({ value }, i) => [
      value,
      { color: lineColor(orderedPlace(i, shown.length), style.colorMap), shape: i },
    ]),
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
  const seeds = seedCount(
    points.filter((p) => p.learningRate !== null).map((p) => p.seeds),
    plannedSeeds,
  );
  const panels: PlannedPanel[] = [
    {
      letter: 'a',
      title: '',
      notes: [seedNote(seeds)],
      x: batch,
      y: rate,
      xTitle: BATCH_SIZE,
      yTitle: 'optimal learning rate',
      draw: drawRidges,
    },
    {
      letter: 'b',
      title: '',
      x: progress,
      y: batch,
      xTitle: by === 'steps' ? 'step' : 'target loss (training →)',
      yTitle: 'peak batch size',
      draw: drawPath,
    },
  ];
  const rows = width >= SIDE_BY_SIDE ? [panels] : panels.map((panel) => [panel]);
  const grid = panelGrid(rows, { width, top: PAGE_MARGIN, style, aspect: 0.8 });
  const entries = shown.map(({ value }) => {
    const { color, shape } = looks.get(value)!;
    const label = numberLabel(Number(value.toPrecision(6)));
    return markedLineEntry(label, { color, width: style.lineWidth, dash: dashOf(shape) }, shape, style);
  });
  const legend = legendBelow(entries, width - 2 * PAGE_MARGIN, style, plainLabel(`${valueTitle}:`));
  const empty = series.length === 0;
  return {
    tree: sheet(
      width,
      empty ? 45 : grid.bottom + 3 + legend.height + PAGE_MARGIN,
      `Migration of the peak over ${by === 'steps' ? 'steps' : 'target losses'}: ${input.name}`,
      empty
        ? [emptyNote(width, style, `no ${by === 'steps' ? 'marks' : 'target losses'}`)]
        : [...grid.nodes, ...legend.draw(PAGE_MARGIN, grid.bottom + 3)],
      style,
    ),
    caption: {
      text: `a, optimal learning rate against batch size, one line a ${valueTitle}; large markers: peaks; points of different lines are set slightly apart. b, batch size of the peak against ${valueTitle}. Bars: 5–95 % bootstrap intervals over seeds; hollow: at the edge of the grid, flat, or from few seeds.`,
      definition: input.definition,
      seeds,
      counts: grid.tally.counts(),
    },
    data: tableOf(series, new Set(looks.keys()), by),
    warnings: series.some(({ peak }) => peak !== null)
      ? []
      : ['Nowhere an optimal learning rate: no peak is drawn.'],
  };

  function drawRidges(panel: Panel): Drawn {
    const tally = new Tally();
    // Never so far that a point could be taken for its neighbour.
    const gap = 0.4 * smallestGap(batchSizes, batch, panel.box.width);
    const dodge = Math.min(DODGE, gap / Math.max(1, shown.length));
    const drawn = shown.map(({ value, points: ridge, peak }, i) => {
      const { color, shape } = looks.get(value)!;
      const look = {
        color,
        shape,
        line: { color, width: style.lineWidth, dash: dashOf(shape) },
        peak: { shape, radius: 1.5 * style.markerRadius, outline: style.ink },
        aside: dodge * (i - (shown.length - 1) / 2),
      };
      return drawRidgePoints(panel, ridge, peak, look, style);
    });
    for (const one of drawn) tally.addAll(one.tally);
    return { nodes: drawn.flatMap(({ nodes }) => nodes), tally };
  }

  function drawPath(panel: Panel): Drawn {
    const tally = new Tally();
    const whiskers: SvgNode[] = [];
    const markers: SvgNode[] = [];
    const line: (readonly [number, number])[] = [];
    const values: { x: number; y: number }[] = [];
    for (const { value, peak } of series) {
      if (peak === null) {
        tally.add('without optimum');
        continue;
      }
      if (peak.uncertain) tally.add('uncertain');
      const at = positionInside(panel, value, peak.batchSize);
      if (at === null) continue;
      line.push(at);
      values.push({ x: value, y: peak.batchSize });
      const look = looks.get(value);
      const color = look?.color ?? style.mutedInk;
      if (peak.interval !== null) {
        const { low, high } = peak.interval;
        const stroke = { color, width: style.thinLineWidth };
        const whisker = drawWhisker(panel, 'vertical', low, high, value, stroke);
        if (whisker !== null) whiskers.push(whisker.node);
      }
      const { markerRadius, paper, ink } = style;
      const radius = look === undefined ? markerRadius * 0.75 : markerRadius * 1.2;
      const outline = look === undefined || peak.uncertain ? color : ink;
      markers.push(
        drawPoint(
          look?.shape ?? 0,
          at,
          { x: value, y: peak.batchSize },
          { radius, color, paper, hollow: peak.uncertain, outline },
        ),
      );
    }
    const through = plotted(
      drawLine(line, panel.box, { color: style.mutedInk, width: style.thinLineWidth }),
      { kind: 'line', points: values, aside: 0 },
    );
    return { nodes: [...whiskers, ...through, ...markers], tally };
  }
}

function smallestGap(batchSizes: readonly number[], axis: Axis, width: number): number {
  const places = batchSizes.map((batchSize) => (axis.place(batchSize) ?? 0) * width).sort((a, b) => a - b);
  return Math.min(width, ...places.slice(1).map((place, i) => place - places[i]));
}

function tableOf(series: readonly RidgeSeries[], shown: ReadonlySet<number>, by: 'steps' | 'loss'): Table {
  return {
    columns: ['element', by === 'steps' ? 'step' : 'target_loss', ...ridgeColumns],
    rows: series.flatMap(({ value, points, peak }) => [
      ...(shown.has(value) ? points : []).map((p) => ['ridge', value, ...ridgeRow(p)]),
      ...(peak === null ? [] : [['peak', value, ...peakRow(peak)]]),
    ]),
  };
}
