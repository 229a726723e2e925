/** Questions about one point of one run of an experiment: the local optimum by line search, and the predicted peak. */
import { deviation } from 'd3';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import { trainingOptions } from '#shared/experiment/training-options.ts';
import { experimentWarnings } from '#shared/protocol/ridge-warnings.ts';
import type { PointOfRun, PredictionRecord, Rung } from '#shared/theory/prediction-record.ts';
import type { ProbeRequest } from '#main/training/local/request.ts';
import { probe } from './scheduler/probe-process.ts';

type LineSearchRequest = NonNullable<ProbeRequest['lineSearch']>;

function cellOf(specification: Specification, point: PointOfRun): ProbeRequest['cell'] {
  return {
    workload: specification.workload,
    optimizer: specification.optimizer,
    ...trainingOptions(specification),
    steps: expandGrid(specification).stepsFor(point.batchSize),
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
  return curvesOf({ batchSizes, learningRates, draws: options.draws }, changes);
}

/** A line search as curves with one mark; changes as in ProbeReply. */
function curvesOf(
  { batchSizes, learningRates, draws }: Pick<LineSearchRequest, 'batchSizes' | 'learningRates' | 'draws'>,
  changes: readonly (readonly (number | null)[])[],
): CurveSet {
  const values = Float64Array.from(changes.flat(), (x) => x ?? NaN);
  return {
    batchSizes,
    learningRates,
    seeds: Array.from({ length: draws }, (_, i) => i),
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
  readonly draws: number;
  /** Also search along real steps, with this many minibatches for each batch size; 0 does not. */
  readonly lineSearchDraws: number;
  readonly threads: number;
  /** Version of the program, for the record. */
  readonly program: string;
}

/** The ladder of predictions at this point; see main/training/local/predict.ts. */
export async function predictedPeak(
  specification: Specification,
  point: PointOfRun,
  options: PredictOptions,
): Promise<PredictionRecord> {
  const { threads, program, lineSearchDraws, ...prediction } = options;
  const { batchSizes, learningRates } = expandGrid(specification);
  const search =
    lineSearchDraws === 0
      ? null
      : { batchSizes, learningRates, draws: lineSearchDraws, optimizerState: 'warm' as const };
  const answer = await probe({
    threads,
    cell: cellOf(specification, point),
    step: point.step,
    lineSearch: search,
    prediction: { ...prediction, batchSizes },
  });
  const { device, tensorflow, node, platform, cpu } = answer.engine;
  const found = answer.prediction!;
  const searched =
    search === null
      ? []
      : [lineSearchRung(ridgeOf(curvesOf(search, answer.changes), { kind: 'local', ...point }))];
  return {
    point,
    evaluationLoss: answer.evaluationLoss,
    ...found,
    rungs: [...found.rungs, ...searched],
    warnings: [...found.warnings, ...experimentWarnings(specification)],
    provenance: {
      program,
      dataChecksum: answer.dataChecksum,
      engine: { device, threads, tensorflow, node, platform, cpu },
    },
  };
}

/** The searched ridge as a rung: three-point optima, intervals by resampling minibatches. */
function lineSearchRung({ points, peak }: Ridge): Rung {
  return {
    rung: 'line-search',
    learningRates: points.map(({ learningRate, interval, resampled }) =>
      learningRate === null
        ? null
        : { value: learningRate, standardError: errorOf(learningRate, resampled), interval },
    ),
    peak: peak && {
      batchSize: {
        value: peak.refinedBatchSize ?? peak.batchSize,
        standardError: null,
        interval: peak.refinedInterval,
      },
      learningRate: { value: peak.learningRate, standardError: null, interval: peak.learningRateInterval },
      atEdge: peak.atEdge,
      insideShare: Math.min(peak.probabilityOfRise ?? 0, peak.probabilityOfFall ?? 0),
    },
  };
}

/** Resampled optima are logarithms, so that their spread is a relative error. */
function errorOf(learningRate: number, logarithms: Float64Array): number | null {
  const spread = deviation(logarithms.filter(Number.isFinite));
  return spread === undefined ? null : learningRate * spread;
}
