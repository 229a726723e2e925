/**
 * The figures of arXiv 2405.14578, section 3, for one target loss or several: the grid colored by the further decrease of
 * the loss with the best learning rate of each batch size, B_noise and the curves of equations 23 and 24; and 1/S against
 * 1/E with the line of equation 22.
 */
import type { Interval } from '../analysis/resampling.ts';
import type { Status } from '../analysis/scores.ts';
import { evaluateLaw, type LawName } from '../laws/laws.ts';
import { lossColor } from './colors.ts';
import { drawCurve, drawVertical, geometric, shadeRange, type Stroke } from './curves.ts';
import { seedCount, seedNote, Tally, type Figure, type Table } from './figure.ts';
import { BATCH_SIZE, LEARNING_RATE, labelWidth, noiseScaleLabel, plainLabel, type Label } from './label.ts';
import { lawLabel, lawStroke, noiseScaleFill, noiseScaleStroke } from './law-looks.ts';
import { colorBarAbove, type LegendEntry } from './legend.ts';
import { drawCross, drawMarker, drawPoint } from './markers.ts';
import { position, positionInside, type Panel } from './panel.ts';
import {
  cornerText,
  legendBelow,
  panelGrid,
  panelLetter,
  SIDE_BY_SIDE,
  type Drawn,
  type PlannedPanel,
} from './panel-grid.ts';
import { drawRidgePoints, ridgeColumns, ridgeRow, type RidgePoint } from './ridge-points.ts';
import { robustHighest } from './robust.ts';
import { areaEntry, lineEntry, markerEntry } from './samples.ts';
import { scaledAxis } from './scaled-axis.ts';
import {
  batchAxis,
  blankAxis,
  linearAxis,
  linearDomain,
  logAxis,
  logDomain,
  shortLabel,
  type Axis,
} from './scales.ts';
import { emptyNote, PAGE_MARGIN, sheet } from './sheet.ts';
import { printStyle, type Style } from './style.ts';
import { element, pathData, type SvgNode } from './tree.ts';

export interface ProtocolCell {
  readonly batchSize: number;
  readonly learningRate: number;
  /** Further decrease of the loss over the k steps, mean over seeds; null unless the status is finite. */
  readonly decrease: number | null;
  readonly status: Status;
}

export interface ProtocolTarget {
  readonly target: number;
  readonly cells: readonly ProtocolCell[];
  /** The learning rate of the grid with the largest further decrease, one a batch size that has any. */
  readonly best: readonly { readonly batchSize: number; readonly learningRate: number }[];
  /** Optima between the learning rates of the grid, ascending in the batch size. */
  readonly points: readonly RidgePoint[];
  /** Mean steps S of the best cells to the target; E = B·S. */
  readonly steps: readonly { readonly batchSize: number; readonly steps: number }[];
  /** 1/S = intercept + slope/E by least squares (equation 22); bNoise is −slope, null unless the line falls. */
  readonly line: {
    readonly slope: number;
    readonly intercept: number;
    readonly bNoise: number | null;
  } | null;
  readonly logSpace: { readonly bNoise: number; readonly stepsMin: number } | null;
  /** B_noise of the curves. */
  readonly bNoise: number | null;
  /** 5–95 %, of the log-space fit. */
  readonly bNoiseInterval: Interval | null;
  /** Curves of equations 23 and 24, which share `bNoise`. */
  readonly curves: readonly { readonly law: LawName; readonly epsMax: number }[];
}

export interface ProtocolInput {
  readonly name: string;
  readonly moreSteps: number;
  /** In the order in which they are reached. */
  readonly targets: readonly ProtocolTarget[];
  readonly plannedSeeds: number;
}

export interface ProtocolFigureOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
}

const LEAST_COLUMN = 150;
const MOST_COLUMNS = 3;
/** The line of equation 22 and the fit in log space. */
const LINE_COLOR = '#000000';
const LOG_SPACE = { color: '#7A7A7A', dash: '4 1.4' } as const;
/** Above the points of the lines there is room for the numbers. */
const HEADROOM = 1.45;
/** Space that a text in a corner needs at its sides. */
const CORNER = 8;

export function protocolFigure(input: ProtocolInput, options: ProtocolFigureOptions): Figure {
  const { targets, plannedSeeds, moreSteps, name } = input;
  const { width, style = printStyle } = options;
  const positive = (values: number[]) => values.filter((value) => value > 0 && value < Infinity);
  const cells = targets.flatMap((one) => one.cells);
  const batchSizes = positive(cells.map((cell) => cell.batchSize));
  const rates = positive(cells.map((cell) => cell.learningRate));
  const batch = batchSizes.length === 0 ? blankAxis : batchAxis(logDomain(batchSizes, 0.07), batchSizes);
  const rate = rates.length === 0 ? blankAxis : logAxis(logDomain(rates, 0.07));
  const seeds = seedCount(
    targets.flatMap(({ points }) => points.filter((p) => p.learningRate !== null).map((p) => p.seeds)),
    plannedSeeds,
  );
  const grid = panelGrid(layOut(), { width, top: PAGE_MARGIN, style, aspect: 0.86 });
  const legend = legendBelow(entries(), width - 2 * PAGE_MARGIN, style);
  const empty = targets.length === 0;
  const noFit = targets.filter(({ line, logSpace }) => line === null && logSpace === null);
  return {
    tree: sheet(
      width,
      empty ? 45 : grid.bottom + 3 + legend.height + PAGE_MARGIN,
      `Protocol of arXiv 2405.14578: ${name}`,
      empty
        ? [emptyNote(width, style, 'no target losses')]
        : [...grid.nodes, ...legend.draw(PAGE_MARGIN, grid.bottom + 3)],
      style,
    ),
    caption: {
      text: `Points: the grid of batch size and learning rate, colored by the further decrease of the loss over ${moreSteps} steps from where each cell reaches the target loss (mean over seeds); rings: the best learning rate of each batch size; black: the optimum between learning rates with its 5–95 % bootstrap interval over seeds. Vertical line: noise scale B_noise of equation 22, shaded its 5–95 % interval; broken lines: the surge law (equation 23) and (1 + B_noise/B)^−α (equation 24), which share that B_noise and have one free scale each. Lines: inverse steps S against inverse examples E = B·S of the best cells, with equation 22 by least squares and the fit in log space.`,
      definition: `at equal loss (the target, then ${moreSteps} more steps)`,
      seeds,
      counts: grid.tally.counts(),
    },
    data: tableOf(targets),
    warnings: [
      ...(cells.some(({ status }) => status === 'finite')
        ? []
        : ['No cell reaches a target loss: the grids are empty.']),
      ...noFit.map(({ target }) => `Target loss ${target}: fewer than two batch sizes reach it, no fit.`),
    ],
  };

  /** One target: grid and line beside each other. Several: the lines below their grids. */
  function layOut(): PlannedPanel[][] {
    const letters = letterer();
    const [first] = targets;
    if (targets.length === 1) {
      const pair = [gridPanel(first, letters()), linePanel(first, letters())];
      return width >= SIDE_BY_SIDE ? [pair] : pair.map((panel) => [panel]);
    }
    const columns = Math.min(MOST_COLUMNS, Math.max(1, Math.floor(width / LEAST_COLUMN)));
    const rows: PlannedPanel[][] = [];
    for (let start = 0; start < targets.length; start += columns) {
      const some = targets.slice(start, start + columns);
      rows.push(some.map((one) => gridPanel(one, letters())));
      rows.push(some.map((one) => linePanel(one, letters())));
    }
    return rows;
  }

  function gridPanel(one: ProtocolTarget, letter: string): PlannedPanel {
    const colors = decreaseAxis(one.cells);
    return {
      letter,
      title: `target loss ${one.target}`,
      notes: [
        seedNote(
          seedCount(
            one.points.filter((p) => p.learningRate !== null).map((p) => p.seeds),
            plannedSeeds,
          ),
        ),
      ],
      x: batch,
      y: rate,
      xTitle: BATCH_SIZE,
      yTitle: LEARNING_RATE,
      // A bar without values would be made up.
      ...(colors === blankAxis
        ? {}
        : {
            above: colorBarAbove('further decrease', colors, (place) => decreaseColor(place, style), style),
          }),
      draw: (panel) => drawGrid(panel, one, colors),
    };
  }

  function drawGrid(panel: Panel, one: ProtocolTarget, colors: Axis): Drawn {
    const tally = new Tally();
    const nodes: SvgNode[] = [];
    const { ink, paper, mutedInk, lineWidth } = style;
    const { bNoise, bNoiseInterval } = one;
    if (bNoise !== null) {
      if (bNoiseInterval !== null)
        nodes.push(
          ...shadeRange(panel, bNoiseInterval.low, bNoiseInterval.high, noiseScaleFill(style.categories)),
        );
      const line = drawVertical(panel, bNoise, noiseScaleStroke(lineWidth, style.categories));
      if (line === null) tally.add('lines beyond the axis');
      else nodes.push(line);
    }
    const radius = cellRadius(panel, batchSizes, rates);
    for (const { batchSize, learningRate, decrease, status } of one.cells) {
      if (status !== 'finite') tally.add(status);
      const at = positionInside(panel, batchSize, learningRate);
      if (at === null) continue;
      if (status === 'diverged') nodes.push(drawCross(...at, 0.75 * radius, mutedInk, 0.5));
      if (status === 'censored') nodes.push(drawDash(at, 0.75 * radius, mutedInk));
      const place = decrease === null ? null : colors.place(decrease);
      if (status !== 'finite' || place === null) continue;
      if (place < 0 || place > 1) tally.add('clipped');
      const color = decreaseColor(Math.min(1, Math.max(0, place)), style);
      nodes.push(drawMarker(0, ...at, { radius, color, paper, outline: color }));
    }
    for (const { law, epsMax } of one.curves) {
      if (bNoise === null) continue;
      const known = one.points.filter((p) => p.learningRate !== null).map((p) => p.batchSize);
      const curve = geometric(Math.min(...known), Math.max(...known)).map((x) => ({
        x,
        y: evaluateLaw(law, { epsMax, bNoise }, x),
      }));
      nodes.push(...drawCurve(panel, curve, lawStroke(law, lineWidth, style.categories)));
    }
    for (const { batchSize, learningRate } of one.best) {
      const at = positionInside(panel, batchSize, learningRate);
      if (at !== null) nodes.push(drawRing(at, radius + 1, ink, style));
    }
    const look = { color: ink, shape: 0, peak: { shape: 0, radius: 1 } };
    const small = { ...style, markerRadius: Math.min(1.1, 0.6 * radius) };
    const ridge = drawRidgePoints(panel, one.points, null, look, small);
    tally.addAll(ridge.tally);
    return { nodes: [...nodes, ...ridge.nodes], tally };
  }

  function linePanel(one: ProtocolTarget, letter: string): PlannedPanel {
    const points = one.steps
      .filter(({ batchSize, steps }) => batchSize > 0 && steps > 0 && batchSize * steps < Infinity)
      .map(({ batchSize, steps }) => ({ x: 1 / (batchSize * steps), y: 1 / steps }));
    const none = points.length === 0;
    const x = none ? null : scaledAxis([0, 1.06 * Math.max(...points.map((p) => p.x))]);
    const y = none ? null : scaledAxis([0, HEADROOM * Math.max(...points.map((p) => p.y))]);
    const title = (symbol: string, unit: Label): Label => [
      { text: '1/' },
      { text: symbol, italic: true },
      ...unit,
    ];
    return {
      letter,
      title: `target loss ${one.target}`,
      notes: [`${points.length} batch sizes`],
      x: x?.axis ?? blankAxis,
      y: y?.axis ?? blankAxis,
      xTitle: title('E', x?.unit ?? []),
      yTitle: title('S', y?.unit ?? []),
      draw: (panel) => drawLines(panel, one, points),
    };
  }

  function drawLines(
    panel: Panel,
    { line, logSpace, bNoise, bNoiseInterval }: ProtocolTarget,
    points: readonly { readonly x: number; readonly y: number }[],
  ): Drawn {
    const { ink, paper, lineWidth, markerRadius: radius } = style;
    const ends = (intercept: number, slope: number) =>
      panel.x.domain.map((x) => ({ x, y: intercept + slope * x }));
    const nodes: SvgNode[] = [];
    const through = (intercept: number, slope: number, stroke: Stroke) => {
      const [from, to] = ends(intercept, slope).map((p) => position(panel, p.x, p.y));
      if (from !== null && to !== null) nodes.push(...drawCurve(panel, ends(intercept, slope), stroke));
    };
    if (logSpace !== null)
      through(1 / logSpace.stepsMin, -logSpace.bNoise, { ...LOG_SPACE, width: lineWidth });
    if (line !== null) through(line.intercept, line.slope, { color: LINE_COLOR, width: lineWidth });
    for (const point of points) {
      const at = positionInside(panel, point.x, point.y);
      if (at !== null) nodes.push(drawPoint(0, at, point, { radius, color: ink, paper }));
    }
    const value = (number: number): Label => [...noiseScaleLabel('= '), ...shortLabel(number)];
    const labels: Label[] = [];
    if (line !== null)
      labels.push(
        line.bNoise === null
          ? [...noiseScaleLabel('undefined'), { text: ' (eq. 22)' }]
          : [...value(line.bNoise), { text: ' (eq. 22)' }],
      );
    if (logSpace !== null) labels.push([...value(logSpace.bNoise), { text: ' (log space)' }]);
    if (bNoiseInterval !== null && bNoise !== null)
      labels.push([
        { text: '5–95 %: ' },
        ...shortLabel(bNoiseInterval.low),
        { text: ' to ' },
        ...shortLabel(bNoiseInterval.high),
      ]);
    // In a very small panel there is no room for numbers; they are in the table.
    const fitting = labels.filter(
      (label) => labelWidth(label, style.textSize, style.face) < panel.box.width - CORNER,
    );
    nodes.push(...fitting.map((label, i) => cornerText(panel, label, 'upper right', style, i)));
    return { nodes, tally: new Tally() };
  }

  function entries(): LegendEntry[] {
    const { ink, mutedInk, lineWidth, paper } = style;
    const some = (status: Status) => cells.some((cell) => cell.status === status);
    const laws = [...new Set(targets.flatMap(({ curves }) => curves.map(({ law }) => law)))];
    const sample = (label: string, draw: (at: readonly [number, number]) => SvgNode[]): LegendEntry => ({
      label: plainLabel(label),
      sample: (x, y) => draw([x, y]),
    });
    return [
      ...(targets.some(({ best }) => best.length > 0)
        ? [
            sample('best of the grid', (at) => [
              drawMarker(0, ...at, { radius: 2, color: decreaseColor(1, style), paper }),
              drawRing(at, 3, ink, style),
            ]),
            markerEntry(plainLabel('optimum, 5–95 %'), 0, ink, style, { radius: 1.1 }),
          ]
        : []),
      ...(some('diverged') ? [sample('diverged', (at) => [drawCross(...at, 1.5, mutedInk, 0.5)])] : []),
      ...(some('censored') ? [sample('target not reached', (at) => [drawDash(at, 1.5, mutedInk)])] : []),
      ...laws.map((law) =>
        lineEntry(
          [...lawLabel(law), { text: law === 'surge' ? ' (eq. 23)' : ' (eq. 24)' }],
          lawStroke(law, lineWidth, style.categories),
        ),
      ),
      ...(targets.some(({ bNoise }) => bNoise !== null)
        ? [lineEntry(noiseScaleLabel(), noiseScaleStroke(lineWidth, style.categories))]
        : []),
      ...(targets.some(({ bNoiseInterval }) => bNoiseInterval !== null)
        ? [areaEntry(noiseScaleLabel('5–95 %'), noiseScaleFill(style.categories))]
        : []),
      ...(targets.some(({ line }) => line !== null)
        ? [lineEntry(plainLabel('eq. 22, least squares'), { color: LINE_COLOR, width: lineWidth })]
        : []),
      ...(targets.some(({ logSpace }) => logSpace !== null)
        ? [lineEntry(plainLabel('fit in log space'), { ...LOG_SPACE, width: lineWidth })]
        : []),
    ];
  }
}

/** The largest further decrease is the lowest loss, hence the lightest. */
function decreaseColor(place: number, { colorMap }: Style): string {
  return lossColor(1 - place, colorMap);
}

function letterer(): () => string {
  let next = 0;
  return () => panelLetter(next++);
}

/** Linear, since a decrease may be negative; cut where a few cells rise far more than the others. */
function decreaseAxis(cells: readonly ProtocolCell[]): Axis {
  const values = cells.flatMap(({ decrease }) => (decrease === null ? [] : [decrease]));
  const lowest = -robustHighest(
    values.map((value) => -value),
    false,
  );
  const shown = values.filter((value) => Number.isFinite(value) && value >= lowest);
  return shown.length === 0 ? blankAxis : linearAxis(linearDomain(shown, 0));
}

const LARGEST_CELL = 2.1;

/** So that neighbours of the grid do not touch. */
function cellRadius({ box, x, y }: Panel, batchSizes: readonly number[], rates: readonly number[]): number {
  const gap = (axis: Axis, values: readonly number[], length: number) => {
    const places = [...new Set(values)]
      .map((value) => (axis.place(value) ?? 0) * length)
      .sort((a, b) => a - b);
    return Math.min(length, ...places.slice(1).map((place, i) => place - places[i]));
  };
  return Math.min(LARGEST_CELL, 0.42 * Math.min(gap(x, batchSizes, box.width), gap(y, rates, box.height)));
}

function drawRing(
  [cx, cy]: readonly [number, number],
  r: number,
  color: string,
  { lineWidth }: Style,
): SvgNode {
  return element('circle', { cx, cy, r, fill: 'none', stroke: color, 'stroke-width': 0.8 * lineWidth });
}

function drawDash([x, y]: readonly [number, number], half: number, color: string): SvgNode {
  const d = pathData([
    [x - half, y],
    [x + half, y],
  ]);
  return element('path', { d, stroke: color, 'stroke-width': 0.5, fill: 'none' });
}

function tableOf(targets: readonly ProtocolTarget[]): Table {
  const none = (count: number) => Array.from({ length: count }, () => null);
  return {
    columns: ['target_loss', 'element', 'law', ...ridgeColumns, 'decrease', 'status', 'steps', 'examples'],
    rows: targets.flatMap((one) => {
      const scale = one.bNoise;
      const { low = null, high = null } = one.bNoiseInterval ?? {};
      const parameter = (
        element: string,
        law: string | null,
        batchSize: number | null,
        rate: number | null,
      ) => [one.target, element, law, batchSize, null, null, rate, ...none(8)];
      return [
        ...one.cells.map((c) => [
          one.target,
          'cell',
          null,
          c.batchSize,
          null,
          null,
          c.learningRate,
          ...none(4),
          c.decrease,
          c.status,
          ...none(2),
        ]),
        ...one.best.map((b) => parameter('best of the grid', null, b.batchSize, b.learningRate)),
        ...one.points.map((p) => [one.target, 'optimum', null, ...ridgeRow(p), ...none(4)]),
        ...one.steps.map((s) => [
          one.target,
          'steps',
          null,
          s.batchSize,
          ...none(9),
          s.steps,
          s.batchSize * s.steps,
        ]),
        ...(scale === null ? [] : [[one.target, 'noise scale', null, scale, low, high, ...none(9)]]),
        ...(one.line === null ? [] : [parameter('noise scale of equation 22', null, one.line.bNoise, null)]),
        ...(one.logSpace === null
          ? []
          : [parameter('noise scale in log space', null, one.logSpace.bNoise, null)]),
        ...one.curves.map(({ law, epsMax }) => parameter('eps_max', law, null, epsMax)),
      ];
    }),
  };
}
