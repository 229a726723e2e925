/**
 * The protocol of arXiv 2405.14578, section 3, as one analysis of stored curves: every cell reaches the target loss, then
 * trains the same k further steps; the learning rate with the largest further decrease is the optimum of its batch size.
 * The steps S and examples E of those best cells give B_noise (equation 22), and the curves of equations 23 and 24 share it
 * with one free scale each ("paper mode": the position of the peak is predicted, not fitted).
 */
import { averagesOf } from '../analysis/averages.ts';
import type { CurveSet } from '../analysis/curves.ts';
import type { OptimumMethod } from '../analysis/optimum.ts';
import type { Resampling } from '../analysis/resampling.ts';
import { resampling } from '../analysis/resampling.ts';
import type { Ridge } from '../analysis/ridge.ts';
import { ridgeOf } from '../analysis/ridge.ts';
import { code, scoreTable } from '../analysis/scores.ts';
import type { LineFit, LogSpaceFit } from '../theory/steps-examples.ts';
import { fitStepsLine, fitStepsLogSpace, paperCurves } from '../theory/steps-examples.ts';
import type { Warning } from '../theory/warnings.ts';
import { warnAboutCriticalBatch } from '../theory/warnings.ts';
import { ridgeWarnings } from './ridge-warnings.ts';

export interface PaperRow {
  readonly batchSize: number;
  /** Optimum by the method of `ridge`. */
  readonly learningRate: number | null;
  /** Learning rate of the grid whose cell gives S and E, as in the paper. */
  readonly gridLearningRate: number | null;
  /** Mean over seeds of the steps to the target at that learning rate; E = B·S. */
  readonly steps: number | null;
  readonly examples: number | null;
  /** Further decrease of the loss over the k steps at the optimum. */
  readonly decrease: number | null;
  readonly flags: readonly string[];
}

export interface PaperCell {
  readonly batchSize: number;
  readonly learningRate: number;
  /** Seed mean of the further decrease; null where a seed diverged or never got there. */
  readonly decrease: number | null;
  readonly status: 'finite' | 'missing' | 'diverged' | 'censored';
}

export interface PaperProtocol {
  readonly target: number;
  readonly moreSteps: number;
  readonly rows: readonly PaperRow[];
  /** The colour of the paper's left panels. */
  readonly cells: readonly PaperCell[];
  /** Equation 22 by ordinary least squares, as in the paper, and its unbiased form in log space. */
  readonly line: LineFit | null;
  readonly logSpace: LogSpaceFit | null;
  /** B_noise of the curves below: equation 22, or the log-space fit where the line has none. */
  readonly bNoise: number | null;
  /** 5–95 % bootstrap interval over replicates of the log-space B_noise. */
  readonly bNoiseInterval: { readonly low: number; readonly high: number } | null;
  readonly curves: {
    readonly batchSizes: readonly number[];
    readonly surge: readonly number[];
    readonly alpha1: readonly number[];
    readonly alphaHalf: readonly number[];
    readonly epsMax: { readonly surge: number; readonly alpha1: number; readonly alphaHalf: number };
  } | null;
  readonly ridge: Ridge;
}

const CURVE_POINTS = 120;

export function paperProtocol(
  curves: CurveSet,
  target: number,
  moreSteps: number,
  options: { readonly method?: OptimumMethod } = {},
): PaperProtocol {
  const definition = { kind: 'equal-loss', target, moreSteps } as const;
  const bootstrap = resampling(curves.seeds.length);
  const ridge = ridgeOf(curves, definition, { ...options, bootstrap });
  const rows = ridge.points.map(
    ({ batchSize, learningRate, gridLearningRate, score, reachedAt, flags }): PaperRow => ({
      batchSize,
      learningRate,
      gridLearningRate,
      steps: reachedAt,
      examples: reachedAt === null ? null : reachedAt * batchSize,
      decrease: score === null ? null : target - score,
      flags,
    }),
  );
  const stepsPoints = rows.flatMap(({ batchSize, steps }) => (steps === null ? [] : [{ batchSize, steps }]));
  const line = fitStepsLine(stepsPoints);
  const logSpace = fitStepsLogSpace(stepsPoints);
  const bNoise = line?.bNoise ?? logSpace?.bNoise ?? null;
  const points = rows.flatMap(({ batchSize, learningRate }) =>
    learningRate === null ? [] : [{ batchSize, learningRate }],
  );
  return {
    target,
    moreSteps,
    rows,
    cells: decreases(curves, definition),
    line,
    logSpace,
    bNoise,
    bNoiseInterval: intervalOf(curves, ridge, definition, bootstrap),
    curves: bNoise === null ? null : curvesThrough(points, bNoise),
    ridge,
  };
}

function curvesThrough(
  points: readonly { batchSize: number; learningRate: number }[],
  bNoise: number,
): PaperProtocol['curves'] {
  const through = paperCurves(points, bNoise);
  if (through === null) return null;
  const sizes = points.map((p) => p.batchSize);
  const [low, high] = [Math.min(...sizes), Math.max(...sizes)];
  const batchSizes = Array.from(
    { length: CURVE_POINTS },
    (_, i) => low * (high / low) ** (i / (CURVE_POINTS - 1)),
  );
  const { surge, alpha1, alphaHalf } = through;
  return {
    batchSizes,
    surge: batchSizes.map(surge.at),
    alpha1: batchSizes.map(alpha1.at),
    alphaHalf: batchSizes.map(alphaHalf.at),
    epsMax: { surge: surge.epsMax, alpha1: alpha1.epsMax, alphaHalf: alphaHalf.epsMax },
  };
}

type EqualLoss = { readonly kind: 'equal-loss'; readonly target: number; readonly moreSteps: number };

function decreases(curves: CurveSet, definition: EqualLoss): PaperCell[] {
  const single = resampling(curves.seeds.length, 0);
  const order = Uint32Array.from(curves.seeds, (_, i) => i);
  return curves.batchSizes.flatMap((batchSize, batch) => {
    const { states, values, rows } = averagesOf(scoreTable(curves, batch, [definition]), single, order);
    return curves.learningRates.map((learningRate, rate): PaperCell => {
      const status = (['finite', 'missing', 'diverged', 'censored'] as const)[states[rate]];
      return {
        batchSize,
        learningRate,
        decrease: states[rate] === code.finite ? definition.target - values[rate * rows] : null,
        status,
      };
    });
  });
}

/** Refits the log-space line with the steps of resampled replicates, at each batch size's best grid learning rate. */
function intervalOf(
  curves: CurveSet,
  ridge: Ridge,
  definition: EqualLoss,
  bootstrap: Resampling,
): PaperProtocol['bNoiseInterval'] {
  const seeds = curves.seeds.length;
  if (seeds < 2) return null;
  const reached = ridge.points.map((point, batch) => {
    const rate = curves.learningRates.indexOf(point.gridLearningRate ?? NaN);
    if (rate < 0) return null;
    const table = scoreTable(curves, batch, [definition]);
    return table.reached.subarray(rate * seeds, (rate + 1) * seeds);
  });
  const found: number[] = [];
  for (let r = 0; r < bootstrap.resamples; r++) {
    const points = reached.flatMap((steps, batch) => {
      if (steps === null) return [];
      let sum = 0;
      for (let s = 0; s < seeds; s++) sum += bootstrap.weights[r * seeds + s] * steps[s];
      return [{ batchSize: curves.batchSizes[batch], steps: sum / seeds }];
    });
    const fit = fitStepsLogSpace(points);
    if (fit !== null && !fit.atBound) found.push(fit.bNoise);
  }
  if (found.length < bootstrap.resamples / 2) return null;
  found.sort((a, b) => a - b);
  return {
    low: found[Math.floor(0.05 * (found.length - 1))],
    high: found[Math.ceil(0.95 * (found.length - 1))],
  };
}

/** Those of its ridge; and that B_noise from steps and examples is the peak in the small-batch limit only. */
export function paperWarnings({ ridge, logSpace, line }: PaperProtocol): Warning[] {
  const bCrit = logSpace?.bNoise ?? line?.bNoise ?? null;
  const { peak } = ridge;
  const inside = peak === null || peak.atEdge !== null ? null : peak.batchSize;
  return [...ridgeWarnings(ridge), ...(bCrit === null ? [] : warnAboutCriticalBatch(bCrit, inside))];
}
