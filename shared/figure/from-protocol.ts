/** From laws, the paper's protocol and predictions to what their figures are drawn from. */
import { describeDefinition } from '../analysis/describe.ts';
import type { Ridge } from '../analysis/ridge.ts';
import type { PaperProtocol } from '../protocol/paper.ts';
import type { RidgeLaws } from '../protocol/ridge-laws.ts';
import type { RidgeFit } from '../laws/fit.ts';
import type { BatchScaleProfile } from '../laws/profile.ts';
import type { LawName } from '../laws/laws.ts';
import { seriesOf } from './from-analysis.ts';
import type { ProtocolInput } from './protocol-figure.ts';
import type { RidgeInput } from './ridge-figure.ts';
import type { ImportedOptimum } from '../import/ridge.ts';
import type { Verdict } from '../laws/verdict.ts';

/** Drawn beside the best law, whatever they fit. */
const rivals: readonly LawName[] = ['surge', 'alpha1', 'alpha_half'];

interface Naming {
  readonly name: string;
  readonly plannedSeeds: number;
}

/** `shown`: which of the fitted laws are drawn; auto: the best one and three rivals that are always drawn. */
export function ridgeInput(
  ridge: Ridge,
  laws: RidgeLaws,
  naming: Naming,
  shown: 'auto' | readonly LawName[] = 'auto',
): RidgeInput {
  const { points, peak } = seriesOf(NaN, ridge);
  return {
    ...naming,
    ...fitted(laws.fit, laws.profile, laws.verdict, shown),
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
  shown: 'auto' | readonly LawName[] = 'auto',
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
    laws: fits.filter(({ law }, i) =>
      shown === 'auto' ? i === 0 || rivals.includes(law) : shown.includes(law),
    ),
    bNoise: bNoise === undefined ? null : { value: bNoise, interval },
    verdict: sentence,
  };
}

/** `results` in the order in which their targets are reached. */
export function protocolInput(
  results: readonly PaperProtocol[],
  { name, plannedSeeds }: Naming,
): ProtocolInput {
  return {
    name,
    plannedSeeds,
    moreSteps: results[0]?.moreSteps ?? 0,
    targets: results.map(
      ({ target, cells, rows, line, logSpace, bNoise, bNoiseInterval, curves, ridge }) => ({
        target,
        cells,
        best: rows.flatMap(({ batchSize, gridLearningRate }) =>
          gridLearningRate === null ? [] : [{ batchSize, learningRate: gridLearningRate }],
        ),
        points: seriesOf(target, ridge).points,
        steps: rows.flatMap(({ batchSize, steps }) => (steps === null ? [] : [{ batchSize, steps }])),
        line,
        logSpace,
        bNoise,
        bNoiseInterval,
        curves:
          curves === null
            ? []
            : [
                { law: 'surge', epsMax: curves.epsMax.surge },
                { law: 'alpha1', epsMax: curves.epsMax.alpha1 },
                { law: 'alpha_half', epsMax: curves.epsMax.alphaHalf },
              ],
      }),
    ),
  };
}
