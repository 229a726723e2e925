/** The run store as figures ask it. */
import type { FigureData, FigureExperiment } from '#shared/figure/draw.ts';
import { finalLosses } from '#shared/import/curves.ts';
import type { ExperimentSummary, ReadableStore } from './store/types.ts';

/** Throws the store's errors: an unknown experiment, an imported one without what the figure needs. */
export function figureData(store: ReadableStore): FigureData {
  return { experiment: (nameOrKey) => figureExperiment(store, store.experiment(nameOrKey)) };
}

function figureExperiment(store: ReadableStore, { id, name, imported }: ExperimentSummary): FigureExperiment {
  return {
    name,
    curves: (metric) => store.curveSet(id, metric),
    finalLosses() {
      if (imported === null || imported.hasCurves) return null;
      const column = imported.mapping.columns.loss ?? 'loss';
      return {
        curves: finalLosses(store.importedFamily(id)),
        lossTitle: imported.goal === 'maximize' ? `−${column}` : column,
      };
    },
  };
}
