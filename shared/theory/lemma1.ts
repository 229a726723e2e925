/** Optimal step along a random update V on a quadratic loss (arXiv 2405.14578, Lemma 1, equations 6–7). */

export interface LocalOptimum {
  /** Learning rate that lowers the loss most on average; null when there is no finite one. */
  readonly learningRate: number | null;
  /** Loss decrease there; null likewise. */
  readonly decrease: number | null;
  /** Mean of G'V. */
  readonly slope: number;
  /** Mean of V'HV. Not positive: the loss falls without limit along V, as far as the quadratic model goes. */
  readonly curvature: number;
}

/**
 * The mean decrease at learning rate eps is eps·slope − eps²·curvature/2, so that eps_opt = slope/curvature and the
 * decrease there is eps_opt·slope/2.
 */
export function lemma1(slope: number, curvature: number): LocalOptimum {
  if (!(curvature > 0)) return { learningRate: null, decrease: null, slope, curvature };
  const learningRate = slope / curvature;
  return { learningRate, decrease: (learningRate * slope) / 2, slope, curvature };
}

/** A law that gives the local optimum at a batch size. */
export type LocalLaw = (batchSize: number) => LocalOptimum;

/** @throws RangeError unless the batch size is positive; Infinity is the full-batch limit. */
export function checkBatchSize(batchSize: number): void {
  if (!(batchSize > 0)) throw new RangeError(`The batch size must be positive, not ${batchSize}.`);
}
