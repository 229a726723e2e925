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
  /** Learning rates in the fit. */
  readonly used: number;
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

interface Sample {
  readonly x: number;
  readonly y: number;
}

interface LocalFit {
  readonly value: number;
  /** Second derivative. */
  readonly curvature: number;
}

/** Quadratic around `at` by weighted least squares, sample `left` left out; null when it is not determined. */
function localQuadratic(
  samples: readonly Sample[],
  at: number,
  bandwidth: number,
  left = -1,
): LocalFit | null {
  let [s0, s1, s2, s3, s4, t0, t1, t2] = [0, 0, 0, 0, 0, 0, 0, 0];
  // Distances in units of the range keep the normal equations well conditioned.
  const unit = samples[samples.length - 1].x - samples[0].x;
  for (let i = 0; i < samples.length; i++) {
    if (i === left) continue;
    const distance = samples[i].x - at;
    const weight = Number.isFinite(bandwidth) ? Math.exp(-0.5 * (distance / bandwidth) ** 2) : 1;
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
  if (!(determinant > 1e-14 * s0 * s2 * s4)) return null;
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
    samples.push({ x: Math.log(rate), y: losses.reduce((sum, loss) => sum + loss, 0) / losses.length });
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
function valleySpread(sorted: readonly number[]): number {
  const last = Math.min(sorted.length - 1, Math.max(4, Math.floor(sorted.length / 3)));
  let spread = sorted[Math.min(2, last)] - sorted[0];
  for (let rank = 3; rank <= last; rank++) {
    const next = sorted[rank] - sorted[0];
    if (spread > 0 && next > WALL * spread) break;
    spread = next;
  }
  return spread;
}

/** Bandwidth by leave-one-out error; the two ends are not predicted, and samples near the minimum count most. */
function crossValidate(samples: readonly Sample[], spacing: number, lowest: number, spread: number) {
  const tried: { bandwidth: number; error: number }[] = [];
  for (const factor of BANDWIDTHS) {
    const bandwidth = factor * spacing;
    let sum = 0;
    let total = 0;
    for (let i = 1; i < samples.length - 1; i++) {
      const fit = localQuadratic(samples, samples[i].x, bandwidth, i);
      if (fit === null) {
        total = 0;
        break;
      }
      const weight = Math.exp(-(samples[i].y - lowest) / spread);
      sum += weight * (fit.value - samples[i].y) ** 2;
      total += weight;
    }
    if (total > 0) tried.push({ bandwidth, error: Math.sqrt(sum / total) });
  }
  const least = tried.reduce((low, { error }) => Math.min(low, error), Infinity);
  return tried.findLast(({ error }) => error <= SLACK * least) ?? { bandwidth: Infinity, error: null };
}

/** Optimal learning rate of one batch size; several points may share a learning rate (replicates). */
export function smoothOptimum(points: readonly SmoothPoint[]): SmoothOptimum {
  const { samples: all, diverged, lowest: lowestRate, highest: highestRate } = meanLosses(points);
  const sorted = all.map((sample) => sample.y).sort((a, b) => a - b);
  const floor = sorted[0] ?? NaN;
  const spread = sorted.length === 0 ? NaN : valleySpread(sorted);
  const samples = all.filter((sample) => sample.y <= floor + BASIN * spread);
  const far = all.length - samples.length;
  const none = { learningRate: null, loss: null, curvature: null, bandwidth: null, error: null };
  if (samples.length < 3) return { ...none, used: samples.length, diverged, far, flags: ['few-points'] };
  const flags: SmoothFlag[] = [];
  const first = samples[0].x;
  const last = samples[samples.length - 1].x;
  if (spread === 0) {
    // Identical losses have no minimum to speak of: the middle of the lowest ones, and the flag says so.
    return {
      ...none,
      learningRate: Math.exp((first + last) / 2),
      loss: floor,
      used: samples.length,
      diverged,
      far,
      flags: ['flat'],
    };
  }
  const gaps = samples
    .slice(1)
    .map((sample, i) => sample.x - samples[i].x)
    .sort((a, b) => a - b);
  const spacing = gaps[Math.floor(gaps.length / 2)];
  let bandwidth = Infinity;
  let error: number | null = null;
  if (samples.length < 5) flags.push('few-points');
  else ({ bandwidth, error } = crossValidate(samples, spacing, floor, spread));

  const value = (x: number) => localQuadratic(samples, x, bandwidth)?.value ?? Infinity;
  const steps = Math.max(2, Math.round(((last - first) / spacing) * RESOLUTION));
  const step = (last - first) / steps;
  let index = 0;
  let lowest = Infinity;
  for (let i = 0; i <= steps; i++) {
    const here = value(first + i * step);
    if (here < lowest) {
      lowest = here;
      index = i;
    }
  }
  let at = first + index * step;
  const atEnd = index === 0 || index === steps;
  if (atEnd) {
    const rate = index === 0 ? lowestRate : highestRate;
    flags.push(Math.abs(at - Math.log(rate)) < 1e-9 ? 'edge' : 'diverged-neighbour');
  } else {
    // The fit is smooth at this resolution: the vertex through three evaluations refines its minimum.
    const [below, above] = [value(at - step), value(at + step)];
    const bend = below - 2 * lowest + above;
    if (bend > 0 && Number.isFinite(bend)) at += (step * (below - above)) / (2 * bend);
  }
  const fit = localQuadratic(samples, at, bandwidth);
  const curvature = fit?.curvature ?? null;
  if (!atEnd && !(curvature !== null && curvature > 0)) flags.push('not-convex');
  if (error !== null && spread < 2 * error) flags.push('flat');
  return {
    learningRate: Math.exp(at),
    loss: fit?.value ?? null,
    curvature,
    bandwidth,
    error,
    used: samples.length,
    diverged,
    far,
    flags,
  };
}
