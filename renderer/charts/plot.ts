/** A place in a plot, in its panel's points. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}
