/** From a specification to an experiment in the store, or to the one that is there already. */
import { isDeepStrictEqual } from 'node:util';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import type { ExperimentSummary, WritableStore } from './store/types.ts';

/**
 * The newest experiment with exactly this specification, or a new one. Running the same file again therefore continues
 * it and trains only what is missing; after a change of the file a new experiment shares every cell that stayed the same.
 */
export function findOrCreateExperiment(
  store: WritableStore,
  specification: Specification,
  dataChecksum: string,
): { experiment: ExperimentSummary; isNew: boolean } {
  const same = store
    .experiments({ archived: false })
    .findLast((e) => e.name === specification.name && isDeepStrictEqual(e.specification, specification));
  if (same !== undefined && store.cells(same.id)[0]?.configuration.dataChecksum === dataChecksum)
    return { experiment: same, isNew: false };
  const cells = cellConfigurations(specification, expandGrid(specification), dataChecksum);
  return { experiment: store.createExperiment(specification, cells), isNew: true };
}
