/**
 * Schedules in which batch size, learning rate or both grow (Umeda and Iiduka, arXiv 2409.08770), as a table of stages
 * that starts from a recommended point, with the learning rate that the ridge gives at each batch size beside it.
 */
import type { BatchSchedule, RateSchedule, Schedule } from '../../theory/schedules.ts';
import { layOutSchedule } from '../../theory/schedules.ts';
import type { Warning } from '../../theory/warnings.ts';

/** The four cases of arXiv 2409.08770, (i) to (iv). */
export const growthKinds = ['constant-batch', 'growing-batch', 'growing-both', 'warm-up'] as const;
export type GrowthKind = (typeof growthKinds)[number];

export interface GrowthRequest {
  readonly kind: GrowthKind;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Learning rate that growth and warm-up reach. */
  readonly maxLearningRate: number;
  readonly epochs: number;
  /** Training examples in an epoch. */
  readonly examples: number;
  /** Epochs in a stage. */
  readonly interval: number;
  /** Growth of the batch size a stage, delta. */
  readonly factor: number;
  /** The batch growth is bent to end here; without it the batch grows as it will. */
  readonly maxBatchSize?: number;
}

export interface GrowthStage {
  readonly stage: number;
  readonly fromEpoch: number;
  readonly batchSize: number;
  /** At the first step of the stage. */
  readonly learningRate: number;
  /** What the ridge gives at this batch size; null where it gives none. */
  readonly ridgeLearningRate: number | null;
  readonly steps: number;
  readonly stepsBefore: number;
  /** Per-sample gradient evaluations before the stage. */
  readonly evaluationsBefore: number;
}

export interface GrowthTable extends Pick<
  Schedule,
  'gamma' | 'gammaBelowRootDelta' | 'totalSteps' | 'totalEvaluations'
> {
  readonly kind: GrowthKind;
  readonly stages: readonly GrowthStage[];
  readonly warnings: readonly Warning[];
}

/** Warm-up of arXiv 2409.08770: a tenth of the epochs, in ten steps. */
const WARMUP_SHARE = 10;

/** @throws RangeError naming the field that is wrong. */
export function growthTable(
  request: GrowthRequest,
  ridgeAt: (batchSize: number) => number | null,
): GrowthTable {
  const { kind, epochs, examples, interval, learningRate, maxLearningRate, batchSize, maxBatchSize } =
    request;
  if ((kind === 'growing-both' || kind === 'warm-up') && maxLearningRate < learningRate)
    throw new RangeError(
      `the learning rate cannot grow from ${learningRate.toPrecision(3)} to a maximum of ${maxLearningRate.toPrecision(3)}.`,
    );
  if (kind !== 'constant-batch' && maxBatchSize !== undefined && maxBatchSize < batchSize)
    throw new RangeError(`the batch size cannot grow from ${batchSize} to a maximum of ${maxBatchSize}.`);
  const schedule = layOutSchedule({
    epochs,
    examples,
    interval,
    batch: batchOf(request),
    learningRate: rateOf(request),
  });
  const { gamma, gammaBelowRootDelta, totalSteps, totalEvaluations } = schedule;
  const starts = schedule.epochs.filter(({ epoch }) => epoch % interval === 0);
  const stages = starts.map((start, stage): GrowthStage => {
    const next = starts[stage + 1];
    return {
      stage,
      fromEpoch: start.epoch,
      batchSize: start.batchSize,
      learningRate: start.learningRate,
      ridgeLearningRate: ridgeAt(start.batchSize),
      steps: (next?.stepsBefore ?? totalSteps) - start.stepsBefore,
      stepsBefore: start.stepsBefore,
      evaluationsBefore: start.evaluationsBefore,
    };
  });
  return {
    kind,
    stages,
    gamma,
    gammaBelowRootDelta,
    totalSteps,
    totalEvaluations,
    warnings: [
      {
        code: 'not-verified',
        sentence:
          'Not verified: the convergence of these schedules is shown for SGD (arXiv 2409.08770) with rates that were not checked here, and the cost of a step is left out. The ridge is of constant batch sizes.',
        numbers: { totalSteps, totalEvaluations },
      },
    ],
  };
}

function batchOf({ kind, batchSize, factor, maxBatchSize }: GrowthRequest): BatchSchedule {
  if (kind === 'constant-batch') return { kind: 'constant', start: batchSize };
  return {
    kind: 'exponential',
    start: batchSize,
    factor,
    ...(maxBatchSize === undefined ? {} : { cap: maxBatchSize }),
  };
}

function rateOf({ kind, learningRate, maxLearningRate, epochs }: GrowthRequest): RateSchedule {
  switch (kind) {
    case 'constant-batch':
    case 'growing-batch':
      return { kind: 'cosine', start: learningRate };
    case 'growing-both':
      return { kind: 'growth', start: learningRate, max: maxLearningRate };
    case 'warm-up': {
      const warmupEpochs = Math.max(2, Math.round(epochs / WARMUP_SHARE));
      return {
        kind: 'warmup',
        start: learningRate,
        max: maxLearningRate,
        warmupEpochs,
        warmupInterval: Math.max(1, Math.round(warmupEpochs / WARMUP_SHARE)),
        then: 'cosine',
      };
    }
  }
}
