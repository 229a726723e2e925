/** The exact parabola through three points, the building stone of every optimum here. */

export interface Vertex {
  readonly x: number;
  readonly y: number;
  /** Second derivative. */
  readonly curvature: number;
}

/**
 * Vertex of the parabola through three points with increasing x, for a middle point that is the lowest of the three.
 * Null when they lie on a line, so that there is no vertex, and where two x are equal or differences overflow.
 */
export function parabolaVertex(
  x: readonly [number, number, number],
  y: readonly [number, number, number],
): Vertex | null {
  const left = (y[1] - y[0]) / (x[1] - x[0]);
  const right = (y[2] - y[1]) / (x[2] - x[1]);
  const half = (right - left) / (x[2] - x[0]);
  if (!(half > 0 && half < Infinity)) return null;
  // The slope at x[1] is that of the chord plus the curvature over half of it.
  const slope = left + half * (x[1] - x[0]);
  const shift = -slope / (2 * half);
  return { x: x[1] + shift, y: y[1] - half * shift * shift, curvature: 2 * half };
}
