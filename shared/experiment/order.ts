/** Orders of execution. */

/**
 * Coarse to fine: the two ends, the middle, the quarters, …, so that after any number of entries the axis is covered
 * about evenly. Returns indices 0 … n−1, each once.
 */
export function coarseToFine(n: number): number[] {
  if (n <= 2) return Array.from({ length: n }, (_, i) => i);
  const order = [0, n - 1];
  const gaps: [number, number][] = [[0, n - 1]];
  for (let gap = gaps.shift(); gap !== undefined; gap = gaps.shift()) {
    const [low, high] = gap;
    const middle = (low + high) >> 1;
    if (middle === low) continue;
    order.push(middle);
    gaps.push([low, middle], [middle, high]);
  }
  return order;
}
