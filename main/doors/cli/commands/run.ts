import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { findOrCreateExperiment } from '#main/lab/create-experiment.ts';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { dataChecksum } from '#main/lab/scheduler/calibration.ts';
import { holdRequestFile } from '#main/lab/scheduler/run-experiment.ts';
import type { ExperimentSummary, WritableStore } from '#main/lab/store/types.ts';
import { exitCodes } from '../exit-codes.ts';
import { withExistingWriter, withWriter } from '../store-access.ts';
import { duration, notice, print, printJson } from '../terminal.ts';
import { withJson, withStore } from './options.ts';
import type { TrainingOptions } from './run-options.ts';
import { runOptions, withTraining } from './run-options.ts';
import { overallState } from './status.ts';
import { lastWord, train } from './train.ts';

export function addRun(program: Command): void {
  withTraining(
    withJson(
      withStore(
        program.command('run <file>').description('train an experiment file; again: what is missing'),
      ),
    ),
  ).action(async (file: string, options: TrainingOptions) => {
    const { specification, warnings } = await readExperimentFile(file);
    for (const warning of warnings) notice(warning);
    const checksum = await dataChecksum(specification);
    await withWriter(options, async (store) => {
      const { experiment, isNew } = findOrCreateExperiment(store, specification, checksum);
      if (!isNew) notice(`Continuing "${experiment.name}" (${experiment.key}).`);
      await trainAndReport(store, [experiment], options);
    });
  });

  withTraining(
    withJson(
      withStore(
        program
          .command('resume [experiment]')
          .description('continue an experiment, or every unfinished one of the store'),
      ),
    ),
  )
    .option('--failed', 'try failed and out-of-memory cells again')
    .action((name: string | undefined, options: TrainingOptions & { failed?: boolean }) =>
      withExistingWriter(options, async (store) => {
        const chosen =
          name === undefined
            ? store.experiments({ archived: false }).filter((e) => overallState(e) !== 'complete')
            : [store.experiment(name)];
        if (options.failed === true)
          for (const { id } of chosen) store.resetCells(id, ['failed', 'out-of-memory']);
        if (chosen.length === 0) notice('Nothing to resume: every experiment is complete.');
        await trainAndReport(store, chosen, options);
      }),
    );
}

/** `surge pause`, in another process, may come while an experiment still waits for its turn. */
function wasPausedSince(store: WritableStore, key: string, time: number): boolean {
  const request = statSync(holdRequestFile(store, key), { throwIfNoEntry: false });
  return request !== undefined && request.mtimeMs > time;
}

/** Trains one experiment after the other; stops at the first that is stopped. */
async function trainAndReport(
  store: WritableStore,
  experiments: readonly ExperimentSummary[],
  options: TrainingOptions,
): Promise<void> {
  const results: unknown[] = [];
  let exitCode: number = exitCodes.ok;
  const started = Date.now();
  for (const { key } of experiments) {
    const before = store.experiment(key);
    if (wasPausedSince(store, key, started)) {
      store.hold(before.id, 'paused on request');
      notice(`"${before.name}" was paused before its turn; it is held until surge resume.`);
      exitCode = Math.max(exitCode, exitCodes.incomplete);
      continue;
    }
    const {
      outcome,
      exitCode: code,
      seconds,
      ingestSeconds,
    } = await train(store, before, runOptions(options));
    const after = store.experiment(key);
    results.push({
      key,
      name: after.name,
      end: outcome.end,
      reason: 'reason' in outcome ? outcome.reason : null,
      cells: after.cells,
      counts: after.counts,
      seconds,
      ingestSeconds,
    });
    if (options.json !== true) print(`${after.name}: ${lastWord(after, outcome)} (${duration(seconds)})`);
    exitCode = Math.max(exitCode, code);
    if (outcome.end === 'stopped') break;
  }
  if (options.json === true) printJson({ experiments: results });
  process.exitCode = exitCode;
}
