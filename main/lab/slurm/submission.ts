/** What is done with a sweep on Slurm from a login node: submitted, queued again, cancelled. Every door uses these. */
import { rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { findNode } from '#main/setup/node.ts';
import type { ExperimentSummary, ReadableStore, WritableStore } from '../store/types.ts';
import { handOut, type HandOutOptions } from './hand-out.ts';
import { cancelJobs, submitArray } from './queue.ts';
import { addSubmission, readSubmissions, scriptFile, SweepFolderError } from './sweep-folder.ts';

const LAUNCHER = fileURLToPath(new URL('../../setup/launch.mjs', import.meta.url));
export const CELLS_PER_STACK = 48;
export const STACKS_PER_TASK = 4;
export const TASK_THREADS = 2;

/** Options of sbatch by their own names. */
export interface SbatchOptions {
  readonly partition?: string | undefined;
  readonly gres?: string | undefined;
  readonly time?: string | undefined;
  readonly mem?: string | undefined;
  readonly account?: string | undefined;
  /** Any other: --qos=low. */
  readonly sbatch?: readonly string[] | undefined;
}

export interface SubmitOptions
  extends SbatchOptions, Pick<HandOutOptions, 'folder' | 'cellsPerStack' | 'threads' | 'stage' | 'template'> {
  readonly stacksPerTask: number;
  /** At most this many tasks at once. */
  readonly arrayLimit?: number | undefined;
  /** Write the folder, submit nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface Submitted {
  readonly folder: string;
  /** 0 when nothing is missing; then there is no folder. */
  readonly tasks: number;
  /** Number of the job; null when nothing was submitted. */
  readonly job: string | null;
}

/**
 * Hands out what an experiment misses and submits it; the experiment is held meanwhile. Throws SweepFolderError or
 * SlurmError; the folder is there after the latter, and `resubmitMissing` tries again.
 */
export async function submitSweep(
  store: WritableStore,
  experiment: ExperimentSummary,
  options: SubmitOptions,
): Promise<Submitted> {
  const folder = resolve(options.folder);
  const tasks = await handOut(store, experiment, {
    ...options,
    folder,
    directives: directivesOf(options),
    engineFolder: engineFolder(),
    surge: [findNode(), LAUNCHER, 'surge'],
  });
  if (tasks === 0) return { folder, tasks, job: null };
  store.addEvent({ experiment: experiment.id, stack: null, kind: 'slurm', message: folder });
  store.hold(experiment.id, `${tasks} ${tasks === 1 ? 'task' : 'tasks'}${HANDED_OUT}${folder}`);
  if (options.dryRun === true) return { folder, tasks, job: null };
  const all = Array.from({ length: tasks }, (_, task) => task);
  return { folder, tasks, job: await queueTasks(folder, all, options.arrayLimit) };
}

/** Makes a submission that sbatch refused as if it had not been tried. */
export function forgetSubmission(store: WritableStore, experiment: ExperimentSummary, folder: string): void {
  store.hold(experiment.id, null);
  if (readSubmissions(folder).length === 0) rmSync(folder, { recursive: true, force: true });
}

const HANDED_OUT = ' handed out to Slurm in ';

/** The folder of an experiment whose tasks Slurm trains now; null when it trains here, or nowhere. */
export function folderOnSlurm(store: ReadableStore, { id, hold }: ExperimentSummary): string | null {
  return hold?.reason.includes(HANDED_OUT) === true ? newestFolder(store, id) : null;
}

/** The folder that the newest submission of an experiment went to; null when there was none. */
export function newestFolder(store: ReadableStore, experimentId: number): string | null {
  return store.events(experimentId).findLast(({ kind }) => kind === 'slurm')?.message ?? null;
}

/** Returns the number of the job. */
export async function queueTasks(
  folder: string,
  tasks: readonly number[],
  arrayLimit: number | undefined,
): Promise<string> {
  const job = await submitArray(scriptFile(folder), tasks, arrayLimit);
  addSubmission(folder, { job, time: Date.now(), tasks: [...tasks] });
  return job;
}

/** Returns the numbers of the jobs. */
export async function cancelSweep(folder: string): Promise<string[]> {
  const jobs = readSubmissions(folder).map(({ job }) => job);
  await cancelJobs(jobs);
  return jobs;
}

function directivesOf({ partition, gres, time, mem, account, sbatch = [] }: SbatchOptions): string[] {
  const named = Object.entries({ partition, gres, time, mem, account })
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `--${name}=${value}`);
  const all = [...named, ...sbatch];
  const broken = all.find((line) => /[\n\r]/.test(line));
  if (broken !== undefined) throw new SweepFolderError('An option of sbatch must be one line.');
  return all;
}

/** The engine's own folder: library, addon and manifest. */
function engineFolder(): string | null {
  const engine = locateEngine();
  return engine === null ? null : dirname(dirname(engine.addonFile));
}
