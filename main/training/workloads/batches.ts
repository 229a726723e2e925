/** Minibatches by index: the data lie on the device once, a step gets the numbers of its examples. */
import { ExampleOrder } from '#shared/random/index.ts';
import { DataError } from '../data/classification.ts';
import type { BatchInput, StackLayout } from './workload.ts';

/** Activations of an evaluation tile stay below this size, so that a large stack does not need gigabytes. */
export const TILE_BYTES = 48 * 1024 * 1024;

/** int32 [groups, batchSize]: what each replicate's order says. With `subset`, an epoch has so many of the examples. */
export function exampleInput(
  { groups, batchSize, dataSeeds }: StackLayout,
  examples: number,
  subset: number = examples,
): BatchInput {
  if (subset > examples)
    throw new DataError(
      `workload.subset: must be at most the number of training examples, ${examples} (got ${subset})`,
    );
  const orders = dataSeeds.map((seed) => new ExampleOrder(seed, examples, subset));
  return {
    name: 'examples',
    shape: [groups, batchSize],
    dtype: 'int32',
    fill(out, firstStep, steps) {
      for (let s = 0; s < steps; s++)
        orders.forEach((order, g) =>
          order.fill(out as Int32Array, (s * groups + g) * batchSize, (firstStep + s) * batchSize, batchSize),
        );
    },
  };
}
