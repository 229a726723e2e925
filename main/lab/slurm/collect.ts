/** Takes what the tasks of a sweep have trained so far into the lab's own store. */
import { existsSync } from 'node:fs';
import { mergeStore } from '../merge/merge-store.ts';
import { openStoreReadOnly, StoreError } from '../store/index.ts';
import type { ExperimentSummary, WritableStore } from '../store/types.ts';
import { readSweep, shardStore } from './sweep-folder.ts';

/** Returns what could not be taken, in words; a task that has not begun has no store yet. */
export function collectTask(
  store: WritableStore,
  { key }: Pick<ExperimentSummary, 'key'>,
  folder: string,
  task: number,
  { check = true }: { readonly check?: boolean } = {},
): string[] {
  const shard = shardStore(folder, task);
  if (!existsSync(shard)) return [];
  try {
    return mergeStore(store, shard, { experiment: key, check }).flatMap(({ problems }) =>
      problems.map((problem) => `task ${task}: ${problem}`),
    );
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'disk-full') throw error;
    if (error.code === 'missing') return [];
    if (error.code !== 'unknown-experiment') return [`task ${task}: ${error.message}`];
    // The task has made the file and not yet the experiment in it, or somebody put another store there.
    return isEmpty(shard)
      ? []
      : [`task ${task}: ${shard} is a shard of another experiment. Nothing was merged.`];
  }
}

function isEmpty(file: string): boolean {
  const store = openStoreReadOnly(file);
  try {
    return store.experiments().length === 0;
  } finally {
    store.close();
  }
}

/** Every task; when nothing is missing afterwards the experiment is no longer held. */
export function collectSweep(store: WritableStore, experiment: ExperimentSummary, folder: string): string[] {
  const problems = readSweep(folder).tasks.flatMap((_, task) => collectTask(store, experiment, folder, task));
  releaseWhenComplete(store, experiment.key);
  return problems;
}

/** Returns whether everything is there. */
export function releaseWhenComplete(store: WritableStore, key: string): boolean {
  const { id, counts, cells, hold } = store.experiment(key);
  const isComplete = counts.done + counts.diverged === cells;
  if (isComplete && hold !== null) store.hold(id, null);
  return isComplete;
}
