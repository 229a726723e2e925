/** Options that choose the definition of the optimal learning rate. */
import type { Command } from 'commander';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { Definition } from '#shared/analysis/scores.ts';
import { lastSharedMark } from '#shared/analysis/shared-mark.ts';
import { BadInput } from '../exit-codes.ts';
import { finiteNumber, positiveNumber, wholeNumber } from './options.ts';

export interface DefinitionOptions {
  readonly step?: number;
  readonly samples?: number;
  readonly loss?: number;
  readonly moreSteps: number;
  readonly fewestSteps?: boolean;
}

export const DEFAULT_MORE_STEPS = 10;

export function withDefinition(command: Command): Command {
  return command
    .option(
      '--step <n>',
      'at equal steps: this one (default: the last mark that all batch sizes share)',
      wholeNumber,
    )
    .option('--samples <n>', 'at equal samples: after this many', positiveNumber)
    .option('--loss <target>', 'at equal loss: from where each cell reaches this loss', finiteNumber)
    .option(
      '--more-steps <k>',
      'with --loss: k further steps, compared by their loss',
      wholeNumber,
      DEFAULT_MORE_STEPS,
    )
    .option('--fewest-steps', 'with --loss: compare the steps to the target instead');
}

/** Throws BadInput when the options contradict each other. */
export function definitionOf(options: DefinitionOptions, curves: CurveSet): Definition {
  const { step, samples, loss, moreSteps } = options;
  const given = [step, samples, loss].filter((x) => x !== undefined);
  if (step !== undefined && step > lastMark(curves))
    throw new BadInput(`Step ${step} lies beyond the last mark, ${lastMark(curves)}: choose an earlier one.`);
  if (given.length > 1)
    throw new BadInput('--step, --samples and --loss exclude each other: choose one definition.');
  if (options.fewestSteps === true && loss === undefined) throw new BadInput('--fewest-steps needs --loss.');
  if (samples !== undefined) return { kind: 'equal-samples', samples };
  if (loss !== undefined)
    return options.fewestSteps === true
      ? { kind: 'fewest-steps', target: loss }
      : { kind: 'equal-loss', target: loss, moreSteps };
  return { kind: 'equal-steps', step: step ?? lastSharedMark(curves) };
}

function lastMark(curves: CurveSet): number {
  return Math.max(0, ...curves.marks.map((marks) => marks.at(-1) ?? 0));
}
