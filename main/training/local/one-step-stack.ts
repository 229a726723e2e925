/** The program of one step from a frozen point, for line searches and real updates. */
import type { OptimizerSpecification, WorkloadSpecification } from '#shared/experiment/specification.ts';
import type { TrainingOptions } from '#shared/experiment/training-options.ts';
import { makeWorkload } from '../build-stack.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { optimizerFor } from '../optimizers/optimizer.ts';
import type { AssembledStack } from '../stack-program.ts';
import { assembleStack } from '../stack-program.ts';
import type { StackLayout } from '../workloads/workload.ts';

/** Of the training options a single step has clipping and micro-batches; its learning rates are its own, whatever the schedule says. */
export interface OneStep extends Pick<TrainingOptions, 'gradientClipping' | 'microBatch'> {
  readonly workload: WorkloadSpecification;
  readonly optimizer: OptimizerSpecification;
  readonly evaluationExamples: number;
}

export function oneStepStack(tf: TensorFlow, step: OneStep, layout: StackLayout): AssembledStack {
  const { gradientClipping, microBatch } = step;
  const { workload, parts } = makeWorkload(step.workload, step.evaluationExamples, layout, microBatch);
  return assembleStack(tf, workload, optimizerFor(step.optimizer), layout, { gradientClipping, parts });
}
