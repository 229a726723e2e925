/** A whole page of panels with the legend below them. */
import { Tally } from './figure.ts';
import type { Label } from './label.ts';
import type { LegendEntry } from './legend.ts';
import { legendBelow, panelGrid, type PlannedPanel } from './panel-grid.ts';
import { emptyNote, PAGE_MARGIN, sheet } from './sheet.ts';
import type { Style } from './style.ts';
import type { SvgNode } from './tree.ts';

export interface SheetContent {
  /** Of the file; not drawn. */
  readonly title: string;
  readonly rows: readonly (readonly PlannedPanel[])[];
  readonly entries: readonly LegendEntry[];
  /** What the entries have in common. */
  readonly legendTitle?: Label;
  /** Height of a box over its width. */
  readonly aspect: number;
  /** Drawn instead of panels; null where there is something to draw. */
  readonly nothing: string | null;
}

const LEGEND_GAP = 3;
const EMPTY_HEIGHT = 45;

export function panelSheet(
  { title, rows, entries, legendTitle, aspect, nothing }: SheetContent,
  { width, style }: { readonly width: number; readonly style: Style },
): { readonly tree: SvgNode; readonly tally: Tally } {
  if (nothing !== null)
    return {
      tree: sheet(width, EMPTY_HEIGHT, title, [emptyNote(width, style, nothing)], style),
      tally: new Tally(),
    };
  const grid = panelGrid(rows, { width, top: PAGE_MARGIN, style, aspect });
  const legend = legendBelow(entries, width - 2 * PAGE_MARGIN, style, legendTitle);
  const height = grid.bottom + LEGEND_GAP + legend.height + PAGE_MARGIN;
  const nodes = [...grid.nodes, ...legend.draw(PAGE_MARGIN, grid.bottom + LEGEND_GAP)];
  return { tree: sheet(width, height, title, nodes, style), tally: grid.tally };
}
