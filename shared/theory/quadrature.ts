/** Integrals by adaptive Gauss–Legendre panels. */

const ORDER = 20;

/** Positive nodes and weights of the Gauss–Legendre rule on [−1, 1], by Newton's method on the Legendre polynomial. */
function legendreRule(order: number): { nodes: Float64Array; weights: Float64Array } {
  const nodes = new Float64Array(order);
  const weights = new Float64Array(order);
  for (let i = 0; i < order; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (order + 0.5));
    let slope = 1;
    for (let iteration = 0; iteration < 100; iteration++) {
      let [value, previous] = [x, 1];
      for (let k = 2; k <= order; k++)
        [value, previous] = [((2 * k - 1) * x * value - (k - 1) * previous) / k, value];
      slope = (order * (x * value - previous)) / (x * x - 1);
      const step = value / slope;
      x -= step;
      if (Math.abs(step) < 1e-16) break;
    }
    nodes[i] = x;
    weights[i] = 2 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}

const RULE = legendreRule(ORDER);
/** A panel is halved at most this often: it is then narrower than rounding. */
const DEPTH_LIMIT = 40;

function panel(f: (x: number) => number, lower: number, upper: number): number {
  const half = (upper - lower) / 2;
  const middle = (upper + lower) / 2;
  let sum = 0;
  for (let i = 0; i < ORDER; i++) sum += RULE.weights[i] * f(middle + half * RULE.nodes[i]);
  return half * sum;
}

/**
 * Integral of a smooth function from `lower` to `upper` (in this order: swapping them changes the sign). A panel is
 * halved until both halves together agree with it to `tolerance`, absolute.
 */
export function integrate(f: (x: number) => number, lower: number, upper: number, tolerance = 1e-15): number {
  const refine = (a: number, b: number, whole: number, depth: number): number => {
    const middle = (a + b) / 2;
    const left = panel(f, a, middle);
    const right = panel(f, middle, b);
    const both = left + right;
    if (Math.abs(both - whole) <= tolerance + 1e-14 * Math.abs(both) || depth >= DEPTH_LIMIT) return both;
    return refine(a, middle, left, depth + 1) + refine(middle, b, right, depth + 1);
  };
  return lower === upper ? 0 : refine(lower, upper, panel(f, lower, upper), 0);
}
