/**
 * From the cells that are missing to stacks: rectangles learning rates × seeds of one batch size, none larger than the
 * machine trains well, in an order that shows the shape of the result early.
 */
import type { Grid } from './grid.ts';
import { coarseToFine } from './order.ts';
import type { Specification } from './specification.ts';
import type { StackPlan } from './stack.ts';

export interface MissingCell {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
}

export interface PlanRequest {
  readonly grid: Grid;
  readonly missing: readonly MissingCell[];
  /** Most cells of a stack of this batch size, at least 1. */
  cellsPerStack(batchSize: number): number;
  readonly order: Specification['order'];
}

/** Every missing cell is in exactly one stack. Stacks are returned in the order of execution. */
export function planStacks(request: PlanRequest): StackPlan[] {
  const { grid, missing, order } = request;
  const perBatch = grid.batchSizes.map((batchSize) =>
    stacksOfBatch(
      request,
      batchSize,
      missing.filter((cell) => cell.batchSize === batchSize),
    ),
  );
  if (order === 'nested') return perBatch.flat();
  // First the first stack of every batch size, coarse to fine, then the second of every one, …
  const batches = coarseToFine(perBatch.length).map((i) => perBatch[i]);
  const rounds = Math.max(0, ...batches.map((stacks) => stacks.length));
  return Array.from({ length: rounds }, (_, round) =>
    batches.flatMap((stacks) => stacks.slice(round, round + 1)),
  ).flat();
}

function stacksOfBatch(
  request: PlanRequest,
  batchSize: number,
  missing: readonly MissingCell[],
): StackPlan[] {
  const { grid, order } = request;
  const limit = Math.max(1, Math.floor(request.cellsPerStack(batchSize)));
  const length = { steps: grid.stepsFor(batchSize), marks: grid.marksFor(batchSize) };
  return rectangles(missing).flatMap(({ learningRates, seeds }) => {
    // All seeds of a learning rate together where they fit: a learning rate is comparable only with all its seeds.
    const seedRuns = chunks(seeds, limit);
    return seedRuns.flatMap((run) => {
      const groups = Math.ceil(learningRates.length / Math.floor(limit / run.length));
      return spread(learningRates, groups, order).map((rates) => ({
        batchSize,
        learningRates: rates,
        seeds: run,
        ...length,
      }));
    });
  });
}

/** Seeds that miss the same learning rates form a rectangle. */
function rectangles(missing: readonly MissingCell[]): { learningRates: number[]; seeds: number[] }[] {
  const ratesOfSeed = new Map<number, number[]>();
  for (const { seed, learningRate } of missing) {
    const rates = ratesOfSeed.get(seed) ?? [];
    rates.push(learningRate);
    ratesOfSeed.set(seed, rates);
  }
  const found = new Map<string, { learningRates: number[]; seeds: number[] }>();
  for (const [seed, rates] of ratesOfSeed) {
    const learningRates = rates.sort((a, b) => a - b);
    const key = learningRates.join();
    const rectangle = found.get(key) ?? { learningRates, seeds: [] };
    rectangle.seeds.push(seed);
    found.set(key, rectangle);
  }
  return [...found.values()];
}

/** Cuts learning rates into groups; coarse to fine, each group spans the whole axis (every n-th value). */
function spread(rates: readonly number[], groups: number, order: Specification['order']): number[][] {
  if (order === 'nested') return chunks(rates, Math.ceil(rates.length / groups));
  return coarseToFine(groups)
    .map((offset) => rates.filter((_, i) => i % groups === offset))
    .filter((group) => group.length > 0);
}

/** Runs of about equal length, none above `limit`. */
function chunks(values: readonly number[], limit: number): number[][] {
  const count = Math.ceil(values.length / limit);
  const size = Math.ceil(values.length / Math.max(1, count));
  return Array.from({ length: count }, (_, i) => values.slice(i * size, (i + 1) * size)).filter(
    (run) => run.length > 0,
  );
}
