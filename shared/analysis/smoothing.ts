/** Smoothing of a curve for the eye. It is off by default and always stated where it is used. */

/**
 * Exponential average whose weights halve every `halfLife` steps, without the bias towards its start: the weights are
 * divided by their sum (the bias correction of Adam, arXiv 1412.6980, section 3, for uneven steps). A value that is not
 * finite ends it: everything from there on is NaN.
 */
export function debiasedAverage(
  steps: readonly number[],
  values: ArrayLike<number>,
  halfLife: number,
): number[] {
  if (!(halfLife > 0)) throw new RangeError(`halfLife must be a positive number of steps, not ${halfLife}.`);
  let [sum, weight] = [0, 0];
  return steps.map((step, i) => {
    const keep = i === 0 ? 0 : 2 ** (-(step - steps[i - 1]) / halfLife);
    // The share of the new value is that of the time it stands for; the first stands for one step.
    const share = i === 0 ? 1 - 2 ** (-1 / halfLife) : 1 - keep;
    sum = keep * sum + share * values[i];
    weight = keep * weight + share;
    return sum / weight;
  });
}
