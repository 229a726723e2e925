/** One ridge with its intervals, the laws fitted to it, and where its peak is: measured, and by the surge law. */
import type { Interval } from '../analysis/resampling.ts';
import { evaluateLaw, type LawName, type LawParameters } from '../laws/laws.ts';
import { drawCurve, drawVertical, geometric, shadeRange } from './curves.ts';
import { seedCount, seedNote, Tally, type Figure, type Table } from './figure.ts';
import { BATCH_SIZE, noiseScaleLabel, plainLabel } from './label.ts';
import { lawLabel, lawStroke, noiseScaleFill, noiseScaleStroke } from './law-looks.ts';
import type { LegendEntry } from './legend.ts';
import type { Panel } from './panel.ts';
import { legendBelow, panelGrid, type Drawn } from './panel-grid.ts';
import {
  drawRidgePoints,
  peakRow,
  rateDomain,
  ridgeColumns,
  ridgeRow,
  STAR,
  STAR_RADIUS,
  type PeakPoint,
  type RidgePoint,
} from './ridge-points.ts';
import { areaEntry, lineEntry, markerEntry } from './samples.ts';
import { batchAxis, blankAxis, logAxis, logDomain, shortLabel } from './scales.ts';
import { emptyNote, PAGE_MARGIN, sheet } from './sheet.ts';
import { printStyle, type Style } from './style.ts';
import type { SvgNode } from './tree.ts';

export interface DrawnLaw {
  readonly law: LawName;
  readonly parameters: LawParameters;
  /** AICc above that of the best law. */
  readonly deltaAicc: number;
}

export interface RidgeInput {
  readonly name: string;
  /** Ascending in the batch size. */
  readonly points: readonly RidgePoint[];
  readonly peak: PeakPoint | null;
  /** In the order of the legend. */
  readonly laws: readonly DrawnLaw[];
  /** Of the surge law; `low` is 0 and `high` Infinity where the data give no limit. */
  readonly bNoise: { readonly value: number; readonly interval: Interval | null } | null;
  /** What may be concluded, in a sentence. */
  readonly verdict: string;
  readonly plannedSeeds: number;
  readonly definition: string;
}

export interface RidgeFigureOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
}

export function ridgeFigure(input: RidgeInput, options: RidgeFigureOptions): Figure {
  const { name, points, peak, laws, bNoise, plannedSeeds } = input;
  const { width, style = printStyle } = options;
  const batchSizes = points.map(({ batchSize }) => batchSize);
  const known = points.filter(({ learningRate }) => learningRate !== null && learningRate > 0);
  const x = batchSizes.length === 0 ? blankAxis : batchAxis(logDomain(batchSizes, 0.06), batchSizes);
  const y = known.length === 0 ? blankAxis : logAxis(rateDomain(points));
  const curves = laws.map((one) => ({ ...one, points: along(one, known) }));
  const seeds = seedCount(
    known.map((point) => point.seeds),
    plannedSeeds,
  );
  const grid = panelGrid(
    [
      [
        {
          letter: '',
          title: '',
          notes: [seedNote(seeds)],
          x,
          y,
          xTitle: BATCH_SIZE,
          yTitle: 'optimal learning rate',
          draw,
        },
      ],
    ],
    { width, top: PAGE_MARGIN, style, aspect: 0.78 },
  );
  const legend = legendBelow(entries(), width - 2 * PAGE_MARGIN, style);
  const empty = points.length === 0;
  return {
    tree: sheet(
      width,
      empty ? 45 : grid.bottom + 3 + legend.height + PAGE_MARGIN,
      `Optimal learning rate against batch size: ${name}`,
      empty
        ? [emptyNote(width, style, 'no batch sizes')]
        : [...grid.nodes, ...legend.draw(PAGE_MARGIN, grid.bottom + 3)],
      style,
    ),
    caption: {
      text: `Optimal learning rate against batch size with 5–95 % bootstrap intervals over seeds; hollow: at the edge of the grid, flat, or from few seeds; star: the highest optimum. Broken lines: fitted laws with their AICc above the best one's; vertical line and shading: noise scale of the surge law with its likelihood interval. ${input.verdict}`,
      definition: input.definition,
      seeds,
      counts: grid.tally.counts(),
    },
    data: tableOf(input, curves),
    warnings: known.length === 0 ? ['Nowhere an optimal learning rate: the ridge is empty.'] : [],
  };

  function draw(panel: Panel): Drawn {
    const tally = new Tally();
    const nodes: SvgNode[] = [];
    if (bNoise !== null) {
      const line = drawVertical(panel, bNoise.value, noiseScaleStroke(style.lineWidth, style.categories));
      if (bNoise.interval !== null)
        nodes.push(
          ...shadeRange(panel, bNoise.interval.low, bNoise.interval.high, noiseScaleFill(style.categories)),
        );
      if (line === null) tally.add('lines beyond the axis');
      else nodes.push(line);
    }
    for (const { law, points: curve } of curves)
      nodes.push(...drawCurve(panel, curve, lawStroke(law, style.lineWidth, style.categories)));
    const look = { color: style.ink, shape: 0, peak: { shape: STAR, radius: STAR_RADIUS } };
    const ridge = drawRidgePoints(panel, points, peak, look, style);
    tally.addAll(ridge.tally);
    return { nodes: [...nodes, ...ridge.nodes], tally };
  }

  function entries(): LegendEntry[] {
    if (known.length === 0) return [];
    return [
      markerEntry(plainLabel('optimum, 5–95 %'), 0, style.ink, style),
      ...(peak === null
        ? []
        : [
            markerEntry(plainLabel('highest'), STAR, style.ink, style, {
              interval: false,
              radius: STAR_RADIUS,
            }),
          ]),
      ...laws.map(({ law, deltaAicc }) =>
        lineEntry(
          [...lawLabel(law), { text: ` (ΔAICc ${deltaAicc.toFixed(1)})` }],
          lawStroke(law, style.lineWidth, style.categories),
        ),
      ),
      ...(bNoise === null
        ? []
        : [
            lineEntry(
              [...noiseScaleLabel('= '), ...shortLabel(bNoise.value), { text: ' (surge)' }],
              noiseScaleStroke(style.lineWidth, style.categories),
            ),
          ]),
      ...(bNoise === null || bNoise.interval === null
        ? []
        : [areaEntry(noiseScaleLabel('90 % interval'), noiseScaleFill(style.categories))]),
    ];
  }
}

/** A law between the smallest and the largest batch size it was fitted to. */
function along({ law, parameters }: DrawnLaw, known: readonly RidgePoint[]) {
  const sizes = known.map(({ batchSize }) => batchSize);
  return geometric(Math.min(...sizes), Math.max(...sizes)).map((batchSize) => ({
    x: batchSize,
    y: evaluateLaw(law, parameters, batchSize),
  }));
}

function tableOf(
  { points, peak, bNoise }: RidgeInput,
  curves: readonly { law: LawName; points: readonly { x: number; y: number }[] }[],
): Table {
  const none = (count: number) => Array.from({ length: count }, () => null);
  return {
    columns: ['element', 'law', ...ridgeColumns],
    rows: [
      ...points.map((p) => ['optimum', null, ...ridgeRow(p)]),
      ...(peak === null ? [] : [['peak', null, ...peakRow(peak)]]),
      ...(bNoise === null
        ? []
        : [
            [
              'noise scale',
              'surge',
              bNoise.value,
              bNoise.interval?.low ?? null,
              bNoise.interval?.high ?? null,
              ...none(5),
            ],
          ]),
      ...curves.flatMap(({ law, points: curve }) =>
        curve.map((p) => ['law', law, p.x, null, null, p.y, ...none(4)]),
      ),
    ],
  };
}
