/** Options that several commands share. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { OptimumMethod } from '#shared/analysis/optimum.ts';

export function withStore(command: Command): Command {
  return command.option(
    '--store <file>',
    'the run store (default: SURGE_STORE, or lab.surge in your data folder)',
  );
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON instead of text');
}

export function withSmooth(command: Command): Command {
  return command.option(
    '--smooth',
    'optima by a smooth fit over all learning rates instead of a parabola through three',
  );
}

export interface SmoothOption {
  readonly smooth?: boolean;
}

export function methodOf({ smooth }: SmoothOption): OptimumMethod {
  return smooth === true ? 'smooth' : 'three-point';
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('a whole number above 0 is needed.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('a number above 0 is needed.');
  return value;
}

export const MEMORY_WORDS =
  'memory that all trainers may take together, or on GPUs each (default: what is free)';

/** Bytes. */
export function gigabytes(text: string): number {
  return positiveNumber(text) * 1e9;
}

/** A loss: that of a quadratic workload may be negative. */
export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('a number is needed.');
  return value;
}

/** Target losses: given several times or as a comma-separated list. */
export function finiteNumbers(text: string, before: number[] = []): number[] {
  return [...before, ...text.split(',').map(finiteNumber)];
}

/** For an option that may be given several times or as a comma-separated list. */
export function positiveNumbers(text: string, before: number[] = []): number[] {
  return [...before, ...text.split(',').map(positiveNumber)];
}
