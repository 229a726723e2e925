/**
 * Mean and variance of per-sample gradients on two disjoint halves A and B of the samples, in double precision whatever
 * the gradients came in. Products of a half-A mean with a half-B mean are free of the bias that squares of one mean have.
 */

export interface GradientMoments {
  readonly n: number;
  /** Samples in each half. */
  readonly halfCount: number;
  readonly meanA: Float64Array;
  readonly meanB: Float64Array;
  /** Mean over both halves. */
  readonly mean: Float64Array;
  /** Means of consecutive, equally large parts of each half, for resampling: one part unless asked for more. */
  readonly blocksA: readonly Float64Array[];
  readonly blocksB: readonly Float64Array[];
  /** Per-sample variance from all samples, divisor count − 1. */
  readonly variance: Float64Array;
  readonly deviation: Float64Array;
  /** 1 where the variance is positive. A coordinate without noise in the sample is taken as dead and never moves. */
  readonly active: Float64Array;
  /** Share of samples whose gradient is exactly 0, by coordinate: not Gaussian at small batch sizes when large. */
  readonly zeroShare: Float64Array;
}

/** Takes gradients one sample at a time (Welford's update), so that they need not be in memory together. */
export class MomentsAccumulator {
  readonly #n: number;
  readonly #counts: [number, number] = [0, 0];
  readonly #means: [Float64Array, Float64Array];
  readonly #squares: [Float64Array, Float64Array];
  readonly #zeros: Float64Array;
  readonly #samplesPerBlock: number;
  readonly #blocks: [Float64Array[], Float64Array[]] = [[], []];

  /** `parameters`: length of a gradient. `samplesPerBlock`: samples in each part of a half whose mean is kept. */
  constructor(parameters: number, samplesPerBlock = Infinity) {
    if (!(samplesPerBlock >= 1))
      throw new RangeError(`A block must have one sample or more, not ${samplesPerBlock}.`);
    this.#n = parameters;
    this.#samplesPerBlock = samplesPerBlock;
    this.#means = [new Float64Array(parameters), new Float64Array(parameters)];
    this.#squares = [new Float64Array(parameters), new Float64Array(parameters)];
    this.#zeros = new Float64Array(parameters);
  }

  /** Adds the gradient at gradients[offset …] to half A or B. @throws RangeError when a value is not finite. */
  add(half: 'A' | 'B', gradients: ArrayLike<number>, offset = 0): void {
    const index = half === 'A' ? 0 : 1;
    const mean = this.#means[index];
    const squares = this.#squares[index];
    for (let i = 0; i < this.#n; i++) {
      if (!Number.isFinite(gradients[offset + i]))
        throw new RangeError(
          `Sample ${this.#counts[index] + 1} of half ${half} has the gradient ${gradients[offset + i]} at coordinate ${i + 1}.`,
        );
    }
    const count = ++this.#counts[index];
    const blocks = this.#blocks[index];
    const inBlock = (count - 1) % this.#samplesPerBlock;
    if (inBlock === 0) blocks.push(new Float64Array(this.#n));
    const block = blocks[blocks.length - 1];
    for (let i = 0; i < this.#n; i++) {
      block[i] += (gradients[offset + i] - block[i]) / (inBlock + 1);
    }
    for (let i = 0; i < this.#n; i++) {
      const value = gradients[offset + i];
      const difference = value - mean[i];
      mean[i] += difference / count;
      squares[i] += difference * (value - mean[i]);
      if (value === 0) this.#zeros[i]++;
    }
  }

  /** @throws RangeError unless both halves have the same number of samples, at least one, in whole blocks. */
  finish(): GradientMoments {
    const [a, b] = this.#counts;
    if (a !== b || a < 1)
      throw new RangeError(
        `Halves A and B must have equally many samples, at least one each, not ${a} and ${b}.`,
      );
    if (Number.isFinite(this.#samplesPerBlock) && a % this.#samplesPerBlock !== 0)
      throw new RangeError(`${a} samples of a half do not make whole blocks of ${this.#samplesPerBlock}.`);
    const [meanA, meanB] = this.#means;
    const mean = meanA.map((value, i) => (value + meanB[i]) / 2);
    const variance = meanA.map((value, i) => {
      const between = (a / 2) * (value - meanB[i]) ** 2;
      return (this.#squares[0][i] + this.#squares[1][i] + between) / (2 * a - 1);
    });
    return {
      n: this.#n,
      halfCount: a,
      meanA,
      meanB,
      mean,
      blocksA: this.#blocks[0],
      blocksB: this.#blocks[1],
      variance,
      deviation: variance.map(Math.sqrt),
      active: variance.map((value) => (value > 0 ? 1 : 0)),
      zeroShare: this.#zeros.map((value) => value / (2 * a)),
    };
  }
}

/** The same from rows held in memory. */
export function gradientMoments(
  rowsA: readonly ArrayLike<number>[],
  rowsB: readonly ArrayLike<number>[],
): GradientMoments {
  if (rowsA.length === 0) throw new RangeError('Half A has no samples.');
  const accumulator = new MomentsAccumulator(rowsA[0].length);
  for (const row of rowsA) accumulator.add('A', row);
  for (const row of rowsB) accumulator.add('B', row);
  return accumulator.finish();
}

export interface NormEstimates {
  /** tr(Sigma). */
  readonly noiseTrace: number;
  /** |mean|², too large by tr(Sigma)/samples on average. */
  readonly gradientSquarePlugin: number;
  readonly gradientSquareDebiased: number;
  /** tr(Sigma)/|G|² with each; null unless both are positive. */
  readonly bSimplePlugin: number | null;
  readonly bSimpleDebiased: number | null;
  /** Sum of mu²/sigma, too large by the sum of sigma over samples on average. */
  readonly gradientMassPlugin: number;
  readonly gradientMassDebiased: number;
  /** Sum of mu_A mu_B/sigma. */
  readonly gradientMassSplit: number;
}

export function normEstimates(moments: GradientMoments): NormEstimates {
  const { n, halfCount, mean, meanA, meanB, variance, deviation, active } = moments;
  const samples = 2 * halfCount;
  let [noiseTrace, square, mass, massSplit, sigmas] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    noiseTrace += variance[i];
    square += mean[i] ** 2;
    if (active[i] === 0) continue;
    mass += mean[i] ** 2 / deviation[i];
    massSplit += (meanA[i] * meanB[i]) / deviation[i];
    sigmas += deviation[i];
  }
  const debiased = square - noiseTrace / samples;
  const ratio = (denominator: number) =>
    noiseTrace > 0 && denominator > 0 ? noiseTrace / denominator : null;
  return {
    noiseTrace,
    gradientSquarePlugin: square,
    gradientSquareDebiased: debiased,
    bSimplePlugin: ratio(square),
    bSimpleDebiased: ratio(debiased),
    gradientMassPlugin: mass,
    gradientMassDebiased: mass - sigmas / samples,
    gradientMassSplit: massSplit,
  };
}
