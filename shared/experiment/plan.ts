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
  /** Cells of the grid, each once, in any order. */
  readonly missing: readonly MissingCell[];
  /** Most cells of a stack of this batch size, at least 1; Infinity for no limit. */
  cellsPerStack(batchSize: number): number;
  readonly order: Specification['order'];
}

/**
 * Every missing cell is in exactly one stack. Stacks are returned in the order of execution, which depends on the set
 * of missing cells only. Throws RangeError for a batch size that is not on the grid.
 */
export function planStacks(request: PlanRequest): StackPlan[] {
  const { grid, missing, order } = request;
  const ofBatch = Map.groupBy(missing, (cell) => cell.batchSize);
  for (const batchSize of ofBatch.keys())
    if (!grid.batchSizes.includes(batchSize))
      throw new RangeError(`batch size ${batchSize} is not on the grid of the experiment`);
  const perBatch = grid.batchSizes
    .map((batchSize) => stacksOfBatch(request, batchSize, ofBatch.get(batchSize) ?? []))
    .filter((stacks) => stacks.length > 0);
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
  if (missing.length === 0) return [];
  const { grid, order } = request;
  const asked = request.cellsPerStack(batchSize);
  const limit = asked >= 1 ? Math.floor(Math.min(asked, missing.length)) : 1;
  const length = { steps: grid.stepsFor(batchSize), marks: grid.marksFor(batchSize) };
  return rectangles(missing).flatMap(({ learningRates, seeds }) =>
    // All seeds of a learning rate together where they fit: a learning rate is comparable only with all its seeds.
    chunks(seeds, limit).flatMap((run) => {
      const groups = Math.ceil(learningRates.length / Math.floor(limit / run.length));
      return spread(learningRates, groups, order).map((rates) => ({
        batchSize,
        learningRates: rates,
        seeds: run,
        ...length,
      }));
    }),
  );
}

/** Seeds that miss the same learning rates form a rectangle; both ascending, the largest rectangle first. */
function rectangles(missing: readonly MissingCell[]): { learningRates: number[]; seeds: number[] }[] {
  const ofSeed = [...Map.groupBy(missing, (cell) => cell.seed)]
    .map(([seed, cells]) => ({ seed, rates: cells.map((c) => c.learningRate).sort((a, b) => a - b) }))
    .sort((a, b) => a.seed - b.seed);
  return [...Map.groupBy(ofSeed, ({ rates }) => rates.join()).values()]
    .map((group) => ({ learningRates: group[0].rates, seeds: group.map(({ seed }) => seed) }))
    .sort((a, b) => b.learningRates.length * b.seeds.length - a.learningRates.length * a.seeds.length);
}

/** Cuts learning rates into groups; coarse to fine, each group spans the whole axis (every n-th value). */
function spread(rates: readonly number[], groups: number, order: Specification['order']): number[][] {
  if (order === 'nested') return chunks(rates, Math.ceil(rates.length / groups));
  const spanning: number[][] = Array.from({ length: groups }, () => []);
  rates.forEach((rate, i) => spanning[i % groups].push(rate));
  return coarseToFine(groups).map((offset) => spanning[offset]);
}

/** Runs of about equal length, none above `limit`. */
function chunks(values: readonly number[], limit: number): number[][] {
  const count = Math.ceil(values.length / limit);
  const size = Math.ceil(values.length / count);
  return Array.from({ length: count }, (_, i) => values.slice(i * size, (i + 1) * size)).filter(
    (run) => run.length > 0,
  );
}
