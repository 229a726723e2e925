/** Figures of the science commands on small inputs named by their edge. */
import type { Figure } from '#shared/figure/figure.ts';
import { ridgeFigure, type RidgeInput } from '#shared/figure/ridge-figure.ts';
import { evaluateLaw } from '#shared/laws/laws.ts';
import { COLUMN, FULL, NAME } from './sizes.ts';
import { powers } from './synthetic.ts';

const SEEDS = 8;

const surge = { epsMax: 4e-3, bNoise: 20 };

interface RidgeOptions {
  readonly batchSizes?: readonly number[];
  readonly interval?: number | null;
  readonly none?: (batchSize: number) => boolean;
}

/** On the surge law, but for a little. */
export function ridgePoints({ batchSizes = powers(1, 9), interval = 1.2, none }: RidgeOptions = {}) {
  return batchSizes.map((batchSize, i) => {
    const at = evaluateLaw('surge', surge, batchSize) * (1 + 0.06 * Math.sin(5 * i));
    const missing = none?.(batchSize) === true;
    return {
      batchSize,
      learningRate: missing ? null : at,
      interval: missing || interval === null ? null : { low: at / interval, high: at * interval },
      uncertain: i === 0,
      seeds: missing ? 0 : SEEDS,
    };
  });
}

export function peakAt(batchSize: number) {
  return {
    batchSize,
    interval: { low: batchSize / 2, high: batchSize * 2 },
    uncertain: false,
    learningRate: 4e-3,
  };
}

const laws: RidgeInput['laws'] = [
  { law: 'surge', parameters: surge, deltaAicc: 0 },
  { law: 'alpha_half', parameters: { epsMax: 3.6e-3, bNoise: 2 }, deltaAicc: 7.31 },
  { law: 'alpha1', parameters: { epsMax: 3.4e-3, bNoise: 1 }, deltaAicc: 9.08 },
];

const ordinary: RidgeInput = {
  name: NAME,
  points: ridgePoints(),
  peak: peakAt(16),
  laws,
  bNoise: { value: 20, interval: { low: 12, high: 33 } },
  verdict: 'surge; peak at 20.',
  plannedSeeds: SEEDS,
  definition: 'at equal steps (step 100)',
};
const unfitted = { laws: [], bNoise: null, verdict: 'Too few batch sizes.' };

const ridges: Record<string, Partial<RidgeInput> & { readonly width?: number }> = {
  ordinary: {},
  'full width': { width: FULL },
  'every law': {
    laws: [
      ...laws,
      { law: 'mean_field', parameters: { epsPeak: 4e-3, bMeanField: 100, betaStar: 0.4 }, deltaAicc: 10 },
      { law: 'alpha_free', parameters: { epsMax: 4e-3, bNoise: 3, alpha: 0.2 }, deltaAicc: 11 },
      { law: 'power', parameters: { amplitude: 3e-3, exponent: -0.05 }, deltaAicc: 12 },
      { law: 'constant', parameters: { amplitude: 3e-3 }, deltaAicc: 1234.5 },
    ],
  },
  'one batch': { points: ridgePoints({ batchSizes: [8] }), peak: peakAt(8), ...unfitted },
  'nothing fitted': { points: ridgePoints({ batchSizes: [4, 8, 16] }), peak: peakAt(16), ...unfitted },
  'one seed': { points: ridgePoints({ interval: null }), plannedSeeds: SEEDS },
  'no optimum': { points: ridgePoints({ none: () => true }), peak: null, ...unfitted },
  'half without optimum': { points: ridgePoints({ none: (b) => b >= 32 }) },
  'noise scale outside the axis': { bNoise: { value: 9e4, interval: { low: 800, high: Infinity } } },
  'noise scale without limits': { bNoise: { value: 20, interval: { low: 0, high: Infinity } } },
  'interval beyond the axis': { points: ridgePoints({ interval: 500 }) },
  'sixty batches': { points: ridgePoints({ batchSizes: Array.from({ length: 60 }, (_, i) => 1 + 3 * i) }) },
  'three decades': {
    points: ridgePoints().map((p, i) => ({ ...p, learningRate: 1e-4 * 2.4 ** i, interval: null })),
    ...unfitted,
  },
  'twelve decades': {
    points: ridgePoints({ batchSizes: powers(1, 40) }).map((p, i) => ({
      ...p,
      learningRate: 1e-9 * 2 ** i,
      interval: { low: 0.5e-9 * 2 ** i, high: 2e-9 * 2 ** i },
    })),
    ...unfitted,
  },
  empty: { points: [], peak: null, ...unfitted },
};

export const scienceCases: ReadonlyMap<string, () => Figure> = new Map<string, () => Figure>([
  ...Object.entries(ridges).map(
    ([edge, { width = COLUMN, ...changed }]) =>
      [`ridge, ${edge}`, () => ridgeFigure({ ...ordinary, ...changed }, { width })] as const,
  ),
]);
