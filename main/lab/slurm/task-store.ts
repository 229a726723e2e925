/** The store of one task: made from the sweep's folder when the task runs first, and just opened when it runs again. */
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { ExperimentSummary, WritableStore } from '../store/types.ts';
import { SweepFolderError, type HandedOutSweep } from './sweep-folder.ts';

export function prepareTask(store: WritableStore, sweep: HandedOutSweep, task: number): ExperimentSummary {
  const { key, createdAt, specification, dataChecksum, tasks } = sweep;
  if (task >= tasks.length)
    throw new SweepFolderError(`There is no task ${task}: the sweep has tasks 0 to ${tasks.length - 1}.`);
  const stacks = tasks[task];
  let experiment = store.experiments().find((each) => each.key === key);
  if (experiment === undefined) {
    const wanted = new Set(
      stacks.flatMap(({ plan, columns }) =>
        columns.map((column) => {
          const width = plan.learningRates.length;
          return `${plan.batchSize} ${plan.learningRates[column % width]} ${plan.seeds[Math.floor(column / width)]}`;
        }),
      ),
    );
    const cells = cellConfigurations(specification, expandGrid(specification), dataChecksum).filter(
      ({ batchSize, learningRate, seed }) => wanted.has(`${batchSize} ${learningRate} ${seed}`),
    );
    experiment = store.createExperiment(specification, cells, { key, createdAt });
  }
  // A task that was killed between the two comes back to a store without stacks.
  if (store.stacks(experiment.id).length === 0) store.adoptStacks(experiment.id, stacks);
  return experiment;
}
