/** A task of a handed-out sweep, trained by the test instead of a node. */
import { appendFileSync } from 'node:fs';
import { logFile, readSweep, shardStore } from '#main/lab/slurm/sweep-folder.ts';
import { prepareTask } from '#main/lab/slurm/task-store.ts';
import { openStore } from '#main/lab/store/index.ts';
import { feed } from './large-store.ts';

/** Trains from mark to mark (exclusive; one a step). Before the last mark its trainer is left at work. */
export function trainTask(folder: string, task: number, from: number, to: number): void {
  const store = openStore(shardStore(folder, task));
  try {
    const { id } = prepareTask(store, readSweep(folder), task);
    for (const stack of store.stacks(id)) {
      feed(store, stack, from, to);
      if (to < stack.steps) store.stackStarted(stack.key, { pid: process.pid, startTicks: 1 });
    }
  } finally {
    store.close();
  }
}

export function writeLog(folder: string, task: number, ...lines: readonly string[]): void {
  appendFileSync(logFile(folder, task), lines.map((line) => `${line}\n`).join(''));
}
