/** The options that choose one point of one run. */
import type { Command } from 'commander';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import type { PointOfRun } from '#shared/theory/prediction-record.ts';
import type { ExperimentSummary, ReadableStore } from '#main/lab/store/types.ts';
import { BadInput } from '../exit-codes.ts';
import { positiveNumber, withJson, withStore, wholeNumber } from './options.ts';

export interface PointOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly seed?: number;
  readonly step?: number;
}

export function withPoint(command: Command): Command {
  return withJson(withStore(command))
    .option('--step <n>', 'freeze the run after this step', wholeNumber)
    .option('--batch-size <n>', 'of the frozen run (default: the middle one)', wholeNumber)
    .option(
      '--learning-rate <x>',
      'of the frozen run (default: the optimum of that batch size at that step)',
      positiveNumber,
    )
    .option(
      '--seed <n>',
      'of the frozen run (default: the first)',
      (text) => wholeNumber(String(Number(text) + 1)) - 1,
    );
}

/** Fills in what was not given: the middle batch size and its optimum at that step. */
export function pointOf(
  store: ReadableStore,
  experiment: ExperimentSummary,
  options: PointOptions,
): PointOfRun {
  const { step } = options;
  if (step === undefined) throw new BadInput('Name the step at which the run is frozen with --step.');
  const curves = store.curveSet(experiment.id, 'evaluationLoss');
  const batchSize = options.batchSize ?? curves.batchSizes[curves.batchSizes.length >> 1];
  const seed = options.seed ?? curves.seeds[0];
  let { learningRate } = options;
  if (learningRate === undefined) {
    const ridge = ridgeOf(curves, { kind: 'equal-steps', step });
    learningRate = ridge.points.find((p) => p.batchSize === batchSize)?.learningRate ?? undefined;
    if (learningRate === undefined)
      throw new BadInput(
        `Batch size ${batchSize} has no optimal learning rate at step ${step}; choose one with --learning-rate.`,
      );
  }
  return { batchSize, learningRate, seed, step };
}
