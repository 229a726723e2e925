/** The small sweep of a soak: a few stacks of a few seconds each, with cells that diverge, and its quiet result. */
import { existsSync, readFileSync } from 'node:fs';
import { metrics } from '#shared/experiment/stack.ts';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { openStoreReadOnly } from '#main/lab/store/index.ts';
import { surge, writeExperiment } from '../support/cli.ts';

const specification: SpecificationInput = {
  name: 'soak',
  workload: { kind: 'mlp', hidden: [16] },
  optimizer: { kind: 'adam' },
  learningRates: { list: [1e-3, 3e-3, 1e-2, 1e30] },
  batchSizes: { list: [2, 8, 32] },
  seeds: 2,
  length: { steps: 2500 },
  evaluation: { examples: 200 },
};

export const training = [
  '--trainers',
  '2',
  '--threads',
  '1',
  '--cells-per-stack',
  '4',
  '--checkpoint-seconds',
  '0.3',
];

/** Bits of every curve, and the points recorded, of the one experiment of a store. */
export interface Result {
  readonly recorded: Readonly<Record<string, readonly number[]>>;
  readonly bits: Readonly<Record<string, Buffer>>;
  readonly stride: Readonly<Record<string, number>>;
  readonly cells: number;
  /** Done or diverged. */
  readonly ended: number;
}

export function resultOf(file: string): Result {
  const store = openStoreReadOnly(file);
  try {
    const [experiment] = store.experiments();
    const recorded: Record<string, number[]> = {};
    const bits: Record<string, Buffer> = {};
    const stride: Record<string, number> = {};
    for (const metric of metrics) {
      const curves = store.curveSet(experiment.id, metric);
      recorded[metric] = [...curves.recorded];
      bits[metric] = Buffer.from(curves.values.buffer, curves.values.byteOffset, curves.values.byteLength);
      stride[metric] = curves.stride;
    }
    const { counts, cells } = experiment;
    return { recorded, bits, stride, cells, ended: counts.done + counts.diverged };
  } finally {
    store.close();
  }
}

const BYTES = 8;

/** Values of `some` that are not, bit by bit, those of the whole run; points that it has not are no difference. */
export function differences(some: Result, whole: Result): number {
  let found = 0;
  for (const metric of metrics) {
    const width = whole.stride[metric] * BYTES;
    some.recorded[metric].forEach((points, cell) => {
      const from = cell * width;
      const length = points * BYTES;
      const a = some.bits[metric].subarray(cell * some.stride[metric] * BYTES).subarray(0, length);
      const b = whole.bits[metric].subarray(from, from + length);
      if (points > whole.recorded[metric][cell] || !a.equals(b)) found++;
    });
  }
  return found;
}

export async function quietRun(file: string, store: string): Promise<Result> {
  writeExperiment(file, specification);
  const { code, stderr } = await surge(['run', file, '--store', store, ...training]);
  if (code !== 0) throw new Error(`The undisturbed run failed: ${stderr}`);
  return resultOf(store);
}

/** Trainers that a store knows to be running and that are alive. */
export function trainersOf(file: string): number[] {
  if (!existsSync(file)) return [];
  try {
    const store = openStoreReadOnly(file);
    try {
      return store
        .experiments()
        .flatMap(({ id }) => store.stacks(id))
        .flatMap(({ state, process: own }) => (state === 'running' && own !== null ? [own.pid] : []))
        .filter(isTrainer);
    } finally {
      store.close();
    }
  } catch {
    // It is being made at this moment, or was killed while it was.
    return [];
  }
}

function isTrainer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('trainer.ts');
  } catch {
    return false;
  }
}
