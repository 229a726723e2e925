/** Colors for data. A color never stands alone: a marker shape, a dash or a label always goes with it. */
import { interpolateCividis, interpolateMagma, interpolateViridis, rgb } from 'd3';

/** Okabe and Ito's set for color-blind readers: vermilion, for the one thing that must stand out against viridis. */
export const ACCENT = '#D55E00';

/** For ordered values: evenly spaced to the eye, darker to lighter also in grey. */
export const colorMaps = ['viridis', 'cividis', 'magma'] as const;
export type ColorMap = (typeof colorMaps)[number];

/** For categories. */
export const categorySets = ['okabe-ito', 'tol-bright'] as const;
export type CategorySet = (typeof categorySets)[number];

/** Okabe and Ito (2008), without yellow, which no thin line on white survives; Tol's "bright" (2021). */
export const categoryColors: Readonly<Record<CategorySet, readonly string[]>> = {
  'okabe-ito': ['#D55E00', '#0072B2', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'],
  'tol-bright': ['#EE6677', '#4477AA', '#228833', '#AA3377', '#CCBB44', '#66CCEE', '#000000'],
};

const interpolators: Readonly<Record<ColorMap, (place: number) => string>> = {
  viridis: interpolateViridis,
  cividis: interpolateCividis,
  magma: interpolateMagma,
};

/** The last part of each map is too light for a line on white paper. */
const lightestLine: Readonly<Record<ColorMap, number>> = { viridis: 0.87, cividis: 0.8, magma: 0.78 };

/** Color of a line: `place` from 0 (first of the ordered values) to 1 (last). */
export function lineColor(place: number, map: ColorMap = 'viridis'): string {
  return rgb(interpolators[map](lightestLine[map] * place)).formatHex();
}

/** Color of a loss: 0 is the lowest, which is the lightest, also when printed in grey. */
export function lossColor(place: number, map: ColorMap = 'viridis'): string {
  return rgb(interpolators[map](1 - place)).formatHex();
}

/** Place of the i-th of n ordered values. */
export function orderedPlace(index: number, count: number): number {
  return count < 2 ? 0 : index / (count - 1);
}
