/** Training an experiment from the command line: progress, Ctrl-C, the last word. */
import { recover, runExperiment } from '#main/lab/scheduler/run-experiment.ts';
import type { RunOptions, RunOutcome } from '#main/lab/scheduler/run-experiment.ts';
import type { ExperimentSummary, WritableStore } from '#main/lab/store/types.ts';
import { exitCodes } from '../exit-codes.ts';
import { count, notice, progressPrinter } from '../terminal.ts';

export interface Trained {
  readonly outcome: RunOutcome;
  readonly exitCode: number;
  readonly seconds: number;
  readonly ingestSeconds: number;
}

export async function train(
  store: WritableStore,
  experiment: ExperimentSummary,
  options: Omit<RunOptions, 'signal' | 'onProgress' | 'onNotice'>,
): Promise<Trained> {
  const started = performance.now();
  const controller = new AbortController();
  const progress = progressPrinter();
  const stop = () => {
    if (controller.signal.aborted) {
      // A second Ctrl-C does not wait; the spool and the last checkpoint keep what there is.
      process.exit(exitCodes.incomplete);
    }
    progress.end();
    notice('Stopping: running stacks save a checkpoint. Press Ctrl-C again to stop at once.');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await recover(store, notice);
    const { outcome, ingestSeconds } = await runExperiment(store, experiment.id, {
      ...options,
      signal: controller.signal,
      onProgress: (p) => progress.update(p),
      onNotice: (message) => {
        progress.end();
        notice(message);
      },
    });
    progress.end();
    const seconds = (performance.now() - started) / 1000;
    return { outcome, exitCode: exitCodeOf(outcome), seconds, ingestSeconds };
  } finally {
    progress.end();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function exitCodeOf(outcome: RunOutcome): number {
  switch (outcome.end) {
    case 'complete':
      return exitCodes.ok;
    case 'stopped':
    case 'held':
      return exitCodes.incomplete;
    case 'failures':
      return exitCodes.failedCells;
  }
}

/** What a person wants to know when a run ends. */
export function lastWord(experiment: ExperimentSummary, outcome: RunOutcome): string {
  const { counts, key, cells } = experiment;
  const done = `${counts.done + counts.diverged} of ${count(cells, 'cell')}${counts.diverged > 0 ? ` (${counts.diverged} diverged)` : ''}`;
  switch (outcome.end) {
    case 'complete':
      return `Complete: ${done}. Look at it with: surge ridge ${key}`;
    case 'stopped':
      return `Stopped: ${done}. Continue with: surge resume ${key}`;
    case 'held':
      return `Held: ${outcome.reason}. ${done}. Continue with: surge resume ${key}`;
    case 'failures':
      return `${done}; ${outcome.cells} could not be trained: ${outcome.reason}. Try them again with: surge resume ${key} --failed`;
  }
}
