/** How far the tasks of a sweep are: Slurm's word on the queue beside what their stores have. */
import { existsSync, openSync, closeSync, fstatSync, readSync } from 'node:fs';
import type { SlurmTask } from '#shared/api/types.ts';
import { openStoreReadOnly } from '../store/index.ts';
import type { Cell, Stack } from '../store/types.ts';
import { endedTasks, queuedTasks, type EndedTask, type QueuedTask } from './queue.ts';
import {
  logFile,
  readSubmissions,
  readSweep,
  shardStore,
  type HandedOutStack,
  type HandedOutSweep,
} from './sweep-folder.ts';

const LOG_TAIL = 64 * 1024;
const LOG_LINES = 8;
const LONGEST_LOG = 2_000;

/** What Slurm says of the tasks of some jobs. */
export interface QueueReport {
  readonly queued: readonly QueuedTask[];
  readonly ended: readonly EndedTask[];
}

export async function askSlurm(folder: string): Promise<QueueReport> {
  const jobs = readSubmissions(folder).map(({ job }) => job);
  return { queued: await queuedTasks(jobs), ended: await endedTasks(jobs) };
}

export async function sweepProgress(folder: string): Promise<SlurmTask[]> {
  const sweep = readSweep(folder);
  const report = await askSlurm(folder);
  return sweep.tasks.map((_, task) =>
    taskProgress(folder, sweep, task, report, readShard(folder, sweep.key, task)),
  );
}

export function taskProgress(
  folder: string,
  { tasks }: HandedOutSweep,
  task: number,
  { queued, ended }: QueueReport,
  shard: Shard,
): SlurmTask {
  const size = sizeOf(tasks[task]);
  const known = {
    task,
    ...size,
    cellsDone: shard.cellsDone,
    runStepsDone: shard.runStepsDone,
    stacksFinished: shard.stacksFinished,
    node: shard.host,
    reason: shard.problem,
    log: '',
  };
  if (shard.cellsDone === size.cells) return { ...known, state: 'complete' };
  const here = queued.findLast((each) => each.task === task);
  if (here !== undefined && here.state === 'PENDING')
    return { ...known, state: 'waiting', reason: here.reason };
  if (here !== undefined) return { ...known, state: 'running', node: here.node || shard.host };
  const log = readLog(logFile(folder, task));
  const end = ended.findLast((each) => each.task === task);
  const node = end?.node || log?.node || shard.host;
  const last = log?.text.split('\n').at(-1) ?? 'it has not been started';
  const accounted = end === undefined || end.state === 'COMPLETED' || end.state === 'FAILED' ? '' : end.state;
  const reason = [shard.failed || shard.problem || accounted, shard.failed === '' ? last : '']
    .filter((text) => text !== '')
    .join(': ');
  return {
    ...known,
    state: shard.failed === '' ? 'lost' : 'failed',
    node,
    reason,
    log: log?.text ?? '',
  };
}

/** How much a task has to do. */
export function sizeOf(stacks: readonly HandedOutStack[]): Pick<SlurmTask, 'cells' | 'runSteps' | 'stacks'> {
  return {
    cells: stacks.reduce((sum, { columns }) => sum + columns.length, 0),
    runSteps: stacks.reduce((sum, { plan, columns }) => sum + plan.steps * columns.length, 0),
    stacks: stacks.length,
  };
}

function runStepsDone(stacks: readonly Stack[], cells: readonly Cell[]): number {
  const steps = new Map(stacks.map(({ key, stepsDone }) => [key, stepsDone]));
  return cells.reduce((sum, { stack }) => sum + (stack === null ? 0 : (steps.get(stack) ?? 0)), 0);
}

/** What the store of a task has. */
export interface Shard {
  readonly cellsDone: number;
  readonly runStepsDone: number;
  readonly stacksFinished: number;
  /** Why a stack failed; '' when none did. */
  readonly failed: string;
  readonly host: string;
  /** Keys of the stacks that its trainer is at. */
  readonly running: readonly string[];
  /** Why the store cannot be read. */
  readonly problem: string;
}

export const emptyShard: Shard = {
  cellsDone: 0,
  runStepsDone: 0,
  stacksFinished: 0,
  failed: '',
  host: '',
  running: [],
  problem: '',
};

export function readShard(folder: string, key: string, task: number): Shard {
  const file = shardStore(folder, task);
  if (!existsSync(file)) return emptyShard;
  try {
    const store = openStoreReadOnly(file);
    try {
      const experiment = store.experiments().find((each) => each.key === key);
      if (experiment === undefined) return emptyShard;
      const stacks = store.stacks(experiment.id);
      const cells = store.cells(experiment.id);
      const failed = stacks.find(({ state }) => state === 'failed' || state === 'out-of-memory');
      return {
        cellsDone: experiment.counts.done + experiment.counts.diverged,
        runStepsDone: runStepsDone(stacks, cells),
        stacksFinished: stacks.filter(({ state }) => state === 'finished').length,
        failed: failed === undefined ? '' : failed.reason,
        host: stacks.findLast(({ host }) => host !== '')?.host ?? '',
        running: stacks.filter(({ state }) => state === 'running').map(({ key: stack }) => stack),
        problem: '',
      };
    } finally {
      store.close();
    }
  } catch (error) {
    return { ...emptyShard, problem: error instanceof Error ? error.message : String(error) };
  }
}

interface Log {
  /** The last lines. */
  readonly text: string;
  /** Where its newest attempt ran; '' when it does not say. */
  readonly node: string;
}

/** Null when the task was never started. */
function readLog(file: string): Log | null {
  if (!existsSync(file)) return null;
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(LOG_TAIL, size));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    const tail = buffer.toString('utf8').trim();
    const [, node = ''] = [...tail.matchAll(/^task \d+ on ([^,\s]+), job/gm)].at(-1) ?? [];
    return { text: tail.split('\n').slice(-LOG_LINES).join('\n').slice(-LONGEST_LOG), node };
  } finally {
    closeSync(descriptor);
  }
}
