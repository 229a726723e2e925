/** A prediction as the theory would hand it to the store: every kind of member, nulls included. */
import type { PredictedValue, PredictionRecord } from '#shared/theory/prediction-record.ts';

export function predicted(value: number): PredictedValue {
  return { value, standardError: value / 10, interval: { low: value / 2, high: value * 2 } };
}

export function predictionRecord(changes: Partial<PredictionRecord> = {}): PredictionRecord {
  const peak = {
    batchSize: predicted(48.5),
    learningRate: predicted(0.0125),
    atEdge: null,
    insideShare: 0.75,
  };
  return {
    point: { batchSize: 32, learningRate: 1e-3, seed: 0, step: 40 },
    evaluationLoss: 1.25,
    batchSizes: [1, 2],
    quantities: {
      trace: predicted(100),
      offDiagonal: predicted(3),
      weightedTrace: predicted(0.5),
      gradientMass: { value: 0.25, standardError: null, interval: null },
    },
    bNoise: predicted(52.4),
    epsMax: null,
    bSimple: { value: null, standardError: null, small: 1, big: 64, pairs: 32 },
    bPeak: { ...peak, rung: 'erf' },
    rungs: [
      { rung: 'small-batch', learningRates: [predicted(0.01), null], peak: null },
      { rung: 'erf', learningRates: [predicted(0.01), predicted(0.011)], peak },
    ],
    regime: [
      { quantiles: { p1: 1, p5: 2, p50: 3 }, massBelow: 0, massOutside: 0.5, violated: true },
      { quantiles: null, massBelow: 0, massOutside: 0, violated: false },
    ],
    histogram: {
      bins: [
        { lower: 1, upper: 10, count: 3 },
        { lower: 10, upper: 100, count: 0 },
      ],
      emptyLevel: 7000,
    },
    moments: {
      parameters: 5,
      active: 4,
      mu: { p5: -1, p50: 0, p95: 1 },
      sigma: null,
      signalToNoise: null,
      oftenZero: 2,
    },
    asymmetry: 1e-4,
    sampling: {
      samplesPerHalf: 1000,
      blocks: 10,
      hessianExamples: 2000,
      probes: 16,
      draws: 16,
      resamples: 400,
    },
    warnings: [{ code: 'zero-gradients', sentence: 'Two are zero.', numbers: { zeros: 2 } }],
    provenance: {
      program: '0.1.0',
      dataChecksum: '',
      engine: {
        device: 'CPU',
        threads: 2,
        tensorflow: '2.21.0',
        node: '24.0.0',
        platform: 'linux',
        cpu: 'test',
      },
    },
    ...changes,
  };
}
