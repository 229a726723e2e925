/**
 * A workload that is somebody's own program: the lab runs it once a cell, hands it the cell's values and reads what it
 * reports. docs/external.md has the protocol from the program's side.
 */
import { z } from 'zod';

const wholePositive = z.number().int().positive().max(1_000_000);
const seconds = z.number().positive().max(1e9);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const inOutput = z.string().min(1).max(1_000);

export const externalWorkloadSchema = z.strictObject({
  kind: z.literal('external'),
  /** Program and arguments; placeholders are filled in, and no shell ever sees them. */
  command: z.array(z.string()).min(1).max(1_000),
  /** The command is one text for /bin/sh, which finds the cell's values in its environment only. */
  shell: z.boolean().default(false),
  /** Working folder, relative to the experiment file. */
  folder: z.string().min(1).default('.'),
  /** Files that decide the result, relative to the working folder. Without them: the arguments that name files. */
  files: z.array(z.string().min(1)).max(1_000).optional(),
  /** Variables added to the environment; placeholders are filled in. */
  environment: z.record(z.string(), scalar).default({}),
  /** What a batch size counts. */
  batchUnit: z.string().min(1).max(40).default('samples'),
  /** Where the program reports; files and folders lie in the cell's output folder. */
  results: z
    .discriminatedUnion('from', [
      /** JSON lines on standard output; every other line is log. */
      z.strictObject({ from: z.literal('output') }),
      z.strictObject({ from: z.literal('csv'), file: inOutput.default('metrics.csv') }),
      z.strictObject({ from: z.literal('tensorboard'), folder: inOutput.default('.') }),
    ])
    .default({ from: 'output' }),
  /** How the program calls what the lab knows. */
  metrics: z
    .strictObject({
      step: z.string().min(1).default('step'),
      trainingLoss: z.string().min(1).default('loss'),
      evaluationLoss: z.string().min(1).default('evaluationLoss'),
      evaluationAccuracy: z.string().min(1).default('evaluationAccuracy'),
    })
    .prefault({}),
  /** A loss above this ends the cell as diverged, as one that is not finite does. */
  divergesAbove: z.number().positive().optional(),
  /** Seconds that a cell may take. */
  timeLimit: seconds.optional(),
  /** Seconds without any output or result after which a cell counts as hanging. */
  silenceLimit: seconds.optional(),
  /** Cells at once; by default as many as the GPUs allow, without GPUs one. */
  parallel: wholePositive.optional(),
  /** GPUs that a cell gets by CUDA_VISIBLE_DEVICES; 0 hides them, and without this field nothing is dealt. */
  gpus: z.number().int().nonnegative().max(1_024).optional(),
});

/** How an external program optimizes: a name to compare by, and settings that are handed to the program. */
export const externalOptimizerSchema = z.strictObject({
  kind: z.literal('external'),
  name: z.string().min(1).max(100),
  settings: z.record(z.string(), scalar).default({}),
});

export type ExternalWorkload = z.output<typeof externalWorkloadSchema>;
export type ExternalOptimizer = z.output<typeof externalOptimizerSchema>;

/** What of the workload decides a cell's result: neither limits nor how the machine is shared out. */
export function resultOf({
  timeLimit: _time,
  silenceLimit: _silence,
  parallel: _parallel,
  gpus: _gpus,
  ...rest
}: ExternalWorkload): ExternalWorkload {
  return rest;
}
