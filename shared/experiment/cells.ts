/** The cells of an experiment, each with everything that decides its result. */
import { resultOf } from './external.ts';
import type { Grid } from './grid.ts';
import type { Specification } from './specification.ts';
import type { CellConfiguration } from './stack.ts';
import { trainingOptions } from './training-options.ts';

/** In grid order: batch size, then learning rate, then seed. `dataChecksum` is that of the workload's data, '' without. */
export function cellConfigurations(
  specification: Specification,
  grid: Grid,
  dataChecksum: string,
): CellConfiguration[] {
  const { optimizer, streams, recordTrainingLoss } = specification;
  const workload =
    specification.workload.kind === 'external' ? resultOf(specification.workload) : specification.workload;
  return grid.batchSizes.flatMap((batchSize) => {
    const common = {
      workload,
      optimizer,
      ...trainingOptions(specification),
      batchSize,
      steps: grid.stepsFor(batchSize),
      marks: grid.marksFor(batchSize),
      evaluationExamples: specification.evaluation.examples,
      recordTrainingLoss,
      streams,
      dataChecksum,
    };
    return grid.learningRates.flatMap((learningRate) =>
      grid.seeds.map((seed) => ({ ...common, learningRate, seed })),
    );
  });
}
