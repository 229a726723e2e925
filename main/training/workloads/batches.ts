/** Minibatches by index: the data lie on the device once, a step gets the numbers of its examples. */
import { ExampleOrder } from '#shared/random/index.ts';
import type { BatchInput, StackLayout } from './workload.ts';

/** Activations of an evaluation tile stay below this size, so that a large stack does not need gigabytes. */
export const TILE_BYTES = 48 * 1024 * 1024;

/** int32 [groups, batchSize]: what each replicate's order says. */
export function exampleInput({ groups, batchSize, dataSeeds }: StackLayout, examples: number): BatchInput {
  const orders = dataSeeds.map((seed) => new ExampleOrder(seed, examples));
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
