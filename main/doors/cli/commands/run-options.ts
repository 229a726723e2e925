/** Options of the commands that train. */
import { availableParallelism, freemem } from 'node:os';
import type { Command } from 'commander';
import type { RunOptions } from '#main/lab/scheduler/run-experiment.ts';
import { defaultWorkforce } from '#main/lab/scheduler/settings.ts';
import type { Workforce } from '#main/lab/scheduler/settings.ts';
import { positiveNumber, wholeNumber } from './options.ts';

export interface TrainingOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly trainers?: number;
  readonly threads?: number;
  readonly cellsPerStack?: number;
  readonly checkpointSeconds: number;
  readonly eager?: boolean;
}

const DEFAULT_CHECKPOINT_SECONDS = 20;

export function withTraining(command: Command): Command {
  return command
    .option(
      '--trainers <n>',
      'trainer processes at once (default: one a core, as memory allows)',
      wholeNumber,
    )
    .option('--threads <n>', 'threads of each trainer; results depend on it in the last bits', wholeNumber)
    .option('--cells-per-stack <n>', 'at most this many cells in a stack (default: measured)', wholeNumber)
    .option(
      '--checkpoint-seconds <n>',
      'seconds between checkpoints of a stack',
      positiveNumber,
      DEFAULT_CHECKPOINT_SECONDS,
    )
    .option('--eager', 'train with the slow reference path instead of compiled programs');
}

export function workforceOf(options: Pick<TrainingOptions, 'trainers' | 'threads'>): Workforce {
  const standard = defaultWorkforce(availableParallelism(), freemem());
  return { trainers: options.trainers ?? standard.trainers, threads: options.threads ?? standard.threads };
}

export function runOptions(options: TrainingOptions): Omit<RunOptions, 'signal' | 'onProgress' | 'onNotice'> {
  return {
    workforce: workforceOf(options),
    checkpointSeconds: options.checkpointSeconds,
    maxCellsPerStack: options.cellsPerStack,
    mode: options.eager === true ? 'eager' : undefined,
  };
}
