import { meanOneWeights, parameterCount, usablePoints } from './fit.ts';
import type { RidgePoint } from './fit.ts';
import { studentQuantile } from './intervals.ts';
import type { Level } from './intervals.ts';
import type { LawName, ParameterName } from './laws.ts';
import { LAWS } from './laws.ts';
import { LawSolver } from './solver.ts';

/** Profile of a law's batch scale: the lowest sum of squares at each value, all other parameters refitted. */
export interface BatchScaleProfile {
  readonly law: LawName;
  readonly parameter: ParameterName;
  readonly best: number;
  /** Values whose profile stays within the threshold: the hull, if there are several stretches. */
  readonly interval: readonly [lower: number, upper: number];
  /** True where the interval runs into the end of the search range: the data give no limit on that side. */
  readonly openBelow: boolean;
  readonly openAbove: boolean;
  readonly level: Level;
  /** Ascending batch scales with the profiled sum of squares of ln LR. */
  readonly curve: readonly { readonly value: number; readonly sumOfSquares: number }[];
}

const CURVE_POINTS = 81;

/**
 * Profile and likelihood interval of B_noise (or B_mf). The interval holds every value with
 * SSR(B) <= SSR_min (1 + t^2/(n - p)), t Student's quantile on n - p degrees of freedom and p the number of location
 * parameters: the likelihood-ratio interval calibrated for small n (Bates and Watts 1988, section 6.1).
 * Null when the law has no batch scale or n - p < 3.
 */
export function profileBatchScale(
  points: readonly RidgePoint[],
  lawName: LawName,
  level: Level = 0.9,
): BatchScaleProfile | null {
  const { used } = usablePoints(points);
  const parameter = LAWS[lawName].shape[0];
  const degrees = used.length - (parameterCount(lawName) - 1);
  if (parameter === undefined || parameter.name === 'exponent' || degrees < 3) return null;
  const solver = new LawSolver(
    lawName,
    used.map((point) => point.batchSize),
  );
  const lnRates = Float64Array.from(used, (point) => Math.log(point.learningRate));
  const weights = meanOneWeights(used);
  const solution = solver.solve(lnRates, weights);
  const { lower, upper } = solver.bounds(weights);
  const from = lower[0];
  const to = upper[0];
  const profile = (coordinate: number) => solver.solve(lnRates, weights, { hold: coordinate }).sumOfSquares;
  const threshold = solution.sumOfSquares * (1 + studentQuantile(level, degrees) ** 2 / degrees);

  const best = solution.at[0];
  const coordinates = Array.from(
    { length: CURVE_POINTS },
    (_, i) => from + ((to - from) * i) / (CURVE_POINTS - 1),
  );
  coordinates.push(best);
  coordinates.sort((a, b) => a - b);
  const curve = coordinates.map((coordinate) => ({
    coordinate,
    sumOfSquares: coordinate === best ? solution.sumOfSquares : profile(coordinate),
  }));
  const inside = (sum: number) => sum <= threshold;
  const first = curve.findIndex((point) => inside(point.sumOfSquares));
  const last = curve.findLastIndex((point) => inside(point.sumOfSquares));
  const crossing = (outer: number, inner: number) => {
    for (let i = 0; i < 40; i++) {
      const middle = (outer + inner) / 2;
      if (inside(profile(middle))) inner = middle;
      else outer = middle;
    }
    return inner;
  };
  const openBelow = first === 0;
  const openAbove = last === curve.length - 1;
  return {
    law: lawName,
    parameter: parameter.name,
    best: Math.exp(best),
    interval: [
      Math.exp(openBelow ? from : crossing(curve[first - 1].coordinate, curve[first].coordinate)),
      Math.exp(openAbove ? to : crossing(curve[last + 1].coordinate, curve[last].coordinate)),
    ],
    openBelow,
    openAbove,
    level,
    curve: curve.map((point) => ({ value: Math.exp(point.coordinate), sumOfSquares: point.sumOfSquares })),
  };
}
