/** Paints figure nodes on a canvas: where hundreds of marks change with every frame, elements would be too slow. */
import type { SvgNode } from '#shared/figure/tree.ts';

function number(value: string | number | undefined, otherwise = 0): number {
  return value === undefined ? otherwise : Number(value);
}

function outline({ tag, attributes: a }: SvgNode): Path2D | null {
  switch (tag) {
    case 'path':
      return new Path2D(String(a.d));
    case 'rect': {
      const path = new Path2D();
      path.rect(number(a.x), number(a.y), number(a.width), number(a.height));
      return path;
    }
    case 'circle': {
      const path = new Path2D();
      path.arc(number(a.cx), number(a.cy), number(a.r), 0, 2 * Math.PI);
      return path;
    }
    default:
      return null;
  }
}

/** Groups, paths, rectangles and circles; text belongs to the axes, which are elements. */
export function paintNode(context: CanvasRenderingContext2D, node: SvgNode): void {
  for (const child of node.children) if (typeof child !== 'string') paintNode(context, child);
  const path = outline(node);
  if (path === null) return;
  const { fill, stroke, 'stroke-width': width, 'stroke-dasharray': dash } = node.attributes;
  const { opacity, 'stroke-opacity': strokeOpacity, 'fill-opacity': fillOpacity } = node.attributes;
  const whole = number(opacity, 1);
  if (fill !== 'none') {
    context.globalAlpha = whole * number(fillOpacity, 1);
    // SVG fills with black where nothing is said.
    context.fillStyle = fill === undefined ? '#000000' : String(fill);
    context.fill(path);
  }
  if (stroke !== undefined && stroke !== 'none') {
    context.globalAlpha = whole * number(strokeOpacity, 1);
    context.strokeStyle = String(stroke);
    context.lineWidth = number(width, 1);
    context.lineJoin = node.attributes['stroke-linejoin'] === 'round' ? 'round' : 'miter';
    context.lineCap = node.attributes['stroke-linecap'] === 'round' ? 'round' : 'butt';
    context.setLineDash(
      dash === undefined
        ? []
        : String(dash)
            .split(/[\s,]+/)
            .map(Number),
    );
    context.stroke(path);
  }
  context.globalAlpha = 1;
}
