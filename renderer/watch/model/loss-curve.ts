/** A cell's training loss for a line of a few hundred pixels. Smoothed whole first, decimated after. */

/**
 * Exponential moving average with the bias of its start removed (Adam's correction, arXiv 1412.6980, section 3). A value
 * that is not finite ends it: what follows is NaN.
 */
export function debiasedAverage(values: ArrayLike<number>, decay: number): Float64Array {
  const out = new Float64Array(values.length).fill(NaN);
  let average = 0;
  let weight = 1;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) break;
    average = decay * average + (1 - decay) * values[i];
    weight *= decay;
    out[i] = average / (1 - weight);
  }
  return out;
}

/** Index of the first value that is not finite; -1 where all are. */
export function firstNonFinite(values: ArrayLike<number>): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

/**
 * Lowest and highest finite value of each of `columns` columns, in their order: every spike stays, and the same data
 * give the same picture. `place` maps an index to 0 … 1; it must not decrease.
 */
export function decimate(
  values: ArrayLike<number>,
  place: (index: number) => number,
  columns: number,
): { readonly index: number; readonly value: number }[] {
  const kept: { index: number; value: number }[] = [];
  let column = -1;
  let low = -1;
  let high = -1;
  const end = () => {
    if (low < 0) return;
    for (const index of low === high ? [low] : low < high ? [low, high] : [high, low])
      kept.push({ index, value: values[index] });
    low = high = -1;
  };
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    const at = Math.min(columns - 1, Math.floor(place(i) * columns));
    if (at !== column) end();
    column = at;
    if (low < 0 || values[i] < values[low]) low = i;
    if (high < 0 || values[i] > values[high]) high = i;
  }
  end();
  return kept;
}
