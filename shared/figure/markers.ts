/** Marker shapes: the second channel beside the color. Coordinates are absolute, areas about equal. */
import { element, pathData, type SvgNode } from './tree.ts';

type Shape = (x: number, y: number, r: number) => string | null;

function polygon(corners: number, size: number, turn = 0, inner?: number): Shape {
  return (x, y, r) => {
    const points = Array.from({ length: inner === undefined ? corners : 2 * corners }, (_, i) => {
      const angle = ((i / (inner === undefined ? corners : 2 * corners)) * 2 - 0.5 + turn) * Math.PI;
      const radius = size * r * (inner !== undefined && i % 2 === 1 ? inner : 1);
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)] as const;
    });
    return pathData(points, true);
  };
}

/** A circle first (null: it has an element of its own), then shapes that stay distinct at 3 pt. */
const shapes: readonly Shape[] = [
  () => null,
  polygon(4, 1.2, 0.25),
  polygon(3, 1.35),
  polygon(4, 1.3),
  polygon(3, 1.35, 1),
  polygon(5, 1.5, 0, 0.45),
  polygon(3, 1.35, 0.5),
  polygon(4, 1.5, 0, 0.38),
  polygon(3, 1.35, -0.5),
  polygon(6, 1.15),
  polygon(4, 1.5, 0.25, 0.38),
  polygon(3, 1.5, 0, 0.3),
];

/** The outline of a marker as SVG path data; null for a circle. */
export function markerOutline(shape: number, x: number, y: number, radius: number): string | null {
  return shapes[shape % shapes.length](x, y, radius);
}

export interface MarkerOptions {
  readonly radius: number;
  readonly color: string;
  /** Filled with paper: an uncertain value. */
  readonly hollow?: boolean;
  readonly paper: string;
  readonly outline?: string;
}

/** `shape` counts from 0 and starts again after the last one. */
export function drawMarker(shape: number, x: number, y: number, options: MarkerOptions): SvgNode {
  const { radius, color, hollow = false, paper, outline } = options;
  const paint = {
    fill: hollow ? paper : color,
    stroke: outline ?? color,
    'stroke-width': hollow ? 0.7 : 0.4,
  };
  const path = markerOutline(shape, x, y, radius);
  return path === null
    ? element('circle', { cx: x, cy: y, r: radius, ...paint })
    : element('path', { d: path, 'stroke-linejoin': 'round', ...paint });
}

/** The marker of a value pair; `at` is its place. */
export function drawPoint(
  shape: number,
  at: readonly [number, number],
  values: { readonly x: number; readonly y: number; readonly aside?: number },
  options: MarkerOptions,
): SvgNode {
  const { aside = 0, x, y } = values;
  const { radius } = options;
  const plot = { kind: 'points', points: [{ x, y }], shape, radius, aside } as const;
  return { ...drawMarker(shape, ...at, options), plot };
}

/** Where training diverged. */
export function drawCross(x: number, y: number, radius: number, color: string, width = 0.6): SvgNode {
  const bar = (sign: number) =>
    pathData([
      [x - radius, y - sign * radius],
      [x + radius, y + sign * radius],
    ]);
  return element('path', { d: bar(1) + bar(-1), stroke: color, 'stroke-width': width, fill: 'none' });
}

/** Dash of a line, when there are more lines than shapes. */
export function dashOf(index: number): string | undefined {
  return [undefined, '3 1.2', '1 1', '4 1 1 1'][Math.floor(index / shapes.length) % 4];
}
