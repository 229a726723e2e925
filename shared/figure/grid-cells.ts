/** The cells of a grid of batch sizes and learning rates as rectangles that touch. */

/** Lower and upper side of the cell of each value: halfway to its neighbours in the logarithm. Ascending, positive. */
export function cellEdges(values: readonly number[]): Map<number, readonly [number, number]> {
  const middle = (a: number, b: number) => Math.sqrt(a) * Math.sqrt(b);
  return new Map(
    values.map((value, i) => {
      const below = i > 0 ? middle(values[i - 1], value) : null;
      const above = i < values.length - 1 ? middle(value, values[i + 1]) : null;
      // At the ends as far as on the other side.
      const low = below ?? value / (above === null ? Math.SQRT2 : above / value);
      const high = above ?? value * (below === null ? Math.SQRT2 : value / below);
      // A side must have a logarithm too.
      return [value, [Math.max(Number.MIN_VALUE, low), Math.min(Number.MAX_VALUE, high)]];
    }),
  );
}

/** The values that a logarithm can place, ascending and without repetition. */
export function gridValues(values: readonly number[]): number[] {
  return [...new Set(values)].filter((value) => value > 0 && value < Infinity).sort((a, b) => a - b);
}
