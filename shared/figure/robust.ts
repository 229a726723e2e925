/** Which values an axis shows when a few are far away: three runs that blow up must not crush a thousand good ones. */
import { max, min, quantileSorted } from 'd3';

/** Tukey's outer fence: beyond it a value is far out (Exploratory Data Analysis, 1977, chapter 2). */
const FENCE = 3;
/** With fewer values the quartiles say little. */
const ENOUGH = 8;

/**
 * The highest value within Tukey's outer fence, in the values' logarithms when they go on a logarithmic axis. Only high
 * values are cut: low losses are what the figures are about. -Infinity without values.
 */
export function robustHighest(values: readonly number[], logarithmic: boolean): number {
  const usable = values
    .filter((value) => Number.isFinite(value) && (!logarithmic || value > 0))
    .sort((a, b) => a - b);
  const places = logarithmic ? usable.map(Math.log) : usable;
  const [lower, upper] = [quantileSorted(places, 0.25) ?? NaN, quantileSorted(places, 0.75) ?? NaN];
  // Half of the values being equal says nothing about the distance of the others.
  if (usable.length < ENOUGH || !(upper > lower)) return usable.at(-1) ?? -Infinity;
  const fence = upper + FENCE * (upper - lower);
  return usable[places.findLastIndex((place) => place <= fence)];
}

/** Whether all finite values are positive and the highest is at least ten times the lowest. */
export function wantsLogarithm(values: readonly number[]): boolean {
  const finite = values.filter(Number.isFinite);
  const lowest = min(finite) ?? NaN;
  return lowest > 0 && max(finite)! >= 10 * lowest;
}
