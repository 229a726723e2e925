/**
 * The ridge that the theory predicts from one frozen point of a run beside the measured one, and the histogram of
 * pi·sigma²/(2·mu²), below which the small-batch law holds, with the swept batch sizes (arXiv 2405.14578, Figure 2a).
 */
import { range } from 'd3';
import type { Interval } from '../analysis/resampling.ts';
import { categoryColors } from './colors.ts';
import { drawVertical, shadeRange } from './curves.ts';
import { seedCount, seedNote, Tally, type Figure, type Table } from './figure.ts';
import { BATCH_SIZE, noiseScaleLabel, plainLabel, type Label } from './label.ts';
import { noiseScaleFill, noiseScaleStroke } from './law-looks.ts';
import type { LegendEntry } from './legend.ts';
import type { Panel } from './panel.ts';
import { SIDE_BY_SIDE, type Drawn, type PlannedPanel } from './panel-grid.ts';
import { panelSheet } from './panel-sheet.ts';
import {
  drawRidgePoints,
  rateDomain,
  ridgeColumns,
  ridgeRow,
  STAR,
  STAR_RADIUS,
  type PeakPoint,
  type RidgePoint,
} from './ridge-points.ts';
import { areaEntry, lineEntry, markedLineEntry, markerEntry } from './samples.ts';
import { batchAxis, blankAxis, linearAxis, logAxis, logDomain, shortLabel } from './scales.ts';
import { printStyle, type Style } from './style.ts';
import { element, type SvgNode } from './tree.ts';

export interface PredictedRidge {
  /** What it assumes, in two or three words. */
  readonly title: string;
  /** Ascending in the batch size; null without a finite optimum. */
  readonly points: readonly {
    readonly batchSize: number;
    readonly learningRate: number | null;
    readonly interval: Interval | null;
  }[];
}

export interface PredictionInput {
  readonly name: string;
  /** The frozen point: "step 40 of the run at B = 32, learning rate 3.0e-3, seed 0". */
  readonly point: string;
  /** From the most assumptions to none. */
  readonly predicted: readonly PredictedRidge[];
  readonly measured: readonly RidgePoint[];
  readonly peak: PeakPoint | null;
  /** Of Theorem 3; null where it is not defined. */
  readonly bNoise: { readonly value: number; readonly interval: Interval | null } | null;
  /** Of pi·sigma²/(2·mu²) over the parameters, in the batch unit, ascending and without gaps. */
  readonly bins: readonly { readonly lower: number; readonly upper: number; readonly count: number }[];
  /** Right of it the histogram shows the number of samples, not the network; null where it is not known. */
  readonly emptyLevel: number | null;
  readonly plannedSeeds: number;
  /** Of the measured ridge. */
  readonly definition: string;
}

export interface PredictionFigureOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
}

const SWEPT_FILL = '#dfe9f3';
const BAR_FILL = '#8c8c8c';
const DASHES = ['3.5 1.6', '1.1 1.4', '5 1.3 1.1 1.3', '7 1.5', '2 1', '5 1.3 1.1 1.3 1.1 1.3'];
/** Markers of predictions: a circle is measured. */
const FIRST_SHAPE = 1;
/** Sideways distance of predictions at the same batch size, in points. */
const DODGE = 1.5;

export function predictionFigure(input: PredictionInput, options: PredictionFigureOptions): Figure {
  const { name, predicted, measured, peak, bNoise, bins, emptyLevel, plannedSeeds } = input;
  const { width, style = printStyle } = options;
  const ridges = predicted.map(({ title, points }, i) => ({
    title,
    points: points.map((p): RidgePoint => ({ ...p, uncertain: false, seeds: 1 })),
    color: categoryColors[style.categories][i % categoryColors[style.categories].length],
    dash: DASHES[i % DASHES.length],
    shape: FIRST_SHAPE + i,
  }));
  const swept = [...measured, ...ridges.flatMap(({ points }) => points)].map((p) => p.batchSize);
  const every = [...measured, ...ridges.flatMap(({ points }) => points)];
  const placed = every.some(({ learningRate }) => learningRate !== null && learningRate > 0);
  const seeds = seedCount(
    measured.filter((p) => p.learningRate !== null).map((p) => p.seeds),
    plannedSeeds,
  );
  const count = bins.reduce((sum, bin) => sum + bin.count, 0);
  const edges = bins.flatMap(({ lower, upper }) => [lower, upper]);
  const panels: PlannedPanel[] = [
    {
      letter: 'a',
      title: '',
      notes: measured.length === 0 ? [] : [seedNote(seeds)],
      x: swept.length === 0 ? blankAxis : batchAxis(logDomain(swept, 0.07), swept),
      y: placed ? logAxis(rateDomain(every)) : blankAxis,
      xTitle: BATCH_SIZE,
      yTitle: 'optimal learning rate',
      draw: drawRidges,
    },
    {
      letter: 'b',
      title: '',
      notes: bins.length === 0 ? ['no parameter with a gradient'] : [`${count} parameters`],
      x: bins.length === 0 ? blankAxis : logAxis(logDomain([...edges, ...swept], 0.02)),
      y: bins.length === 0 ? blankAxis : linearAxis([0, 1.08 * Math.max(...bins.map((bin) => bin.count))]),
      xTitle: [
        { text: 'π' },
        { text: 'σ', italic: true },
        { text: '²/(2' },
        { text: 'μ', italic: true },
        { text: '²)' },
      ],
      yTitle: 'parameters',
      draw: drawHistogram,
    },
  ];
  const { tree, tally } = panelSheet(
    {
      title: `Predicted and measured optimal learning rates: ${name}`,
      rows: width >= SIDE_BY_SIDE ? [panels] : panels.map((panel) => [panel]),
      entries: entries(),
      aspect: 0.8,
      nothing: swept.length === 0 && bins.length === 0 ? 'no prediction' : null,
    },
    { width, style },
  );
  return {
    tree,
    caption: {
      text: `a, optimal learning rate against batch size as measured (circles, 5–95 % bootstrap intervals over seeds; star: peak) and as predicted from ${input.point} (broken lines, 5–95 % over resampled samples and probes), from the most assumptions to none. b, histogram of πσ²/(2μ²) over the parameters at that point; shaded: the swept batch sizes, which the small-batch law needs to be far below it.`,
      definition: input.definition,
      seeds,
      counts: tally.counts(),
    },
    data: tableOf(input),
    warnings: ridges.some(({ points }) => points.some((p) => p.learningRate !== null))
      ? []
      : ['No rung of the prediction has a finite optimum.'],
  };

  function drawRidges(panel: Panel): Drawn {
    const tally = new Tally();
    const nodes: SvgNode[] = [];
    if (bNoise !== null) {
      if (bNoise.interval !== null)
        nodes.push(
          ...shadeRange(panel, bNoise.interval.low, bNoise.interval.high, noiseScaleFill(style.categories)),
        );
      const line = drawVertical(panel, bNoise.value, noiseScaleStroke(style.lineWidth, style.categories));
      if (line === null) tally.add('lines beyond the axis');
      else nodes.push(line);
    }
    for (const [i, { points, color, dash, shape }] of ridges.entries()) {
      const look = {
        color,
        shape,
        line: { color, width: style.lineWidth, dash },
        peak: { shape, radius: style.markerRadius },
        aside: DODGE * (i - (ridges.length - 1) / 2),
      };
      const drawn = drawRidgePoints(panel, points, null, look, style);
      nodes.push(...drawn.nodes);
      tally.addAll(drawn.tally);
    }
    const look = {
      color: style.ink,
      shape: 0,
      line: { color: style.ink, width: style.lineWidth },
      peak: { shape: STAR, radius: STAR_RADIUS },
    };
    const drawn = drawRidgePoints(panel, measured, peak, look, style);
    tally.addAll(drawn.tally);
    return { nodes: [...nodes, ...drawn.nodes], tally };
  }

  function drawHistogram(panel: Panel): Drawn {
    const tally = new Tally();
    const { box, x, y } = panel;
    const nodes: SvgNode[] = [];
    if (swept.length > 0)
      nodes.push(...shadeRange(panel, Math.min(...swept), Math.max(...swept), SWEPT_FILL));
    for (const { lower, upper, count: height } of bins) {
      const [from, to, top] = [x.place(lower), x.place(upper), y.place(height)];
      if (from === null || to === null || top === null || height === 0) continue;
      nodes.push(
        element('rect', {
          x: box.x + from * box.width,
          y: box.y + (1 - top) * box.height,
          width: Math.max(0, (to - from) * box.width - 0.25),
          height: top * box.height,
          fill: BAR_FILL,
        }),
      );
    }
    if (emptyLevel !== null && bins.length > 0) {
      const line = drawVertical(panel, emptyLevel, levelStroke());
      if (line === null) tally.add('lines beyond the axis');
      else nodes.push(line);
    }
    return { nodes, tally };
  }

  function levelStroke() {
    return { color: style.ink, width: style.lineWidth, dash: '1.1 1.5' };
  }

  function entries(): LegendEntry[] {
    const noise: Label = bNoise === null ? [] : [...noiseScaleLabel('= '), ...shortLabel(bNoise.value)];
    return [
      ...(measured.some((p) => p.learningRate !== null)
        ? [markerEntry(plainLabel('measured, 5–95 %'), 0, style.ink, style)]
        : []),
      ...ridges.map(({ title, color, dash, shape }) =>
        markedLineEntry(plainLabel(title), { color, width: style.lineWidth, dash }, shape, style),
      ),
      ...(bNoise === null
        ? []
        : [
            lineEntry(
              [...noise, { text: ' (Theorem 3)' }],
              noiseScaleStroke(style.lineWidth, style.categories),
            ),
          ]),
      ...(bNoise === null || bNoise.interval === null
        ? []
        : [areaEntry(noiseScaleLabel('5–95 %'), noiseScaleFill(style.categories))]),
      ...(bins.length === 0 || swept.length === 0
        ? []
        : [areaEntry(plainLabel('swept batch sizes'), SWEPT_FILL)]),
      ...(emptyLevel === null || bins.length === 0
        ? []
        : [lineEntry(plainLabel('without any gradient'), levelStroke())]),
    ];
  }
}

function tableOf({ predicted, measured, peak, bNoise, bins, emptyLevel }: PredictionInput): Table {
  const none = (length: number) => range(length).map(() => null);
  const { low = null, high = null } = bNoise?.interval ?? {};
  return {
    columns: ['element', 'rung', ...ridgeColumns, 'parameters'],
    rows: [
      ...measured.map((p) => [
        p.batchSize === peak?.batchSize ? 'measured peak' : 'measured',
        null,
        ...ridgeRow(p),
        null,
      ]),
      ...predicted.flatMap(({ title, points }) =>
        points.map((p) => [
          'predicted',
          title,
          p.batchSize,
          null,
          null,
          p.learningRate,
          p.interval?.low ?? null,
          p.interval?.high ?? null,
          ...none(3),
        ]),
      ),
      ...(bNoise === null ? [] : [['noise scale', null, bNoise.value, low, high, ...none(6)]]),
      ...bins.map((bin) => ['histogram', null, null, bin.lower, bin.upper, ...none(5), bin.count]),
      ...(emptyLevel === null ? [] : [['level without any gradient', null, emptyLevel, ...none(8)]]),
    ],
  };
}
