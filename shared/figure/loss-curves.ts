/** Curves of chosen cells against steps or samples: mean and band over seeds, smoothed beside raw, where seeds diverged. */
import { lineColor, orderedPlace } from './colors.ts';
import { drawBand, drawCurve } from './curves.ts';
import { seedCount, seedNote, Tally, type Figure, type Table } from './figure.ts';
import { plainLabel, type Label } from './label.ts';
import type { LossAxis } from './loss-panels.ts';
import { dashOf, drawCross, drawPoint } from './markers.ts';
import { positionInside, type Panel } from './panel.ts';
import type { Drawn } from './panel-grid.ts';
import { panelSheet } from './panel-sheet.ts';
import { robustHighest, wantsLogarithm } from './robust.ts';
import { areaEntry, lineEntry, markedLineEntry } from './samples.ts';
import { blankAxis, linearAxis, linearDomain, logAxis, logDomain, numberLabel } from './scales.ts';
import { printStyle, type Style } from './style.ts';
import type { SvgNode } from './tree.ts';

export interface CurvePoint {
  /** Step or samples. */
  readonly at: number;
  /** Over the seeds that have not diverged; not a number without any. */
  readonly mean: number;
  /** Band over seeds; the mean itself with one seed. */
  readonly low: number;
  readonly high: number;
  /** Smoothed mean; null without smoothing. */
  readonly smooth: number | null;
}

export interface CellCurve {
  readonly batchSize: number;
  readonly learningRate: number;
  /** Ascending in `at`. */
  readonly points: readonly CurvePoint[];
  /** Where each diverged seed did, in the unit of the axis. */
  readonly diverged: readonly number[];
  readonly seeds: number;
}

export const bands = ['range', 'interval', 'none'] as const;
export type Band = (typeof bands)[number];

export interface LossCurvesInput {
  readonly name: string;
  /** What is drawn: "held-out loss". */
  readonly valueTitle: string;
  readonly by: 'steps' | 'samples';
  readonly curves: readonly CellCurve[];
  readonly band: Band;
  /** Half-life in steps; null without smoothing. */
  readonly halfLife: number | null;
  readonly plannedSeeds: number;
}

export interface LossCurvesOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
  readonly lossAxis?: LossAxis;
  readonly progressAxis?: 'linear' | 'log';
}

const bandTexts: Readonly<Record<Band, string>> = {
  range: 'lowest to highest seed',
  interval: '5–95 % interval of the mean',
  none: '',
};
const BAND_OPACITY = 0.2;
/** Of a raw curve under its smoothed one. */
const RAW_OPACITY = 0.35;
const BAND_SAMPLE = '#d9d9d9';
/** Markers tell the curves apart; more of them than this would hide the curve. */
const MARKERS = 7;

export function lossCurvesFigure(input: LossCurvesInput, options: LossCurvesOptions): Figure {
  const { name, valueTitle, by, curves, band, halfLife, plannedSeeds } = input;
  const { width, style = printStyle, lossAxis = 'auto', progressAxis = 'log' } = options;
  const looks = curves.map((curve, i) => ({
    curve,
    color: lineColor(orderedPlace(i, curves.length), style.colorMap),
    shape: i,
    dash: dashOf(i),
  }));
  const points = curves.flatMap((curve) => curve.points);
  const places = [...points.map((p) => p.at), ...curves.flatMap((curve) => curve.diverged)];
  const values = points.flatMap((p) => [p.mean, p.low, p.high]).filter(Number.isFinite);
  const logarithmic = lossAxis === 'log' || (lossAxis === 'auto' && wantsLogarithm(values));
  const highest = robustHighest(values, logarithmic);
  const shown = values.filter((value) => value <= highest);
  const x =
    places.length === 0
      ? blankAxis
      : progressAxis === 'log'
        ? logAxis(logDomain(places, 0.03))
        : linearAxis(linearDomain(places, 0.03));
  const y =
    shown.length === 0
      ? blankAxis
      : logarithmic
        ? logAxis(logDomain(shown, 0.06))
        : linearAxis(linearDomain(shown, 0.06));
  const seeds = seedCount(
    curves.map((curve) => curve.seeds),
    plannedSeeds,
  );
  const smoothed = halfLife === null ? [] : [`smoothed, half-life ${halfLife} steps`];
  const { labelOf, common } = cellLabels(curves);
  const { tree, tally } = panelSheet(
    {
      title: `Curves of ${valueTitle}: ${name}`,
      rows: [
        [
          {
            letter: '',
            title: '',
            notes: [...smoothed, seedNote(seeds)],
            x,
            y,
            xTitle: by === 'steps' ? 'step' : 'samples',
            yTitle: valueTitle,
            draw,
          },
        ],
      ],
      entries: [
        ...looks.map(({ curve, color, shape, dash }) =>
          markedLineEntry(labelOf(curve), { color, width: style.lineWidth, dash }, shape, style),
        ),
        ...(halfLife === null
          ? []
          : [lineEntry(plainLabel('raw mean'), { color: '#bbbbbb', width: style.thinLineWidth })]),
        ...(band === 'none' || plannedSeeds < 2 ? [] : [areaEntry(plainLabel(bandTexts[band]), BAND_SAMPLE)]),
      ],
      legendTitle: common,
      aspect: 0.5,
      nothing: curves.length === 0 ? 'no cells' : null,
    },
    { width, style },
  );
  const smoothing =
    halfLife === null
      ? null
      : `exponential average with a half-life of ${halfLife} steps, corrected for its start`;
  const strong = smoothing === null ? '' : ` Strong lines: ${smoothing}; faint: raw mean.`;
  return {
    tree,
    caption: {
      text: `${valueTitle} against ${by === 'steps' ? 'step' : 'samples'}, mean over the seeds that have not diverged${band === 'none' ? '' : `; band: ${bandTexts[band]}`}; crosses: where a seed diverged.${strong}`,
      definition: 'none: curves as recorded',
      ...(smoothing === null ? {} : { smoothing }),
      seeds,
      counts: tally.counts(),
    },
    data: tableOf(input),
    warnings: shown.length === 0 ? ['No value is finite: the panel is empty.'] : [],
  };

  function draw(panel: Panel): Drawn {
    const tally = new Tally();
    const [areas, lines, marks]: [SvgNode[], SvgNode[], SvgNode[]] = [[], [], []];
    for (const { curve, color, shape, dash } of looks) {
      const known = curve.points.filter((p) => Number.isFinite(p.mean));
      tally.add(
        'clipped',
        known.filter((p) => p.mean > panel.y.domain[1] || (p.mean < panel.y.domain[0] && p.mean > 0)).length,
      );
      if (logarithmic) tally.add('not on a log axis', known.filter((p) => p.mean <= 0).length);
      if (band !== 'none' && curve.seeds > 1)
        areas.push(
          ...drawBand(
            panel,
            known.map((p) => ({ x: p.at, low: p.low, high: p.high })),
            color,
            BAND_OPACITY,
          ),
        );
      const line = (value: (p: CurvePoint) => number | null) =>
        curve.points.map((p) => ({ x: p.at, y: value(p) }));
      if (halfLife !== null)
        lines.push(
          ...drawCurve(
            panel,
            line((p) => p.mean),
            {
              color,
              width: style.thinLineWidth,
              opacity: RAW_OPACITY,
            },
          ),
        );
      const value = (p: CurvePoint) => (halfLife === null ? p.mean : p.smooth);
      lines.push(...drawCurve(panel, line(value), { color, width: style.lineWidth, dash }));
      const every = Math.max(1, Math.floor(known.length / MARKERS));
      for (const [i, p] of known.entries()) {
        // Each curve at places of its own, so that markers of curves that lie over each other do not.
        const offset = Math.floor((every * (shape % MARKERS)) / MARKERS);
        const y = value(p) ?? NaN;
        const at = i % every === offset ? positionInside(panel, p.at, y) : null;
        const radius = 0.8 * style.markerRadius;
        if (at !== null)
          marks.push(drawPoint(shape, at, { x: p.at, y }, { radius, color, paper: style.paper }));
      }
      for (const at of curve.diverged) {
        tally.add('diverged');
        const place = panel.x.place(at);
        const last = known.findLast((p) => p.at <= at);
        const height = last === undefined ? null : panel.y.place(last.mean);
        if (place === null || place < 0 || place > 1) continue;
        const { box } = panel;
        const up = Math.min(1, Math.max(0, height ?? 1));
        marks.push(
          drawCross(box.x + place * box.width, box.y + (1 - up) * box.height, 2, color, style.lineWidth),
        );
      }
    }
    return { nodes: [...areas, ...lines, ...marks], tally };
  }
}

/** Curves are named by what varies among them; what does not is said once. */
function cellLabels(curves: readonly CellCurve[]): {
  readonly labelOf: (curve: CellCurve) => Label;
  readonly common: Label;
} {
  const rates = curves.map(({ learningRate }) => Number(learningRate.toPrecision(3)));
  // One form for all of them.
  const smallest = rates.some((rate) => rate < 1e-3) ? Infinity : undefined;
  const parts = [
    { symbol: 'B', of: ({ batchSize }: CellCurve) => numberLabel(batchSize) },
    {
      symbol: 'η',
      of: ({ learningRate }: CellCurve) => numberLabel(Number(learningRate.toPrecision(3)), smallest),
    },
  ].map(({ symbol, of }) => ({
    label: (curve: CellCurve): Label => [{ text: symbol, italic: true }, { text: ' = ' }, ...of(curve)],
    varies: new Set(curves.map((curve) => JSON.stringify(of(curve)))).size > 1,
  }));
  const joined = (some: typeof parts, curve: CellCurve): Label =>
    some.flatMap(({ label }, i) => [...(i === 0 ? [] : [{ text: ', ' }]), ...label(curve)]);
  const varying = parts.filter(({ varies }) => varies);
  if (varying.length === 0) return { labelOf: (curve) => joined(parts, curve), common: [] };
  const shared = parts.filter(({ varies }) => !varies);
  return {
    labelOf: (curve) => joined(varying, curve),
    common: shared.length === 0 ? [] : [...joined(shared, curves[0]), { text: ':' }],
  };
}

function tableOf({ curves, by }: LossCurvesInput): Table {
  return {
    columns: ['element', 'batch_size', 'learning_rate', by, 'mean', 'low', 'high', 'smoothed', 'seeds'],
    rows: curves.flatMap(({ batchSize, learningRate, points, diverged, seeds }) => [
      ...points.map((p) => ['curve', batchSize, learningRate, p.at, p.mean, p.low, p.high, p.smooth, seeds]),
      ...diverged.map((at) => ['diverged', batchSize, learningRate, at, null, null, null, null, null]),
    ]),
  };
}
