/** Ridges of several experiments over each other, and how far each is from the first, with paired intervals. */
import type { Interval } from '../analysis/resampling.ts';
import { categoryColors } from './colors.ts';
import { drawCurve } from './curves.ts';
import { seedCount, seedNote, Tally, type Figure, type Table } from './figure.ts';
import { BATCH_SIZE, plainLabel } from './label.ts';
import type { Panel } from './panel.ts';
import { SIDE_BY_SIDE, type Drawn, type PlannedPanel } from './panel-grid.ts';
import { panelSheet } from './panel-sheet.ts';
import {
  drawRidgePoints,
  peakRow,
  rateDomain,
  ridgeColumns,
  ridgeRow,
  type PeakPoint,
  type RidgePoint,
} from './ridge-points.ts';
import { markedLineEntry } from './samples.ts';
import { batchAxis, blankAxis, logAxis, logDomain } from './scales.ts';
import { printStyle, type Style } from './style.ts';

/** More would not be told apart. */
export const MOST_COMPARED = 6;

export interface ComparedRidge {
  /** What sets the experiment apart from the others. */
  readonly label: string;
  /** Ascending in the batch size. */
  readonly points: readonly RidgePoint[];
  readonly peak: PeakPoint | null;
}

/** Optimal learning rate of one experiment over that of the first, at the batch sizes that both have. */
export interface ComparedRatio {
  readonly label: string;
  readonly points: readonly {
    readonly batchSize: number;
    readonly ratio: number;
    /** 5–95 %; null where one of them has none. */
    readonly interval: Interval | null;
  }[];
  /** Whether resamples draw the same seeds in both, so that what seeds share cancels. */
  readonly paired: boolean;
}

export interface CompareInput {
  readonly name: string;
  readonly ridges: readonly ComparedRidge[];
  /** One for every ridge but the first. */
  readonly ratios: readonly ComparedRatio[];
  readonly definition: string;
  readonly plannedSeeds: number;
}

export interface CompareFigureOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
  /** The second panel; drawn when absent. */
  readonly difference?: boolean;
}

/** Sideways distance of markers at the same batch size, in points. */
const DODGE = 1.7;

export function compareFigure(input: CompareInput, options: CompareFigureOptions): Figure {
  const { name, ridges, ratios, plannedSeeds, definition } = input;
  const { width, style = printStyle, difference = true } = options;
  const colors = categoryColors[style.categories];
  const looks = ridges.map((_, i) => {
    const color = i === 0 ? style.ink : colors[(i - 1) % colors.length];
    const line = { color, width: style.lineWidth, dash: ['', '3.5 1.4', '1.2 1.2', '5 1.3 1.1 1.3'][i % 4] };
    return { color, shape: i, line: line.dash === '' ? { color, width: style.lineWidth } : line };
  });
  const points = ridges.flatMap((ridge) => ridge.points);
  const batchSizes = points.map((p) => p.batchSize);
  const placed = points.some(({ learningRate }) => learningRate !== null && learningRate > 0);
  const batch = batchSizes.length === 0 ? blankAxis : batchAxis(logDomain(batchSizes, 0.07), batchSizes);
  const seeds = seedCount(
    points.filter((p) => p.learningRate !== null).map((p) => p.seeds),
    plannedSeeds,
  );
  const asPoints = ratios.map((one) =>
    one.points.map(({ batchSize, ratio, interval }): RidgePoint => ({
      batchSize,
      learningRate: ratio,
      interval,
      uncertain: false,
      seeds: plannedSeeds,
    })),
  );
  const every = asPoints.flat();
  const panels: PlannedPanel[] = [
    {
      letter: difference ? 'a' : '',
      title: '',
      notes: [seedNote(seeds)],
      x: batch,
      y: placed ? logAxis(rateDomain(points)) : blankAxis,
      xTitle: BATCH_SIZE,
      yTitle: 'optimal learning rate',
      draw: drawRidges,
    },
    ...(difference
      ? [
          {
            letter: 'b',
            title: '',
            notes: every.length === 0 ? ['no batch size in common'] : [],
            x: every.length === 0 ? blankAxis : batch,
            y:
              every.length === 0
                ? blankAxis
                : logAxis(rateDomain([...every, { learningRate: 1, interval: null }])),
            xTitle: BATCH_SIZE,
            yTitle: 'ratio to the first',
            draw: drawRatios,
          },
        ]
      : []),
  ];
  const { tree, tally } = panelSheet(
    {
      title: `Optimal learning rates compared: ${name}`,
      rows: width >= SIDE_BY_SIDE ? [panels] : panels.map((panel) => [panel]),
      entries: ridges.map(({ label }, i) =>
        markedLineEntry(plainLabel(label), looks[i].line, looks[i].shape, style),
      ),
      aspect: difference ? 0.8 : 0.6,
      nothing: ridges.length === 0 ? 'no experiments' : null,
    },
    { width, style },
  );
  const paired = ratios.length > 0 && ratios.every((one) => one.paired);
  return {
    tree,
    caption: {
      text: `Optimal learning rate against batch size of ${ridges.length} experiments with 5–95 % bootstrap intervals over seeds; large markers: peaks; hollow: at the edge of the grid, flat, or from few seeds.${difference ? ` b, optimal learning rate over that of "${ridges[0]?.label ?? ''}" with ${paired ? 'paired ' : ''}5–95 % intervals; an interval that excludes 1 is a difference beyond the scatter of seeds.` : ''}`,
      definition,
      seeds,
      counts: tally.counts(),
    },
    data: tableOf(input),
    warnings: placed ? [] : ['Nowhere an optimal learning rate: nothing is compared.'],
  };

  function asideOf(i: number, panel: Panel): number {
    const places = [...new Set(batchSizes)]
      .map((b) => (batch.place(b) ?? 0) * panel.box.width)
      .sort((a, b) => a - b);
    const gap = Math.min(panel.box.width, ...places.slice(1).map((place, k) => place - places[k]));
    const dodge = Math.min(DODGE, (0.4 * gap) / Math.max(1, ridges.length));
    return dodge * (i - (ridges.length - 1) / 2);
  }

  function drawRidges(panel: Panel): Drawn {
    const tally = new Tally();
    const drawn = ridges.map(({ points: ridge, peak }, i) => {
      const { color, shape, line } = looks[i];
      const summit = { shape, radius: 1.5 * style.markerRadius, outline: style.ink };
      const look = { color, shape, line, peak: summit, aside: asideOf(i, panel) };
      return drawRidgePoints(panel, ridge, peak, look, style);
    });
    for (const one of drawn) tally.addAll(one.tally);
    return { nodes: drawn.flatMap(({ nodes }) => nodes), tally };
  }

  function drawRatios(panel: Panel): Drawn {
    const tally = new Tally();
    const one = panel.x.domain.map((x) => ({ x, y: 1 }));
    const nodes = [...drawCurve(panel, one, { color: style.mutedInk, width: style.thinLineWidth })];
    for (const [i, list] of asPoints.entries()) {
      const { color, shape, line } = looks[i + 1];
      const look = {
        color,
        shape,
        line,
        peak: { shape, radius: style.markerRadius },
        aside: asideOf(i + 1, panel),
      };
      const drawn = drawRidgePoints(panel, list, null, look, style);
      nodes.push(...drawn.nodes);
      tally.addAll(drawn.tally);
    }
    return { nodes, tally };
  }
}

function tableOf({ ridges, ratios }: CompareInput): Table {
  return {
    columns: ['element', 'experiment', ...ridgeColumns],
    rows: [
      ...ridges.flatMap(({ label, points, peak }) => [
        ...points.map((p) => ['ridge', label, ...ridgeRow(p)]),
        ...(peak === null ? [] : [['peak', label, ...peakRow(peak)]]),
      ]),
      ...ratios.flatMap(({ label, points }) =>
        points.map((p) => [
          'ratio to the first',
          label,
          p.batchSize,
          null,
          null,
          p.ratio,
          p.interval?.low ?? null,
          p.interval?.high ?? null,
          null,
          null,
        ]),
      ),
    ],
  };
}
