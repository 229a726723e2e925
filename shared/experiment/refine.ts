/** Learning rates to add where a first, coarse grid has found an optimum. */

export interface Refinement {
  /** The optimum, a measured or an interpolated learning rate. */
  readonly around: number;
  /** The new rates lie within around / factor … around × factor; above 1. */
  readonly factor: number;
  /** How many evenly spaced places (in ln LR) to fill; odd numbers include `around` itself. */
  readonly points: number;
}

/** A new rate this close (relative) to a known one would teach nothing that the known one does not. */
const TOO_CLOSE = 0.01;
const SIGNIFICANT_DIGITS = 12;

/**
 * Ascending, log-spaced, rounded to 12 significant digits; places that the grid covers already are left out, so the
 * result may be shorter than `points`. Throws RangeError naming the argument that cannot be used.
 */
export function refinedRates(known: readonly number[], { around, factor, points }: Refinement): number[] {
  if (!(around > 0 && around < Infinity)) throw new RangeError(`around must be positive (got ${around})`);
  if (!(factor > 1 && factor < Infinity)) throw new RangeError(`factor must be above 1 (got ${factor})`);
  if (!(Number.isInteger(points) && points >= 1))
    throw new RangeError(`points must be a whole number, 1 or more (got ${points})`);
  const places = Array.from({ length: points }, (_, i) => {
    const t = points === 1 ? 0 : (2 * i) / (points - 1) - 1;
    return Number((around * factor ** t).toPrecision(SIGNIFICANT_DIGITS));
  });
  return places.filter((rate) => !known.some((other) => Math.abs(rate - other) <= TOO_CLOSE * other));
}
