import type { Command } from 'commander';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import type { MergedExperiment } from '#main/lab/merge/merged.ts';
import { StoreError } from '#main/lab/store/index.ts';
import type { WritableStore } from '#main/lab/store/types.ts';
import { formatLearningRate } from '#shared/analysis/describe.ts';
import { exitCodes } from '../exit-codes.ts';
import { withWriter } from '../store-access.ts';
import { count, notice, print, printJson } from '../terminal.ts';
import { withJson } from './options.ts';

interface MergeCommandOptions {
  readonly into: string;
  readonly experiment?: string;
  readonly json?: boolean;
}

type Merged =
  | { readonly source: string; readonly experiments: readonly MergedExperiment[] }
  | { readonly source: string; readonly error: string };

/** Conflicts are listed up to this many; JSON has them all. */
const LISTED = 5;

export function addMerge(program: Command): void {
  withJson(
    program
      .command('merge <stores...>')
      .description('bring what other stores have trained into one; merging twice changes nothing'),
  )
    .requiredOption('--into <store>', 'the store to merge into; made when absent')
    .option('--experiment <name>', 'only this experiment')
    .action((sources: string[], { into, experiment, json }: MergeCommandOptions) =>
      withWriter({ store: into }, (store) => {
        mergeAll(store, sources, { experiment, json });
      }),
    );
}

/** Merges, reports, and sets the exit code. */
export function mergeAll(
  store: WritableStore,
  sources: readonly string[],
  {
    experiment,
    json = false,
  }: { readonly experiment?: string | undefined; readonly json?: boolean | undefined },
): void {
  const results = sources.map((source) => mergeOne(store, source, experiment));
  if (json) printJson({ into: store.file, merged: results });
  else results.forEach(show);
  if (results.some((merged) => 'error' in merged || merged.experiments.some((e) => e.problems.length > 0)))
    process.exitCode = exitCodes.store;
}

/** A source that cannot be read does not keep the others from being merged; a target that cannot be written does. */
function mergeOne(store: WritableStore, source: string, experiment: string | undefined): Merged {
  try {
    return { source, experiments: mergeStore(store, source, { experiment }) };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'disk-full') throw error;
    return { source, error: error.message };
  }
}

function show(merged: Merged): void {
  if ('error' in merged) return notice(`${merged.source}: not merged. ${merged.error}`);
  if (merged.experiments.length === 0) print(`${merged.source}: there is no experiment in it.`);
  for (const experiment of merged.experiments) {
    const { name, key, isNew, conflicts, differences, problems } = experiment;
    print(`${merged.source}: "${name}" (${key})${isNew ? ', new here' : ''}${inWords(experiment)}.`);
    if (conflicts.length > 0) {
      const cells = conflicts
        .slice(0, LISTED)
        .map((c) => `B = ${c.batchSize}, LR = ${formatLearningRate(c.learningRate)}, seed ${c.seed}`);
      const more = conflicts.length > LISTED ? `, and ${conflicts.length - LISTED} more` : '';
      print(
        `  ${count(conflicts.length, 'cell')} with a different result there; the one here stays, the other is kept beside it: ${cells.join('; ')}${more}.`,
      );
    }
    for (const difference of differences) print(`  ${difference}.`);
    for (const problem of problems) notice(`  ${problem}`);
  }
}

function inWords(merged: MergedExperiment): string {
  const { isNew, isImported, stacksAdded, stacksExtended, identicalCells, predictionsAdded } = merged;
  if (isImported) return isNew || merged.problems.length > 0 ? '' : ': here already';
  const parts = [
    `${count(stacksAdded, 'stack')} added`,
    stacksExtended > 0 ? `${stacksExtended} went on` : '',
    identicalCells > 0 ? `${count(identicalCells, 'cell')} here already` : '',
    predictionsAdded > 0 ? `${count(predictionsAdded, 'prediction')} added` : '',
  ];
  return `: ${parts.filter((part) => part !== '').join(', ')}`;
}
