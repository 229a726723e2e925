/** The state of every cell of an experiment: batch size against learning rate, seeds of a cell side by side by state. */
import { cellStates, type CellState } from '../experiment/stack.ts';
import { Tally, type Figure, type Table } from './figure.ts';
import { cellEdges, gridValues } from './grid-cells.ts';
import { BATCH_SIZE, LEARNING_RATE, plainLabel } from './label.ts';
import type { LegendEntry } from './legend.ts';
import { drawCross } from './markers.ts';
import { position, type Panel } from './panel.ts';
import type { Drawn } from './panel-grid.ts';
import { panelSheet } from './panel-sheet.ts';
import { batchAxis, blankAxis, logAxis, logDomain } from './scales.ts';
import { printStyle, type Style } from './style.ts';
import { element, pathData, type SvgNode } from './tree.ts';

export interface GridCell {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly state: CellState;
}

export interface StateGridInput {
  readonly name: string;
  /** One a seed. */
  readonly cells: readonly GridCell[];
}

export interface StateGridOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
}

/** Fills differ in lightness too; the glyph is the second channel. */
const fills: Readonly<Record<CellState, string>> = {
  planned: '#f2f2f2',
  running: '#56B4E9',
  done: '#009E73',
  diverged: '#D55E00',
  'out-of-memory': '#CC79A7',
  interrupted: '#F0E442',
  failed: '#000000',
};

/** What a state is called in the legend. */
const titles: Readonly<Record<CellState, string>> = {
  planned: 'planned',
  running: 'running',
  done: 'done',
  diverged: 'diverged',
  'out-of-memory': 'out of memory',
  interrupted: 'interrupted',
  failed: 'failed',
};

const GLYPH = 1.9;
/** Smaller cells have no glyph: it would fill them. */
const SMALLEST_GLYPH = 3;
const GAP = 0.35;

export function stateGridFigure({ name, cells }: StateGridInput, options: StateGridOptions): Figure {
  const { width, style = printStyle } = options;
  const batchSizes = gridValues(cells.map((cell) => cell.batchSize));
  const learningRates = gridValues(cells.map((cell) => cell.learningRate));
  const columns = cellEdges(batchSizes);
  const rows = cellEdges(learningRates);
  const none = batchSizes.length === 0 || learningRates.length === 0;
  const groups = Map.groupBy(cells, ({ batchSize, learningRate }) => `${batchSize} ${learningRate}`);
  const totals = countsOf(cells);
  const seeds = Math.max(0, ...[...groups.values()].map((group) => group.length));
  const { tree, tally } = panelSheet(
    {
      title: `States of the cells: ${name}`,
      rows: [
        [
          {
            letter: '',
            title: '',
            notes: [
              `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`,
              `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`,
            ],
            x: none ? blankAxis : batchAxis(logDomain([...columns.values()].flat(), 0), batchSizes),
            y: none ? blankAxis : logAxis(logDomain([...rows.values()].flat(), 0)),
            xTitle: BATCH_SIZE,
            yTitle: LEARNING_RATE,
            outward: true,
            draw,
          },
        ],
      ],
      entries: cellStates.filter((state) => totals[state] > 0).map(entry),
      aspect: 0.8,
      nothing: none ? 'no cells' : null,
    },
    { width, style },
  );
  return {
    tree,
    caption: {
      text: 'State of every cell by batch size and learning rate; where the seeds of a cell differ, its width is shared in proportion.',
      definition: 'none: states as stored',
      seeds: { fewest: seeds, most: seeds, planned: seeds },
      counts: tally.counts(),
    },
    data: tableOf([...groups.values()]),
    warnings: [],
  };

  function draw(panel: Panel): Drawn {
    const tally = new Tally();
    const nodes: SvgNode[] = [];
    for (const group of groups.values()) {
      const [{ batchSize, learningRate }] = group;
      const [column, row] = [columns.get(batchSize), rows.get(learningRate)];
      if (column === undefined || row === undefined) {
        tally.add('not on a log axis', group.length);
        continue;
      }
      const [left, bottom] = position(panel, column[0], row[0])!;
      const [right, top] = position(panel, column[1], row[1])!;
      const counts = countsOf(group);
      const gap = Math.min(GAP, 0.1 * Math.min(right - left, bottom - top));
      const [box, height] = [right - left - 2 * gap, bottom - top - 2 * gap];
      let at = left + gap;
      for (const state of cellStates) {
        if (counts[state] === 0) continue;
        const part = (box * counts[state]) / group.length;
        nodes.push(
          drawState(state, at, top + gap, part, height),
          ...glyph(state, at + part / 2, (top + bottom) / 2, Math.min(part, height)),
        );
        at += part;
      }
    }
    return { nodes, tally };
  }

  function glyph(state: CellState, x: number, y: number, room: number): SvgNode[] {
    if (room < SMALLEST_GLYPH) return [];
    const r = Math.min(GLYPH, 0.28 * room);
    const { ink, paper } = style;
    const line = (color: string, ...points: (readonly [number, number])[]) =>
      element('path', { d: pathData(points), fill: 'none', stroke: color, 'stroke-width': 0.6 });
    switch (state) {
      case 'done':
        return [];
      case 'planned':
        return [element('circle', { cx: x, cy: y, r: 0.35, fill: '#8c8c8c' })];
      case 'running':
        return [line(ink, [x - 0.7 * r, y - r], [x + r, y], [x - 0.7 * r, y + r])];
      case 'diverged':
        return [drawCross(x, y, r, ink)];
      case 'out-of-memory':
        return [line(ink, [x - r, y + r], [x - r, y - r], [x + r, y - r], [x + r, y + r])];
      case 'interrupted':
        return [
          line(ink, [x - 0.5 * r, y - r], [x - 0.5 * r, y + r]),
          line(ink, [x + 0.5 * r, y - r], [x + 0.5 * r, y + r]),
        ];
      case 'failed':
        return [line(paper, [x, y - r], [x, y + 0.3 * r]), line(paper, [x, y + 0.7 * r], [x, y + r])];
    }
  }

  function entry(state: CellState): LegendEntry {
    return {
      label: plainLabel(`${titles[state]} (${totals[state]})`),
      sample: (x, y) => [drawState(state, x - 3.5, y - 3.5, 7, 7), ...glyph(state, x, y, 7)],
    };
  }
}

/** What is not there yet is outlined: its fill is nearly paper. */
function drawState(state: CellState, x: number, y: number, width: number, height: number): SvgNode {
  const outline = state === 'planned' ? { stroke: '#bfbfbf', 'stroke-width': 0.3 } : {};
  return element('rect', { x, y, width, height, fill: fills[state], ...outline });
}

function countsOf(cells: readonly GridCell[]): Record<CellState, number> {
  const counts: Record<CellState, number> = {
    planned: 0,
    running: 0,
    done: 0,
    diverged: 0,
    'out-of-memory': 0,
    interrupted: 0,
    failed: 0,
  };
  for (const { state } of cells) counts[state]++;
  return counts;
}

function tableOf(groups: readonly (readonly GridCell[])[]): Table {
  return {
    columns: ['batch_size', 'learning_rate', 'state', 'seeds'],
    rows: groups.flatMap((group) => {
      const counts = countsOf(group);
      return cellStates.flatMap((state) =>
        counts[state] === 0 ? [] : [[group[0].batchSize, group[0].learningRate, state, counts[state]]],
      );
    }),
  };
}
