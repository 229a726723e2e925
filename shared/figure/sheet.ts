/** The page that a figure stands on. */
import { fontFamilies } from './fonts.ts';
import { drawText } from './label.ts';
import type { Style } from './style.ts';
import { element, page, type SvgNode } from './tree.ts';

/** Free space around everything, in points. */
export const PAGE_MARGIN = 3;

/** Width of journals' text, in millimetres (Nature: 183, one column 89). */
export const FULL_WIDTH = 183;
export const COLUMN_WIDTH = 89;

export function sheet(
  width: number,
  height: number,
  title: string,
  nodes: readonly SvgNode[],
  style: Style,
): SvgNode {
  return page(width, height, title, [
    element('rect', { x: 0, y: 0, width, height, fill: style.paper }),
    element('g', { 'font-family': fontFamilies[style.face] }, nodes),
  ]);
}

/** Instead of panels, where there is nothing to make a panel for. */
export function emptyNote(width: number, style: Style, text: string): SvgNode {
  return drawText(text, width / 2, 24, { size: style.textSize, color: style.mutedInk, anchor: 'middle' });
}
