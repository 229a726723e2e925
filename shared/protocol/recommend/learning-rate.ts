/**
 * The learning rate to use at a batch size: measured where the batch size is on the grid, else read off the laws of the
 * ridge, with an interval that holds the errors of the optima, the misfit of a law and the choice between laws.
 */
import type { Interval } from '../../analysis/resampling.ts';
import { tailShare } from '../../analysis/resampling.ts';
import type { Ridge } from '../../analysis/ridge.ts';
import type { RidgeRates } from '../../laws/bootstrap.ts';
import { parameterCount } from '../../laws/fit.ts';
import type { LawFit, RidgeFit } from '../../laws/fit.ts';
import { evaluateLaw } from '../../laws/laws.ts';
import type { LawName } from '../../laws/laws.ts';
import { LawSolver } from '../../laws/solver.ts';
import { DECISIVE_AICC } from '../../laws/verdict.ts';
import type { Verdict } from '../../laws/verdict.ts';
import { stream } from '../../random/index.ts';
import type { Warning } from '../../theory/warnings.ts';
import { lawsOfRidge, resampledRidges } from '../ridge-laws.ts';

/** Beyond this factor outside the measured batch sizes nothing is recommended: there the laws differ by as much. */
export const FAR = 4;

/** A ridge with its laws, measured here or published. */
export interface RatesByBatch {
  /** Ascending, at least the batch size and its optimum. */
  readonly points: readonly {
    readonly batchSize: number;
    readonly learningRate: number;
    readonly interval: Interval | null;
    /** In words of the ridge: edges, flat, few seeds. */
    readonly flags: readonly string[];
  }[];
  readonly fit: RidgeFit;
  readonly verdict: Verdict;
  /** Bootstrap ridges over replicates, [resample][point]; empty without replicates. */
  readonly resamples: readonly RidgeRates[];
  /** Replicates behind every optimum. */
  readonly seeds: number;
}

/** A measured ridge as a source of recommendations. */
export function ratesOfRidge(ridge: Ridge, learningRates: readonly number[]): RatesByBatch {
  const known = ridge.points.filter((point) => point.learningRate !== null);
  const { fit, verdict } = lawsOfRidge(ridge, learningRates);
  return {
    points: known.map(({ batchSize, learningRate, interval, flags }) => ({
      batchSize,
      learningRate: learningRate!,
      interval,
      flags,
    })),
    fit,
    verdict,
    resamples: resampledRidges(known),
    seeds: Math.min(...known.map((point) => point.seeds)),
  };
}

export interface LawShare {
  readonly law: LawName;
  /** Weight in the recommendation: 1 for a law that the verdict names, else its Akaike weight. */
  readonly share: number;
  readonly learningRate: number;
  readonly interval: Interval;
}

export interface RateRecommendation {
  readonly batchSize: number;
  /** refused: too far outside the measured batch sizes, or nothing to go by. */
  readonly basis: 'measured' | 'interpolated' | 'extrapolated' | 'refused';
  readonly learningRate: number | null;
  /** 5–95 %; null when the optimum has none of its own and no law was fitted. */
  readonly interval: Interval | null;
  /** Empty where no law could be fitted: then a straight line in (ln B, ln LR) joins the neighbours. */
  readonly laws: readonly LawShare[];
  /** Flags of the optimum, when it was measured. */
  readonly flags: readonly string[];
  readonly sentence: string;
  readonly warnings: readonly Warning[];
}

export function recommendRate(ridge: RatesByBatch, batchSize: number): RateRecommendation {
  const { points } = ridge;
  if (points.length === 0) return refused(batchSize, 'No batch size has an optimal learning rate here.', []);
  const [low, high] = [points[0].batchSize, points[points.length - 1].batchSize];
  const outside = Math.max(low / batchSize, batchSize / high);
  const warnings: Warning[] = [];
  const range = { batchSize, smallest: low, largest: high };
  const measured = points.find((point) => point.batchSize === batchSize);
  if (measured === undefined && outside > FAR) {
    const sentence = `Batch size ${short(batchSize)} is ${short(outside)} times outside the measured ${short(low)} to ${short(high)} batch sizes: laws that fit equally well differ widely there. Train a few cells at it.`;
    return refused(batchSize, `Batch size ${short(batchSize)}: no learning rate is recommended.`, [
      { code: 'far-extrapolation', sentence, numbers: range },
    ]);
  }
  const extrapolated = outside > 1;
  const named = extrapolated ? null : ridge.verdict.law;
  const laws = lawShares(ridge, batchSize, named);
  if (measured !== undefined) return measuredRate(measured, laws);
  if (laws.length === 0) {
    if (extrapolated)
      return refused(
        batchSize,
        `${points.length} batch sizes are too few for a law, and ${short(batchSize)} lies outside of them: no learning rate is recommended.`,
        [],
      );
    return lineBetween(ridge, batchSize);
  }
  if (extrapolated)
    warnings.push({
      code: 'extrapolated',
      sentence: `Batch size ${short(batchSize)} lies outside the measured ${short(low)} to ${short(high)}: the interval spans every law within ${DECISIVE_AICC} AICc of the best, and the truth may follow none of them.`,
      numbers: range,
    });
  if (ridge.verdict.law === null)
    warnings.push({
      code: 'no-law-preferred',
      sentence:
        'The verdict names no law: the recommendation is their mean by Akaike weight, and the interval includes their spread.',
      numbers: Object.fromEntries(laws.map(({ law, share }) => [law, share])),
    });
  const center = Math.exp(laws.reduce((sum, l) => sum + l.share * Math.log(l.learningRate), 0));
  const pooled = pooledInterval(laws, extrapolated);
  const interval = { low: Math.min(pooled.low, center), high: Math.max(pooled.high, center) };
  const by = laws
    .map((l) => `${l.law}${laws.length > 1 ? ` ${Math.round(100 * l.share)} %` : ''}`)
    .join(', ');
  return {
    batchSize,
    basis: extrapolated ? 'extrapolated' : 'interpolated',
    learningRate: center,
    interval,
    laws,
    flags: [],
    sentence: `Batch size ${short(batchSize)}: learning rate ${rate(center)} [${rate(interval.low)}–${rate(interval.high)}], ${extrapolated ? 'extrapolated' : 'interpolated'} by the ${laws.length > 1 ? 'laws' : 'law'} ${by}.`,
    warnings,
  };
}

const short = (value: number) => String(Number(value.toPrecision(4)));
const rate = (value: number) => value.toExponential(1).replace('e+', 'e');

function refused(batchSize: number, sentence: string, warnings: Warning[]): RateRecommendation {
  return {
    batchSize,
    basis: 'refused',
    learningRate: null,
    interval: null,
    laws: [],
    flags: [],
    sentence,
    warnings,
  };
}

function measuredRate(point: RatesByBatch['points'][number], laws: LawShare[]): RateRecommendation {
  const { batchSize, learningRate, interval, flags } = point;
  const range = interval === null ? '' : ` [${rate(interval.low)}–${rate(interval.high)}]`;
  const [law] = laws;
  const beside = law === undefined ? '' : `; ${law.law} gives ${rate(law.learningRate)}`;
  return {
    batchSize,
    basis: 'measured',
    learningRate,
    interval,
    laws,
    flags,
    sentence: `Batch size ${short(batchSize)}: learning rate ${rate(learningRate)}${range}, measured${beside}.`,
    warnings: [],
  };
}

/** Laws below this Akaike weight say nothing. */
const LEAST_SHARE = 0.01;

function lawShares(ridge: RatesByBatch, batchSize: number, named: LawName | null): LawShare[] {
  const { fits } = ridge.fit;
  const chosen =
    named === null
      ? fits.filter((f) => f.akaikeWeight >= LEAST_SHARE || f.deltaAicc <= DECISIVE_AICC)
      : fits.filter((f) => f.law === named);
  const total = chosen.reduce((sum, f) => sum + f.akaikeWeight, 0);
  return chosen.map((f) => ({
    law: f.law,
    share: f.akaikeWeight / total,
    learningRate: evaluateLaw(f.law, f.parameters, batchSize),
    interval: lawInterval(ridge, f, batchSize),
  }));
}

/** Refits for an interval; more would change the third digit of a quantile. */
const REFITS = 200;
const NORMAL_95 = 1.6449;

/**
 * Refits to the resampled ridges, or without replicates to ridges with the fit's own residuals drawn anew. What the
 * residuals exceed the errors of the optima by is misfit of the law, added in quadrature.
 */
function lawInterval(ridge: RatesByBatch, fit: LawFit, batchSize: number): Interval {
  const { points } = ridge.fit;
  const n = points.length;
  const solver = new LawSolver(
    fit.law,
    points.map((point) => point.batchSize),
  );
  const degrees = Math.max(1, n - (parameterCount(fit.law) - 1));
  const replicated = ridge.resamples.length > 0;
  const drawn = (replicated ? ridge.resamples : redrawn(fit, points, degrees)).slice(0, REFITS);
  const predictions: number[] = [];
  const variances = new Float64Array(n);
  for (const rates of drawn) {
    const weights = Float64Array.from(points, (point, i) => (usable(rates[i]) ? (point.weight ?? 1) : 0));
    if (weights.filter((weight) => weight > 0).length <= parameterCount(fit.law)) continue;
    const logs = Float64Array.from(points, (_, i) => (weights[i] > 0 ? Math.log(rates[i]!) : 0));
    const parameters = solver.parameters(solver.solve(logs, weights));
    predictions.push(Math.log(evaluateLaw(fit.law, parameters, batchSize)));
    for (let i = 0; i < n; i++)
      if (weights[i] > 0) variances[i] += (logs[i] - Math.log(points[i].learningRate)) ** 2;
  }
  const center = Math.log(evaluateLaw(fit.law, fit.parameters, batchSize));
  predictions.sort((a, b) => a - b);
  const tail = tailShare(replicated ? ridge.seeds : degrees + 1);
  const at = (share: number) => predictions[Math.round(share * (predictions.length - 1))] ?? center;
  const errors = replicated
    ? variances.reduce((sum, v) => sum + v, 0) / Math.max(1, predictions.length) / n
    : 0;
  const residual = fit.residuals.reduce((sum, r) => sum + r * r, 0) / degrees;
  const misfit = replicated ? NORMAL_95 * Math.sqrt(Math.max(0, residual - errors)) : 0;
  return {
    low: Math.exp(center - Math.hypot(Math.max(0, center - at(tail)), misfit)),
    high: Math.exp(center + Math.hypot(Math.max(0, at(1 - tail) - center), misfit)),
  };
}

const usable = (value: number | null | undefined) =>
  typeof value === 'number' && value > 0 && Number.isFinite(value);

/**
 * Ridges of the fit with its residuals drawn with replacement. They are widened by the degrees of freedom that the fit
 * took but for one, which tailShare allows for.
 */
function redrawn(fit: LawFit, points: RidgeFit['points'], degrees: number): RidgeRates[] {
  const bits = stream(`recommend/${fit.law}`, 0);
  const n = points.length;
  const widen = Math.sqrt(n / (degrees + 1));
  return Array.from({ length: REFITS }, (_, r) =>
    points.map(({ learningRate }, i) => {
      const fitted = Math.log(learningRate) - fit.residuals[i];
      return Math.exp(fitted + widen * fit.residuals[bits.below(r * n + i, n)]);
    }),
  );
}

/**
 * 5–95 % over the laws by their shares, each taken as log-normal on either side; outside the measured batch sizes also
 * the whole interval of every law that is not excluded.
 */
function pooledInterval(laws: readonly LawShare[], extrapolated: boolean): Interval {
  if (laws.length === 1 || extrapolated)
    return {
      low: Math.min(...laws.map((l) => l.interval.low)),
      high: Math.max(...laws.map((l) => l.interval.high)),
    };
  // The variance of a mixture: that within the laws and that between them.
  const center = laws.reduce((sum, l) => sum + l.share * Math.log(l.learningRate), 0);
  const side = (end: 'low' | 'high') =>
    Math.sqrt(
      laws.reduce((sum, l) => {
        const within = Math.log(l.interval[end] / l.learningRate);
        const between = NORMAL_95 * (Math.log(l.learningRate) - center);
        return sum + l.share * (within ** 2 + between ** 2);
      }, 0),
    );
  return { low: Math.exp(center - side('low')), high: Math.exp(center + side('high')) };
}

/** Between two neighbours of too few points for any law. */
function lineBetween({ points, resamples, seeds }: RatesByBatch, batchSize: number): RateRecommendation {
  const right = points.findIndex((point) => point.batchSize > batchSize);
  const [a, b] = [points[right - 1], points[right]];
  const share = Math.log(batchSize / a.batchSize) / Math.log(b.batchSize / a.batchSize);
  const between = (below: number, above: number) => below ** (1 - share) * above ** share;
  const learningRate = between(a.learningRate, b.learningRate);
  const drawn = resamples
    .flatMap((rates) => {
      const [below, above] = [rates[right - 1], rates[right]];
      return usable(below) && usable(above) ? [between(below!, above!)] : [];
    })
    .sort((x, y) => x - y);
  const tail = tailShare(seeds);
  const at = (q: number) => drawn[Math.round(q * (drawn.length - 1))];
  const interval = drawn.length === 0 ? null : { low: at(tail), high: at(1 - tail) };
  const range = interval === null ? '' : ` [${rate(interval.low)}–${rate(interval.high)}]`;
  return {
    batchSize,
    basis: 'interpolated',
    learningRate,
    interval,
    laws: [],
    flags: [],
    sentence: `Batch size ${short(batchSize)}: learning rate ${rate(learningRate)}${range}, on the line between batch sizes ${short(a.batchSize)} and ${short(b.batchSize)}; ${points.length} batch sizes are too few for a law.`,
    warnings: [],
  };
}
