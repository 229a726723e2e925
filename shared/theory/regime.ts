/**
 * Is the small-batch regime of Theorem 3 met (arXiv 2405.14578, Figure 2a)? Real networks break B << h_i for some
 * coordinates; what counts is how much of the gradient mass sits on them.
 */
import { batchAtLinearisationError } from './erf.ts';
import { regimeBound } from './sign-descent.ts';

/** Coordinates with B above this share of h_i have a mean sign that the small-batch form puts 10 % too high or more. */
const LIMIT = batchAtLinearisationError(0.1);
/** More of the gradient mass than this on such coordinates counts as violated (own rule). */
const ALLOWED_SHARE = 0.1;
/** Median of π/2·n/χ²₁ over n: what h_i shows for a coordinate without any gradient when it comes from n samples. */
const EMPTY_MEDIAN = Math.PI / 2 / 0.454936423119573;

export interface RegimeBounds {
  readonly h: Float64Array;
  /** mu_i²/sigma_i, the coordinate's part of M. */
  readonly mass: Float64Array;
}

export function regimeBounds(mu: ArrayLike<number>, sigma: ArrayLike<number>): RegimeBounds {
  const h = Float64Array.from(mu, (value, i) => regimeBound(value, sigma[i]));
  const mass = Float64Array.from(mu, (value, i) => (value === 0 ? 0 : value ** 2 / sigma[i]));
  return { h, mass };
}

export interface RegimeCheck {
  /** 1, 5 and 50 % points of h_i over coordinates with a gradient; null without any. */
  readonly quantiles: { readonly p1: number; readonly p5: number; readonly p50: number } | null;
  /** Share of M on coordinates with h_i < B. */
  readonly massBelow: number;
  /** Share of M on coordinates with B > 0.38 h_i, and whether it exceeds 10 %. */
  readonly massOutside: number;
  readonly violated: boolean;
}

/** Regime check at one batch size. Coordinates without noise have h = 0 and carry all of M: the regime is violated. */
export function checkRegime(bounds: RegimeBounds, batchSize: number): RegimeCheck {
  const finite = bounds.h.filter(Number.isFinite).sort();
  let [total, below, outside] = [0, 0, 0];
  bounds.h.forEach((h, i) => {
    const mass = bounds.mass[i];
    if (h === 0) return;
    total += mass;
    if (h < batchSize) below += mass;
    if (batchSize > LIMIT * h) outside += mass;
  });
  const noiseless = bounds.h.some((h) => h === 0);
  const share = (part: number) => (noiseless ? 1 : total > 0 ? part / total : 0);
  const quantile = (q: number) => finite[Math.min(finite.length - 1, Math.floor(q * finite.length))];
  return {
    quantiles: finite.length === 0 ? null : { p1: quantile(0.01), p5: quantile(0.05), p50: quantile(0.5) },
    massBelow: share(below),
    massOutside: share(outside),
    violated: share(outside) > ALLOWED_SHARE,
  };
}

export interface HistogramBin {
  /** Edges of h, equally wide in ln h. */
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** Histogram of ln h over coordinates with a finite, positive h. */
export function regimeHistogram(bounds: RegimeBounds, bins = 40): HistogramBin[] {
  const logs = bounds.h.filter((h) => h > 0 && Number.isFinite(h)).map(Math.log);
  if (logs.length === 0) return [];
  let [lower, upper] = [Infinity, -Infinity];
  for (const value of logs) {
    lower = Math.min(lower, value);
    upper = Math.max(upper, value);
  }
  if (upper === lower) {
    lower -= 0.5;
    upper += 0.5;
  }
  const counts = new Array<number>(bins).fill(0);
  for (const value of logs)
    counts[Math.min(bins - 1, Math.floor(((value - lower) / (upper - lower)) * bins))]++;
  const edge = (i: number) => Math.exp(lower + ((upper - lower) * i) / bins);
  return counts.map((count, i) => ({ lower: edge(i), upper: edge(i + 1), count }));
}

/**
 * Level of h beyond which a histogram shows the number of samples, not the network: the median for a coordinate whose
 * gradient is zero, about 3.5 times the samples.
 */
export function emptyRegimeLevel(samples: number): number {
  return EMPTY_MEDIAN * samples;
}
