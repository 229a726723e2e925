/** Colors for data. A color never stands alone: a marker shape, a dash or a label always goes with it. */
import { interpolateViridis, rgb } from 'd3';

/** Okabe and Ito's set for color-blind readers: vermilion, for the one thing that must stand out against viridis. */
export const ACCENT = '#D55E00';

/** Viridis' last eighth is too light for a line on white paper. */
const LIGHTEST_LINE = 0.87;

/** Color of a line: `place` from 0 (first of the ordered values) to 1 (last). */
export function lineColor(place: number): string {
  return rgb(interpolateViridis(LIGHTEST_LINE * place)).formatHex();
}

/** Color of a loss: 0 is the lowest, which is the lightest, also when printed in grey. */
export function lossColor(place: number): string {
  return rgb(interpolateViridis(1 - place)).formatHex();
}

/** Place of the i-th of n ordered values. */
export function orderedPlace(index: number, count: number): number {
  return count < 2 ? 0 : index / (count - 1);
}
