import type { Stack } from './store/types.ts';

/**
 * Milliseconds of a training step of one cell, by batch size: its share of its stacks' training time on this machine,
 * without compiling and evaluating. A cell trained alone takes longer than its share.
 */
export function stepTimes(stacks: readonly Stack[]): Map<number, number> {
  const times = new Map<number, number>();
  for (const [batchSize, list] of Map.groupBy(stacks, (stack) => stack.batchSize)) {
    let [milliseconds, cellSteps] = [0, 0];
    for (const { trainMilliseconds, stepsDone, learningRates, seeds } of list) {
      if (!(trainMilliseconds > 0)) continue;
      milliseconds += trainMilliseconds;
      cellSteps += stepsDone * learningRates.length * seeds.length;
    }
    if (cellSteps > 0) times.set(batchSize, milliseconds / cellSteps);
  }
  return times;
}
