/**
 * Words shared by the scheduler, the trainer and the store. A stack is the set of cells trained together as one
 * program: one batch size, `learningRates` × `seeds`. Cell i of a stack is seed floor(i / K), learning rate i mod K,
 * with K = learningRates.length (seed-major, so that all learning rates of a replicate share its minibatch).
 */
import type { OptimizerSpecification, WorkloadSpecification } from './specification.ts';
import type { TrainingOptions } from './training-options.ts';

/** The states a cell can be in. `diverged` keeps training data up to the end; the step is in a column of its own. */
export const cellStates = [
  'planned',
  'running',
  'done',
  'diverged',
  'out-of-memory',
  'interrupted',
  'failed',
] as const;
export type CellState = (typeof cellStates)[number];

/** Everything that decides a cell's result; its hash is the cell's identity. */
export interface CellConfiguration extends TrainingOptions {
  readonly workload: WorkloadSpecification;
  readonly optimizer: OptimizerSpecification;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly steps: number;
  /** Steps that are evaluated, ascending, ending with `steps`. */
  readonly marks: readonly number[];
  readonly evaluationExamples: number;
  readonly recordTrainingLoss: boolean;
  readonly streams: 'common' | 'independent';
  /** SHA-256 of the data the workload reads; '' where it reads none. */
  readonly dataChecksum: string;
}

/** A stack before it has been given an identity. */
export interface StackPlan {
  readonly batchSize: number;
  /** Ascending. */
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly marks: readonly number[];
}

/** The cell of a stack that has this learning rate and seed; both must be the stack's. */
export function columnOf(
  { learningRates, seeds }: Pick<StackPlan, 'learningRates' | 'seeds'>,
  { learningRate, seed }: { readonly learningRate: number; readonly seed: number },
): number {
  return seeds.indexOf(seed) * learningRates.length + learningRates.indexOf(learningRate);
}

/**
 * Metrics of a stack. trainingLoss: mean minibatch loss before the update, point p belongs to step p + 1.
 * evaluationLoss and evaluationAccuracy: on the held-out set after the step, point p belongs to marks[p].
 */
export const metrics = ['trainingLoss', 'evaluationLoss', 'evaluationAccuracy'] as const;
export type Metric = (typeof metrics)[number];
