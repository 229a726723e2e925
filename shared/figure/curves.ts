/** Theory over data: curves, bands, shaded ranges and vertical lines, all cut at the panel. */
import { drawLine, position, type Panel } from './panel.ts';
import { element, formatNumber, pathData, plotted, type SvgNode } from './tree.ts';

export interface Stroke {
  readonly color: string;
  readonly width: number;
  readonly dash?: string | undefined;
  /** 1 when absent. */
  readonly opacity?: number;
}

/** How much a place may leave the axis by rounding. */
const ROUNDING = 1e-9;
/** Points of a curve: fine enough for a page's width. */
const POINTS = 160;

/** Values at equal ratios from `low` to `high`, both included; one value where they are the same. */
export function geometric(low: number, high: number, count = POINTS): number[] {
  if (!(low > 0 && high < Infinity && low <= high)) return [];
  if (low === high) return [low];
  return Array.from({ length: count }, (_, i) =>
    i === count - 1 ? high : low * (high / low) ** (i / (count - 1)),
  );
}

/** The curve through (x, y); it ends where a value has no place, and at the sides of the panel. */
export function drawCurve(
  panel: Panel,
  points: readonly { readonly x: number; readonly y: number | null }[],
  stroke: Stroke,
): SvgNode[] {
  const nodes: SvgNode[] = [];
  let piece: (readonly [number, number])[] = [];
  const end = () => {
    nodes.push(...drawLine(piece, panel.box, stroke));
    piece = [];
  };
  for (const { x, y } of points) {
    const at = y === null || !isInside(panel, x) ? null : position(panel, x, y);
    if (at === null) end();
    else piece.push(at);
  }
  end();
  return plotted(nodes, { kind: 'line', points, aside: 0 });
}

function isInside(panel: Panel, x: number): boolean {
  const place = panel.x.place(x);
  return place !== null && place >= -ROUNDING && place <= 1 + ROUNDING;
}

/** The area between `low` and `high`, cut at the panel. */
export function drawBand(
  panel: Panel,
  points: readonly { readonly x: number; readonly low: number; readonly high: number }[],
  fill: string,
  opacity = 1,
): SvgNode[] {
  const { box } = panel;
  const placed = points.flatMap(({ x, low, high }) => {
    if (!isInside(panel, x)) return [];
    const upper = position(panel, x, high);
    // Down to the lower side where the logarithm of the lower end does not exist.
    const lower =
      position(panel, x, low) ?? (upper === null ? null : ([upper[0], box.y + box.height] as const));
    return upper === null || lower === null ? [] : [{ upper, lower }];
  });
  if (placed.length < 2) return [];
  const cut = ([x, y]: readonly [number, number]) =>
    [x, Math.min(box.y + box.height, Math.max(box.y, y))] as const;
  const outline = [
    ...placed.map(({ upper }) => cut(upper)),
    ...placed.map(({ lower }) => cut(lower)).reverse(),
  ];
  const see = opacity === 1 ? undefined : formatNumber(opacity);
  return plotted([element('path', { d: pathData(outline, true), fill, 'fill-opacity': see })], {
    kind: 'band',
    points,
  });
}

/** The panel from one value of the horizontal axis to another, as far as these lie on it. */
export function shadeRange(panel: Panel, low: number, high: number, fill: string): SvgNode[] {
  const { box, x } = panel;
  if (x.place(x.domain[0]) === null) return [];
  // Zero and infinity have no place on a logarithmic axis, but a side each.
  const from = Math.min(1, Math.max(0, x.place(low) ?? 0));
  const to = Math.min(1, Math.max(0, x.place(high) ?? 1));
  if (!(to > from)) return [];
  return plotted(
    [
      element('rect', {
        x: box.x + from * box.width,
        y: box.y,
        width: (to - from) * box.width,
        height: box.height,
        fill,
      }),
    ],
    { kind: 'range', low, high },
  );
}

/** A vertical line through the whole panel; null where the value lies beyond the axis. */
export function drawVertical(panel: Panel, value: number, stroke: Stroke): SvgNode | null {
  const { box, x } = panel;
  const place = x.place(value);
  if (place === null || place < 0 || place > 1) return null;
  const across = box.x + place * box.width;
  const line = element('path', {
    d: pathData([
      [across, box.y + box.height],
      [across, box.y],
    ]),
    fill: 'none',
    stroke: stroke.color,
    'stroke-width': stroke.width,
    'stroke-dasharray': stroke.dash,
  });
  return { ...line, plot: { kind: 'vertical', x: value } };
}
