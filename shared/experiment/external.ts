/**
 * A workload that is somebody's own program: the lab runs it once a cell, hands it the cell's values and reads what it
 * reports. docs/external.md has the protocol from the program's side.
 */
import { z } from 'zod';
import type { Problem } from './axis.ts';

const wholePositive = z.number().int().positive().max(1_000_000);
const seconds = z.number().positive().max(1e9);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const inOutput = z.string().min(1).max(1_000);

export const externalWorkloadSchema = z.strictObject({
  kind: z.literal('external'),
  /** Program and arguments; placeholders are filled in, and no shell ever sees them. */
  command: z.array(z.string()).min(1).max(1_000),
  /** The command is one text for /bin/sh, which finds the cell's values in its environment only. */
  shell: z.boolean().default(false),
  /** Working folder, relative to the experiment file. */
  folder: z.string().min(1).default('.'),
  /** Files that decide the result, relative to the working folder. Without them: the arguments that name files. */
  files: z.array(z.string().min(1)).max(1_000).optional(),
  /** Variables added to the environment; placeholders are filled in. */
  environment: z.record(z.string(), scalar).default({}),
  /** What a batch size counts. */
  batchUnit: z.string().min(1).max(40).default('samples'),
  /** Where the program reports; files and folders lie in the cell's output folder. */
  results: z
    .discriminatedUnion('from', [
      /** JSON lines on standard output; every other line is log. */
      z.strictObject({ from: z.literal('output') }),
      z.strictObject({ from: z.literal('csv'), file: inOutput.default('metrics.csv') }),
      z.strictObject({ from: z.literal('tensorboard'), folder: inOutput.default('.') }),
    ])
    .default({ from: 'output' }),
  /** How the program calls what the lab knows. */
  metrics: z
    .strictObject({
      step: z.string().min(1).default('step'),
      trainingLoss: z.string().min(1).default('loss'),
      evaluationLoss: z.string().min(1).default('evaluationLoss'),
      evaluationAccuracy: z.string().min(1).default('evaluationAccuracy'),
    })
    .prefault({}),
  /** A loss above this ends the cell as diverged, as one that is not finite does. */
  divergesAbove: z.number().positive().optional(),
  /** Seconds that a cell may take. */
  timeLimit: seconds.optional(),
  /** Seconds without any output or result after which a cell counts as hanging. */
  silenceLimit: seconds.optional(),
  /** Cells at once; by default as many as the GPUs allow, without GPUs one. */
  parallel: wholePositive.optional(),
  /** GPUs that a cell gets by CUDA_VISIBLE_DEVICES; 0 hides them, and without this field nothing is dealt. */
  gpus: z.number().int().nonnegative().max(1_024).optional(),
});

/** How an external program optimizes: a name to compare by, and settings that are handed to the program. */
export const externalOptimizerSchema = z.strictObject({
  kind: z.literal('external'),
  name: z.string().min(1).max(100),
  settings: z.record(z.string(), scalar).default({}),
});

export type ExternalWorkload = z.output<typeof externalWorkloadSchema>;
export type ExternalOptimizer = z.output<typeof externalOptimizerSchema>;

/** What of the workload decides a cell's result: neither limits nor how the machine is shared out. */
export function resultOf({
  timeLimit: _time,
  silenceLimit: _silence,
  parallel: _parallel,
  gpus: _gpus,
  ...rest
}: ExternalWorkload): ExternalWorkload {
  return rest;
}

/** The values of one cell, as a command can name them. */
export interface CellValues {
  readonly learningRate: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly steps: number;
  readonly marks: readonly number[];
  /** Folder of this cell alone, empty when the program starts. */
  readonly output: string;
  readonly optimizer: ExternalOptimizer;
  /** Threads that the program should use. */
  readonly threads: number;
}

const placeholders = {
  learningRate: (cell: CellValues) => String(cell.learningRate),
  batchSize: (cell: CellValues) => String(cell.batchSize),
  seed: (cell: CellValues) => String(cell.seed),
  steps: (cell: CellValues) => String(cell.steps),
  marks: (cell: CellValues) => cell.marks.join(','),
  output: (cell: CellValues) => cell.output,
  optimizer: (cell: CellValues) => cell.optimizer.name,
  threads: (cell: CellValues) => String(cell.threads),
};

const PLACEHOLDER = /\{([A-Za-z]+)\}/g;

function fillIn(text: string, cell: CellValues): string {
  // In one pass: what a value holds is never looked at again.
  return text.replaceAll(PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(placeholders, name) ? placeholders[name as keyof typeof placeholders](cell) : whole,
  );
}

export interface ProgramCall {
  readonly program: string;
  readonly arguments: readonly string[];
  /** Added to the environment of the lab. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What is run for one cell. */
export function programCall(workload: ExternalWorkload, cell: CellValues): ProgramCall {
  const threads = String(cell.threads);
  const given = Object.entries(workload.environment).map(([name, value]): [string, string] => [
    name,
    fillIn(String(value), cell),
  ]);
  const environment = {
    OMP_NUM_THREADS: threads,
    MKL_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    // Python holds back what it prints to a pipe; results are wanted as they come.
    PYTHONUNBUFFERED: '1',
    ...Object.fromEntries(given),
    SURGE_LEARNING_RATE: String(cell.learningRate),
    SURGE_BATCH_SIZE: String(cell.batchSize),
    SURGE_SEED: String(cell.seed),
    SURGE_STEPS: String(cell.steps),
    SURGE_MARKS: cell.marks.join(','),
    SURGE_OUTPUT: cell.output,
    SURGE_OPTIMIZER: cell.optimizer.name,
    SURGE_OPTIMIZER_SETTINGS: JSON.stringify(cell.optimizer.settings),
    SURGE_THREADS: threads,
  };
  if (workload.shell) return { program: '/bin/sh', arguments: ['-c', workload.command[0]], environment };
  const [program, ...rest] = workload.command.map((text) => fillIn(text, cell));
  return { program, arguments: rest, environment };
}

const at = (path: (string | number)[], message: string): Problem => ({
  path: ['workload', ...path],
  message,
});
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What the fields of an external workload say about each other. */
export function externalProblems(workload: ExternalWorkload): Problem[] {
  const problems: Problem[] = [];
  const { command, shell, environment, results, metrics } = workload;
  if (command[0].trim() === '') problems.push(at(['command', 0], 'must be a program'));
  command.forEach((text, i) => {
    if (text.includes('\0')) problems.push(at(['command', i], 'must not contain a NUL character'));
  });
  if (shell && command.length > 1)
    problems.push(at(['command'], 'must be one text when shell is true: the shell splits it'));
  if (shell)
    for (const [whole, name] of command[0].matchAll(PLACEHOLDER))
      if (Object.hasOwn(placeholders, name))
        problems.push(
          at(
            ['command', 0],
            `a shell gets no ${whole}, since it would read the value as shell text; write "$${variableOf(name)}"`,
          ),
        );
  for (const [name, value] of Object.entries(environment)) {
    if (!VARIABLE.test(name)) problems.push(at(['environment', name], 'is not a name of a variable'));
    else if (name.startsWith('SURGE_')) problems.push(at(['environment', name], 'is set by the lab'));
    else if (name === 'CUDA_VISIBLE_DEVICES' && workload.gpus !== undefined)
      problems.push(at(['environment', name], 'is set by the lab when gpus is given'));
    if (String(value).includes('\0'))
      problems.push(at(['environment', name], 'must not contain a NUL character'));
  }
  const inside = results.from === 'csv' ? results.file : results.from === 'tensorboard' ? results.folder : '';
  if (/^([\\/]|[A-Za-z]:)/.test(inside) || inside.split(/[\\/]/).includes('..'))
    problems.push(
      at(
        ['results', results.from === 'csv' ? 'file' : 'folder'],
        'lies in the output folder of each cell: give a path inside it, and let the program write to {output}',
      ),
    );
  const names = Object.entries(metrics);
  names.forEach(([field, name], i) => {
    const first = names.findIndex(([, other]) => other === name);
    if (first < i)
      problems.push(at(['metrics', field], `has the same name as ${names[first][0]} ("${name}")`));
  });
  return problems;
}

function variableOf(placeholder: string): string {
  return `SURGE_${placeholder.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** What is allowed but probably not meant. */
export function externalWarnings({ command, shell, environment }: ExternalWorkload): string[] {
  const texts = [...(shell ? [] : command), ...Object.values(environment).map(String)];
  const unknown = new Set(
    texts
      .flatMap((text) => [...text.matchAll(PLACEHOLDER)])
      .filter(([, name]) => !Object.hasOwn(placeholders, name))
      .map(([whole]) => whole),
  );
  return [...unknown].map(
    (whole) =>
      `workload: ${whole} is handed over as it is; placeholders are ${Object.keys(placeholders)
        .map((name) => `{${name}}`)
        .join(', ')}`,
  );
}
