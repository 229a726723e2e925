/** What the theory's results must be read with: a code for programs, a sentence for people, the numbers behind both. */
import type { CheckpointPrediction, Estimate } from './predict.ts';
import type { LocalOptimum } from './lemma1.ts';
import type { PeakSearch } from './peak-search.ts';
import type { RegimeCheck } from './regime.ts';

/** Every code; docs/science.md has a line for each. */
export const warningCodes = [
  // Of the theory and its predictions.
  'regime-violated',
  'no-peak',
  'small-batch-peak-not-real',
  'peak-outside-sweep',
  'few-batches-beside-peak',
  'prominence-below-resolution',
  'no-finite-optimum',
  'curvature-undetermined',
  'too-few-samples',
  'beyond-samples',
  'edge-of-stability',
  'zero-gradients',
  'noise-scale-not-positive',
  'critical-batch-is-not-the-peak',
  'strong-surge',
  // Of an experiment and its measured ridge.
  'outside-the-theory',
  'heavy-ball-learning-rate',
  'settings-not-recorded',
  'few-seeds',
  'optimum-on-edge',
  'flat-optimum',
  'cells-left-out',
  'early-target',
  'fall-at-equal-samples',
  // Of recommendations.
  'extrapolated',
  'far-extrapolation',
  'no-law-preferred',
  'budget-beyond-curves',
  'best-batch-on-edge',
  'not-verified',
] as const;
export type WarningCode = (typeof warningCodes)[number];

export interface Warning {
  readonly code: WarningCode;
  readonly sentence: string;
  readonly numbers: Readonly<Record<string, number>>;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

export function warnAboutRegime(check: RegimeCheck, batchSize: number): Warning[] {
  if (!check.violated) return [];
  return [
    {
      code: 'regime-violated',
      sentence: `At batch size ${short(batchSize)}, ${percent(check.massOutside)} of the gradient mass sits on coordinates outside the small-batch regime: use the exact law.`,
      numbers: { batchSize, massOutside: check.massOutside },
    },
  ];
}

/** Standard learning-rate grids: a change below half a step of the grid cannot be seen. */
export interface SweptGrid {
  /** Ascending. */
  readonly batchSizes: readonly number[];
  /** Ratio of neighbouring learning rates; null when not known. */
  readonly learningRateFactor: number | null;
}

const BATCHES_BESIDE_PEAK = 3;

/** What a sweep can show of a peak, and what Theorem 3 claims beside the exact law. */
export function warnAboutPeak(search: PeakSearch, bNoise: number | null, sweep: SweptGrid | null): Warning[] {
  const warnings: Warning[] = [];
  const { peak } = search;
  if (search.undefinedFrom !== null) {
    warnings.push({
      code: 'no-finite-optimum',
      sentence: `From batch size ${short(search.undefinedFrom)} on the curvature along the update is not positive: there is no finite optimum.`,
      numbers: { batchSize: search.undefinedFrom },
    });
  }
  if (peak === null) {
    if (bNoise === null) {
      warnings.push({ code: 'no-peak', sentence: 'The optimal learning rate has no peak.', numbers: {} });
    } else {
      warnings.push({
        code: 'small-batch-peak-not-real',
        sentence: `The exact law has no peak, although the small-batch formula puts one at batch size ${short(bNoise)}.`,
        numbers: { bNoise },
      });
    }
    return warnings;
  }
  if (sweep === null || sweep.batchSizes.length === 0) return warnings;
  const { batchSizes, learningRateFactor } = sweep;
  const below = batchSizes.filter((batchSize) => batchSize < peak.batchSize).length;
  const above = batchSizes.filter((batchSize) => batchSize > peak.batchSize).length;
  const place = { peak: peak.batchSize, below, above };
  if (below === 0 || above === 0) {
    warnings.push({
      code: 'peak-outside-sweep',
      sentence: `The peak at batch size ${short(peak.batchSize)} lies outside the swept batch sizes.`,
      numbers: place,
    });
  } else if (Math.min(below, above) < BATCHES_BESIDE_PEAK) {
    warnings.push({
      code: 'few-batches-beside-peak',
      sentence: `Only ${below} batch sizes lie below the peak at ${short(peak.batchSize)} and ${above} above it: at least ${BATCHES_BESIDE_PEAK} on either side are needed.`,
      numbers: place,
    });
  }
  const { prominence } = peak;
  if (learningRateFactor !== null && prominence !== null && prominence >= 0) {
    const resolution = Math.sqrt(learningRateFactor) - 1;
    if (prominence < resolution)
      warnings.push({
        code: 'prominence-below-resolution',
        sentence: `The peak stands ${percent(prominence)} above the plateau, less than half a step of the learning-rate grid (${percent(resolution)}).`,
        numbers: { prominence, resolution },
      });
  }
  return warnings;
}

export function warnAboutOptimum(optimum: LocalOptimum, batchSize: number): Warning[] {
  if (optimum.learningRate !== null) return [];
  return [
    {
      code: 'no-finite-optimum',
      sentence: `At batch size ${short(batchSize)} the curvature along the update is not positive: there is no finite optimum.`,
      numbers: { batchSize, curvature: optimum.curvature },
    },
  ];
}

function undetermined(name: string, estimate: Estimate): Warning[] {
  const { value, standardError } = estimate;
  if (standardError !== null && Math.abs(value) > 2 * standardError) return [];
  return [
    {
      code: 'curvature-undetermined',
      sentence:
        standardError === null
          ? `${name} comes from a single probe and has no error: no peak can be predicted from it.`
          : `${name} = ${short(value)} ± ${short(standardError)} does not differ from 0: no peak is predicted, or it is undetermined.`,
      numbers: { value, ...(standardError === null ? {} : { standardError }) },
    },
  ];
}

/** Samples needed for a batch size before a prediction from one checkpoint is trusted. */
const SAMPLES_PER_BATCH = 10;
/** Share of samples with a gradient of exactly 0 from which a coordinate is not Gaussian at small batch sizes. */
const ZERO_SHARE = 0.5;

export function warnAboutPrediction(
  prediction: CheckpointPrediction,
  context: {
    readonly samples: number;
    readonly largestBatch: number;
    /** By coordinate. */
    readonly zeroShare: ArrayLike<number>;
  },
): Warning[] {
  const { samples, largestBatch, zeroShare } = context;
  const warnings = [...undetermined('D', prediction.trace), ...undetermined('S_off', prediction.offDiagonal)];
  for (const adam of prediction.adam) {
    if (adam.k === null || adam.k > 0) continue;
    warnings.push({
      code: 'curvature-undetermined',
      sentence: `K = ${short(adam.k)} is not positive at beta1 = ${adam.beta1}: no peak is predicted for Adam.`,
      numbers: { k: adam.k, beta1: adam.beta1 },
    });
  }
  if (samples < SAMPLES_PER_BATCH * largestBatch)
    warnings.push({
      code: 'too-few-samples',
      sentence: `${samples} samples are fewer than ${SAMPLES_PER_BATCH} times the largest batch size ${short(largestBatch)}.`,
      numbers: { samples, largestBatch },
    });
  if (largestBatch >= samples / 2)
    warnings.push({
      code: 'beyond-samples',
      sentence: `Above batch size ${samples / 2} (half of the samples) nothing can be predicted, the plateau included.`,
      numbers: { samples, largestBatch },
    });
  let zeros = 0;
  for (let i = 0; i < zeroShare.length; i++) if (zeroShare[i] > ZERO_SHARE && zeroShare[i] < 1) zeros++;
  if (zeros > 0)
    warnings.push({
      code: 'zero-gradients',
      sentence: `${zeros} of ${zeroShare.length} coordinates have a gradient of exactly 0 on more than half of the samples: not Gaussian at small batch sizes.`,
      numbers: { zeros, coordinates: zeroShare.length },
    });
  return warnings;
}

export function warnAboutNoiseScale(scale: number | null, steps: number): Warning[] {
  if (scale !== null) return [];
  return [
    {
      code: 'noise-scale-not-positive',
      sentence: `After ${steps} steps an average of the noise-scale estimator is still not positive: there is no noise scale yet.`,
      numbers: { steps },
    },
  ];
}

/** B_peak = B_crit is an assumption outside the small-batch limit; the steps/examples fit lies below the peak. */
export function warnAboutCriticalBatch(bCrit: number, bPeak: number | null): Warning[] {
  return [
    {
      code: 'critical-batch-is-not-the-peak',
      sentence:
        bPeak === null
          ? `The critical batch size ${short(bCrit)} exists without a peak: show both with their intervals.`
          : `The critical batch size ${short(bCrit)} and the peak ${short(bPeak)} agree only in the small-batch limit: show both with their intervals.`,
      numbers: { bCrit, ...(bPeak === null ? {} : { bPeak }) },
    },
  ];
}

/** A peak this far above its plateau says that diag|g| does not fit the Hessian (J. Su, kexue.fm/archives/11280). */
const STRONG_SURGE = 1;

export function warnAboutStrongSurge(search: PeakSearch): Warning[] {
  const prominence = search.peak?.prominence ?? null;
  if (prominence === null || prominence <= STRONG_SURGE) return [];
  return [
    {
      code: 'strong-surge',
      sentence: `The peak stands ${short(1 + prominence)} times as high as the plateau: a sign that the Hessian which the optimizer implies, diag|g|, does not fit the true one.`,
      numbers: { prominence },
    },
  ];
}
