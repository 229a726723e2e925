/**
 * How a step is made besides the optimizer's rule. Each member is absent where it is not used, never a default: cells of
 * experiments that say nothing of it keep their identity.
 */
import { z } from 'zod';
import { describeSchedule, scheduleSchema, type RateSchedule } from './schedule.ts';

const limit = z.number().positive().finite();

/** Applied to the minibatch gradient before anything else sees it. */
export const gradientClippingSchema = z.discriminatedUnion('kind', [
  /** g ← g·min(1, limit/(‖g‖ + 1e-6)), with the norm over all parameters of a cell, as PyTorch has it. */
  z.strictObject({ kind: z.literal('norm'), limit }),
  /** Every entry is cut to −limit … limit. */
  z.strictObject({ kind: z.literal('value'), limit }),
]);

export type GradientClipping = z.output<typeof gradientClippingSchema>;

/** Members of a specification; specification.ts takes them in. */
export const trainingOptionSchemas = {
  /** Factor on the learning rate from step to step; without it the rate is constant. */
  schedule: scheduleSchema.optional(),
  gradientClipping: gradientClippingSchema.optional(),
  /** Most examples that are worked on at once; a larger minibatch is taken in equal parts whose gradients are averaged. */
  microBatch: z.number().int().positive().max(10_000_000).optional(),
};

export interface TrainingOptions {
  readonly schedule?: RateSchedule | undefined;
  readonly gradientClipping?: GradientClipping | undefined;
  readonly microBatch?: number | undefined;
}

/** Those that are given, and no others. */
export function trainingOptions(options: TrainingOptions): TrainingOptions {
  const { schedule, gradientClipping, microBatch } = options;
  return {
    ...(schedule === undefined ? {} : { schedule }),
    ...(gradientClipping === undefined ? {} : { gradientClipping }),
    ...(microBatch === undefined ? {} : { microBatch }),
  };
}

/** A line for each that is given. */
export function describeTrainingOptions(options: TrainingOptions): string[] {
  const { schedule, gradientClipping, microBatch } = options;
  return [
    ...(schedule === undefined
      ? []
      : [`schedule: ${describeSchedule(schedule)}; learning rates are its peak`]),
    ...(gradientClipping === undefined
      ? []
      : [`gradients are clipped by ${gradientClipping.kind} at ${gradientClipping.limit}`]),
    ...(microBatch === undefined ? [] : [`at most ${microBatch} of a minibatch at once`]),
  ];
}

/** The fewest equal parts of a minibatch that have at most `microBatch` examples; one without a limit. */
export function microBatchesOf(
  batchSize: number,
  microBatch: number | undefined,
): { readonly count: number; readonly size: number } {
  let size = Math.min(batchSize, microBatch ?? batchSize);
  while (batchSize % size !== 0) size--;
  return { count: batchSize / size, size };
}
