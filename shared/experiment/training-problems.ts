/** What schedule and clipping say about the rest of a specification. */
import type { Problem } from './axis.ts';
import { expandGrid } from './grid.ts';
import { warmUpStepsOf } from './schedule.ts';
import type { Specification } from './specification.ts';
import { trainingOptions } from './training-options.ts';

export function trainingProblems(specification: Specification): Problem[] {
  if (specification.workload.kind !== 'external') return [];
  return Object.keys(trainingOptions(specification)).map((field) => ({
    path: [field],
    message:
      'is not for external workloads, whose program trains by itself: hand it over in optimizer.settings and leave this out',
  }));
}

/** What is allowed but probably not meant; of a specification without problems. */
export function trainingWarnings(specification: Specification): string[] {
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
