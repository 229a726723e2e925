/** One JSON document of an experiment, for programs that want everything at once. */
import { dirname } from 'node:path';
import type { Metric } from '#shared/experiment/stack.ts';
import { makeFolder } from '../make-folder.ts';
import type { ExperimentSummary, ReadableStore } from '../store/types.ts';
import { CellCurves } from './cell-curves.ts';
import { jsonValue } from './formats.ts';
import { writeWhole } from './write-whole.ts';

const documentHead = (experiment: ExperimentSummary) => ({
  format: 'surge-lab-json',
  version: 1,
  exportedAt: Date.now(),
  experiment,
});

function* importedDocument(store: ReadableStore, experiment: ExperimentSummary): Generator<string> {
  const { cells, ...family } = store.importedFamily(experiment.id);
  // A failed run has non-finite numbers.
  const plain = (_: string, value: unknown) => (typeof value === 'number' ? jsonValue(value) : value);
  yield JSON.stringify({ ...documentHead(experiment), family }).slice(0, -1);
  yield `,\n"events":${JSON.stringify(store.events(experiment.id))}`;
  yield `,\n"cellCount":${cells.length},\n"cells":[`;
  for (const [index, cell] of cells.entries())
    yield `${index === 0 ? '' : ','}\n${JSON.stringify(cell, plain)}`;
  yield '\n]}\n';
}

function* trainedDocument(
  store: ReadableStore,
  experiment: ExperimentSummary,
  training: boolean,
): Generator<string> {
  const { id } = experiment;
  const cells = store.cells(id);
  const metrics: Metric[] = ['evaluationLoss', 'evaluationAccuracy'];
  if (training) metrics.push('trainingLoss');
  const lookups = metrics.map((metric) => ({ metric, lookup: new CellCurves(store.curveSet(id, metric)) }));
  yield JSON.stringify(documentHead(experiment)).slice(0, -1);
  yield `,\n"stacks":${JSON.stringify(store.stacks(id))}`;
  yield `,\n"events":${JSON.stringify(store.events(id))}`;
  yield `,\n"cellCount":${cells.length},\n"cells":[`;
  for (const [index, cell] of cells.entries()) {
    const curves = Object.fromEntries(
      lookups.map(({ metric, lookup }) => [metric, Array.from(lookup.of(cell), jsonValue)]),
    );
    yield `${index === 0 ? '' : ','}\n${JSON.stringify({ ...cell, curves })}`;
  }
  yield '\n]}\n';
}

/**
 * Writes one JSON file: experiment, stacks, events, and each cell with its curves as arrays (evaluation by mark,
 * training loss by step when asked). One cell a line, so that large files can be read line by line.
 */
export async function exportJson(
  store: ReadableStore,
  experiment: ExperimentSummary,
  file: string,
  { training = false }: { readonly training?: boolean } = {},
): Promise<{ readonly cells: number; readonly bytes: number }> {
  const texts =
    experiment.imported === null
      ? trainedDocument(store, experiment, training)
      : importedDocument(store, experiment);
  await makeFolder(dirname(file));
  return { cells: experiment.cells, bytes: await writeWhole(file, texts) };
}
