/** Options of the commands that train. */
import type { Command } from 'commander';
import type { RunOptions } from '#main/lab/scheduler/run-experiment.ts';
import { deviceList } from '#main/lab/scheduler/device-pool.ts';
import { machineWorkforce } from '#main/lab/scheduler/machine.ts';
import { gigabytes, MEMORY_WORDS, positiveNumber, wholeNumber } from './options.ts';

export interface TrainingOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly trainers?: number;
  readonly threads?: number;
  readonly devices?: readonly string[];
  readonly memory?: number;
  readonly cellsPerStack?: number;
  readonly checkpointSeconds: number;
  readonly eager?: boolean;
}

const DEFAULT_CHECKPOINT_SECONDS = 20;

export function withTraining(command: Command): Command {
  return command
    .option(
      '--trainers <n>',
      'trainer processes at once (default: one a core as memory allows, one a GPU)',
      wholeNumber,
    )
    .option(
      '--threads <n>',
      'threads of each trainer (default: the cores shared out); results depend on it in the last bits',
      wholeNumber,
    )
    .option('--devices <list>', 'GPUs to deal out, as CUDA names them (default: all)', deviceList)
    .option('--memory <gigabytes>', MEMORY_WORDS, gigabytes)
    .option('--cells-per-stack <n>', 'at most this many cells in a stack (default: measured)', wholeNumber)
    .option(
      '--checkpoint-seconds <n>',
      'seconds between checkpoints of a stack',
      positiveNumber,
      DEFAULT_CHECKPOINT_SECONDS,
    )
    .option('--eager', 'train with the slow reference path instead of compiled programs');
}

export function runOptions(options: TrainingOptions): Omit<RunOptions, 'signal' | 'onProgress' | 'onNotice'> {
  return {
    workforce: machineWorkforce(options),
    wishes: options,
    checkpointSeconds: options.checkpointSeconds,
    maxCellsPerStack: options.cellsPerStack,
    mode: options.eager === true ? 'eager' : undefined,
  };
}
