/** What schedule, clipping and micro-batches say about the rest of a specification. */
import type { Problem } from './axis.ts';
import { expandGrid } from './grid.ts';
import { warmUpStepsOf } from './schedule.ts';
import type { Specification } from './specification.ts';
import { microBatchesOf, trainingOptions } from './training-options.ts';

export function trainingProblems(specification: Specification): Problem[] {
  const { workload, microBatch } = specification;
  if (workload.kind !== 'external')
    return microBatch === undefined
      ? []
      : wholeBatchReasons(workload).map((message) => ({ path: ['microBatch'], message }));
  return Object.keys(trainingOptions(specification)).map((field) => ({
    path: [field],
    message:
      'is not for external workloads, whose program trains by itself: hand it over in optimizer.settings and leave this out',
  }));
}

/** Why parts of a minibatch would not give what the whole one gives. */
export function wholeBatchReasons(workload: Specification['workload']): string[] {
  switch (workload.kind) {
    case 'resnet18':
      return [
        'is not for resnet18: batch norm takes its statistics from the whole minibatch, and those of parts are others',
      ];
    case 'moe':
      return workload.balance === 0
        ? []
        : [
            'is not for a load-balancing loss, which is about the whole minibatch: set workload.balance to 0, or leave this out',
          ];
    case 'quadratic':
      return ['is not for the noisy quadratic, which draws the mean gradient of a minibatch at once'];
    default:
      return [];
  }
}

/** What is allowed but probably not meant; of a specification without problems. */
export function trainingWarnings(specification: Specification): string[] {
  return [...scheduleWarnings(specification), ...microBatchWarnings(specification)];
}

function microBatchWarnings(specification: Specification): string[] {
  const { microBatch } = specification;
  if (microBatch === undefined) return [];
  const small = expandGrid(specification)
    .batchSizes.map((batchSize) => ({ batchSize, ...microBatchesOf(batchSize, microBatch) }))
    .filter(({ count, size }) => count > 1 && 2 * size <= microBatch);
  if (small.length === 0) return [];
  const { batchSize, count, size } = small.reduce((least, one) => (one.size < least.size ? one : least));
  return [
    `microBatch: batch size ${batchSize} is taken in ${count} parts of ${size}, since it has no larger divisor up to ${microBatch}`,
  ];
}

function scheduleWarnings(specification: Specification): string[] {
  const { schedule } = specification;
  if (schedule === undefined) return [];
  const grid = expandGrid(specification);
  // The largest batch trains the fewest steps, the smallest one the most.
  const largest = grid.batchSizes[grid.batchSizes.length - 1];
  const steps = grid.stepsFor(largest);
  const most = grid.stepsFor(grid.batchSizes[0]);
  const run = `the run of batch size ${largest} (${steps} step${steps === 1 ? '' : 's'})`;
  const warmUp = warmUpStepsOf(schedule, steps);
  const warnings: string[] = [];
  if (warmUp >= steps)
    warnings.push(`schedule: the warm-up fills ${run}, which never trains at the peak learning rate`);
  if (schedule.kind === 'growth' && schedule.stages > steps)
    warnings.push(`schedule.stages: there are more stages than steps in ${run}`);
  if (schedule.kind === 'step') {
    const beyond = [schedule.everySteps, ...(schedule.atSteps ?? [])].filter(
      (at) => at !== undefined && at >= most,
    );
    if (beyond.length > 0)
      warnings.push(
        `schedule: a drop at step ${Math.max(...beyond.map(Number))} is beyond the longest run (${most} steps)`,
      );
  }
  return warnings;
}
