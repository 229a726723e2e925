/** From measurements to settings: cells in a stack, steps in a chunk, trainers at once. Pure arithmetic. */
import type { Grid } from '#shared/experiment/grid.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import { microBatchesOf } from '#shared/experiment/training-options.ts';
import { mostCells, trainerBytes } from '#main/training/memory/need.ts';
import type { Measurement } from '#main/training/protocol.ts';
import type { StackSettings } from '../store/types.ts';
import type { Calibration } from './measurements.ts';

/** Start of a trainer process until its program is being built: Node, TensorFlow, data. */
const PROCESS_SECONDS = 1.5;
/** A chunk lasts about this long, so that stop, progress and checkpoints are never far away. */
const CHUNK_SECONDS = 0.25;
const MAX_CHUNK_STEPS = 128;

export interface Workforce {
  /** Trainer processes at once. */
  readonly trainers: number;
  /** TensorFlow threads of each. */
  readonly threads: number;
  /** GPUs that trainers are dealt, each one of them; without any, trainers see what the lab sees. */
  readonly devices?: readonly string[] | undefined;
  /** Memory that each trainer may take: of its GPU, or without one of the machine; unknown where absent. */
  readonly memoryBytes?: number | undefined;
}

/** What a person asked for; what is left out, the machine decides. */
export interface Wishes {
  readonly trainers?: number | undefined;
  readonly threads?: number | undefined;
  /** GPUs by name; by default those of the machine. */
  readonly devices?: readonly string[] | undefined;
  /** Bytes for all trainers together, or on GPUs for each. */
  readonly memory?: number | undefined;
}

/** Resident memory of a trainer with a usual stack, TensorFlow included. */
export const TRAINER_BYTES = 1.2e9;

export interface Machine {
  readonly cores: number;
  readonly freeBytes: number;
  /** GPUs that the engine can train on, by name; null when it trains on the CPU. */
  readonly devices: readonly string[] | null;
}

/**
 * On a CPU one trainer a core with one thread each, as far as memory reaches: small stacks scale across processes far
 * better than across threads, and start-up and compilation of one overlap the training of another. On GPUs one trainer
 * a device, since a process takes it for itself. Wishes go first; threads share the cores among the trainers.
 */
export function defaultWorkforce(machine: Machine, wishes: Wishes = {}): Workforce {
  const devices = wishes.devices ?? machine.devices ?? [];
  const fitting = Math.floor(machine.freeBytes / TRAINER_BYTES);
  const trainers =
    wishes.trainers ??
    (wishes.devices !== undefined || machine.devices !== null
      ? Math.max(1, devices.length)
      : Math.max(1, Math.min(machine.cores, fitting)));
  const threads = wishes.threads ?? Math.max(1, Math.floor(machine.cores / trainers));
  return { trainers, threads, ...(devices.length === 0 ? {} : { devices }) };
}

/** Microseconds a cell and step, interpolated in ln B between the measured batch sizes, for the nearest stack size. */
export function runStepMicroseconds(calibration: Calibration, batchSize: number, cells: number): number {
  return interpolate(calibration, batchSize, cells, (m) => m.microsecondsPerRunStep);
}

export function evaluateMillisecondsPerCell(
  calibration: Calibration,
  batchSize: number,
  cells: number,
): number {
  return interpolate(calibration, batchSize, cells, (m) => m.evaluateMillisecondsPerCell);
}

/** Seconds that every stack costs beside its steps. */
export function stackOverheadSeconds(calibration: Calibration): number {
  const opens = calibration.measurements.map((m) => m.openMilliseconds).sort((a, b) => a - b);
  return PROCESS_SECONDS + opens[opens.length >> 1] / 1000;
}

export interface StackNeed {
  readonly batchSize: number;
  readonly steps: number;
  readonly marks: number;
  /** Cells of this batch size that are to be trained. */
  readonly cells: number;
  /** Data streams: cells of one share their minibatches. */
  readonly groups: number;
  /** Examples of a minibatch that are worked on at once. */
  readonly examples: number;
}

/** `cells`: those of this batch size that are to be trained. */
export function stackNeed(
  { streams, microBatch }: Specification,
  grid: Grid,
  batchSize: number,
  cells: number,
): StackNeed {
  return {
    batchSize,
    steps: grid.stepsFor(batchSize),
    marks: grid.marksFor(batchSize).length,
    cells,
    groups: streams === 'common' ? grid.seeds.length : cells,
    examples: microBatchesOf(batchSize, microBatch).size,
  };
}

/**
 * The measured stack size that trains the cells of one batch size soonest, its share of the overhead included, or the
 * largest that fits in memory where that is smaller. At least 1, even where a single cell would not fit.
 */
export function cellsPerStack(calibration: Calibration, need: StackNeed, workforce: Workforce): number {
  const sizes = [...new Set(calibration.measurements.map((m) => m.cells))].sort((a, b) => a - b);
  const cost = (size: number) => {
    const work =
      need.cells *
      ((need.steps * runStepMicroseconds(calibration, need.batchSize, size)) / 1e6 +
        (need.marks * evaluateMillisecondsPerCell(calibration, need.batchSize, size)) / 1e3);
    return work + Math.ceil(need.cells / size) * stackOverheadSeconds(calibration);
  };
  const most = Math.max(1, cellsThatFit(calibration, need, sizes.at(-1)!, workforce));
  const fitting = sizes.filter((size) => size <= most);
  if (most < sizes.at(-1)! && !fitting.includes(most)) fitting.push(most);
  return fitting.reduce((best, size) => (cost(size) < cost(best) ? size : best));
}

/** At most `most`; 0 when a trainer's memory is too small for a single cell. */
export function cellsThatFit(
  calibration: Pick<Calibration, 'memory'>,
  need: Pick<StackNeed, 'examples' | 'groups'>,
  most: number,
  { memoryBytes = Infinity }: Pick<Workforce, 'memoryBytes'>,
): number {
  const { examples, groups } = need;
  const shape = { examples, groupsOf: (cells: number) => Math.min(groups, cells) };
  return mostCells(calibration.memory, shape, most, memoryBytes);
}

/** Memory that a trainer of this stack needs at its peak. */
export function stackBytes(
  { memory }: Pick<Calibration, 'memory'>,
  { examples, groups }: Pick<StackNeed, 'examples' | 'groups'>,
  cells: number,
): number {
  return trainerBytes(memory, { cells, groups: Math.min(groups, cells), examples });
}

export function settingsFor(
  calibration: Calibration,
  batchSize: number,
  cells: number,
  threads: number,
): StackSettings {
  const stepSeconds = (runStepMicroseconds(calibration, batchSize, cells) * cells) / 1e6;
  const steps = 2 ** Math.round(Math.log2(Math.max(1, CHUNK_SECONDS / stepSeconds)));
  return { threads, chunkSteps: Math.min(MAX_CHUNK_STEPS, steps), mode: 'compiled' };
}

function interpolate(
  calibration: Calibration,
  batchSize: number,
  cells: number,
  value: (m: Measurement) => number,
): number {
  const nearest = new Map<number, Measurement>();
  for (const m of calibration.measurements) {
    const known = nearest.get(m.batchSize);
    const distance = (x: Measurement) => Math.abs(Math.log(x.cells / cells));
    if (known === undefined || distance(m) < distance(known)) nearest.set(m.batchSize, m);
  }
  const points = [...nearest.values()].sort((a, b) => a.batchSize - b.batchSize);
  const above = points.findIndex((p) => p.batchSize >= batchSize);
  if (above <= 0) return value(points[above === 0 ? 0 : points.length - 1]);
  const [low, high] = [points[above - 1], points[above]];
  const t = Math.log(batchSize / low.batchSize) / Math.log(high.batchSize / low.batchSize);
  return Math.exp((1 - t) * Math.log(value(low)) + t * Math.log(value(high)));
}
