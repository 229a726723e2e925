/** Text with superscripts and subscripts, measured and drawn. Baselines are numbers: PDF writers do not know dominant-baseline. */
import type { Face } from './fonts.ts';
import type { Label, Span } from './spans.ts';
import { textWidth } from './text-width.ts';
import { formatNumber, element, type SvgNode } from './tree.ts';

export type { Label };

/** Names of the two quantities with their symbols. */
export const BATCH_SIZE: Label = [{ text: 'batch size ' }, { text: 'B', italic: true }];
export const LEARNING_RATE: Label = [{ text: 'learning rate ' }, { text: 'η', italic: true }];
/** Noise scale of arXiv 2405.14578 and what follows it. */
export function noiseScaleLabel(after = ''): Label {
  const noise: Label = [
    { text: 'B', italic: true },
    { text: 'noise', lowered: true },
  ];
  return after === '' ? noise : [...noise, { text: ` ${after}` }];
}

/** Of superscripts and subscripts. */
const SMALL_SIZE = 0.72;
const RAISED_BY = 0.38;
const LOWERED_BY = 0.2;
/** Capital letters of both faces are 0.729 em high: half of that below the middle is the baseline. */
const MIDDLE = 0.364;

/** Highest and lowest points of both faces' small letters with ascender and descender, in em: a line's box. */
export const ASCENT = 0.76;
export const DESCENT = 0.24;

export function plainLabel(text: string): Label {
  return [{ text }];
}

export function labelWidth(label: Label, size: number, face: Face): number {
  return label.reduce(
    (sum, span) =>
      sum +
      textWidth(span.text, shiftOf(span) === 0 ? size : size * SMALL_SIZE, {
        face,
        italic: span.italic === true,
      }),
    0,
  );
}

/** Downwards, in em. */
function shiftOf({ raised, lowered }: Span): number {
  return raised === true ? -RAISED_BY : lowered === true ? LOWERED_BY : 0;
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
  let shift = 0;
  const children = spans.map((span) => {
    const wanted = shiftOf(span);
    if (wanted === shift && shift === 0 && span.italic !== true) return span.text;
    const dy = wanted === shift ? undefined : (wanted - shift) * size;
    shift = wanted;
    const style = span.italic === true ? 'italic' : undefined;
    return element(
      'tspan',
      { dy, 'font-size': shift === 0 ? size : size * SMALL_SIZE, 'font-style': style },
      [span.text],
    );
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
      // Some renderers drop a space at the side of a span otherwise.
      'xml:space': children.some(hasOuterSpace) ? 'preserve' : undefined,
      transform: upward ? `rotate(-90 ${formatNumber(x + down)} ${formatNumber(y)})` : undefined,
    },
    children,
  );
}

function hasOuterSpace(child: SvgNode | string): boolean {
  return (
    typeof child !== 'string' && child.children.some((text) => typeof text === 'string' && /^ | $/.test(text))
  );
}
