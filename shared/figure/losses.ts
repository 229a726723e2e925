/** Loss against learning rate: one line a batch size, one panel a mark, shared axes. */
import { lineColor, orderedPlace } from './colors.ts';
import { seedCount, seedNote, Tally, type Figure } from './figure.ts';
import { colorBar, legend, type SideBlock } from './legend.ts';
import {
  lossAxisOf,
  lossTable,
  statusOf,
  tallyOf,
  type LossAxis,
  type LossLine,
  type LossPanel,
} from './loss-panels.ts';
import { LEARNING_RATE, plainLabel } from './label.ts';
import { dashOf, drawCross, drawPoint } from './markers.ts';
import {
  axisMargins,
  drawFrame,
  drawLine,
  drawWhisker,
  header,
  position,
  positionInside,
  type Panel,
} from './panel.ts';
import { markedLineEntry } from './samples.ts';
import { batchAxis, blankAxis, logAxis, logDomain } from './scales.ts';
import { printStyle, type Style } from './style.ts';
import { emptyNote, PAGE_MARGIN, sheet } from './sheet.ts';
import { element, formatNumber, plotted, type SvgNode } from './tree.ts';

export interface LossesInput {
  readonly name: string;
  readonly panels: readonly LossPanel[];
  readonly plannedSeeds: number;
  /** Definition of the optimal learning rate. */
  readonly definition: string;
  readonly lossTitle: string;
}

export interface LossesOptions {
  /** In points. */
  readonly width: number;
  readonly lossAxis?: LossAxis;
  readonly style?: Style;
}

/** More lines than this are told apart by a color bar instead of a legend. */
const MOST_ENTRIES = 12;
const LEAST_PANEL_WIDTH = 70;
const SIDE_GAP = 10;

export function lossesFigure(input: LossesInput, options: LossesOptions): Figure {
  const { panels, plannedSeeds } = input;
  const { width, style = printStyle, lossAxis = 'auto' } = options;
  const lines = panels.flatMap((panel) => panel.lines);
  const points = lines.flatMap((line) => line.points);
  const batchSizes = [...new Set(lines.map((line) => line.batchSize))].sort((a, b) => a - b);
  const someDiverged = points.some((point) => statusOf(point) === 'diverged');
  const rates = points.map((point) => point.learningRate);
  const x = rates.length === 0 ? blankAxis : logAxis(logDomain(rates, 0.04));
  const y = lossAxisOf(panels, lossAxis, someDiverged ? 0.12 : 0.06);
  const looks = new Map(
    batchSizes.map((batchSize, i) => [
      batchSize,
      { color: lineColor(orderedPlace(i, batchSizes.length), style.colorMap), shape: i },
    ]),
  );

  const side = sideBlock(batchSizes, looks, style);
  const margins = axisMargins(x, y, style, { x: true, y: true });
  const left = PAGE_MARGIN + margins.left;
  const gutter = Math.max(7, 2 * margins.end + 4);
  const sideWidth = side === null ? 0 : side.width + SIDE_GAP;
  const right = PAGE_MARGIN + Math.max(margins.end, sideWidth);
  const available = width - left - right;
  const most = Math.max(1, Math.floor((available + gutter) / (LEAST_PANEL_WIDTH + gutter)));
  const columns = Math.min(Math.max(1, panels.length), most);
  const panelWidth = (available - (columns - 1) * gutter) / columns;
  const panelHeight = Math.max(76, style.panelHeight * Math.min(170, 0.95 * panelWidth));

  const tallies = panels.map((panel) => tallyOf(panel, y));
  const drawn = panels.map((panel, i) => {
    const place = { x: 0, y: 0, width: panelWidth, height: panelHeight };
    const data = drawLines({ box: place, x, y }, panel.lines, looks, style);
    tallies[i].add('intervals clipped', data.clippedIntervals);
    const notes = [
      ...tallies[i].notes(),
      seedNote(
        seedCount(
          panel.lines.map((line) => line.seeds),
          plannedSeeds,
        ),
      ),
    ];
    return { panel, header: header({ title: panel.title, notes }, panelWidth, style) };
  });

  const nodes: SvgNode[] = [];
  const rows = Math.ceil(drawn.length / columns);
  let top = PAGE_MARGIN;
  let firstTop = top;
  let lastBottom = top;
  for (let row = 0; row < rows; row++) {
    const inRow = drawn.slice(row * columns, (row + 1) * columns);
    top += Math.max(...inRow.map((item) => item.header.height));
    if (row === 0) firstTop = top;
    for (const [column, item] of inRow.entries()) {
      const box = {
        x: left + column * (panelWidth + gutter),
        y: top,
        width: panelWidth,
        height: panelHeight,
      };
      const panel = { box, x, y };
      // The panel below takes over the labels of the shared axis.
      const lowest = row * columns + column + columns >= drawn.length;
      nodes.push(
        ...item.header.draw(box),
        ...drawLines(panel, item.panel.lines, looks, style).nodes,
        ...drawFrame(panel, style, {
          xLabels: lowest,
          yLabels: column === 0,
          left: margins.left,
          ...(lowest ? { xTitle: LEARNING_RATE } : {}),
          ...(column === 0 ? { yTitle: input.lossTitle } : {}),
        }),
      );
    }
    top += panelHeight;
    lastBottom = top;
    top += row === rows - 1 || drawn.length - (row + 1) * columns < columns ? margins.bottom + 2 : 4;
  }
  if (panels.length === 0) {
    nodes.push(emptyNote(width, style, 'no marks'));
    top += 40;
  }
  if (side !== null && panels.length > 0) {
    const height = Math.max(side.height, Math.min(170, lastBottom - firstTop));
    nodes.push(...side.draw(width - PAGE_MARGIN - side.width, firstTop, height));
    top = Math.max(top, firstTop + height);
  }

  const total = new Tally();
  for (const tally of tallies) total.addAll(tally);
  return {
    tree: sheet(width, top + PAGE_MARGIN, `Loss against learning rate: ${input.name}`, nodes, style),
    caption: {
      text: `${input.lossTitle} against learning rate, one line a batch size; markers: optimal learning rate with its 5–95 % interval; crosses: learning rates at which a seed diverged.`,
      definition: input.definition,
      seeds: seedCount(
        lines.map((line) => line.seeds),
        plannedSeeds,
      ),
      counts: total.counts(),
    },
    data: lossTable(panels),
    warnings: points.some((point) => statusOf(point) === 'finite')
      ? []
      : ['No loss is finite: the panels are empty.'],
  };
}

interface Look {
  readonly color: string;
  readonly shape: number;
}

function drawLines(panel: Panel, lines: readonly LossLine[], looks: ReadonlyMap<number, Look>, style: Style) {
  const curves: SvgNode[] = [];
  const marks: SvgNode[] = [];
  const diverged = new Set<number>();
  let clippedIntervals = 0;
  for (const { batchSize, points, optimum } of lines) {
    const { color, shape } = looks.get(batchSize)!;
    const dots: string[] = [];
    const dotted: { x: number; y: number }[] = [];
    let piece: (readonly [number, number])[] = [];
    let values: { x: number; y: number }[] = [];
    const end = () => {
      const line = drawLine(piece, panel.box, { color, width: style.lineWidth, dash: dashOf(shape) });
      curves.push(...plotted(line, { kind: 'line', points: values, aside: 0 }));
      [piece, values] = [[], []];
    };
    for (const point of points) {
      const status = statusOf(point);
      if (status === 'diverged') diverged.add(point.learningRate);
      // Not run (yet): the line goes on to the next learning rate that was, as the analysis does.
      if (status === 'missing') continue;
      const at = status === 'finite' ? position(panel, point.learningRate, point.loss) : null;
      if (at === null) {
        end();
        continue;
      }
      piece.push(at);
      values.push({ x: point.learningRate, y: point.loss });
      const [across, down] = at;
      if (down >= panel.box.y && down <= panel.box.y + panel.box.height) {
        dots.push(`M${formatNumber(across)} ${formatNumber(down)}h0.01`);
        dotted.push({ x: point.learningRate, y: point.loss });
      }
    }
    end();
    if (dots.length > 0) curves.push(drawDots(dots.join(''), dotted, color, style));
    if (optimum === null) continue;
    const at = positionInside(panel, optimum.learningRate, optimum.loss);
    if (at === null) continue;
    if (optimum.interval !== null) {
      const { low, high } = optimum.interval;
      const stroke = { color, width: style.thinLineWidth * 1.4 };
      const whisker = drawWhisker(panel, 'horizontal', low, high, optimum.loss, stroke);
      if (whisker !== null) {
        marks.push(whisker.node);
        if (whisker.clipped) clippedIntervals++;
      }
    }
    const { markerRadius: radius, paper, ink } = style;
    const outline = optimum.uncertain ? color : ink;
    const value = { x: optimum.learningRate, y: optimum.loss };
    const look = { radius, color, paper, hollow: optimum.uncertain, outline };
    marks.push(drawPoint(shape, at, value, look));
  }
  for (const learningRate of diverged) {
    const place = panel.x.place(learningRate);
    if (place !== null)
      marks.push(
        drawCross(
          panel.box.x + place * panel.box.width,
          panel.box.y + 5,
          1.5,
          style.ink,
          style.lineWidth * 0.8,
        ),
      );
  }
  return { nodes: [...curves, ...marks], clippedIntervals };
}

/** Lines of no length with round ends: one element for the sampled learning rates of a line. */
function drawDots(
  d: string,
  points: readonly { readonly x: number; readonly y: number }[],
  color: string,
  style: Style,
): SvgNode {
  const width = style.lineWidth * 1.7;
  const dots = element('path', {
    d,
    fill: 'none',
    stroke: color,
    'stroke-width': width,
    'stroke-linecap': 'round',
  });
  return { ...dots, plot: { kind: 'points', points, shape: 0, radius: width / 2, aside: 0 } };
}

function sideBlock(
  batchSizes: readonly number[],
  looks: ReadonlyMap<number, Look>,
  style: Style,
): SideBlock | null {
  if (batchSizes.length === 0) return null;
  if (batchSizes.length > MOST_ENTRIES) {
    const axis = batchAxis(logDomain(batchSizes, 0), batchSizes);
    // Places on the bar are of log B, those of the lines are ranks: the nearest line's color is shown.
    const places = batchSizes.map((batchSize) => axis.place(batchSize) ?? 0);
    const nearest = (place: number) =>
      places.reduce((best, p, i) => (Math.abs(p - place) < Math.abs(places[best] - place) ? i : best), 0);
    return colorBar(
      'batch size',
      axis,
      (place) => lineColor(orderedPlace(nearest(place), batchSizes.length), style.colorMap),
      style,
    );
  }
  const entries = batchSizes.map((batchSize) => {
    const { color, shape } = looks.get(batchSize)!;
    const stroke = { color, width: style.lineWidth, dash: dashOf(shape) };
    return markedLineEntry(plainLabel(String(batchSize)), stroke, shape, style, style.ink);
  });
  return legend('batch size', entries, style);
}
