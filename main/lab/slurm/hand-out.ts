/** From an experiment to tasks of a job array: what is missing is planned here, frozen, and written as a folder. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expandGrid } from '#shared/experiment/grid.ts';
import { planStacks } from '#shared/experiment/plan.ts';
import { columnOf } from '#shared/experiment/stack.ts';
import { makeFolder } from '../make-folder.ts';
import type { WritableStore, ExperimentSummary } from '../store/types.ts';
import { specificationOf } from '../trained.ts';
import {
  readSweep,
  scriptFile,
  sweepFile,
  SweepFolderError,
  writeSweep,
  type HandedOutStack,
} from './sweep-folder.ts';
import { templateFile } from './templates.ts';

export interface HandOutOptions {
  /** On a disk that every node sees. */
  readonly folder: string;
  readonly cellsPerStack: number;
  readonly stacksPerTask: number;
  /** Of every trainer, and cores of a task; results depend on it in the last bits. */
  readonly threads: number;
  /** Lines for the head of the script: --partition=…, --gres=…, --time=… */
  readonly directives: readonly string[];
  /** A node's own disk for the engine library and the shard while it is trained. */
  readonly stage?: string | undefined;
  readonly engineFolder: string | null;
  /** The script to fill in: a file, or a name (`templates.ts`). */
  readonly template?: string | undefined;
  /** How a node starts surge: program and first arguments. */
  readonly surge: readonly string[];
}

/** Steps of one compiled call. Nothing is measured on a login node; a chunk only bounds how soon a trainer can stop. */
const CHUNK_STEPS = 64;

/** Returns the number of tasks; 0 when nothing is missing, and then no folder is made. */
export async function handOut(
  store: WritableStore,
  experiment: ExperimentSummary,
  options: HandOutOptions,
): Promise<number> {
  const folder = resolve(options.folder);
  const template = readFileSync(templateFile(options.template), 'utf8');
  if (existsSync(sweepFile(folder))) {
    const other = readSweep(folder);
    const whose = other.key === experiment.key ? 'this experiment' : `another experiment (${other.key})`;
    throw new SweepFolderError(
      `${folder} has ${whose} already. "surge slurm resubmit-missing" queues what is missing again; for a new hand-out choose another --folder.`,
    );
  }
  const script = fillIn(template, folder, experiment, options);
  const stacks = waitingStacks(store, experiment, options);
  if (stacks.length === 0) return 0;
  const tasks: HandedOutStack[][] = [];
  for (let i = 0; i < stacks.length; i += options.stacksPerTask)
    tasks.push(stacks.slice(i, i + options.stacksPerTask));
  const specification = specificationOf(experiment);
  const { dataChecksum } = store.trainedCells(experiment.id)[0].configuration;
  const { key, createdAt } = experiment;
  try {
    for (const part of ['shards', 'logs']) await makeFolder(join(folder, part));
    writeFileSync(scriptFile(folder), script);
    chmodSync(scriptFile(folder), 0o755);
    const head = { format: 'surge-lab-slurm', version: 1, key, createdAt } as const;
    writeSweep(folder, { ...head, specification, dataChecksum, tasks });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new SweepFolderError(
      `${folder} cannot be written (${code || message}): nothing was submitted. Choose a folder that you may write, on a disk that every node sees.`,
      { cause: error },
    );
  }
  return tasks.length;
}

/** Plans cells that have no stack, and takes every stack that is not finished. */
function waitingStacks(
  store: WritableStore,
  experiment: ExperimentSummary,
  { cellsPerStack, threads }: HandOutOptions,
): HandedOutStack[] {
  const specification = specificationOf(experiment);
  const isExternal = specification.workload.kind === 'external';
  const missing = store.trainedCells(experiment.id).filter((cell) => cell.stack === null);
  const plans = planStacks({
    grid: expandGrid(specification),
    missing: missing.map((cell) => cell.configuration),
    cellsPerStack: () => (isExternal ? 1 : cellsPerStack),
    order: specification.order,
  });
  const settings = isExternal
    ? { threads, chunkSteps: 1, mode: 'eager' as const }
    : { threads, chunkSteps: CHUNK_STEPS, mode: 'compiled' as const };
  store.planStacks(
    experiment.id,
    plans.map((plan) => ({ plan, settings })),
  );
  const cells = store.trainedCells(experiment.id);
  return store
    .stacks(experiment.id)
    .filter(({ state }) => state === 'planned' || state === 'interrupted')
    .map((stack) => ({
      key: stack.key,
      plan: {
        batchSize: stack.batchSize,
        learningRates: [...stack.learningRates],
        seeds: [...stack.seeds],
        steps: stack.steps,
        marks: [...stack.marks],
      },
      settings: { threads: stack.threads, chunkSteps: stack.chunkSteps, mode: stack.mode },
      columns: cells
        .filter((cell) => cell.stack === stack.key)
        .map((cell) => columnOf(stack, cell.configuration)),
    }));
}

/** A word of the shell that stands for exactly this text. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function fillIn(
  template: string,
  folder: string,
  experiment: ExperimentSummary,
  { threads, directives, stage = '', engineFolder, surge }: HandOutOptions,
): string {
  // Slurm reads its directives without a shell: there a space cannot be quoted away.
  if (/[\s'"\\]/.test(folder))
    throw new SweepFolderError(
      `${folder}: the folder of a sweep must not have spaces or quotes in its name.`,
    );
  const values: Record<string, string> = {
    name: `surge-${experiment.key}`,
    key: experiment.key,
    folder,
    threads: String(threads),
    directives: directives.map((directive) => `#SBATCH ${directive}`).join('\n'),
    stage: quoted(stage),
    engine: quoted(engineFolder ?? ''),
    surge: surge.map(quoted).join(' '),
  };
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined)
      throw new SweepFolderError(
        `the template names {{${name}}}, which does not exist; known are ${Object.keys(values).join(', ')}`,
      );
    return value;
  });
}
