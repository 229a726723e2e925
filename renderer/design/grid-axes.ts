/** Where the places of a grid end and what its axes say. */

/** n + 1 edges of n ascending values: half-way between neighbours on a logarithmic axis. */
export function cellEdges(values: readonly number[]): number[] {
  const logs = values.map(Math.log);
  if (logs.length === 1) return [Math.exp(logs[0] - 0.5), Math.exp(logs[0] + 0.5)];
  return [
    logs[0] - (logs[1] - logs[0]) / 2,
    ...logs.slice(1).map((value, i) => (value + logs[i]) / 2),
    logs[logs.length - 1] + (logs[logs.length - 1] - logs[logs.length - 2]) / 2,
  ].map(Math.exp);
}

/** The sampled values that can be written without touching, the last one first of all. */
export function spacedLabels(
  values: readonly number[],
  place: (value: number) => number,
  least: number,
): number[] {
  const chosen: number[] = [];
  for (const value of values.toReversed())
    if (chosen.every((other) => Math.abs(place(other) - place(value)) >= least)) chosen.push(value);
  return chosen.reverse();
}

/** Whole decades within the values' range, else the ends of the range. */
export function decades(
  values: readonly number[],
  place: (value: number) => number,
  least: number,
): number[] {
  const [first, last] = [values[0], values[values.length - 1]];
  const from = Math.ceil(Math.log10(first) - 1e-9);
  const to = Math.floor(Math.log10(last) + 1e-9);
  const whole = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => Number(`1e${from + i}`));
  return spacedLabels(
    [...new Set([first, ...whole, last])].sort((a, b) => a - b),
    place,
    least,
  );
}
