/** Predicted and measured ridges named by their edge. */
import type { Figure } from '#shared/figure/figure.ts';
import { predictionFigure, type PredictionInput } from '#shared/figure/prediction-figure.ts';
import { evaluateLaw } from '#shared/laws/laws.ts';
import { peakAt, ridgePoints } from './science-cases.ts';
import { COLUMN, FULL, NAME } from './sizes.ts';
import { powers } from './synthetic.ts';

const sizes = powers(1, 9);

/** A law near the measured one, with errors that grow with the batch size. */
function predicted(title: string, epsMax: number, bNoise: number, batchSizes: readonly number[] = sizes) {
  return {
    title,
    points: batchSizes.map((batchSize, i) => {
      const learningRate = evaluateLaw('surge', { epsMax, bNoise }, batchSize);
      const factor = 1.1 + 0.03 * i;
      return {
        batchSize,
        learningRate,
        interval: { low: learningRate / factor, high: learningRate * factor },
      };
    }),
  };
}

/** Bell-shaped in ln h, from `low` on over `decades`. */
function histogram(low: number, decades: number, count = 40) {
  const edge = (i: number) => low * 10 ** ((decades * i) / count);
  return Array.from({ length: count }, (_, i) => ({
    lower: edge(i),
    upper: edge(i + 1),
    count: Math.round(900 * Math.exp(-(((i - 0.6 * count) / (0.2 * count)) ** 2))),
  }));
}

const ordinary: PredictionInput = {
  name: NAME,
  point: 'step 40 of the run at B = 32, learning rate 3.0e-3, seed 0',
  predicted: [
    predicted('Theorem 3', 5.2e-3, 26),
    predicted('exact law (Theorem 2)', 4.9e-3, 30),
    predicted('Lemma 1, real signs', 3.6e-3, 24),
    predicted('Lemma 1, real updates', 3.3e-3, 22),
    predicted('line search', 3.8e-3, 19),
  ],
  measured: ridgePoints(),
  peak: peakAt(16),
  bNoise: { value: 26, interval: { low: 19, high: 41 } },
  bins: histogram(30, 5),
  emptyLevel: 7000,
  plannedSeeds: 8,
  definition: 'at equal steps (step 40)',
};

const noRidge = ordinary.predicted.map((ridge) => ({
  ...ridge,
  points: ridge.points.map((p) => ({ ...p, learningRate: null, interval: null })),
}));

const inputs: Record<string, Partial<PredictionInput> & { readonly width?: number }> = {
  ordinary: {},
  'one column': { width: COLUMN },
  'one rung': { predicted: ordinary.predicted.slice(0, 1) },
  'not measured': { measured: [], peak: null, definition: 'not measured' },
  'no finite optimum': { predicted: noRidge, bNoise: null },
  'nothing finite': {
    predicted: noRidge,
    bNoise: null,
    measured: ridgePoints({ none: () => true }),
    peak: null,
  },
  'half without optimum': { measured: ridgePoints({ none: (b) => b >= 16 }) },
  'one batch': {
    predicted: [predicted('Theorem 3', 5.2e-3, 26, [8])],
    measured: ridgePoints({ batchSizes: [8] }),
    peak: peakAt(8),
  },
  'sixty batches': {
    measured: ridgePoints({ batchSizes: Array.from({ length: 60 }, (_, i) => 1 + 3 * i) }),
  },
  'interval beyond the axis': { measured: ridgePoints({ interval: 500 }) },
  'noise scale without limits': { bNoise: { value: 26, interval: { low: 0, high: Infinity } } },
  'noise scale beyond the axis': { bNoise: { value: 1e5, interval: null } },
  'histogram of twelve decades': { bins: histogram(1e-3, 12) },
  'one bin': { bins: [{ lower: 90, upper: 110, count: 3 }], emptyLevel: null },
  'no gradients': { bins: [], emptyLevel: 7000 },
  'long names': {
    predicted: ordinary.predicted.map((ridge) => ({
      ...ridge,
      title: `${ridge.title} of the second replicate <of> the wide network & its twin`,
    })),
  },
  empty: { predicted: [], measured: [], peak: null, bNoise: null, bins: [], emptyLevel: null },
};

export const predictionCases: ReadonlyMap<string, () => Figure> = new Map(
  Object.entries(inputs).map(([edge, { width = FULL, ...changed }]) => [
    `prediction, ${edge}`,
    () => predictionFigure({ ...ordinary, ...changed }, { width }),
  ]),
);
