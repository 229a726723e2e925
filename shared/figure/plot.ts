/**
 * What a drawn element shows, as numbers: programs that draw from data (PGFPlots) use these instead of the places on the
 * page. An element without one is drawn as it stands.
 */
import type { Axis } from './axis.ts';
import type { Face } from './fonts.ts';
import type { Label } from './spans.ts';

/** A line through the points; it breaks where a value has no place (null or not a number). */
export interface LinePlot {
  readonly kind: 'line';
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
  /** Sideways, in points of the page. */
  readonly aside: number;
}

/** Markers of one look. */
export interface PointsPlot {
  readonly kind: 'points';
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Of `drawMarker`. */
  readonly shape: number;
  readonly radius: number;
  /** Sideways, in points of the page. */
  readonly aside: number;
}

export interface IntervalPlot {
  readonly kind: 'interval';
  readonly direction: 'horizontal' | 'vertical';
  readonly low: number;
  readonly high: number;
  /** On the other axis. */
  readonly across: number;
  readonly aside: number;
}

export interface BandPlot {
  readonly kind: 'band';
  readonly points: readonly { readonly x: number; readonly low: number; readonly high: number }[];
}

/** A vertical line through the whole panel. */
export interface VerticalPlot {
  readonly kind: 'vertical';
  readonly x: number;
}

/** The panel from one value of the horizontal axis to another; Infinity and 0 are its sides. */
export interface RangePlot {
  readonly kind: 'range';
  readonly low: number;
  readonly high: number;
}

/** The frame of a panel, after everything in it. */
export interface AxesPlot {
  readonly kind: 'axes';
  readonly x: Axis;
  readonly y: Axis;
  readonly xTitle: Label | null;
  readonly yTitle: Label | null;
  readonly xLabels: boolean;
  readonly yLabels: boolean;
  readonly outward: boolean;
  readonly textSize: number;
  readonly face: Face;
}

/** Comes with another element: ticks and labels with the frame, the rest of a broken line. */
export interface PartPlot {
  readonly kind: 'part';
}

export type Plot =
  LinePlot | PointsPlot | IntervalPlot | BandPlot | VerticalPlot | RangePlot | AxesPlot | PartPlot;
