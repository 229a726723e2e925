/** Panels in rows and columns with common margins, each with its header; and the legend below them. */
import { Tally } from './figure.ts';
import { ASCENT, drawText, labelWidth, type Label } from './label.ts';
import { SAMPLE_WIDTH, type LegendEntry } from './legend.ts';
import { axisMargins, drawFrame, header, type Box, type Panel } from './panel.ts';
import type { Axis } from './scales.ts';
import { PAGE_MARGIN } from './sheet.ts';
import type { Style } from './style.ts';
import type { SvgNode } from './tree.ts';

export interface Drawn {
  readonly nodes: readonly SvgNode[];
  /** What could not be drawn. */
  readonly tally: Tally;
}

export interface PlannedPanel {
  readonly letter: string;
  readonly title: string;
  readonly notes?: readonly string[];
  readonly x: Axis;
  readonly y: Axis;
  readonly xTitle: Label | string;
  readonly yTitle: Label | string;
  /** The vertical axis of the panel to the left is this one's too. */
  readonly sharesY?: boolean;
  /** Ticks outwards, where the panel is filled. */
  readonly outward?: boolean;
  /** Between header and box. */
  readonly above?: { readonly height: number; draw(box: Box): SvgNode[] };
  /** Called twice: what a panel leaves out decides on the height of its header. */
  readonly draw: (panel: Panel) => Drawn;
}

export interface PanelGrid {
  readonly nodes: readonly SvgNode[];
  /** Where the next thing may start. */
  readonly bottom: number;
  readonly tally: Tally;
}

export interface GridOptions {
  readonly width: number;
  readonly top: number;
  readonly style: Style;
  /** Height of a box over its width. */
  readonly aspect: number;
}

/** From this width on two panels stand beside each other, below it one above the other. */
export const SIDE_BY_SIDE = 300;
const GUTTER = 8;
const ROW_GAP = 5;
/** Heights of a box, in points. */
const LOWEST = 76;
const HIGHEST = 210;

/** Letters of panels: a to z, then aa, ab, … */
export function panelLetter(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : panelLetter(Math.floor(index / 26) - 1) + letter;
}

export function panelGrid(rows: readonly (readonly PlannedPanel[])[], options: GridOptions): PanelGrid {
  const { width, style, aspect } = options;
  const columns = Math.max(1, ...rows.map((row) => row.length));
  const marginsOf = ({ x, y }: PlannedPanel) => axisMargins(x, y, style, { x: true, y: true });
  const inColumn = (column: number) =>
    rows.flatMap((row) => (row[column] === undefined ? [] : [row[column]]));
  const lefts = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...inColumn(column).map((panel) => (panel.sharesY === true ? 0 : marginsOf(panel).left))),
  );
  const end = Math.max(0, ...rows.flat().map((panel) => marginsOf(panel).end));
  // Labels at the ends of two neighbouring axes must not meet either.
  const gaps = lefts.slice(1).map((left) => Math.max(GUTTER, 2 * end + 4 - left));
  const taken = [...lefts, ...gaps].reduce((sum, length) => sum + length, 0) + end;
  const boxWidth = (width - 2 * PAGE_MARGIN - taken) / columns;
  const boxHeight = Math.max(LOWEST, style.panelHeight * Math.min(HIGHEST, aspect * boxWidth));
  const starts = lefts.map(
    (_, column) =>
      PAGE_MARGIN +
      lefts.slice(0, column + 1).reduce((sum, left) => sum + left, 0) +
      gaps.slice(0, column).reduce((sum, gap) => sum + gap, 0) +
      column * boxWidth,
  );
  const nodes: SvgNode[] = [];
  const total = new Tally();
  let top = options.top;
  for (const [index, row] of rows.entries()) {
    if (index > 0) top += ROW_GAP;
    const planned = row.map((panel) => {
      const measure = { x: 0, y: 0, width: boxWidth, height: boxHeight };
      const { tally } = panel.draw({ box: measure, x: panel.x, y: panel.y });
      total.addAll(tally);
      const notes = [...tally.notes(), ...(panel.notes ?? [])];
      return { panel, head: header({ letter: panel.letter, title: panel.title, notes }, boxWidth, style) };
    });
    const above = Math.max(0, ...row.map((panel) => panel.above?.height ?? 0));
    const headHeight = Math.max(0, ...planned.map(({ head }) => head.height));
    for (const [column, { panel, head }] of planned.entries()) {
      const box = { x: starts[column], y: top + headHeight + above, width: boxWidth, height: boxHeight };
      const { x, y, xTitle, yTitle, sharesY = false, outward = false } = panel;
      nodes.push(
        ...head.draw({ ...box, y: box.y - above }),
        ...(panel.above?.draw(box) ?? []),
        ...panel.draw({ box, x, y }).nodes,
        ...drawFrame({ box, x, y }, style, {
          xTitle,
          yLabels: !sharesY,
          outward,
          left: lefts[column],
          ...(sharesY ? {} : { yTitle }),
        }),
      );
    }
    const bottom = Math.max(0, ...row.map((panel) => marginsOf(panel).bottom));
    top += headHeight + above + boxHeight + bottom;
  }
  return { nodes, bottom: top, tally: total };
}

const SAMPLE_GAP = 4;
const ENTRY_GAP = 11;
const LINE_HEIGHT = 1.5;

/** Entries one after the other, on as many lines as they need, after what they have in common. */
export function legendBelow(
  entries: readonly LegendEntry[],
  width: number,
  style: Style,
  title: Label = [],
): { readonly height: number; draw(x: number, y: number): SvgNode[] } {
  const line = LINE_HEIGHT * style.textSize;
  const titled = title.length > 0 && entries.length > 0;
  let [across, row] = [titled ? labelWidth(title, style.textSize, style.face) + ENTRY_GAP - 3 : 0, 0];
  const placed = entries.map((entry) => {
    const length = SAMPLE_WIDTH + SAMPLE_GAP + labelWidth(entry.label, style.textSize, style.face);
    if (across > 0 && across + length > width) [across, row] = [0, row + 1];
    const at = { entry, x: across, y: (row + 0.5) * line };
    across += length + ENTRY_GAP;
    return at;
  });
  return {
    height: entries.length === 0 ? 0 : (row + 1) * line,
    draw(left, top) {
      const text = { size: style.textSize, color: style.ink, vertical: 'middle' } as const;
      return [
        ...(titled ? [drawText(title, left, top + 0.5 * line, text)] : []),
        ...placed.flatMap(({ entry, x, y }) => [
          ...entry.sample(left + x + SAMPLE_WIDTH / 2, top + y),
          drawText(entry.label, left + x + SAMPLE_WIDTH + SAMPLE_GAP, top + y, text),
        ]),
      ];
    },
  };
}

/** A text inside of the box, in one of its corners, under the texts that are there already. */
export function cornerText(
  { box }: Panel,
  label: Label,
  corner: 'upper left' | 'upper right' | 'lower right',
  style: Style,
  line = 0,
): SvgNode {
  const inset = 5;
  const right = corner.endsWith('right');
  const down = line * 1.25 * style.textSize;
  return drawText(
    label,
    right ? box.x + box.width - inset : box.x + inset,
    corner.startsWith('upper')
      ? box.y + inset + ASCENT * style.textSize + down
      : box.y + box.height - inset - down,
    { size: style.textSize, color: style.ink, anchor: right ? 'end' : 'start' },
  );
}
