/** From what the theory predicts at a frozen point, and the measured ridge, to their figure. */
import { describeDefinition, formatLearningRate } from '../analysis/describe.ts';
import type { Ridge } from '../analysis/ridge.ts';
import type { PredictionRecord, RungName } from '../theory/prediction-record.ts';
import { seriesOf } from './from-analysis.ts';
import type { PredictionInput } from './prediction-figure.ts';

const titles: Readonly<Record<RungName, string>> = {
  'small-batch': 'Theorem 3',
  'adam-small-batch': 'Theorem 3 with momentum',
  erf: 'exact law (Theorem 2)',
  'sign-updates': 'Lemma 1, real signs',
  'optimizer-updates': 'Lemma 1, real updates',
  'line-search': 'line search',
};

/** `measured` at the step of the prediction, usually; null where there is none. */
export function predictionInput(
  record: PredictionRecord,
  measured: Ridge | null,
  { name, plannedSeeds }: { readonly name: string; readonly plannedSeeds: number },
): PredictionInput {
  const { point, batchSizes, bNoise, histogram } = record;
  const series = measured === null ? null : seriesOf(point.step, measured);
  return {
    name,
    plannedSeeds,
    point: `step ${point.step} of the run at B = ${point.batchSize}, learning rate ${formatLearningRate(point.learningRate)}, seed ${point.seed}`,
    predicted: record.rungs.map(({ rung, learningRates }) => ({
      title: titles[rung],
      points: batchSizes.map((batchSize, i) => ({
        batchSize,
        learningRate: learningRates[i]?.value ?? null,
        interval: learningRates[i]?.interval ?? null,
      })),
    })),
    measured: series?.points ?? [],
    peak: series?.peak ?? null,
    bNoise,
    bins: histogram.bins,
    emptyLevel: histogram.emptyLevel,
    definition: measured === null ? 'not measured' : describeDefinition(measured.definition),
  };
}
