/** From an external workload and the values of a cell to what is run. */
import type { ExternalOptimizer, ExternalWorkload } from './external.ts';

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

function isPlaceholder(name: string): name is keyof typeof placeholders {
  return Object.hasOwn(placeholders, name);
}

/** As they are written, in the order of a text: those that are filled in, and those that only look alike. */
export function placeholdersIn(text: string): { readonly known: string[]; readonly unknown: string[] } {
  const found = [...text.matchAll(PLACEHOLDER)].map(([, name]) => name);
  return {
    known: found.filter(isPlaceholder),
    unknown: found.filter((name) => !isPlaceholder(name)),
  };
}

export const placeholderNames: readonly string[] = Object.keys(placeholders);

function fillIn(text: string, cell: CellValues): string {
  // In one pass: what a value holds is never looked at again.
  return text.replaceAll(PLACEHOLDER, (whole, name: string) =>
    isPlaceholder(name) ? placeholders[name](cell) : whole,
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

/** The environment variable with the value of a placeholder. */
export function variableOf(placeholder: string): string {
  return `SURGE_${placeholder.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
