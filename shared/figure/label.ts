/** Text with superscripts, measured and drawn. Baselines are numbers: PDF writers do not know dominant-baseline. */
import { formatNumber, element, type SvgNode } from './tree.ts';
import { textWidth } from './text-width.ts';

export interface Span {
  readonly text: string;
  readonly raised?: boolean;
  /** Symbols of quantities. */
  readonly italic?: boolean;
}
export type Label = readonly Span[];

/** Names of the two quantities with their symbols. */
export const BATCH_SIZE: Label = [{ text: 'batch size ' }, { text: 'B', italic: true }];
export const LEARNING_RATE: Label = [{ text: 'learning rate ' }, { text: 'η', italic: true }];

const RAISED_SIZE = 0.72;
const RAISED_BY = 0.38;
/** Capital letters of Helvetica are 0.72 em high: half of that below the middle is the baseline. */
const MIDDLE = 0.36;

/** Helvetica's ascender and descender, in em: the height of a line's box. */
export const ASCENT = 0.76;
export const DESCENT = 0.22;

export function plainLabel(text: string): Label {
  return [{ text }];
}

export function labelWidth(label: Label, size: number): number {
  return label.reduce(
    (sum, { text, raised }) => sum + textWidth(text, raised === true ? size * RAISED_SIZE : size),
    0,
  );
}

export interface TextOptions {
  readonly size: number;
  readonly color: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  /** What `y` is: the baseline, or the middle of the capital letters. */
  readonly vertical?: 'baseline' | 'middle';
  readonly bold?: boolean;
  /** Turned by a quarter to be read from below. */
  readonly upward?: boolean;
}

export function drawText(label: Label | string, x: number, y: number, options: TextOptions): SvgNode {
  const { size, color, anchor = 'start', vertical = 'baseline', bold = false, upward = false } = options;
  const down = vertical === 'middle' ? MIDDLE * size : 0;
  const spans = typeof label === 'string' ? plainLabel(label) : label;
  let raised = false;
  const children = spans.map((span) => {
    const wanted = span.raised === true;
    if (wanted === raised && !raised && span.italic !== true) return span.text;
    const dy = wanted === raised ? undefined : (wanted ? -1 : 1) * RAISED_BY * size;
    raised = wanted;
    const style = span.italic === true ? 'italic' : undefined;
    return element('tspan', { dy, 'font-size': raised ? size * RAISED_SIZE : size, 'font-style': style }, [
      span.text,
    ]);
  });
  return element(
    'text',
    {
      x: upward ? x + down : x,
      y: upward ? y : y + down,
      'font-size': size,
      'font-weight': bold ? 'bold' : undefined,
      'text-anchor': anchor === 'start' ? undefined : anchor,
      fill: color,
      transform: upward ? `rotate(-90 ${formatNumber(x + down)} ${formatNumber(y)})` : undefined,
    },
    children,
  );
}
