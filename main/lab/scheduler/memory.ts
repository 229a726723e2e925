/** What is said when stacks have to be smaller than they could be, and when not even one cell fits in memory. */
import { format, range } from 'd3';
import type { Specification } from '#shared/experiment/specification.ts';
import { wholeBatchReasons } from '#shared/experiment/training-problems.ts';
import { microBatchesOf } from '#shared/experiment/training-options.ts';
import { trainerBytes } from '#main/training/memory/need.ts';
import type { Calibration } from './measurements.ts';
import type { StackNeed, Workforce } from './settings.ts';
import { stackBytes } from './settings.ts';

type Memory = Pick<Calibration, 'memory'>;

/** Throws when a single cell of a batch size would not fit. */
export function checkFit(...facts: Parameters<typeof fitProblem>): void {
  const problem = fitProblem(...facts);
  if (problem !== null) throw new Error(problem);
}

/** Of the first batch size of which not even one cell fits: what it needs, what there is, and what can be done. */
export function fitProblem(
  specification: Specification,
  batchSizes: readonly number[],
  { memory }: Memory,
  { memoryBytes = Infinity }: Pick<Workforce, 'memoryBytes'>,
): string | null {
  const { microBatch, workload } = specification;
  const needOf = (examples: number) => trainerBytes(memory, { cells: 1, groups: 1, examples });
  for (const batchSize of batchSizes) {
    const need = needOf(microBatchesOf(batchSize, microBatch).size);
    if (need <= memoryBytes) continue;
    // Parts add up their gradients, which take no more than the state does.
    const fitting = divisors(batchSize).filter(
      (size) => size < batchSize && needOf(size) + memory.stateBytesPerCell <= memoryBytes,
    );
    const advice =
      fitting.length === 0
        ? 'use a smaller model, fewer trainers at once, or a machine with more memory'
        : wholeBatchReasons(workload).length > 0
          ? `leave out batch sizes above about ${fitting.at(-1)}, or use fewer trainers at once`
          : `set microBatch: ${fitting.at(-1)}, or use fewer trainers at once`;
    return `batch size ${batchSize}: one cell needs about ${gigabytes(need)} of memory, but a trainer has ${gigabytes(memoryBytes)} here; ${advice}`;
  }
  return null;
}

/** Why a stack is smaller than it would be best. */
export function cutNotice(
  calibration: Memory,
  need: StackNeed,
  { size, wanted }: { readonly size: number; readonly wanted: number },
  { memoryBytes = Infinity }: Pick<Workforce, 'memoryBytes'>,
): string {
  const bytes = stackBytes(calibration, need, wanted);
  return `batch size ${need.batchSize}: ${size} cells at a time, since ${wanted} would need about ${gigabytes(bytes)} of memory and a trainer has ${gigabytes(memoryBytes)} here`;
}

function divisors(n: number): number[] {
  const small = range(1, Math.floor(Math.sqrt(n)) + 1).filter((d) => n % d === 0);
  return [...new Set([...small, ...small.map((d) => n / d)])].sort((a, b) => a - b);
}

const gigabytes = (bytes: number) => `${format('.3~r')(bytes / 1e9)} GB`;
