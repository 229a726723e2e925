/**
 * The folder of a sweep that Slurm trains, on a disk that every node sees:
 *
 *     sweep.json   what was handed out, frozen: experiment, stacks, which task has which
 *     job.sh       the job-array script
 *     jobs.json    what was submitted when
 *     shards/      one store a task, never one store for many nodes
 *     logs/        one file a task
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { specificationSchema } from '#shared/experiment/specification.ts';
import { canonicalJson, sha256 } from '../identity.ts';
import { replaceText } from '../replace-text.ts';

const count = z.number().int().nonnegative();

const stackSchema = z.strictObject({
  key: z.string(),
  plan: z.strictObject({
    batchSize: z.number(),
    learningRates: z.array(z.number()),
    seeds: z.array(count),
    steps: count,
    marks: z.array(count),
  }),
  settings: z.strictObject({ threads: count, chunkSteps: count, mode: z.enum(['compiled', 'eager']) }),
  columns: z.array(count),
});

const sweepSchema = z.strictObject({
  format: z.literal('surge-lab-slurm'),
  version: z.literal(1),
  key: z.string(),
  createdAt: count,
  specification: specificationSchema,
  dataChecksum: z.string(),
  /** Stacks of each task of the job array. */
  tasks: z.array(z.array(stackSchema)),
});

export type HandedOutSweep = z.output<typeof sweepSchema>;
export type HandedOutStack = z.output<typeof stackSchema>;

const fileSchema = z.strictObject({ checksum: z.string(), sweep: z.unknown() });

const submissionsSchema = z.array(
  z.strictObject({ job: z.string().regex(/^\d+$/), time: count, tasks: z.array(count) }),
);
export type Submission = z.output<typeof submissionsSchema>[number];

/** What is wrong with a folder, for a person. */
export class SweepFolderError extends Error {
  override readonly name = 'SweepFolderError';
}

export const sweepFile = (folder: string) => join(folder, 'sweep.json');
export const scriptFile = (folder: string) => join(folder, 'job.sh');
export const shardStore = (folder: string, task: number) => join(folder, 'shards', `task-${task}.surge`);
export const logFile = (folder: string, task: number) => join(folder, 'logs', `task-${task}.log`);
const jobsFile = (folder: string) => join(folder, 'jobs.json');

export function writeSweep(folder: string, sweep: HandedOutSweep): void {
  const checksum = sha256(canonicalJson(sweep));
  replaceText(sweepFile(folder), `${JSON.stringify({ checksum, sweep }, null, 1)}\n`);
}

/** Throws SweepFolderError when the file is missing, not a sweep, or was edited after it was handed out. */
export function readSweep(folder: string): HandedOutSweep {
  const file = sweepFile(folder);
  if (!existsSync(file))
    throw new SweepFolderError(`${file} is missing: ${folder} is not the folder of a submitted sweep.`);
  let content: z.output<typeof fileSchema>;
  try {
    content = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new SweepFolderError(`${file} is not what "surge slurm submit" wrote.`, { cause: error });
  }
  if (sha256(canonicalJson(content.sweep)) !== content.checksum)
    throw new SweepFolderError(
      `${file} was edited after it was handed out, so its tasks would no longer train the same experiment. Undo the edit, or submit the changed experiment anew.`,
    );
  const parsed = sweepSchema.safeParse(content.sweep);
  if (!parsed.success)
    throw new SweepFolderError(
      `${file}: ${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`,
    );
  return parsed.data;
}

export function readSubmissions(folder: string): Submission[] {
  const file = jobsFile(folder);
  return existsSync(file) ? submissionsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
}

export function addSubmission(folder: string, submission: Submission): void {
  replaceText(jobsFile(folder), `${JSON.stringify([...readSubmissions(folder), submission], null, 1)}\n`);
}
