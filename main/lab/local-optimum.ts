/** Questions about one point of one run of an experiment: the local optimum by line search, and the predicted peak. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import type { ProbeRequest } from '#main/training/local/request.ts';
import { probe } from './scheduler/probe-process.ts';

export interface PointOfRun {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly step: number;
}

function cellOf(specification: Specification, point: PointOfRun): ProbeRequest['cell'] {
  return {
    workload: specification.workload,
    optimizer: specification.optimizer,
    evaluationExamples: specification.evaluation.examples,
    streams: specification.streams,
    batchSize: point.batchSize,
    learningRate: point.learningRate,
    seed: point.seed,
  };
}

export interface LocalSearchOptions {
  readonly draws: number;
  readonly optimizerState: 'cold' | 'warm';
  readonly threads: number;
}

/**
 * The change of the held-out loss after one step from this point, as curves with one mark: the draws take the place of
 * seeds, so that optimum, interval and ridge are those of every other definition.
 */
export async function localCurves(
  specification: Specification,
  point: PointOfRun,
  options: LocalSearchOptions,
): Promise<CurveSet> {
  const { batchSizes, learningRates } = expandGrid(specification);
  const { changes } = await probe({
    threads: options.threads,
    cell: cellOf(specification, point),
    step: point.step,
    lineSearch: { batchSizes, learningRates, draws: options.draws, optimizerState: options.optimizerState },
    prediction: null,
  });
  const values = Float64Array.from(changes.flat(), (x) => x ?? NaN);
  return {
    batchSizes,
    learningRates,
    seeds: Array.from({ length: options.draws }, (_, i) => i),
    marks: batchSizes.map(() => [1]),
    stride: 1,
    values,
    recorded: new Uint32Array(values.length).fill(1),
    divergedAt: values.map((x) => (Number.isFinite(x) ? Infinity : 1)),
  };
}

export interface PredictOptions {
  readonly samplesPerHalf: number;
  readonly hessianExamples: number;
  readonly probes: number;
  readonly repetitions: number;
  readonly threads: number;
}

/** Quantities of the theory at this point and the peak they predict; see main/training/local/predict.ts. */
export async function predictedPeak(
  specification: Specification,
  point: PointOfRun,
  options: PredictOptions,
) {
  const { threads, ...prediction } = options;
  const { batchSizes } = expandGrid(specification);
  const { optimizer } = specification;
  const answer = await probe({
    threads,
    cell: cellOf(specification, point),
    step: point.step,
    lineSearch: null,
    prediction: {
      ...prediction,
      batchSizes,
      beta1: optimizer.kind === 'adam' || optimizer.kind === 'adamw' ? [optimizer.beta1] : [],
    },
  });
  return {
    batchSizes,
    evaluationLoss: answer.evaluationLoss,
    engine: answer.engine,
    prediction: answer.prediction!,
  };
}
