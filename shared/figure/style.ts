import type { CategorySet, ColorMap } from './colors.ts';
import type { Face } from './fonts.ts';

/** How a figure looks; all lengths in points (1/72 inch). */
export interface Style {
  readonly face: Face;
  readonly textSize: number;
  /** Notes of what is left out. */
  readonly noteSize: number;
  /** Panel letters, bold. */
  readonly letterSize: number;
  readonly axisWidth: number;
  readonly lineWidth: number;
  readonly thinLineWidth: number;
  readonly majorTick: number;
  readonly minorTick: number;
  /** Radius of a marker. */
  readonly markerRadius: number;
  readonly ink: string;
  readonly mutedInk: string;
  readonly paper: string;
  /** Of ordered values. */
  readonly colorMap: ColorMap;
  readonly categories: CategorySet;
  /** Share of the panels' usual height: less than 1 where a page is low. */
  readonly panelHeight: number;
}

/** For print: sans serif, thin axes, black on white. DejaVu's small letters are as high at 6.5 pt as Helvetica's at 7. */
export const printStyle: Style = {
  face: 'sans',
  textSize: 6.5,
  noteSize: 5.5,
  letterSize: 8,
  axisWidth: 0.5,
  lineWidth: 0.9,
  thinLineWidth: 0.5,
  majorTick: 2.8,
  minorTick: 1.5,
  markerRadius: 1.7,
  ink: '#000000',
  mutedInk: '#595959',
  paper: '#ffffff',
  colorMap: 'viridis',
  categories: 'okabe-ito',
  panelHeight: 1,
};
