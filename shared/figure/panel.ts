/** One pair of axes: frame, ticks, labels, titles, and its header with what is left out. */
import type { Axis } from './scales.ts';
import { ASCENT, DESCENT, drawText, labelWidth, plainLabel, type Label } from './label.ts';
import type { Style } from './style.ts';
import { fitText, textWidth } from './text-width.ts';
import { element, formatNumber, pathData, plotted, type SvgNode } from './tree.ts';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Panel {
  readonly box: Box;
  readonly x: Axis;
  readonly y: Axis;
}

/** Where a value pair stands on the page; null where one of them has no place. */
export function position(
  { box, x, y }: Panel,
  xValue: number,
  yValue: number,
): readonly [number, number] | null {
  const [across, up] = [x.place(xValue), y.place(yValue)];
  if (across === null || up === null) return null;
  return [box.x + near(across) * box.width, box.y + (1 - near(up)) * box.height];
}

/**
 * A million lengths beyond an axis is as good as any distance: farther out, where a loss of 1e20 would stand, the rest
 * of its line would be lost in rounding.
 */
function near(place: number): number {
  return Math.min(1e6, Math.max(-1e6, place));
}

/** The same, null outside of the box too: for markers, which must not leave it. */
export function positionInside(
  panel: Panel,
  xValue: number,
  yValue: number,
): readonly [number, number] | null {
  const inside = (place: number | null) => place !== null && place >= 0 && place <= 1;
  return inside(panel.x.place(xValue)) && inside(panel.y.place(yValue))
    ? position(panel, xValue, yValue)
    : null;
}

type Type = Pick<Style, 'textSize' | 'face'>;

export function xRoom(width: number, style: Type) {
  return { length: width, textSize: style.textSize, face: style.face, direction: 'horizontal' } as const;
}

export function yRoom(height: number, style: Type) {
  return { length: height, textSize: style.textSize, face: style.face, direction: 'vertical' } as const;
}

/** Between an axis and its tick labels. */
const LABEL_GAP = 3.2;

/** Between tick labels and the title below them. */
const TITLE_GAP = 1.8;

/** What the axes need outside of the box. */
export function axisMargins(x: Axis, y: Axis, style: Style, titles: { x: boolean; y: boolean }) {
  const line = (ASCENT + DESCENT) * style.textSize;
  // A long axis shows all labels, so that the width suffices whatever height the panel gets.
  const widest = Math.max(0, ...y.ticks(yRoom(2_000, style)).map(({ label }) => widthOf(label, style)));
  const xLabels = x.ticks(xRoom(2_000, style)).map(({ label }) => widthOf(label, style));
  return {
    left: LABEL_GAP + widest + (titles.y ? line + 3 : 0),
    bottom: LABEL_GAP + line + (titles.x ? TITLE_GAP + line : 0),
    /** Labels at the ends of the horizontal axis stick out by half of their width. */
    end: Math.max(0, ...xLabels) / 2,
  };
}

function widthOf(label: Label | null, style: Style): number {
  return label === null ? 0 : labelWidth(label, style.textSize, style.face);
}

export interface FrameOptions {
  readonly xTitle?: Label | string;
  readonly yTitle?: Label | string;
  /** Tick labels; panels that share an axis show them once. */
  readonly xLabels?: boolean;
  readonly yLabels?: boolean;
  /** From the box's left side to the middle of the vertical title; needed with yTitle. */
  readonly left?: number;
  /** Outwards, at the lower and left side only, where the panel is filled. */
  readonly outward?: boolean;
}

const outwardLength = (major: boolean) => (major ? 2 : 1.2);

/** Frame with ticks, inwards on all four sides unless asked otherwise. Drawn after the data. */
export function drawFrame(panel: Panel, style: Style, options: FrameOptions): SvgNode[] {
  const { box } = panel;
  const { xTitle, yTitle, xLabels = true, yLabels = true, left = 0, outward = false } = options;
  const right = box.x + box.width;
  const bottom = box.y + box.height;
  const text = { size: style.textSize, color: style.ink } as const;
  const ticks: string[] = [];
  const labels: SvgNode[] = [];
  const baseline = bottom + LABEL_GAP + ASCENT * style.textSize;
  for (const tick of panel.x.ticks(xRoom(box.width, style))) {
    const x = box.x + tick.place * box.width;
    const length = tick.major ? style.majorTick : style.minorTick;
    if (outward)
      ticks.push(
        pathData([
          [x, bottom],
          [x, bottom + outwardLength(tick.major)],
        ]),
      );
    else
      ticks.push(
        pathData([
          [x, bottom],
          [x, bottom - length],
        ]),
        pathData([
          [x, box.y],
          [x, box.y + length],
        ]),
      );
    if (tick.label !== null && xLabels)
      labels.push(drawText(tick.label, x, baseline, { ...text, anchor: 'middle' }));
  }
  for (const tick of panel.y.ticks(yRoom(box.height, style))) {
    const y = bottom - tick.place * box.height;
    const length = tick.major ? style.majorTick : style.minorTick;
    if (outward)
      ticks.push(
        pathData([
          [box.x, y],
          [box.x - outwardLength(tick.major), y],
        ]),
      );
    else
      ticks.push(
        pathData([
          [box.x, y],
          [box.x + length, y],
        ]),
        pathData([
          [right, y],
          [right - length, y],
        ]),
      );
    if (tick.label !== null && yLabels)
      labels.push(drawText(tick.label, box.x - LABEL_GAP, y, { ...text, anchor: 'end', vertical: 'middle' }));
  }
  const line = { stroke: style.ink, 'stroke-width': style.axisWidth, fill: 'none' };
  const parts: SvgNode[] = [...labels];
  const titles: { x: Label | null; y: Label | null } = { x: null, y: null };
  if (xTitle !== undefined) {
    const down =
      (xLabels ? LABEL_GAP + (ASCENT + DESCENT) * style.textSize : 0) + TITLE_GAP + ASCENT * style.textSize;
    const title = fitted(xTitle, style, box.width + 2 * LABEL_GAP);
    titles.x = labelOf(title);
    parts.push(drawText(title, box.x + box.width / 2, bottom + down, { ...text, anchor: 'middle' }));
  }
  if (yTitle !== undefined) {
    const title = fitted(yTitle, style, box.height + 2 * LABEL_GAP);
    const x = box.x - left + (ASCENT * style.textSize) / 2;
    titles.y = labelOf(title);
    parts.push(
      drawText(title, x, box.y + box.height / 2, {
        ...text,
        anchor: 'middle',
        vertical: 'middle',
        upward: true,
      }),
    );
  }
  const { textSize, face } = style;
  const axes = { x: panel.x, y: panel.y, xTitle: titles.x, yTitle: titles.y, xLabels, yLabels, outward };
  return [
    ...(ticks.length === 0
      ? []
      : [{ ...element('path', { d: ticks.join(''), ...line }), plot: { kind: 'part' } as const }]),
    ...plotted(
      [element('rect', { x: box.x, y: box.y, width: box.width, height: box.height, ...line }), ...parts],
      { kind: 'axes', ...axes, textSize, face },
    ),
  ];
}

function labelOf(title: Label | string): Label {
  return typeof title === 'string' ? plainLabel(title) : title;
}

/** Labels are short and ours; texts may be anything. */
function fitted(title: Label | string, style: Style, width: number): Label | string {
  return typeof title === 'string' ? fitText(title, style.textSize, width, style) : title;
}

/** Title at the left and notes at the right above a panel; `y` of the box is the header's lower end. */
export interface Header {
  readonly height: number;
  draw(box: Box): SvgNode[];
}

const HEADER_GAP = 2.5;

/** The notes go beside the title where they fit, otherwise on lines of their own below it. */
export function header(
  content: { readonly letter?: string; readonly title: string; readonly notes: readonly string[] },
  width: number,
  style: Style,
): Header {
  const { letter, notes } = content;
  const letterWidth =
    letter === undefined ? 0 : textWidth(letter, style.letterSize, { ...style, bold: true }) + 4;
  const title = fitText(content.title, style.textSize, width - letterWidth, style);
  const titleWidth = letterWidth + (title === '' ? 0 : textWidth(title, style.textSize, style) + 8);
  const noteLines: string[] = [];
  for (const note of notes) {
    const last = noteLines.at(-1);
    const room = width - (noteLines.length === 1 ? titleWidth : 0);
    const joined = last === undefined ? note : `${last} · ${note}`;
    if (last !== undefined && textWidth(joined, style.noteSize, style) <= room)
      noteLines[noteLines.length - 1] = joined;
    else noteLines.push(fitText(note, style.noteSize, width, style));
  }
  const first = noteLines[0];
  const hasTitle = title !== '' || letter !== undefined;
  const beside =
    first !== undefined && hasTitle && titleWidth + textWidth(first, style.noteSize, style) <= width;
  const lineHeights = [
    ...(hasTitle ? [Math.max(style.textSize, letter === undefined ? 0 : style.letterSize) * 1.2] : []),
    ...noteLines.slice(beside ? 1 : 0).map(() => style.noteSize * 1.2),
  ];
  const height = lineHeights.reduce((sum, h) => sum + h, 0) + HEADER_GAP;
  return {
    height,
    draw(box) {
      const nodes: SvgNode[] = [];
      let baseline = box.y - height;
      const lines = hasTitle ? [beside ? first : undefined, ...noteLines.slice(beside ? 1 : 0)] : noteLines;
      for (const [i, note] of lines.entries()) {
        baseline += lineHeights[i];
        const y = baseline - 0.2 * style.textSize;
        if (i === 0 && letter !== undefined)
          nodes.push(drawText(letter, box.x, y, { size: style.letterSize, color: style.ink, bold: true }));
        if (i === 0 && hasTitle && title !== '')
          nodes.push(drawText(title, box.x + letterWidth, y, { size: style.textSize, color: style.ink }));
        if (note !== undefined)
          nodes.push(
            drawText(note, box.x + box.width, y, {
              size: style.noteSize,
              color: style.mutedInk,
              anchor: 'end',
            }),
          );
      }
      return nodes;
    },
  };
}

/** A line through the points, cut at the box's upper and lower side instead of leaving it. */
export function clippedLine(
  points: readonly (readonly [number, number])[],
  box: Box,
): readonly (readonly [number, number])[][] {
  const [top, bottom] = [box.y, box.y + box.height];
  const pieces: (readonly [number, number])[][] = [];
  let piece: (readonly [number, number])[] = [];
  const end = () => {
    if (piece.length > 1) pieces.push(piece);
    piece = [];
  };
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    const at = (y: number) => (y - y0) / (y1 - y0);
    let [from, to] = [0, 1];
    if (y0 === y1) {
      if (y0 < top || y0 > bottom) to = -1;
    } else {
      from = Math.max(0, Math.min(at(top), at(bottom)));
      to = Math.min(1, Math.max(at(top), at(bottom)));
    }
    if (from > to) {
      end();
      continue;
    }
    const between = (t: number) => [x0 + t * (x1 - x0), y0 + t * (y1 - y0)] as const;
    if (from > 0) end();
    if (piece.length === 0) piece.push(between(from));
    piece.push(between(to));
    if (to < 1) end();
  }
  end();
  return pieces;
}

export interface Whisker {
  readonly node: SvgNode;
  /** Whether an end lies beyond the panel. */
  readonly clipped: boolean;
}

const CAP = 1.2;

/**
 * An interval along one axis at a value of the other; an end beyond the panel becomes an arrow at its side. Null where
 * the interval has no place.
 */
export function drawWhisker(
  panel: Panel,
  direction: 'horizontal' | 'vertical',
  low: number,
  high: number,
  across: number,
  stroke: { readonly color: string; readonly width: number },
  /** How far the panel is moved sideways from its place, in points. */
  aside = 0,
): Whisker | null {
  const { box } = panel;
  const horizontal = direction === 'horizontal';
  const axis = horizontal ? panel.x : panel.y;
  const other = (horizontal ? panel.y : panel.x).place(across);
  const [one, two] = [axis.place(low), axis.place(high)];
  if (one === null || two === null || other === null || other < 0 || other > 1) return null;
  const [from, to] = one < two ? [one, two] : [two, one];
  // An interval wholly beyond one side would be an arrow without a shaft.
  if (to < 0 || from > 1) return { node: element('g'), clipped: true };
  const place = (along: number, off: number): readonly [number, number] =>
    horizontal
      ? [box.x + along * box.width, box.y + (1 - other) * box.height + off]
      : [box.x + other * box.width + off, box.y + (1 - along) * box.height];
  const size = horizontal ? box.width : box.height;
  const end = (along: number, sign: number) => {
    const beyond = along < 0 || along > 1;
    const at = Math.min(1, Math.max(0, along));
    if (!beyond) return pathData([place(at, -CAP), place(at, CAP)]);
    const back = at - (sign * 2) / size;
    return pathData([place(back, -CAP), place(at, 0), place(back, CAP)]);
  };
  const shaft = pathData([place(Math.max(0, from), 0), place(Math.min(1, to), 0)]);
  const [node] = plotted(
    [
      element('path', {
        d: shaft + end(from, -1) + end(to, 1),
        stroke: stroke.color,
        'stroke-width': stroke.width,
        fill: 'none',
      }),
    ],
    { kind: 'interval', direction, low, high, across, aside },
  );
  return {
    node,
    clipped: from < 0 || to > 1,
  };
}

export function drawLine(
  points: readonly (readonly [number, number])[],
  box: Box,
  stroke: {
    readonly color: string;
    readonly width: number;
    readonly dash?: string | undefined;
    readonly opacity?: number;
  },
): SvgNode[] {
  const d = clippedLine(points, box)
    .map((piece) => pathData(piece))
    .join('');
  if (d === '') return [];
  return [
    element('path', {
      d,
      fill: 'none',
      stroke: stroke.color,
      'stroke-width': stroke.width,
      'stroke-dasharray': stroke.dash,
      'stroke-linejoin': 'round',
      'stroke-opacity': stroke.opacity === undefined ? undefined : formatNumber(stroke.opacity),
    }),
  ];
}
