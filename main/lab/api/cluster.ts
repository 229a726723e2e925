/**
 * Experiments that Slurm trains, followed while a window is open: what the stores of the tasks have comes into the lab's
 * own by the same merge as always, so that live curves see it, and Slurm is asked now and then.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ApiError } from '#shared/api/errors.ts';
import type { SlurmState, SlurmSummary, SlurmTask } from '#shared/api/types.ts';
import { collectTask, releaseWhenComplete } from '../slurm/collect.ts';
import {
  askSlurm,
  emptyShard,
  readShard,
  sizeOf,
  taskProgress,
  type QueueReport,
  type Shard,
} from '../slurm/progress.ts';
import { SlurmError } from '../slurm/queue.ts';
import {
  cancelSweep,
  folderOnSlurm,
  forgetSubmission,
  queueTasks,
  submitSweep,
  type SubmitOptions,
} from '../slurm/submission.ts';
import {
  readSubmissions,
  readSweep,
  shardStore,
  sweepFile,
  type HandedOutSweep,
} from '../slurm/sweep-folder.ts';
import type { ExperimentSummary, ReadableStore, WritableStore } from '../store/types.ts';
import { toApiError } from './api-errors.ts';

export interface ClusterHost {
  store(): ReadableStore;
  /** Null while another program writes the store: then nothing is collected, only shown. */
  writerIfAny(): WritableStore | null;
  /** Throws ApiError when nothing can be written. */
  writer(): WritableStore;
  /** Something that a window shows is different now. */
  changed(key: string): void;
  /** Slurm is asked this often. */
  readonly askSeconds: number;
}

/** The experiments on Slurm are looked for, and the stores of their tasks looked at, this often. */
const LOOK_MILLISECONDS = 2_000;

interface Followed {
  readonly key: string;
  readonly name: string;
  readonly folder: string;
  readonly sweep: HandedOutSweep;
  /** Of the store of each task when it was looked at last; '' before that. */
  readonly signatures: string[];
  readonly shards: Shard[];
  /** Tasks whose store has changed since it was merged. */
  readonly changed: Set<number>;
  /** Tasks whose store has been looked through for damage. */
  readonly checked: Set<number>;
  /** What could not be merged of a task, in words. */
  readonly problems: Map<number, string>;
  report: QueueReport;
  /** Why Slurm gives no answer; '' when it does. */
  silence: string;
  askedAt: number;
  isAsking: boolean;
  tasks: readonly SlurmTask[];
}

export class Cluster {
  readonly #host: ClusterHost;
  readonly #followed = new Map<string, Followed>();
  /** Why a sweep cannot be followed: its folder is gone or was edited. */
  readonly #lost = new Map<string, string>();
  #lastLook = 0;

  constructor(host: ClusterHost) {
    this.#host = host;
  }

  // Asked by windows -----------------------------------------------------------------------------------------------

  summaries(): SlurmSummary[] {
    return [...this.#followed.values()].map(summaryOf);
  }

  /** Null when Slurm does not train it. */
  state(experiment: ExperimentSummary): SlurmState | null {
    const folder = folderOnSlurm(this.#host.store(), experiment);
    if (folder === null) return null;
    this.#look();
    const followed = this.#followed.get(experiment.key);
    if (followed === undefined)
      return { folder, jobs: [], tasks: [], problem: this.#lost.get(experiment.key) ?? '' };
    return {
      folder,
      jobs: readSubmissions(folder).map(({ job }) => job),
      tasks: [...followed.tasks],
      problem: problemOf(followed),
    };
  }

  /** The task that trains a stack; null when Slurm does not. */
  taskOf(experiment: ExperimentSummary, stack: string | null): SlurmTask | null {
    const followed = this.#followed.get(experiment.key);
    if (followed === undefined || stack === null) return null;
    const at = followed.sweep.tasks.findIndex((stacks) => stacks.some(({ key }) => key === stack));
    return followed.tasks[at] ?? null;
  }

  /** Whether a task is at this stack now. */
  trains(experiment: string, stack: string): boolean {
    const followed = this.#followed.get(experiment);
    return (
      followed?.tasks.some(
        ({ state, task }) => state === 'running' && followed.shards[task].running.includes(stack),
      ) === true
    );
  }

  /** '2 of 6 tasks complete, 3 running, 1 lost on n5: …'; null when Slurm does not train it. */
  words(experiment: ExperimentSummary): string | null {
    if (folderOnSlurm(this.#host.store(), experiment) === null) return null;
    const lost = this.#lost.get(experiment.key);
    if (lost !== undefined) return lost;
    const followed = this.#followed.get(experiment.key);
    if (followed === undefined) return experiment.hold?.reason ?? '';
    const { tasks, complete, running, waiting, failed, failures } = summaryOf(followed);
    const [first] = failures;
    const why =
      first === undefined
        ? ''
        : `${failed} lost or failed (task ${first.task}${first.node === '' ? '' : ` on ${first.node}`}: ${first.reason})`;
    return [
      `${complete} of ${tasks} tasks complete`,
      running > 0 ? `${running} running` : '',
      waiting > 0 ? `${waiting} waiting` : '',
      why,
    ]
      .filter((part) => part !== '')
      .join(', ');
  }

  /** Throws ApiError where Slurm trains it: here it would train a second time. */
  refuse(experiment: ExperimentSummary, what: string): void {
    if (folderOnSlurm(this.#host.store(), experiment) === null) return;
    throw new ApiError(
      'not-possible',
      `"${experiment.name}" is on Slurm: cancel its jobs before it is ${what}. What they trained stays.`,
    );
  }

  // Orders ---------------------------------------------------------------------------------------------------------

  /** `folder` is the one in which the folder of this sweep is made. What sbatch refuses leaves nothing behind. */
  async submit(
    experiment: ExperimentSummary,
    { folder, ...options }: SubmitOptions,
  ): Promise<{ job: string; tasks: number }> {
    const store = this.#host.writer();
    this.refuse(experiment, 'submitted again');
    const place = newFolder(folder, experiment);
    try {
      const { job, tasks } = await submitSweep(store, experiment, { ...options, folder: place });
      if (job === null) throw new ApiError('not-possible', `"${experiment.name}" has nothing left to train.`);
      return { job, tasks };
    } catch (error) {
      if (error instanceof SlurmError) forgetSubmission(store, experiment, place);
      throw error;
    } finally {
      this.#changed(experiment.key);
    }
  }

  /** Queues what was lost or failed; returns the number of tasks. */
  async resubmit(experiment: ExperimentSummary, arrayLimit: number | undefined): Promise<number> {
    const followed = this.#require(experiment);
    await this.#ask(followed);
    if (followed.silence !== '') throw new ApiError('not-possible', followed.silence);
    const tasks = followed.tasks.filter(({ state }) => state === 'lost' || state === 'failed');
    if (tasks.length > 0) {
      await queueTasks(
        followed.folder,
        tasks.map(({ task }) => task),
        arrayLimit,
      );
      await this.#ask(followed);
    }
    return tasks.length;
  }

  /** What the tasks have trained is collected, and the experiment is an ordinary held one; also when its folder is gone. */
  async cancel(experiment: ExperimentSummary): Promise<string[]> {
    const store = this.#host.writer();
    this.#look();
    const lost = this.#lost.get(experiment.key);
    if (lost !== undefined) {
      store.hold(experiment.id, `it is no longer on Slurm. ${lost}`);
      this.#changed(experiment.key);
      return [];
    }
    const followed = this.#require(experiment);
    const jobs = await cancelSweep(followed.folder);
    for (const task of followed.sweep.tasks.keys()) collectTask(store, experiment, followed.folder, task);
    if (!releaseWhenComplete(store, experiment.key))
      store.hold(experiment.id, `its jobs on Slurm were cancelled; ${followed.folder} keeps what they wrote`);
    this.#changed(experiment.key);
    return jobs;
  }

  #require(experiment: ExperimentSummary): Followed {
    this.#look();
    const followed = this.#followed.get(experiment.key);
    if (followed !== undefined) return followed;
    throw new ApiError(
      'not-possible',
      this.#lost.get(experiment.key) ?? `"${experiment.name}" is not on Slurm.`,
    );
  }

  #changed(key: string): void {
    this.#look();
    this.#host.changed(key);
  }

  // Following ------------------------------------------------------------------------------------------------------

  /** Another store has taken the place of the one that was followed. */
  clear(): void {
    this.#followed.clear();
    this.#lost.clear();
    this.#lastLook = 0;
  }

  /** Called often; does at most one merge, so that windows are answered in between. */
  tick(now = Date.now()): void {
    const asking = this.#host.askSeconds * 1000;
    if (now - this.#lastLook >= Math.min(LOOK_MILLISECONDS, asking)) this.#look();
    for (const followed of this.#followed.values())
      if (now - followed.askedAt >= asking) void this.#ask(followed);
    this.#mergeOne();
  }

  #look(): void {
    this.#lastLook = Date.now();
    const store = this.#host.store();
    const here = new Map<string, { experiment: ExperimentSummary; folder: string }>();
    for (const experiment of store.experiments({ held: true })) {
      const folder = folderOnSlurm(store, experiment);
      if (folder !== null) here.set(experiment.key, { experiment, folder });
    }
    for (const [key, { folder }] of this.#followed)
      if (here.get(key)?.folder !== folder) {
        this.#followed.delete(key);
        this.#host.changed(key);
      }
    for (const key of this.#lost.keys()) if (!here.has(key)) this.#lost.delete(key);
    for (const [key, { experiment, folder }] of here) {
      const isNew = !this.#followed.has(key);
      const before = this.#lost.get(key);
      if (isNew) this.#follow(experiment, folder);
      const followed = this.#followed.get(key);
      const isDifferent =
        followed === undefined ? this.#lost.get(key) !== before : this.#readShards(followed) || isNew;
      if (isDifferent) this.#host.changed(key);
    }
  }

  #follow({ key, name }: ExperimentSummary, folder: string): void {
    try {
      const sweep = readSweep(folder);
      const followed: Followed = {
        ...{ key, name, folder, sweep, silence: '', askedAt: 0, isAsking: false, tasks: [] },
        signatures: sweep.tasks.map(() => ''),
        shards: sweep.tasks.map(() => emptyShard),
        changed: new Set(),
        checked: new Set(),
        problems: new Map(),
        report: { queued: [], ended: [] },
      };
      // Until Slurm has answered, nothing is known to be lost.
      followed.tasks = sweep.tasks.map((stacks, task) => ({
        ...{ task, state: 'waiting', node: '', reason: '', log: '' },
        ...sizeOf(stacks),
        ...{ cellsDone: 0, runStepsDone: 0, stacksFinished: 0 },
      }));
      this.#followed.set(key, followed);
      this.#lost.delete(key);
    } catch (error) {
      this.#lost.set(key, toApiError(error, folder).message);
    }
  }

  /** Returns whether anything is different. */
  #readShards(followed: Followed): boolean {
    const { folder, key, signatures, shards, changed } = followed;
    const before = JSON.stringify(followed.tasks);
    for (const task of signatures.keys()) {
      const signature = signatureOf(shardStore(folder, task));
      if (signature === signatures[task]) continue;
      signatures[task] = signature;
      shards[task] = readShard(folder, key, task);
      changed.add(task);
    }
    this.#judge(followed);
    return JSON.stringify(followed.tasks) !== before;
  }

  #judge(followed: Followed): void {
    const { folder, sweep, shards, report, askedAt } = followed;
    if (askedAt === 0) return;
    followed.tasks = sweep.tasks.map((_, task) => taskProgress(folder, sweep, task, report, shards[task]));
  }

  async #ask(followed: Followed): Promise<void> {
    if (followed.isAsking) return;
    followed.isAsking = true;
    const before = JSON.stringify([followed.tasks, followed.silence]);
    try {
      followed.report = await askSlurm(followed.folder);
      followed.silence = '';
      followed.askedAt = Date.now();
      this.#judge(followed);
    } catch (error) {
      followed.askedAt = Date.now();
      followed.silence = toApiError(error, followed.folder).message;
    } finally {
      followed.isAsking = false;
    }
    if (
      this.#followed.get(followed.key) === followed &&
      JSON.stringify([followed.tasks, followed.silence]) !== before
    )
      this.#host.changed(followed.key);
  }

  #mergeOne(): void {
    const store = this.#host.writerIfAny();
    if (store === null) return;
    for (const followed of this.#followed.values())
      for (const task of followed.changed) {
        const { key, folder, checked, problems, changed } = followed;
        changed.delete(task);
        try {
          const found = collectTask(store, followed, folder, task, { check: !checked.has(task) });
          if (found.length === 0) checked.add(task);
          problems.set(task, found.join('\n'));
          releaseWhenComplete(store, key);
        } catch (error) {
          problems.set(task, toApiError(error, folder).message);
        }
        this.#host.changed(key);
        return;
      }
  }
}

const MOST_FAILURES = 5;

function summaryOf(followed: Followed): SlurmSummary {
  const { key: experiment, name, tasks } = followed;
  const total = (count: (task: SlurmTask) => number) => tasks.reduce((sum, task) => sum + count(task), 0);
  const inState = (state: SlurmTask['state']) => tasks.filter((task) => task.state === state).length;
  const failures = tasks.filter(({ state }) => state === 'lost' || state === 'failed');
  return {
    experiment,
    name,
    cells: total(({ cells }) => cells),
    cellsDone: total(({ cellsDone }) => cellsDone),
    runSteps: total(({ runSteps }) => runSteps),
    runStepsDone: total(({ runStepsDone }) => runStepsDone),
    tasks: tasks.length,
    complete: inState('complete'),
    running: inState('running'),
    waiting: inState('waiting'),
    failures: failures.slice(0, MOST_FAILURES),
    failed: failures.length,
    problem: problemOf(followed),
  };
}

function problemOf({ silence, problems }: Followed): string {
  return [silence, ...problems.values()].filter((text) => text !== '').join('\n');
}

/** Changes with every write to the store; '' when it is not there. */
function signatureOf(file: string): string {
  return ['', '-wal']
    .map((ending) => statSync(file + ending, { throwIfNoEntry: false }))
    .map((found) => (found === undefined ? '' : `${found.size} ${found.mtimeMs}`))
    .join(' ')
    .trim();
}

/** A folder for this submission alone: an earlier one keeps what its tasks wrote. */
function newFolder(base: string, { key, name }: ExperimentSummary): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').slice(0, 60);
  for (let n = 1; ; n++) {
    const folder = join(base, `${plain}-${key}${n === 1 ? '' : `-${n}`}`);
    if (!existsSync(sweepFile(folder))) return folder;
  }
}

/** Where sweeps go when nobody says otherwise: beside the store. */
export function proposedFolder(storeFile: string): string {
  return join(dirname(storeFile), 'slurm');
}
