/** Small-sample quantiles and intervals used beside the fits. */

/** Two-sided standard normal quantiles of the levels on offer. */
const NORMAL_QUANTILE = { 0.68: 0.994457883, 0.9: 1.644853627, 0.95: 1.959963985 } as const;
export type Level = keyof typeof NORMAL_QUANTILE;

/**
 * Two-sided quantile of Student's t: |t| stays below it with probability `level`. Cornish-Fisher expansion in
 * 1/degrees (Abramowitz and Stegun 26.7.5); within 2 % for 3 degrees of freedom and 0.1 % from 6.
 * @throws RangeError below 3 degrees of freedom, where the expansion is no good.
 */
export function studentQuantile(level: Level, degrees: number): number {
  if (!(degrees >= 3)) throw new RangeError(`Needs 3 degrees of freedom or more, not ${degrees}.`);
  const z = NORMAL_QUANTILE[level];
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160;
  return z + g1 / degrees + g2 / degrees ** 2 + g3 / degrees ** 3 + g4 / degrees ** 4;
}

/** Wilson's score interval for `successes` of `trials`; [0, 1] when there were none. */
export function wilsonInterval(successes: number, trials: number, level: Level = 0.95): [number, number] {
  if (trials === 0) return [0, 1];
  const z = NORMAL_QUANTILE[level];
  const rate = successes / trials;
  const center = (rate + z ** 2 / (2 * trials)) / (1 + z ** 2 / trials);
  const half =
    (z / (1 + z ** 2 / trials)) * Math.sqrt((rate * (1 - rate)) / trials + z ** 2 / (4 * trials ** 2));
  return [Math.max(0, center - half), Math.min(1, center + half)];
}
