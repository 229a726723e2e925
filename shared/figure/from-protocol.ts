/** From laws, the paper's protocol and predictions to what their figures are drawn from. */
import { describeDefinition } from '../analysis/describe.ts';
import type { Ridge } from '../analysis/ridge.ts';
import type { RidgeLaws } from '../protocol/ridge-laws.ts';
import type { RidgeFit } from '../laws/fit.ts';
import type { BatchScaleProfile } from '../laws/profile.ts';
import type { LawName } from '../laws/laws.ts';
import { seriesOf } from './from-analysis.ts';
import type { RidgeInput } from './ridge-figure.ts';
import type { ImportedOptimum } from '../import/ridge.ts';
import type { Verdict } from '../laws/verdict.ts';

/** Drawn beside the best law, whatever they fit. */
const rivals: readonly LawName[] = ['surge', 'alpha1', 'alpha_half'];

interface Naming {
  readonly name: string;
  readonly plannedSeeds: number;
}

export function ridgeInput(ridge: Ridge, laws: RidgeLaws, naming: Naming): RidgeInput {
  const { points, peak } = seriesOf(NaN, ridge);
  return {
    ...naming,
    ...fitted(laws.fit, laws.profile, laws.verdict),
    points,
    peak,
    definition: describeDefinition(ridge.definition),
  };
}

/** A ridge of final losses: it has no resamples, and so no intervals. */
export function importedRidgeInput(
  ridge: readonly ImportedOptimum[],
  fit: RidgeFit,
  verdict: Verdict,
  naming: Naming,
): RidgeInput {
  const points = [...ridge]
    .sort((a, b) => a.batchSize - b.batchSize)
    .map(({ batchSize, learningRate, flags }) => ({
      batchSize,
      learningRate,
      interval: null,
      uncertain: flags.some((flag) => uncertainFlags.includes(flag)),
      seeds: naming.plannedSeeds,
    }));
  const top = points.reduce<(typeof points)[number] | null>(
    (best, point) => (best === null || point.learningRate > best.learningRate ? point : best),
    null,
  );
  return {
    ...naming,
    ...fitted(fit, null, verdict),
    points,
    peak: top,
    definition: 'at the end of each run',
  };
}

const uncertainFlags: readonly ImportedOptimum['flags'][number][] = ['lowest-rate', 'highest-rate', 'flat'];

function fitted(
  { fits }: RidgeFit,
  profile: BatchScaleProfile | null,
  { sentence }: Verdict,
): Pick<RidgeInput, 'laws' | 'bNoise' | 'verdict'> {
  const bNoise = fits.find(({ law }) => law === 'surge')?.parameters.bNoise;
  const interval =
    profile === null
      ? null
      : {
          low: profile.openBelow ? 0 : profile.interval[0],
          high: profile.openAbove ? Infinity : profile.interval[1],
        };
  return {
    laws: fits.filter(({ law }, i) => i === 0 || rivals.includes(law)),
    bNoise: bNoise === undefined ? null : { value: bNoise, interval },
    verdict: sentence,
  };
}
