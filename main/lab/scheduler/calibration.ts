/**
 * How fast this machine trains stacks of this experiment. A few stack shapes are measured in a process of their own; the
 * numbers are cached by everything that they depend on, so that the same experiment is measured once.
 */
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Grid } from '#shared/experiment/grid.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import { trainingOptions } from '#shared/experiment/training-options.ts';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { findNode } from '#main/setup/node.ts';
import { externalChecksum } from '#main/training/external/files.ts';
import type { MemoryModel } from '#main/training/memory/need.ts';
import type { CalibrationReply, CalibrationRequest, Measurement } from '#main/training/protocol.ts';
import type { Calibration } from './measurements.ts';
import { replaceText } from '../replace-text.ts';
import { calibrationFolder } from './measured-speeds.ts';
import { checkFit } from './memory.ts';
import type { Workforce } from './settings.ts';

const CALIBRATE = fileURLToPath(new URL('../../training/calibrate.ts', import.meta.url));
const CACHE_VERSION = 2;
/** Free memory goes up and down by itself; only this factor is a reason to measure again. */
const MORE_MEMORY = 1.5;

/** What only a look at the data tells of a workload. */
export interface WorkloadFacts {
  readonly dataChecksum: string;
  /** Trained parameters of one cell; null for a program of the user's own. */
  readonly parameters: number | null;
}

/** Reads the data of an experiment in a process of its own. Throws in plain words when they cannot be read. */
export async function examineWorkload(specification: Specification): Promise<WorkloadFacts> {
  // Its files are only hashed: no engine, and so no process, is needed for that.
  if (specification.workload.kind === 'external')
    return { dataChecksum: externalChecksum(specification.workload), parameters: null };
  const trial = { batchSize: 1, steps: 1, learningRates: [1], seeds: [0] };
  const { dataChecksum, parameters } = await ask(specification, [trial], 1, true);
  return { dataChecksum, parameters };
}

/** Checksum of the data that an experiment trains on. Throws in plain words when they cannot be read. */
export async function dataChecksum(specification: Specification): Promise<string> {
  return (await examineWorkload(specification)).dataChecksum;
}

/** A stack shape to measure. */
interface Trial {
  /** Of the whole run, which a schedule needs; no trial trains that long. */
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
}

/**
 * Measures (or recalls) the smallest, the largest and a middle batch size with several stack sizes each, as far as they
 * fit in the memory of a trainer. Throws with the process's own words when not even the data can be read.
 */
export async function calibrate(
  specification: Specification,
  grid: Grid,
  { threads, memoryBytes = Infinity }: Pick<Workforce, 'threads' | 'memoryBytes'>,
): Promise<Calibration> {
  if (specification.workload.kind === 'external')
    throw new Error('an external program cannot be measured: only running it tells what it costs');
  const trials = chooseTrials(grid);
  const checksum = await dataChecksum(specification);
  const file = cacheFile(specification, trials, threads, checksum);
  const cached = readCache(file);
  // With more memory than then, larger stacks can be measured.
  if (cached !== null && memoryBytes <= MORE_MEMORY * (cached.cutAtBytes ?? Infinity)) return cached;
  const { replies, ending } = await ask(specification, trials, threads, false, memoryBytes);
  const measurements: Measurement[] = [];
  const failures: Calibration['failures'][number][] = [];
  let memory: MemoryModel | null = null;
  for (const reply of replies) {
    if (reply.type === 'memory') memory = reply.model;
    else if (reply.type === 'measured') {
      const { type: _, ...numbers } = reply;
      measurements.push(numbers);
    } else if (reply.type === 'failed') {
      const { type: _, ...words } = reply;
      failures.push(words);
    }
  }
  if (memory === null) throw new Error(`not even one cell of this experiment can be trained here: ${ending}`);
  const wanted = trials.map((t) => `${t.batchSize}/${t.learningRates.length * t.seeds.length}`);
  const tried = new Set([...measurements, ...failures].map((m) => `${m.batchSize}/${m.cells}`));
  const cutAtBytes = wanted.every((shape) => tried.has(shape)) ? null : memoryBytes;
  const calibration = { dataChecksum: checksum, threads, memory, cutAtBytes, measurements, failures };
  if (measurements.length === 0) {
    checkFit(specification, grid.batchSizes, calibration, { memoryBytes });
    throw new Error(`no stack of this experiment can be trained here: ${failures[0]?.message ?? ending}`);
  }
  writeCache(file, calibration);
  return calibration;
}

/** What was measured before; null where this machine has not been measured for this specification. */
export function recallCalibration(
  specification: Specification,
  grid: Grid,
  threads: number,
  checksum: string,
): Calibration | null {
  return readCache(cacheFile(specification, chooseTrials(grid), threads, checksum));
}

function chooseTrials(grid: Grid): Trial[] {
  const { batchSizes, learningRates, seeds } = grid;
  const chosen = new Set([
    batchSizes[0],
    batchSizes[batchSizes.length >> 1],
    batchSizes[batchSizes.length - 1],
  ]);
  return [...chosen].flatMap((batchSize) =>
    shapes(learningRates, seeds).map((shape) => ({ batchSize, steps: grid.stepsFor(batchSize), ...shape })),
  );
}

/** About 12, 48 and 192 cells, as far as the grid has them: all seeds of some learning rates, or some seeds of one. */
function shapes(learningRates: readonly number[], seeds: readonly number[]) {
  const found = new Map<number, { learningRates: readonly number[]; seeds: readonly number[] }>();
  for (const wanted of [12, 48, 192]) {
    const s = seeds.slice(0, wanted);
    const l = learningRates.slice(0, Math.max(1, Math.floor(wanted / s.length)));
    found.set(s.length * l.length, { learningRates: l, seeds: s });
  }
  return [...found.values()];
}

async function ask(
  specification: Specification,
  trials: readonly Trial[],
  threads: number,
  checksumOnly: boolean,
  memoryBytes = Infinity,
): Promise<WorkloadFacts & { replies: CalibrationReply[]; ending: string }> {
  const request: CalibrationRequest = {
    threads,
    checksumOnly,
    memoryBytes: Number.isFinite(memoryBytes) ? memoryBytes : null,
    configurations: trials.map((trial) => ({
      workload: specification.workload,
      optimizer: specification.optimizer,
      ...trainingOptions(specification),
      evaluationExamples: specification.evaluation.examples,
      streams: specification.streams,
      ...trial,
    })),
  };
  const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', CALIBRATE], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let errors = '';
  child.stderr!.on('data', (data: Buffer) => (errors = (errors + data.toString()).slice(-4_000)));
  child.stdin!.on('error', () => {});
  child.stdin!.end(JSON.stringify(request));
  const replies: CalibrationReply[] = [];
  let facts: WorkloadFacts | null = null;
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    const reply = JSON.parse(line) as CalibrationReply;
    if (reply.type === 'data') facts = { dataChecksum: reply.dataChecksum, parameters: reply.parameters };
    else replies.push(reply);
  });
  const killed = await new Promise<boolean>((resolve) => {
    child.once('error', (error) => {
      errors += error.message;
      resolve(false);
    });
    child.once('close', (_code, signal) => resolve(signal === 'SIGKILL'));
  });
  // Set in a callback, which the compiler does not follow.
  const known = facts as WorkloadFacts | null;
  if (known === null) throw new Error(readableError(errors));
  const ending = killed
    ? 'the measuring process was killed, probably because memory ran out'
    : readableError(errors);
  return { ...known, replies, ending };
}

/** The message of the error that ended the process, without its stack. */
function readableError(errors: string): string {
  const line = errors.split('\n').find((text) => /^\w*Error: /.test(text));
  return line === undefined
    ? `the measuring process failed: ${errors.trim()}`
    : line.replace(/^\w*Error: /, '');
}

function cacheFile(
  specification: Specification,
  trials: readonly Trial[],
  threads: number,
  checksum: string,
): string {
  const location = locateEngine();
  const identity = {
    version: CACHE_VERSION,
    engine: location === null ? null : [location.version, location.variant],
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    threads,
    dataChecksum: checksum,
    workload: specification.workload,
    optimizer: specification.optimizer,
    ...trainingOptions(specification),
    evaluation: specification.evaluation,
    streams: specification.streams,
    trials: trials.map((t) => [t.batchSize, t.learningRates.length, t.seeds.length]),
  };
  const name = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 20);
  return join(calibrationFolder(), `${name}.json`);
}

function readCache(file: string): Calibration | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Calibration;
  } catch {
    // Absent or unreadable: measure again.
    return null;
  }
}

function writeCache(file: string, calibration: Calibration): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    replaceText(file, JSON.stringify(calibration));
  } catch {
    // A cache that cannot be written only costs time.
  }
}
