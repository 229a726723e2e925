/** Laws of a noisy quadratic: the exact one, its approximations, and a simulation of the real update beside them. */
import { categoryColors } from './colors.ts';
import { drawCurve, drawVertical, shadeRange, type Stroke } from './curves.ts';
import { Tally, type Figure, type Table } from './figure.ts';
import { BATCH_SIZE, noiseScaleLabel, plainLabel, type Label } from './label.ts';
import { noiseScaleStroke } from './law-looks.ts';
import type { LegendEntry } from './legend.ts';
import { drawMarker, drawPoint } from './markers.ts';
import { drawWhisker, positionInside, type Panel } from './panel.ts';
import { SIDE_BY_SIDE, type Drawn, type PlannedPanel } from './panel-grid.ts';
import { panelSheet } from './panel-sheet.ts';
import { STAR, STAR_RADIUS } from './ridge-points.ts';
import { areaEntry, lineEntry, markerEntry } from './samples.ts';
import { blankAxis, logAxis, logDomain, shortLabel, type Axis } from './scales.ts';
import { printStyle, type Style } from './style.ts';
import type { SvgNode } from './tree.ts';

export const theoryCurveKinds = ['exact', 'small-batch', 'plateau'] as const;
export type TheoryCurveKind = (typeof theoryCurveKinds)[number];

export interface TheoryCurve {
  readonly kind: TheoryCurveKind;
  /** Ascending in the batch size; null where the law has no finite optimum. */
  readonly points: readonly {
    readonly batchSize: number;
    readonly learningRate: number | null;
    readonly decrease: number | null;
  }[];
}

export interface SimulatedPoint {
  readonly batchSize: number;
  readonly learningRate: number | null;
  readonly learningRateError: number | null;
  readonly decrease: number | null;
  readonly decreaseError: number | null;
}

export interface TheoryInput {
  readonly name: string;
  /** Whose law: "sign descent", "Adam, β₁ = 0.9". */
  readonly optimizer: string;
  readonly curves: readonly TheoryCurve[];
  readonly simulated: readonly SimulatedPoint[];
  /** Draws of the simulation for each batch size; null without one. */
  readonly draws: number | null;
  /** Of Theorem 3; null where it is not defined. */
  readonly bNoise: number | null;
  /** The highest point of the exact law; null when it has no peak. */
  readonly peak: { readonly batchSize: number; readonly learningRate: number } | null;
  /** From this batch size on the small-batch form puts some mean sign 10 % too high or more; null without a bound. */
  readonly regimeEnd: number | null;
}

export interface TheoryFigureOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
}

/** Half of a 5–95 % interval in standard errors of a normal distribution. */
const HALF_INTERVAL = 1.6449;
const OUTSIDE_FILL = '#eeeeee';
/** An axis shows what lies within this factor below the exact law's lowest value. */
const ROOM = 3;

const names: Readonly<Record<TheoryCurveKind, string>> = {
  exact: 'exact law',
  'small-batch': 'small-batch form (Theorem 3)',
  plateau: 'large-batch limit (Theorem 4)',
};

type Quantity = 'learningRate' | 'decrease';

export function theoryFigure(input: TheoryInput, options: TheoryFigureOptions): Figure {
  const { name, curves, simulated, draws, bNoise, peak, regimeEnd } = input;
  const { width, style = printStyle } = options;
  const [accent, approximation, limit] = categoryColors[style.categories];
  const strokes: Readonly<Record<TheoryCurveKind, Stroke>> = {
    exact: { color: style.ink, width: style.lineWidth * 1.2 },
    'small-batch': { color: approximation, width: style.lineWidth, dash: '3.5 1.6' },
    plateau: { color: limit, width: style.lineWidth, dash: '1.1 1.5' },
  };
  const drawnCurves = curves.filter(({ points }) => points.some((p) => p.learningRate !== null));
  const sizes = [...curves.flatMap(({ points }) => points), ...simulated].map((p) => p.batchSize);
  const x = sizes.length === 0 ? blankAxis : logAxis(logDomain(sizes, 0.03));
  const panels: PlannedPanel[] = [
    {
      letter: 'a',
      title: input.optimizer,
      ...(draws === null ? {} : { notes: [`${draws} draws a batch size`] }),
      x,
      y: axisOf('learningRate'),
      xTitle: BATCH_SIZE,
      yTitle: 'optimal learning rate',
      draw: (panel) => draw(panel, 'learningRate'),
    },
    {
      letter: 'b',
      title: '',
      x,
      y: axisOf('decrease'),
      xTitle: BATCH_SIZE,
      yTitle: 'decrease of the loss there',
      draw: (panel) => draw(panel, 'decrease'),
    },
  ];
  const { tree, tally } = panelSheet(
    {
      title: `Laws of a noisy quadratic: ${name}`,
      rows: width >= SIDE_BY_SIDE ? [panels] : panels.map((panel) => [panel]),
      entries: entries(),
      aspect: 0.78,
      nothing: sizes.length === 0 ? 'no batch sizes' : null,
    },
    { width, style },
  );
  const exact = curves.find(({ kind }) => kind === 'exact');
  return {
    tree,
    caption: {
      text: `a, optimal learning rate of one step against batch size; b, decrease of the loss at that learning rate (${input.optimizer}). Solid: exact law; broken: its approximations; dots: simulation of the real update with 5–95 % intervals; vertical line: noise scale of Theorem 3; star: peak of the exact law. Shaded: batch sizes at which the small-batch form is wrong by 10 % or more for some parameter.`,
      definition: 'locally, one step on a noisy quadratic (arXiv 2405.14578, Theorem 2)',
      seeds: { fewest: draws ?? 0, most: draws ?? 0, planned: draws ?? 0 },
      counts: tally.counts(),
    },
    data: tableOf(input),
    warnings: exact?.points.some((p) => p.learningRate !== null)
      ? []
      : ['The exact law has no finite optimum at any batch size.'],
  };

  /** Around exact law and simulation; an approximation that runs away does not stretch the axis. */
  function axisOf(quantity: Quantity): Axis {
    const values = [
      ...drawnCurves.filter(({ kind }) => kind === 'exact').flatMap(({ points }) => points),
      ...simulated,
    ].flatMap((p) => p[quantity] ?? []);
    const ends = simulated.flatMap((p) => {
      const [value, error] = valueOf(p, quantity);
      return value === null || error === null
        ? []
        : [value - HALF_INTERVAL * error, value + HALF_INTERVAL * error];
    });
    const others = drawnCurves
      .filter(({ kind }) => kind !== 'exact')
      .flatMap(({ points }) => points.flatMap((p) => p[quantity] ?? []));
    const [low, high] = logDomain(values.length > 0 ? values : others, 0);
    if (values.length + others.length === 0) return blankAxis;
    const near = [...others, ...ends].filter((value) => value > low / ROOM && value < high * ROOM);
    return logAxis(logDomain([...values, ...near], 0.06));
  }

  function draw(panel: Panel, quantity: Quantity): Drawn {
    const tally = new Tally();
    const nodes: SvgNode[] = [];
    if (regimeEnd !== null) nodes.push(...shadeRange(panel, regimeEnd, Infinity, OUTSIDE_FILL));
    if (bNoise !== null) {
      const line = drawVertical(panel, bNoise, noiseScaleStroke(style.lineWidth, style.categories));
      if (line === null) tally.add('lines beyond the axis');
      else nodes.push(line);
    }
    for (const { kind, points } of [...drawnCurves].reverse()) {
      const curve = points.map((p) => ({ x: p.batchSize, y: p[quantity] }));
      nodes.push(...drawCurve(panel, curve, strokes[kind]));
    }
    for (const point of simulated) {
      const [value, error] = valueOf(point, quantity);
      const at = value === null ? null : positionInside(panel, point.batchSize, value);
      if (value === null || at === null) {
        tally.add(value === null ? 'without optimum' : value > 0 ? 'clipped' : 'not on a log axis');
        continue;
      }
      if (error !== null) {
        const half = HALF_INTERVAL * error;
        // Down to the lower side where the interval holds zero.
        const low = Math.max(value - half, panel.y.domain[0] / 2);
        const stroke = { color: accent, width: style.thinLineWidth };
        const whisker = drawWhisker(panel, 'vertical', low, value + half, point.batchSize, stroke);
        if (whisker !== null) nodes.push(whisker.node);
        if (whisker?.clipped === true) tally.add('intervals clipped');
      }
      const marker = { radius: style.markerRadius, color: accent, paper: style.paper };
      nodes.push(drawPoint(0, at, { x: point.batchSize, y: value }, marker));
    }
    if (peak !== null && quantity === 'learningRate') {
      const at = positionInside(panel, peak.batchSize, peak.learningRate);
      const value = { x: peak.batchSize, y: peak.learningRate };
      const { paper, ink } = style;
      if (at !== null)
        nodes.push(drawPoint(STAR, at, value, { radius: STAR_RADIUS, color: paper, paper, outline: ink }));
    }
    return { nodes, tally };
  }

  function entries(): LegendEntry[] {
    const { paper, ink, lineWidth } = style;
    const noise: Label = bNoise === null ? [] : [...noiseScaleLabel('= '), ...shortLabel(bNoise)];
    return [
      ...drawnCurves.map(({ kind }) => lineEntry(plainLabel(names[kind]), strokes[kind])),
      ...(simulated.every((p) => p.learningRate === null)
        ? []
        : [markerEntry(plainLabel('simulation, 5–95 %'), 0, accent, style)]),
      ...(bNoise === null ? [] : [lineEntry(noise, noiseScaleStroke(lineWidth, style.categories))]),
      ...(peak === null
        ? []
        : [
            {
              label: [
                { text: 'peak at ' },
                { text: 'B', italic: true },
                { text: ' = ' },
                ...shortLabel(peak.batchSize),
              ],
              sample: (at: number, y: number) => [
                drawMarker(STAR, at, y, { radius: STAR_RADIUS, color: paper, paper, outline: ink }),
              ],
            },
          ]),
      ...(regimeEnd === null ? [] : [areaEntry(plainLabel('outside the small-batch regime'), OUTSIDE_FILL)]),
    ];
  }
}

/** With its standard error. */
function valueOf(point: SimulatedPoint, quantity: Quantity): readonly [number | null, number | null] {
  return quantity === 'learningRate'
    ? [point.learningRate, point.learningRateError]
    : [point.decrease, point.decreaseError];
}

function tableOf({ curves, simulated, bNoise, peak, regimeEnd }: TheoryInput): Table {
  const single = (element: string, batchSize: number | null, rate: number | null = null) =>
    batchSize === null ? [] : [[element, batchSize, rate, null, null, null]];
  return {
    columns: [
      'element',
      'batch_size',
      'learning_rate',
      'learning_rate_standard_error',
      'decrease',
      'decrease_standard_error',
    ],
    rows: [
      ...curves.flatMap(({ kind, points }) =>
        points.map((p) => [kind, p.batchSize, p.learningRate, null, p.decrease, null]),
      ),
      ...simulated.map((p) => [
        'simulation',
        p.batchSize,
        p.learningRate,
        p.learningRateError,
        p.decrease,
        p.decreaseError,
      ]),
      ...single('noise scale', bNoise),
      ...single('peak', peak?.batchSize ?? null, peak?.learningRate),
      ...single('end of the small-batch regime', regimeEnd),
    ],
  };
}
