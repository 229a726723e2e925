/** How far the tasks of a sweep are: Slurm's word on the queue beside what their stores have. */
import { existsSync, openSync, closeSync, fstatSync, readSync } from 'node:fs';
import { openStoreReadOnly } from '../store/index.ts';
import { queuedTasks } from './queue.ts';
import { logFile, readSubmissions, readSweep, shardStore } from './sweep-folder.ts';

export interface TaskProgress {
  readonly task: number;
  /** lost: not complete and no longer in the queue; `surge slurm resubmit-missing` queues it again. */
  readonly state: 'complete' | 'failed' | 'running' | 'waiting' | 'lost';
  readonly cells: number;
  readonly cellsDone: number;
  readonly stacks: number;
  readonly stacksFinished: number;
  /** Where it runs, or ran last. */
  readonly node: string;
  /** Why it waits, failed or was lost: Slurm's or the store's words, or the end of the log. */
  readonly reason: string;
}

const LOG_TAIL = 2_000;
const LOG_LINES = 5;

export async function sweepProgress(folder: string): Promise<TaskProgress[]> {
  const { tasks, key } = readSweep(folder);
  const queue = await queuedTasks(readSubmissions(folder).map(({ job }) => job));
  return tasks.map((stacks, task) => {
    const queued = queue.findLast((each) => each.task === task);
    const cells = stacks.reduce((sum, { columns }) => sum + columns.length, 0);
    const shard = shardOf(folder, task, key);
    const complete = shard.cellsDone === cells;
    const running = queued !== undefined && queued.state !== 'PENDING';
    const state = complete
      ? 'complete'
      : queued === undefined
        ? shard.failed === ''
          ? 'lost'
          : 'failed'
        : running
          ? 'running'
          : 'waiting';
    const reason =
      state === 'waiting'
        ? (queued?.reason ?? '')
        : state === 'failed'
          ? shard.failed
          : state === 'lost'
            ? lastLines(logFile(folder, task))
            : '';
    return {
      task,
      state,
      cells,
      cellsDone: shard.cellsDone,
      stacks: stacks.length,
      stacksFinished: shard.stacksFinished,
      node: running ? (queued?.node ?? shard.host) : shard.host,
      reason: reason !== '' || shard.problem === '' ? reason : shard.problem,
    };
  });
}

interface Shard {
  readonly cellsDone: number;
  readonly stacksFinished: number;
  readonly failed: string;
  readonly host: string;
  readonly problem: string;
}

function shardOf(folder: string, task: number, key: string): Shard {
  const none = { cellsDone: 0, stacksFinished: 0, failed: '', host: '', problem: '' };
  const file = shardStore(folder, task);
  if (!existsSync(file)) return none;
  try {
    const store = openStoreReadOnly(file);
    try {
      const experiment = store.experiments().find((each) => each.key === key);
      if (experiment === undefined) return none;
      const stacks = store.stacks(experiment.id);
      const failed = stacks.find(({ state }) => state === 'failed' || state === 'out-of-memory');
      return {
        cellsDone: experiment.counts.done + experiment.counts.diverged,
        stacksFinished: stacks.filter(({ state }) => state === 'finished').length,
        failed: failed === undefined ? '' : failed.reason,
        host: stacks.findLast(({ host }) => host !== '')?.host ?? '',
        problem: '',
      };
    } finally {
      store.close();
    }
  } catch (error) {
    return { ...none, problem: error instanceof Error ? error.message : String(error) };
  }
}

function lastLines(file: string): string {
  if (!existsSync(file)) return 'it has not been started';
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(LOG_TAIL, size));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trim().split('\n').slice(-LOG_LINES).join('\n');
  } finally {
    closeSync(descriptor);
  }
}
