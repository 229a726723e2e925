/** Loss over batch size and learning rate at one mark, with the ridge and its peak. */
import { lossColor } from './colors.ts';
import { seedCount, seedNote, type Figure } from './figure.ts';
import { cellEdges, gridValues } from './grid-cells.ts';
import { BATCH_SIZE, LEARNING_RATE } from './label.ts';
import { accentOf } from './law-looks.ts';
import { colorBar } from './legend.ts';
import { lossAxisOf, lossTable, statusOf, tallyOf, type LossAxis, type LossPanel } from './loss-panels.ts';
import { drawCross, drawPoint } from './markers.ts';
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
import { batchAxis, blankAxis, logAxis, logDomain } from './scales.ts';
import { PAGE_MARGIN, sheet } from './sheet.ts';
import { printStyle, type Style } from './style.ts';
import { element, pathData, plotted, type SvgNode } from './tree.ts';

export interface HeatMapInput {
  readonly name: string;
  readonly panel: LossPanel;
  readonly plannedSeeds: number;
  /** Definition of the optimal learning rate. */
  readonly definition: string;
  readonly lossTitle: string;
  readonly peak: { readonly batchSize: number; readonly learningRate: number } | null;
}

export interface HeatMapOptions {
  /** In points. */
  readonly width: number;
  readonly lossAxis?: LossAxis;
  readonly style?: Style;
}

const SIDE_GAP = 8;
const PEAK_SHAPE = 5;
const DIVERGED_FILL = '#d9d9d9';
const OUTLINE = '#bfbfbf';

export function heatMapFigure(input: HeatMapInput, options: HeatMapOptions): Figure {
  const { panel, plannedSeeds, peak } = input;
  const { width, style = printStyle, lossAxis = 'auto' } = options;
  const { lines } = panel;
  const batchSizes = gridValues(lines.map((line) => line.batchSize));
  const learningRates = gridValues(lines.flatMap((line) => line.points.map((point) => point.learningRate)));
  const columns = cellEdges(batchSizes);
  const rows = cellEdges(learningRates);
  const none = batchSizes.length === 0 || learningRates.length === 0;
  const x = none ? blankAxis : batchAxis(logDomain([...columns.values()].flat(), 0), batchSizes);
  const y = none ? blankAxis : logAxis(logDomain([...rows.values()].flat(), 0));
  const colors = lossAxisOf([panel], lossAxis, 0);

  const tally = tallyOf(panel, colors);
  const bar = colorBar(input.lossTitle, colors, (place) => lossColor(place, style.colorMap), style);
  const margins = axisMargins(x, y, style, { x: true, y: true });
  const left = PAGE_MARGIN + margins.left;
  const boxWidth = width - left - PAGE_MARGIN - bar.width - SIDE_GAP;
  const boxHeight = Math.max(bar.height, style.panelHeight * Math.min(260, 0.86 * boxWidth));

  const draw = (top: number) => {
    const box = { x: left, y: top, width: boxWidth, height: boxHeight };
    return { box, ...drawCells({ box, x, y }) };
  };
  tally.add('intervals clipped', draw(0).clippedIntervals);
  const seeds = seedCount(
    lines.map((line) => line.seeds),
    plannedSeeds,
  );
  const head = header({ title: panel.title, notes: [...tally.notes(), seedNote(seeds)] }, boxWidth, style);
  const top = PAGE_MARGIN + head.height;
  const { box, nodes } = draw(top);
  const frame = drawFrame({ box, x, y }, style, {
    xTitle: BATCH_SIZE,
    yTitle: LEARNING_RATE,
    outward: true,
    left: margins.left,
  });
  const somethingFinite = lines.some((line) => line.points.some((point) => statusOf(point) === 'finite'));
  return {
    tree: sheet(
      width,
      top + boxHeight + margins.bottom + PAGE_MARGIN,
      `Loss over batch size and learning rate: ${input.name}`,
      [...head.draw(box), ...nodes, ...frame, ...bar.draw(width - PAGE_MARGIN - bar.width, top, boxHeight)],
      style,
    ),
    caption: {
      text: `${input.lossTitle} (mean over seeds) at ${panel.title}; line: optimal learning rate with its 5–95 % interval; star: peak; crossed: a seed diverged; outlined: missing.`,
      definition: input.definition,
      seeds,
      counts: tally.counts(),
    },
    data: lossTable([panel]),
    warnings: somethingFinite ? [] : ['No loss is finite: the heat map has no colors.'],
  };

  function drawCells(on: Panel): { nodes: SvgNode[]; clippedIntervals: number } {
    const cells: SvgNode[] = [];
    const ridge: SvgNode[] = [];
    for (const { batchSize, points } of lines) {
      const column = columns.get(batchSize);
      if (column === undefined) continue;
      for (const point of points) {
        const row = rows.get(point.learningRate);
        if (row === undefined) continue;
        const [x0, y1] = position(on, column[0], row[0])!;
        const [x1, y0] = position(on, column[1], row[1])!;
        cells.push(...drawCell(x0, y0, x1 - x0, y1 - y0, statusOf(point), colors.place(point.loss)));
      }
    }
    const marks: SvgNode[] = [];
    let clippedIntervals = 0;
    let piece: (readonly [number, number])[] = [];
    let values: { x: number; y: number }[] = [];
    const end = () => {
      for (const stroke of [
        { color: style.paper, width: style.lineWidth + 1.2, opacity: 0.8 },
        { color: style.ink, width: style.lineWidth },
      ])
        ridge.push(...plotted(drawLine(piece, on.box, stroke), { kind: 'line', points: values, aside: 0 }));
      [piece, values] = [[], []];
    };
    for (const { batchSize, optimum } of lines) {
      const at = optimum === null ? null : positionInside(on, batchSize, optimum.learningRate);
      if (optimum === null || at === null) {
        end();
        continue;
      }
      const value = { x: batchSize, y: optimum.learningRate };
      piece.push(at);
      values.push(value);
      const { interval, uncertain } = optimum;
      if (interval !== null) {
        const whiskerOf = (color: string, width: number) =>
          drawWhisker(on, 'vertical', interval.low, interval.high, batchSize, { color, width });
        const width = style.thinLineWidth * 1.3;
        const [casing, whisker] = [whiskerOf(style.paper, width + 0.8), whiskerOf(style.ink, width)];
        if (casing !== null && whisker !== null) ridge.push(casing.node, whisker.node);
        if (whisker?.clipped === true) clippedIntervals++;
      }
      const { ink, paper } = style;
      const look = { radius: 1.5, color: ink, paper, hollow: uncertain, outline: ink };
      marks.push(drawPoint(0, at, value, look));
    }
    end();
    const summit = peak === null ? null : positionInside(on, peak.batchSize, peak.learningRate);
    if (peak !== null && summit !== null) {
      const look = { radius: 2.9, color: accentOf(style.categories), paper: style.paper, outline: style.ink };
      marks.push(drawPoint(PEAK_SHAPE, summit, { x: peak.batchSize, y: peak.learningRate }, look));
    }
    return { nodes: [...cells, ...ridge, ...marks], clippedIntervals };
  }

  function drawCell(
    left: number,
    top: number,
    cellWidth: number,
    cellHeight: number,
    status: ReturnType<typeof statusOf>,
    place: number | null,
  ): SvgNode[] {
    const rect = (attributes: SvgNode['attributes'], inset = 0) =>
      element('rect', {
        x: left + inset,
        y: top + inset,
        width: Math.max(0, cellWidth - 2 * inset),
        height: Math.max(0, cellHeight - 2 * inset),
        ...attributes,
      });
    const small = Math.min(cellWidth, cellHeight);
    if (status === 'finite' && place !== null) {
      const fill = lossColor(Math.min(1, Math.max(0, place)), style.colorMap);
      // The outline of the same color closes the hairlines between cells.
      return [rect({ fill, stroke: fill, 'stroke-width': 0.2 })];
    }
    if (status === 'diverged') {
      return [
        rect({ fill: DIVERGED_FILL }),
        drawCross(
          left + cellWidth / 2,
          top + cellHeight / 2,
          Math.min(1.8, 0.3 * small),
          style.mutedInk,
          0.5,
        ),
      ];
    }
    const inset = Math.min(0.6, 0.15 * small);
    const outline = rect({ fill: 'none', stroke: OUTLINE, 'stroke-width': 0.35 }, inset);
    if (status === 'missing') return [outline];
    const slash = pathData([
      [left + inset, top + cellHeight - inset],
      [left + cellWidth - inset, top + inset],
    ]);
    return [outline, element('path', { d: slash, stroke: OUTLINE, 'stroke-width': 0.35, fill: 'none' })];
  }
}
