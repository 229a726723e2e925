/** Everything the theory says about one noisy quadratic and one optimizer, as command and figure show it. */
import { batchAtLinearisationError } from './erf.ts';
import { equicorrelatedQuadratic } from './equicorrelated.ts';
import type { LocalLaw, LocalOptimum } from './lemma1.ts';
import { lawOfOptimizer, type TheoryOptimizer } from './optimizer-law.ts';
import { peakRange, searchPeak, type PeakSearch } from './peak-search.ts';
import type { NoisyQuadratic } from './quadratic.ts';
import {
  plateau,
  signQuantities,
  smallBatchLaw,
  type SignQuantities,
  type SmallBatchLaw,
} from './sign-descent.ts';

/** 100 equal coordinates with r = 0.02 and curvature of this correlation: negative controls, and cases with a peak. */
export const theoryPresets = { diagonal: 0, 'no-peak': 0.005, peak: 0.05, 'strong-peak': 0.5 } as const;
export type TheoryPreset = keyof typeof theoryPresets;
export const theoryPresetNames = Object.keys(theoryPresets) as TheoryPreset[];

export function presetQuadratic(preset: TheoryPreset): NoisyQuadratic {
  return equicorrelatedQuadratic({ n: 100, rho: theoryPresets[preset], mu: 0.02, sigma: 1 });
}

/** How far the search goes, in units of 1/min r²: from there on the laws are at their plateau. */
const SIGN_REACH = 35;
const ADAM_REACH = 1e4;
const OFF_BY = 0.1;

export interface LawExamination {
  readonly law: LocalLaw;
  readonly quantities: SignQuantities;
  /** Of sign descent, whatever the optimizer. */
  readonly smallBatch: SmallBatchLaw;
  readonly plateau: LocalOptimum;
  readonly search: PeakSearch;
  /** From this batch size on the small-batch form puts some mean sign 10 % too high or more; null without a bound. */
  readonly regimeEnd: number | null;
}

export function examineLaw(quadratic: NoisyQuadratic, optimizer: TheoryOptimizer): LawExamination {
  const quantities = signQuantities(quadratic);
  const { trace, offDiagonal, gradientMass, regimeBound } = quantities;
  const law = lawOfOptimizer(quadratic, optimizer);
  const limit = plateau(quantities);
  const smallBatch = smallBatchLaw(trace, offDiagonal, gradientMass);
  const range = peakRange(
    quadratic.r,
    optimizer.kind === 'adam' ? ADAM_REACH : SIGN_REACH,
    smallBatch.bNoise,
  );
  const end = batchAtLinearisationError(OFF_BY) * regimeBound;
  return {
    law,
    quantities,
    smallBatch,
    plateau: limit,
    search:
      range === null
        ? { range: [1, 1], extrema: [], peaks: [], peak: null, undefinedFrom: null }
        : searchPeak(law, range, optimizer.kind === 'sgd' ? null : limit.learningRate),
    regimeEnd: end > 0 && end < Infinity ? end : null,
  };
}

/** Powers of two, five octaves on either side of the peak, or of the noise scale. */
export function theoryBatchSizes({ search, smallBatch }: LawExamination): number[] {
  const middle = Math.max(5, Math.round(Math.log2(search.peak?.batchSize ?? smallBatch.bNoise ?? 1024)));
  return Array.from({ length: 11 }, (_, i) => 2 ** (middle - 5 + i));
}
