/** Slurm's own commands, asked for as little as possible and read from the output formats that it documents. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Slurm is absent or refused; `message` has its own words. */
export class SlurmError extends Error {
  override readonly name = 'SlurmError';
}

async function slurm(program: string, parts: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(program, parts, { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT')
      throw new SlurmError(
        `There is no ${program} on this machine. Run this on a login node of the cluster, or add --dry-run to only see the script.`,
        { cause: error },
      );
    const words = stderr?.trim() ?? '';
    throw new SlurmError(`${program} refused: ${words === '' ? String(error) : words}`, { cause: error });
  }
}

/** Submits the script as a job array of these tasks; returns the job's number. */
export async function submitArray(
  script: string,
  tasks: readonly number[],
  atOnce: number | undefined,
): Promise<string> {
  const limit = atOnce === undefined ? '' : `%${atOnce}`;
  const printed = await slurm('sbatch', ['--parsable', `--array=${ranges(tasks)}${limit}`, script]);
  // With several clusters: "number;cluster".
  const [job] = printed.trim().split(';');
  if (!/^\d+$/.test(job))
    throw new SlurmError(`sbatch answered "${printed.trim()}" instead of a job number.`);
  return job;
}

/** 0-3,7: the form that sbatch takes. */
function ranges(tasks: readonly number[]): string {
  const sorted = [...tasks].sort((a, b) => a - b);
  const parts: [number, number][] = [];
  for (const task of sorted) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === task - 1) last[1] = task;
    else parts.push([task, task]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

export interface QueuedTask {
  readonly job: string;
  readonly task: number;
  /** PENDING, RUNNING, COMPLETING, REQUEUED, … */
  readonly state: string;
  readonly node: string;
  /** Why it waits, in Slurm's words. */
  readonly reason: string;
}

/** Tasks of these jobs that Slurm still knows as waiting or running. */
export async function queuedTasks(jobs: readonly string[]): Promise<QueuedTask[]> {
  if (jobs.length === 0) return [];
  let printed: string;
  try {
    printed = await slurm('squeue', [
      '--noheader',
      '--array',
      '--format=%F|%K|%T|%N|%r',
      `--jobs=${jobs.join(',')}`,
    ]);
  } catch (error) {
    // Jobs that ended a while ago are no longer known.
    if (error instanceof SlurmError && error.message.includes('Invalid job id')) return [];
    throw error;
  }
  return printed
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [job, task, state, node, reason] = line.trim().split('|');
      return { job, task: Number(task), state, node, reason };
    });
}

export interface EndedTask {
  readonly job: string;
  readonly task: number;
  /** TIMEOUT, OUT_OF_MEMORY, NODE_FAIL, FAILED, … */
  readonly state: string;
  readonly node: string;
}

/** How tasks of these jobs ended, as the accounting has it; nothing where a site keeps none. */
export async function endedTasks(jobs: readonly string[]): Promise<EndedTask[]> {
  if (jobs.length === 0) return [];
  let printed: string;
  try {
    printed = await slurm('sacct', [
      '--noheader',
      '--parsable2',
      '--allocations',
      '--format=JobID,State,NodeList',
      `--jobs=${jobs.join(',')}`,
    ]);
  } catch (error) {
    if (error instanceof SlurmError) return [];
    throw error;
  }
  return printed.split('\n').flatMap((line) => {
    const [name, state, node] = line.trim().split('|');
    const [, job, task] = /^(\d+)_(\d+)$/.exec(name) ?? [];
    // 'CANCELLED by 1000'
    return task === undefined ? [] : [{ job, task: Number(task), state: state.split(' ')[0], node }];
  });
}

/** Whether jobs can be submitted from this machine. */
export function hasSlurm(): boolean {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, 'sbatch')));
}

export async function cancelJobs(jobs: readonly string[]): Promise<void> {
  if (jobs.length === 0) return;
  try {
    await slurm('scancel', [...jobs]);
  } catch (error) {
    // Some have ended already: the others are cancelled all the same.
    if (!(error instanceof SlurmError) || !/Invalid job id|already complet/i.test(error.message)) throw error;
  }
}
