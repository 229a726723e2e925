/**
 * Estimates that can be resampled. What was measured comes in parts of exchangeable units: blocks of half A, blocks of
 * half B, and probes or minibatches. A resample draws the units of every part with replacement and moves each estimate
 * by the mean of their deviations, so that all quantities and all batch sizes move together and their ratios, curves and
 * peaks can be formed in each resample anew (infinitesimal bootstrap).
 */
import { parabolaVertex } from '../analysis/parabola.ts';
import { interval } from '../analysis/resampling.ts';
import { stream } from '../random/index.ts';
import type { PredictedPeak, PredictedValue } from './prediction-record.ts';

export interface Resampled {
  readonly value: number;
  /** By part, the deviation that each unit stands for; a part's deviations have the mean 0. */
  readonly parts: readonly Float64Array[];
}

/** A mean over units as a resampled estimate with one part that moves it, at place `part` of `parts` parts. */
export function resampledMean(values: Float64Array, part: number, parts: number): Resampled {
  const value = values.reduce((sum, x) => sum + x, 0) / values.length;
  return {
    value,
    parts: Array.from({ length: parts }, (_, p) =>
      p === part ? values.map((x) => x - value) : new Float64Array(0),
    ),
  };
}

/** a + factor·b, part by part. */
export function addResampled(a: Resampled, b: Resampled, factor = 1): Resampled {
  return {
    value: a.value + factor * b.value,
    parts: a.parts.map((mine, p) => {
      const other = b.parts[p];
      if (mine.length === 0) return other.map((x) => factor * x);
      return other.length === 0 ? mine : mine.map((x, i) => x + factor * other[i]);
    }),
  };
}

/** Draws the same resamples for every estimate whose parts have these sizes. */
export class Resampler {
  readonly resamples: number;
  readonly #sizes: readonly number[];
  /** [part][resample·size + i]. */
  readonly #draws: readonly Uint32Array[];

  constructor(sizes: readonly number[], resamples: number) {
    this.resamples = resamples;
    this.#sizes = sizes;
    this.#draws = sizes.map((size, part) => {
      const numbers = stream('prediction/resampling', part);
      return Uint32Array.from({ length: resamples * size }, (_, i) => numbers.below(i, size));
    });
  }

  /** The estimate in each resample. A part without deviations does not move it. */
  values(estimate: Resampled): Float64Array {
    const out = new Float64Array(this.resamples).fill(estimate.value);
    estimate.parts.forEach((deviations, part) => {
      if (deviations.length === 0) return;
      const size = this.#sizes[part];
      if (deviations.length !== size)
        throw new RangeError(`Part ${part + 1} has ${deviations.length} deviations, not ${size}.`);
      const draws = this.#draws[part];
      for (let r = 0; r < this.resamples; r++) {
        let sum = 0;
        for (let i = 0; i < size; i++) sum += deviations[draws[r * size + i]];
        out[r] += sum / size;
      }
    });
    return out;
  }

  /**
   * A value with its error from what it is in each resample (NaN where it is none). The smallest part decides how much
   * too narrow plain resampling is.
   */
  summarise(value: number, resampled: Float64Array): PredictedValue {
    const units = Math.min(...this.#sizes);
    const finite = resampled.filter(Number.isFinite);
    if (units < 2 || finite.length < resampled.length / 2 || finite.length < 2)
      return { value, standardError: null, interval: null };
    const mean = finite.reduce((sum, x) => sum + x, 0) / finite.length;
    const square = finite.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (finite.length - 1);
    return {
      value,
      standardError: Math.sqrt((square * units) / (units - 1)),
      interval: interval(resampled, units),
    };
  }

  /** The estimate itself with its error. */
  estimate(estimate: Resampled): PredictedValue {
    return this.summarise(estimate.value, this.values(estimate));
  }

  /** f of several estimates; null where f of the values is null or not finite. */
  combine(
    estimates: readonly Resampled[],
    f: (values: readonly number[]) => number | null,
  ): { readonly value: PredictedValue; readonly resampled: Float64Array } | null {
    const value = f(estimates.map((e) => e.value));
    if (value === null || !Number.isFinite(value)) return null;
    const columns = estimates.map((e) => this.values(e));
    const resampled = Float64Array.from(
      { length: this.resamples },
      (_, r) => f(columns.map((column) => column[r])) ?? NaN,
    );
    return { value: this.summarise(value, resampled), resampled };
  }
}

interface CurvePeak {
  readonly lnBatch: number;
  readonly learningRate: number;
  readonly atEdge: 'smallest' | 'largest' | null;
}

/** Highest point of a curve, refined by the parabola through it and its neighbours in (ln B, ln LR). */
function highest(batchSizes: readonly number[], learningRates: readonly number[]): CurvePeak | null {
  const places: number[] = [];
  const heights: number[] = [];
  batchSizes.forEach((batchSize, i) => {
    if (!(learningRates[i] > 0 && Number.isFinite(learningRates[i]))) return;
    places.push(Math.log(batchSize));
    heights.push(Math.log(learningRates[i]));
  });
  if (heights.length === 0) return null;
  const top = heights.indexOf(Math.max(...heights));
  const atEdge = top === heights.length - 1 ? 'largest' : top === 0 ? 'smallest' : null;
  const vertex =
    atEdge === null
      ? parabolaVertex(
          [places[top - 1], places[top], places[top + 1]],
          [-heights[top - 1], -heights[top], -heights[top + 1]],
        )
      : null;
  return {
    lnBatch: vertex?.x ?? places[top],
    learningRate: Math.exp(vertex === null ? heights[top] : -vertex.y),
    atEdge,
  };
}

/** Peak of a resampled curve. `curves` has one entry a batch size: the value, and what it is in each resample. */
export function resampledPeak(
  batchSizes: readonly number[],
  curves: readonly ({ readonly value: PredictedValue; readonly resampled: Float64Array } | null)[],
  resampler: Resampler,
): PredictedPeak | null {
  const peak = highest(
    batchSizes,
    curves.map((c) => c?.value.value ?? NaN),
  );
  if (peak === null) return null;
  const places = new Float64Array(resampler.resamples).fill(NaN);
  const heights = new Float64Array(resampler.resamples).fill(NaN);
  let inside = 0;
  for (let r = 0; r < resampler.resamples; r++) {
    const found = highest(
      batchSizes,
      curves.map((c) => c?.resampled[r] ?? NaN),
    );
    if (found === null) continue;
    places[r] = Math.exp(found.lnBatch);
    heights[r] = found.learningRate;
    if (found.atEdge === null) inside++;
  }
  return {
    batchSize: resampler.summarise(Math.exp(peak.lnBatch), places),
    learningRate: resampler.summarise(peak.learningRate, heights),
    atEdge: peak.atEdge,
    insideShare: inside / resampler.resamples,
  };
}
