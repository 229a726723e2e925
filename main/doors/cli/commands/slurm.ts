import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { findOrCreateExperiment } from '#main/lab/create-experiment.ts';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { dataChecksum } from '#main/lab/scheduler/calibration.ts';
import { collectSweep } from '#main/lab/slurm/collect.ts';
import type { SlurmTask } from '#shared/api/types.ts';
import { sweepProgress } from '#main/lab/slurm/progress.ts';
import {
  cancelSweep,
  CELLS_PER_STACK,
  newestFolder,
  queueTasks,
  STACKS_PER_TASK,
  submitSweep,
  TASK_THREADS,
} from '#main/lab/slurm/submission.ts';
import { readSubmissions, readSweep, scriptFile } from '#main/lab/slurm/sweep-folder.ts';
import { stageData } from '#main/lab/slurm/stage-data.ts';
import { prepareTask } from '#main/lab/slurm/task-store.ts';
import type { ExperimentSummary, ReadableStore, WritableStore } from '#main/lab/store/types.ts';
import { BadInput, exitCodes } from '../exit-codes.ts';
import { withExistingWriter, withReader, withWriter } from '../store-access.ts';
import { count, notice, print, printJson, table } from '../terminal.ts';
import { positiveNumber, wholeNumber, withJson, withStore } from './options.ts';
import { lastWord, train } from './train.ts';

interface SubmitOptions {
  readonly store?: string;
  readonly folder: string;
  readonly partition?: string;
  readonly gres?: string;
  readonly time?: string;
  readonly mem?: string;
  readonly account?: string;
  readonly sbatch?: string[];
  readonly arrayLimit?: number;
  readonly stacksPerJob: number;
  readonly cellsPerStack: number;
  readonly threads: number;
  readonly stage?: string;
  readonly template?: string;
  readonly dryRun?: boolean;
}

interface TaskOptions {
  readonly task: number;
  readonly store: string;
  readonly stage?: string;
  readonly checkpointSeconds: number;
}

export function addSlurm(program: Command): void {
  const slurm = program
    .command('slurm')
    .description('train an experiment as a Slurm job array; every task writes a store of its own');

  withStore(
    slurm
      .command('submit <experiment>')
      .description('hand out what an experiment, or an experiment file, misses, and submit it'),
  )
    .requiredOption('--folder <folder>', 'where scripts, shards and logs go; every node must see it')
    .option(
      '--stacks-per-job <n>',
      'stacks that a task trains one after the other',
      wholeNumber,
      STACKS_PER_TASK,
    )
    .option('--cells-per-stack <n>', 'at most this many cells in a stack', wholeNumber, CELLS_PER_STACK)
    .option(
      '--threads <n>',
      'cores of a task; results depend on it in the last bits',
      wholeNumber,
      TASK_THREADS,
    )
    .option('--array-limit <n>', 'at most this many tasks at once', wholeNumber)
    .option('--partition <name>', 'as sbatch has it')
    .option('--gres <resources>', 'as sbatch has it: gpu:1')
    .option('--time <limit>', 'as sbatch has it: 04:00:00')
    .option('--mem <size>', 'as sbatch has it: 8G')
    .option('--account <name>', 'as sbatch has it')
    .option('--sbatch <option...>', 'any other option of sbatch: --sbatch=--qos=low')
    .option(
      '--stage <folder>',
      'a disk of each node, for the engine library and the task’s store while it trains',
    )
    .option('--template <file>', 'your own script, or the name of one in the folder of templates')
    .option('--dry-run', 'write the folder and show the script, but submit nothing')
    .action((name: string, options: SubmitOptions) =>
      withWriter(options, async (store) => {
        const experiment = await experimentNamed(store, name);
        const { stacksPerJob: stacksPerTask, ...rest } = options;
        const { folder, tasks, job } = await submitSweep(store, experiment, { ...rest, stacksPerTask });
        if (tasks === 0) return print(`"${experiment.name}" has nothing left to train.`);
        if (job !== null) return submitted(job, tasks, experiment);
        print(
          `${count(tasks, 'task')} in ${folder}. Submit them with: sbatch --array=0-${tasks - 1} ${scriptFile(folder)}\nor with: surge slurm resubmit-missing ${experiment.key}`,
        );
      }),
    );

  withJson(
    withStore(
      slurm.command('status <experiment>').description('each task: the queue’s word and its store’s'),
    ),
  ).action((name: string, options: { store?: string; json?: boolean }) =>
    withReader(options, async (store) => {
      const folder = folderOf(store, store.experiment(name));
      const tasks = await sweepProgress(folder);
      if (options.json === true) printJson({ folder, jobs: readSubmissions(folder), tasks });
      else print(statusTable(tasks));
    }),
  );

  withStore(
    slurm.command('cancel <experiment>').description('cancel its jobs; what they trained stays'),
  ).action((name: string, options: { store?: string }) =>
    withReader(options, async (store) => {
      const jobs = await cancelSweep(folderOf(store, store.experiment(name)));
      print(jobs.length === 0 ? 'Nothing was submitted.' : `Cancelled ${jobs.join(', ')}.`);
    }),
  );

  withStore(
    slurm
      .command('resubmit-missing <experiment>')
      .description('queue the tasks again that are neither complete nor in the queue'),
  )
    .option('--array-limit <n>', 'at most this many tasks at once', wholeNumber)
    .action((name: string, options: { store?: string; arrayLimit?: number }) =>
      withReader(options, async (store) => {
        const experiment = store.experiment(name);
        const folder = folderOf(store, experiment);
        const missing = (await sweepProgress(folder)).filter(
          ({ state }) => state === 'lost' || state === 'failed',
        );
        if (missing.length === 0) return print('Nothing to queue: every task is complete or in the queue.');
        const tasks = missing.map(({ task }) => task);
        submitted(await queueTasks(folder, tasks, options.arrayLimit), tasks.length, experiment);
      }),
    );

  withJson(
    withStore(
      slurm.command('collect <experiment>').description('merge what the tasks have so far into the store'),
    ),
  ).action((name: string, options: { store?: string; json?: boolean }) =>
    withExistingWriter(options, (store) => {
      const experiment = store.experiment(name);
      const folder = folderOf(store, experiment);
      const problems = collectSweep(store, experiment, folder);
      const after = store.experiment(experiment.key);
      const done = after.counts.done + after.counts.diverged;
      if (options.json === true)
        printJson({ key: after.key, cells: after.cells, counts: after.counts, problems });
      else print(`"${after.name}": ${done} of ${count(after.cells, 'cell')}.`);
      for (const problem of problems) notice(problem);
      if (problems.length > 0) process.exitCode = exitCodes.store;
    }),
  );

  slurm
    .command('task <folder>', { hidden: true })
    .description('what a job runs: trains one task into a store of its own')
    .requiredOption('--task <n>', 'number of the task', (text) => wholeNumber(String(Number(text) + 1)) - 1)
    .requiredOption('--store <file>', 'the task’s store')
    .option('--stage <folder>', 'a disk of the node to copy the data to')
    .option('--checkpoint-seconds <n>', 'seconds between checkpoints of a stack', positiveNumber, 60)
    .action((folder: string, options: TaskOptions) => {
      const sweep = readSweep(folder);
      if (options.stage !== undefined)
        Object.assign(process.env, stageData(sweep.specification.workload, options.stage));
      mkdirSync(dirname(resolve(options.store)), { recursive: true });
      return withWriter(options, async (store) => {
        const experiment = prepareTask(store, sweep, options.task);
        store.resetCells(experiment.id, ['failed', 'out-of-memory']);
        const threads = sweep.tasks[options.task][0]?.settings.threads ?? 1;
        const { outcome, exitCode } = await train(store, experiment, {
          workforce: { trainers: 1, threads },
          wishes: { trainers: 1, threads },
          checkpointSeconds: options.checkpointSeconds,
        });
        print(`task ${options.task}: ${lastWord(store.experiment(experiment.key), outcome)}`);
        process.exitCode = exitCode;
      });
    });
}

/** A file that exists is an experiment file; anything else names an experiment of the store. */
async function experimentNamed(store: WritableStore, name: string): Promise<ExperimentSummary> {
  if (!existsSync(name)) return store.experiment(name);
  const { specification, warnings } = await readExperimentFile(name);
  for (const warning of warnings) notice(warning);
  return findOrCreateExperiment(store, specification, await dataChecksum(specification)).experiment;
}

function submitted(job: string, tasks: number, { key }: ExperimentSummary): void {
  print(`Submitted ${count(tasks, 'task')} as job ${job}. Look with: surge slurm status ${key}`);
}

function folderOf(store: ReadableStore, experiment: ExperimentSummary): string {
  const folder = newestFolder(store, experiment.id);
  if (folder === null)
    throw new BadInput(
      `"${experiment.name}" was not handed out to Slurm. Do it with: surge slurm submit ${experiment.key} --folder FOLDER`,
    );
  return folder;
}

function statusTable(tasks: readonly SlurmTask[]): string {
  const rows = tasks.map(({ task, state, cells, cellsDone, stacks, stacksFinished, node, reason }) => [
    String(task),
    state,
    `${cellsDone}/${cells}`,
    `${stacksFinished}/${stacks}`,
    node,
    reason.split('\n').at(-1) ?? '',
  ]);
  return table(['task>', 'state', 'cells>', 'stacks>', 'node', 'reason'], rows);
}
