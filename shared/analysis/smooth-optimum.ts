/**
 * The optimal learning rate by a smooth fit over all learning rates: local quadratic regression in ln LR (Cleveland
 * 1979; Fan and Gijbels 1996) with a Gaussian kernel whose bandwidth comes from cross-validation. It uses more of the
 * curve than the parabola through three points and is therefore less noisy.
 */

export interface SmoothPoint {
  readonly learningRate: number;
  /** Smaller is better. NaN and infinities mean diverged. */
  readonly loss: number;
}

export type SmoothFlag =
  /** The minimum is at the lowest or highest learning rate of the sweep: the optimum may lie outside. */
  | 'edge'
  /** Next to the minimum there is a diverged or much worse learning rate: it is read off the end of the usable ones. */
  | 'diverged-neighbour'
  /** Losses differ by less than twice their cross-validated error. */
  | 'flat'
  /** Fewer than five usable learning rates: a single quadratic without cross-validation. */
  | 'few-points'
  /** The fit does not curve upwards at its minimum. */
  | 'not-convex';

export interface SmoothOptimum {
  /** Null with fewer than three usable learning rates. */
  readonly learningRate: number | null;
  /** Fitted loss there, and its second derivative by ln LR. */
  readonly loss: number | null;
  readonly curvature: number | null;
  /** Kernel deviation in ln LR; Infinity is a single quadratic. */
  readonly bandwidth: number | null;
  /** Root mean squared leave-one-out error near the minimum; null without cross-validation. */
  readonly error: number | null;
  /** Learning rates in the fit: their number, and themselves, ascending. */
  readonly used: number;
  readonly fittedRates: readonly number[];
  /** Learning rates left out because a run diverged, and because their loss is far above the minimum. */
  readonly diverged: number;
  readonly far: number;
  readonly flags: readonly SmoothFlag[];
}

/** Learning rates whose excess loss is above this many times the spread of the lowest ones do not shape the minimum. */
const BASIN = 8;
/** A jump by this factor from one loss to the next higher one is a wall, not a part of the valley. */
const WALL = 10;
/** Bandwidths tried, in grid spacings. */
const BANDWIDTHS = [1, 1.4, 2, 2.8, 4, Infinity] as const;
/** The widest bandwidth within this factor of the lowest cross-validation error is taken: the error itself is noisy. */
const SLACK = 1.1;
/** Evaluations per grid spacing when the minimum of the fit is searched. */
const RESOLUTION = 16;

/** Share of the largest product below which the normal equations count as singular. */
const SINGULAR = 1e-14;

interface Sample {
  readonly rate: number;
  /** ln of the rate. */
  readonly x: number;
  readonly y: number;
}

interface LocalFit {
  readonly value: number;
  /** Second derivative. */
  readonly curvature: number;
}

/** Quadratic around `at` by weighted least squares; null when it is not determined. */
function localQuadratic(samples: readonly Sample[], at: number, bandwidth: number): LocalFit | null {
  let [s0, s1, s2, s3, s4, t0, t1, t2] = [0, 0, 0, 0, 0, 0, 0, 0];
  // Distances in units of the range keep the normal equations well conditioned.
  const unit = samples[samples.length - 1].x - samples[0].x;
  for (let i = 0; i < samples.length; i++) {
    const distance = samples[i].x - at;
    const weight = kernel(distance, bandwidth);
    const d = distance / unit;
    const y = samples[i].y;
    s0 += weight;
    s1 += weight * d;
    s2 += weight * d * d;
    s3 += weight * d ** 3;
    s4 += weight * d ** 4;
    t0 += weight * y;
    t1 += weight * d * y;
    t2 += weight * d * d * y;
  }
  const determinant = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2);
  if (!(determinant > SINGULAR * s0 * s2 * s4)) return null;
  const value = t0 * (s2 * s4 - s3 * s3) - s1 * (t1 * s4 - t2 * s3) + s2 * (t1 * s3 - t2 * s2);
  const second = s0 * (s2 * t2 - s3 * t1) - s1 * (s1 * t2 - s2 * t1) + t0 * (s1 * s3 - s2 * s2);
  return { value: value / determinant, curvature: (2 * second) / determinant / unit ** 2 };
}

/** Mean loss of each learning rate, ascending; learning rates with a diverged run are counted and left out. */
function meanLosses(points: readonly SmoothPoint[]) {
  const groups = new Map<number, number[]>();
  for (const { learningRate, loss } of points) {
    if (!(learningRate > 0 && Number.isFinite(learningRate))) continue;
    const group = groups.get(learningRate);
    if (group === undefined) groups.set(learningRate, [loss]);
    else group.push(loss);
  }
  const rates = [...groups.keys()].sort((a, b) => a - b);
  const samples: Sample[] = [];
  for (const rate of rates) {
    const losses = groups.get(rate)!;
    if (!losses.every(Number.isFinite)) continue;
    samples.push({ rate, x: Math.log(rate), y: losses.reduce((sum, loss) => sum + loss, 0) / losses.length });
  }
  return {
    samples,
    diverged: rates.length - samples.length,
    lowest: rates[0],
    highest: rates[rates.length - 1],
  };
}

/**
 * Spread of the lowest losses (a third of them, five at least) above the lowest one, stopping where the losses jump.
 */
function valleySpread(sorted: ArrayLike<number>): number {
  const last = Math.min(sorted.length - 1, Math.max(4, Math.floor(sorted.length / 3)));
  let spread = sorted[Math.min(2, last)] - sorted[0];
  for (let rank = 3; rank <= last; rank++) {
    const next = sorted[rank] - sorted[0];
    if (spread > 0 && next > WALL * spread) break;
    spread = next;
  }
  return spread;
}

/** Mean squared leave-one-out error by bandwidth for given ln LR: linear in the losses, its weights computed once. */
class CrossValidation {
  readonly #n: number;
  readonly #spacing: number;
  /** [bandwidth][left-out sample, ends not][sample]; null where the fit is not determined. */
  readonly #predictions: readonly (Float64Array | null)[];

  constructor(places: readonly number[]) {
    const n = places.length;
    this.#n = n;
    this.#spacing = medianGap(places);
    this.#predictions = BANDWIDTHS.map((factor) => {
      const weights = new Float64Array(n * n);
      for (let i = 1; i < n - 1; i++)
        fitWeights(places, places[i], factor * this.#spacing, weights, i * n, i);
      return weights.some(Number.isNaN) ? null : weights;
    });
  }

  /** The two ends are not predicted, and samples near the minimum count most. */
  choose(losses: ArrayLike<number>, lowest: number, spread: number) {
    const n = this.#n;
    const errors = this.#predictions.map((weights) => {
      if (weights === null) return Infinity;
      let sum = 0;
      let total = 0;
      for (let i = 1; i < n - 1; i++) {
        let value = 0;
        for (let j = 0; j < n; j++) value += weights[i * n + j] * losses[j];
        const weight = Math.exp(-(losses[i] - lowest) / spread);
        sum += weight * (value - losses[i]) ** 2;
        total += weight;
      }
      return total > 0 ? Math.sqrt(sum / total) : Infinity;
    });
    const least = Math.min(...errors);
    const index = errors.findLastIndex((error) => error <= SLACK * least && error < Infinity);
    if (index < 0) return { index: BANDWIDTHS.length - 1, bandwidth: Infinity, error: null };
    return { index, bandwidth: BANDWIDTHS[index] * this.#spacing, error: errors[index] };
  }
}

export interface SmoothMinimum {
  /** ln LR. */
  readonly x: number;
  /** The lowest place is the first or last sample: there need not be a minimum. */
  readonly end: 'low' | 'high' | null;
  /** Infinity is a single quadratic. */
  readonly bandwidth: number;
  /** Leave-one-out error at this bandwidth; null with fewer than five samples, where nothing is chosen. */
  readonly error: number | null;
}

const FEW_POINTS = 5;

/**
 * The minimum of local quadratic fits to losses at fixed ln LR, for many sets of losses (resamples). The bandwidth is
 * chosen for each of them: with that of their mean, intervals would leave its choice out and be too short. Fits are
 * linear in the losses, so their weights are computed once. `places` ascending, three at least; losses finite.
 */
export function smoothMinimizer(places: readonly number[]): (losses: ArrayLike<number>) => SmoothMinimum {
  const first = places[0];
  const last = places[places.length - 1];
  const spacing = medianGap(places);
  const steps = Math.max(2, Math.round(((last - first) / spacing) * RESOLUTION));
  const step = (last - first) / steps;
  const n = places.length;
  const made = new Map<number, Float64Array>();
  const weightsOf = (bandwidth: number): Float64Array => {
    let weights = made.get(bandwidth);
    if (weights === undefined) {
      weights = new Float64Array((steps + 1) * n);
      for (let i = 0; i <= steps; i++) fitWeights(places, first + i * step, bandwidth, weights, i * n);
      made.set(bandwidth, weights);
    }
    return weights;
  };
  const validation = n < FEW_POINTS ? null : new CrossValidation(places);
  const fitted = new Float64Array(steps + 1);
  return (losses) => {
    const sorted = Float64Array.from(losses).sort();
    const chosen = validation?.choose(losses, sorted[0], valleySpread(sorted));
    const bandwidth = chosen?.bandwidth ?? Infinity;
    const error = chosen?.error ?? null;
    const weights = weightsOf(bandwidth);
    let index = 0;
    for (let i = 0; i <= steps; i++) {
      let value = 0;
      for (let j = 0; j < n; j++) value += weights[i * n + j] * losses[j];
      fitted[i] = Number.isNaN(value) ? Infinity : value;
      if (fitted[i] < fitted[index]) index = i;
    }
    const x = first + index * step;
    if (index === 0) return { x, end: 'low', bandwidth, error };
    if (index === steps) return { x, end: 'high', bandwidth, error };
    // The fit is smooth at this resolution: the vertex through three evaluations refines its minimum.
    const [below, lowest, above] = [fitted[index - 1], fitted[index], fitted[index + 1]];
    const bend = below - 2 * lowest + above;
    const shift = bend > 0 && Number.isFinite(bend) ? (step * (below - above)) / (2 * bend) : 0;
    return { x: x + shift, end: null, bandwidth, error };
  };
}

/** Weights of the losses in the value at `at` of the quadratic around it, sample `left` left out; NaN where not determined. */
function fitWeights(
  places: readonly number[],
  at: number,
  bandwidth: number,
  out: Float64Array,
  offset: number,
  left = -1,
): void {
  let [s0, s1, s2, s3, s4] = [0, 0, 0, 0, 0];
  const unit = places[places.length - 1] - places[0];
  for (let i = 0; i < places.length; i++) {
    if (i === left) continue;
    const weight = kernel(places[i] - at, bandwidth);
    const d = (places[i] - at) / unit;
    s0 += weight;
    s1 += weight * d;
    s2 += weight * d * d;
    s3 += weight * d ** 3;
    s4 += weight * d ** 4;
  }
  const determinant = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2);
  const determined = determinant > SINGULAR * s0 * s2 * s4;
  for (let i = 0; i < places.length; i++) {
    if (i === left) continue;
    const d = (places[i] - at) / unit;
    const value = s2 * s4 - s3 * s3 - (s1 * s4 - s2 * s3) * d + (s1 * s3 - s2 * s2) * d * d;
    out[offset + i] = determined ? (kernel(places[i] - at, bandwidth) * value) / determinant : NaN;
  }
}

function kernel(distance: number, bandwidth: number): number {
  return Number.isFinite(bandwidth) ? Math.exp(-0.5 * (distance / bandwidth) ** 2) : 1;
}

function medianGap(places: readonly number[]): number {
  const gaps = places
    .slice(1)
    .map((place, i) => place - places[i])
    .sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)];
}

/** Optimal learning rate of one batch size; several points may share a learning rate (replicates). */
export function smoothOptimum(points: readonly SmoothPoint[]): SmoothOptimum {
  const { samples: all, diverged, lowest: lowestRate, highest: highestRate } = meanLosses(points);
  const sorted = all.map((sample) => sample.y).sort((a, b) => a - b);
  const floor = sorted[0] ?? NaN;
  const spread = sorted.length === 0 ? NaN : valleySpread(sorted);
  const samples = all.filter((sample) => sample.y <= floor + BASIN * spread);
  const counts = {
    used: samples.length,
    fittedRates: samples.map((sample) => sample.rate),
    diverged,
    far: all.length - samples.length,
  };
  const none = { learningRate: null, loss: null, curvature: null, bandwidth: null, error: null };
  if (samples.length < 3) return { ...none, ...counts, flags: ['few-points'] };
  const flags: SmoothFlag[] = [];
  const places = samples.map((sample) => sample.x);
  if (spread === 0) {
    // Identical losses have no minimum to speak of: the middle of the lowest ones, and the flag says so.
    const middle = Math.exp((places[0] + places[places.length - 1]) / 2);
    return { ...none, ...counts, learningRate: middle, loss: floor, flags: ['flat'] };
  }
  if (samples.length < FEW_POINTS) flags.push('few-points');
  const minimize = smoothMinimizer(places);
  const { x: at, end, bandwidth, error } = minimize(samples.map((sample) => sample.y));
  if (end !== null) {
    const rate = end === 'low' ? lowestRate : highestRate;
    flags.push(Math.abs(at - Math.log(rate)) < 1e-9 ? 'edge' : 'diverged-neighbour');
  }
  const fit = localQuadratic(samples, at, bandwidth);
  const curvature = fit?.curvature ?? null;
  if (end === null && !(curvature !== null && curvature > 0)) flags.push('not-convex');
  if (error !== null && spread < 2 * error) flags.push('flat');
  return {
    learningRate: Math.exp(at),
    loss: fit?.value ?? null,
    curvature,
    bandwidth,
    error,
    ...counts,
    flags,
  };
}
