/**
 * Gradient noise scale B_simple = tr(Sigma)/|G|² from gradient norms at two batch sizes (arXiv 1812.06162, appendix A.1):
 * E|G_B|² = |G|² + tr(Sigma)/B. It does not depend on the two batch sizes but does on the learning rate of the run.
 */

export interface TwoBatchSizes {
  readonly small: number;
  readonly big: number;
}

export interface TwoBatchEstimate {
  /** Unbiased estimate of |G|²; may be zero or negative on one step. */
  readonly gradientSquare: number;
  /** Unbiased estimate of tr(Sigma); may be zero or negative on one step. */
  readonly noiseTrace: number;
}

/** @throws RangeError unless 0 < small < big. */
export function twoBatchEstimate(
  sizes: TwoBatchSizes,
  squaredNormSmall: number,
  squaredNormBig: number,
): TwoBatchEstimate {
  const { small, big } = sizes;
  if (!(small > 0 && big > small && Number.isFinite(big)))
    throw new RangeError(`The two batch sizes must be positive and ascending, not ${small} and ${big}.`);
  return {
    gradientSquare: (big * squaredNormBig - small * squaredNormSmall) / (big - small),
    noiseTrace: (squaredNormSmall - squaredNormBig) / (1 / small - 1 / big),
  };
}

/** tr(Sigma)/|G|²; null while an estimate is not positive, since the ratio then says nothing. */
export function noiseScale({ gradientSquare, noiseTrace }: TwoBatchEstimate): number | null {
  return gradientSquare > 0 && noiseTrace > 0 ? noiseTrace / gradientSquare : null;
}

/** Averages numerator and denominator apart: the ratio of averages is nearly unbiased, an average of ratios is not. */
export class NoiseScaleAverage {
  readonly #sizes: TwoBatchSizes;
  readonly #decay: number;
  #gradientSquare = 0;
  #noiseTrace = 0;
  #skipped = 0;

  /** `decay` of the exponential average, in [0, 1). Both averages start at 0; their ratio needs no bias correction. */
  constructor(sizes: TwoBatchSizes, decay: number) {
    if (!(decay >= 0 && decay < 1))
      throw new RangeError(`The decay must be at least 0 and below 1, not ${decay}.`);
    this.#sizes = sizes;
    this.#decay = decay;
  }

  /** Takes the squared gradient norms of one step; norms that are not finite are counted and left out. */
  add(squaredNormSmall: number, squaredNormBig: number): TwoBatchEstimate {
    const estimate = twoBatchEstimate(this.#sizes, squaredNormSmall, squaredNormBig);
    if (Number.isFinite(estimate.gradientSquare) && Number.isFinite(estimate.noiseTrace)) {
      this.#gradientSquare = this.#decay * this.#gradientSquare + (1 - this.#decay) * estimate.gradientSquare;
      this.#noiseTrace = this.#decay * this.#noiseTrace + (1 - this.#decay) * estimate.noiseTrace;
    } else {
      this.#skipped++;
    }
    return estimate;
  }

  get averages(): TwoBatchEstimate {
    return { gradientSquare: this.#gradientSquare, noiseTrace: this.#noiseTrace };
  }

  /** Steps left out because a norm was not finite. */
  get skipped(): number {
    return this.#skipped;
  }

  get noiseScale(): number | null {
    return noiseScale(this.averages);
  }
}

export interface NoiseScaleWithError {
  /** Null while an average is not positive. */
  readonly value: number | null;
  /** By the delta method over the estimates; null without a value or with fewer than two estimates. */
  readonly standardError: number | null;
}

/**
 * Ratio of exponentially weighted means, newest last, with its error: weights decay^(n − 1 − j), normalised. A decay of
 * 1 weighs all alike, which is right at a frozen point, where no estimate is staler than another. Estimates must be
 * independent; those that are not finite are left out.
 */
export function noiseScaleWithError(estimates: readonly TwoBatchEstimate[], decay = 1): NoiseScaleWithError {
  if (!(decay > 0 && decay <= 1))
    throw new RangeError(`The decay must be above 0 and at most 1, not ${decay}.`);
  const usable = estimates.filter((e) => Number.isFinite(e.gradientSquare) && Number.isFinite(e.noiseTrace));
  const n = usable.length;
  const weights = usable.map((_, j) => decay ** (n - 1 - j));
  const total = weights.reduce((sum, w) => sum + w, 0);
  let [gradientSquare, noiseTrace] = [0, 0];
  usable.forEach((estimate, j) => {
    gradientSquare += (weights[j] / total) * estimate.gradientSquare;
    noiseTrace += (weights[j] / total) * estimate.noiseTrace;
  });
  const value = n === 0 ? null : noiseScale({ gradientSquare, noiseTrace });
  if (value === null || n < 2) return { value, standardError: null };
  let [variance, squares] = [0, 0];
  usable.forEach((estimate, j) => {
    const w = weights[j] / total;
    variance += (w * (estimate.noiseTrace - value * estimate.gradientSquare)) ** 2;
    squares += w ** 2;
  });
  // With equal weights this is the usual n/(n − 1).
  return { value, standardError: Math.sqrt(variance / (1 - squares)) / gradientSquare };
}

/** Ratio of plain means over a window of estimates; null while it is not positive or the window is empty. */
export function noiseScaleOfMeans(estimates: readonly TwoBatchEstimate[]): number | null {
  let gradientSquare = 0;
  let noiseTrace = 0;
  for (const estimate of estimates) {
    gradientSquare += estimate.gradientSquare;
    noiseTrace += estimate.noiseTrace;
  }
  return noiseScale({ gradientSquare, noiseTrace });
}
