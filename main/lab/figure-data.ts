/** The run store as figures ask it. */
import type { FigureData, FigureExperiment } from '#shared/figure/draw.ts';
import { finalLosses } from '#shared/import/curves.ts';
import type { ExperimentSummary, ReadableStore } from './store/types.ts';

/** Throws the store's errors: an unknown experiment, an imported one without what the figure needs. */
export function figureData(store: ReadableStore): FigureData {
  return { experiment: (nameOrKey) => figureExperiment(store, store.experiment(nameOrKey)) };
}

function figureExperiment(store: ReadableStore, experiment: ExperimentSummary): FigureExperiment {
  const { id, name, imported, specification } = experiment;
  return {
    name,
    specification,
    predictions: () => store.predictions(id),
    cells: () =>
      store
        .cells(id)
        .map(({ configuration: { batchSize, learningRate }, state }) => ({ batchSize, learningRate, state })),
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
