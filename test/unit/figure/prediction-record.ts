/** A prediction as the store keeps it. */
import type { PredictedValue, PredictionRecord } from '#shared/theory/prediction-record.ts';
import { surgeLaw } from '#shared/theory/sign-descent.ts';
import { powers } from './synthetic.ts';

const batchSizes = powers(1, 9);

function estimate(value: number, share = 0.1): PredictedValue {
  return {
    value,
    standardError: (share * value) / 1.645,
    interval: { low: value * (1 - share), high: value * (1 + share) },
  };
}

const rung = (name: 'small-batch' | 'erf', epsMax: number, bNoise: number) => ({
  rung: name,
  learningRates: batchSizes.map((batchSize) => estimate(surgeLaw(epsMax, bNoise, batchSize))),
  peak: {
    batchSize: estimate(bNoise),
    learningRate: estimate(epsMax),
    atEdge: null,
    insideShare: 1,
  },
});

const bins = Array.from({ length: 40 }, (_, i) => ({
  lower: 20 * 1.3 ** i,
  upper: 20 * 1.3 ** (i + 1),
  count: Math.round(900 * Math.exp(-(((i - 24) / 8) ** 2))),
}));

export const predictionRecord: PredictionRecord = {
  point: { batchSize: 16, learningRate: 3e-3, seed: 0, step: 40 },
  evaluationLoss: 1.1,
  batchSizes,
  quantities: {
    trace: estimate(21),
    offDiagonal: estimate(1.2),
    weightedTrace: estimate(0.3),
    gradientMass: estimate(0.05),
  },
  bNoise: estimate(26, 0.3),
  epsMax: estimate(4.6e-3),
  bSimple: { value: 19, standardError: 2, small: 16, big: 256, pairs: 32 },
  bPeak: { ...rung('erf', 4.2e-3, 30).peak, rung: 'erf' },
  rungs: [rung('small-batch', 4.6e-3, 26), rung('erf', 4.2e-3, 30)],
  regime: [],
  histogram: { bins, emptyLevel: 7000 },
  moments: {
    parameters: 12_730,
    active: 12_724,
    mu: null,
    sigma: null,
    signalToNoise: null,
    oftenZero: 100,
  },
  asymmetry: 1e-7,
  sampling: {
    samplesPerHalf: 1000,
    blocks: 20,
    hessianExamples: 2000,
    probes: 16,
    draws: 32,
    resamples: 400,
  },
  warnings: [],
  provenance: {
    program: 'test',
    dataChecksum: '',
    engine: { device: 'cpu', threads: 1, tensorflow: '2', node: '24', platform: 'linux', cpu: 'none' },
  },
};
