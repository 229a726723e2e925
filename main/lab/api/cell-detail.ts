/** One cell of the grid: what it is, where and how it was trained, and its training loss at every step. */
import { ApiError } from '#shared/api/errors.ts';
import type { CellDetail, LossCurve } from '#shared/api/types.ts';
import type { ProgressRow } from '../store/live.ts';
import type { Cell, ExperimentSummary, ReadableStore, Stack } from '../store/types.ts';

function ascending(values: Iterable<number>): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** Batch size, learning rate and seed at a place of the grid, as snapshots number them. Throws ApiError 'not-found'. */
function pointAt(
  cells: readonly (readonly [batchSize: number, learningRate: number, seed: number, ...rest: unknown[]])[],
  place: number,
): { batchSize: number; learningRate: number; seed: number } {
  const batchSizes = ascending(cells.map(([batchSize]) => batchSize));
  const learningRates = ascending(cells.map(([, learningRate]) => learningRate));
  const seeds = ascending(cells.map(([, , seed]) => seed));
  const rest = Math.floor(place / seeds.length);
  const batch = Math.floor(rest / learningRates.length);
  if (!(batch < batchSizes.length)) throw noCell(place);
  return {
    batchSize: batchSizes[batch],
    learningRate: learningRates[rest % learningRates.length],
    seed: seeds[place % seeds.length],
  };
}

function noCell(place: number): ApiError {
  return new ApiError('not-found', `The grid has no cell ${place}.`, 'cell');
}

/** `taskOf`: the Slurm task that trains a stack. */
export function cellDetail(
  store: ReadableStore,
  experiment: ExperimentSummary,
  place: number,
  taskOf: (stack: string | null) => CellDetail['slurm'],
): CellDetail {
  const cells = store.cells(experiment.id);
  const point = pointAt(
    cells.map(({ configuration: { batchSize, learningRate, seed } }) => [batchSize, learningRate, seed]),
    place,
  );
  const cell = cells.find(
    ({ configuration: { batchSize, learningRate, seed } }) =>
      batchSize === point.batchSize && learningRate === point.learningRate && seed === point.seed,
  );
  if (cell === undefined) throw noCell(place);
  const stack =
    cell.stack === null ? undefined : store.stacks(experiment.id).find(({ key }) => key === cell.stack);
  return {
    key: cell.key,
    ...point,
    state: cell.state,
    reason: cell.reason,
    divergedAt: cell.divergedAt,
    stepsDone: stack === undefined ? cell.stepsDone : Math.min(stack.stepsDone, cell.configuration.steps),
    steps: cell.configuration.steps,
    provenance:
      experiment.imported === null ? trainedHere(cell, stack) : [['Imported from', experiment.imported.file]],
    slurm: taskOf(cell.stack),
    events: store
      .events(experiment.id)
      .filter((event) => event.stack !== null && event.stack === cell.stack)
      .map(({ time, kind, message }) => ({ time, kind, message })),
  };
}

function trainedHere(cell: Cell, stack: Stack | undefined): [string, string][] {
  const pairs: [string, string][] = [];
  if (stack === undefined) return pairs;
  const { engine, learningRates, seeds, host } = stack;
  if (host !== '') pairs.push(['Machine', host]);
  if (engine !== null) {
    pairs.push(['Device', engine.device], ['Processor', engine.cpu], ['Threads', String(engine.threads)]);
    pairs.push([
      'Path',
      engine.fallbackReason === null ? engine.backend : `${engine.backend}: ${engine.fallbackReason}`,
    ]);
    pairs.push(['TensorFlow', engine.tensorflow], ['TensorFlow.js', engine.tfjs]);
    pairs.push(['Node', `${engine.node} on ${engine.platform}`]);
  }
  pairs.push(['Stack', `${stack.key}, ${learningRates.length} learning rates × ${seeds.length} seeds`]);
  pairs.push(['Steps in a chunk', String(stack.chunkSteps)]);
  pairs.push(['Training of the stack', seconds(stack.trainMilliseconds)]);
  pairs.push(['Evaluation of the stack', seconds(stack.evaluateMilliseconds)]);
  pairs.push(['Compilation', seconds(stack.compileMilliseconds)]);
  if (stack.peakResidentBytes > 0)
    pairs.push(['Memory of the trainer', `${(stack.peakResidentBytes / 1e6).toFixed(0)} MB`]);
  const { dataChecksum } = cell.configuration;
  if (dataChecksum !== '') pairs.push(['Data, SHA-256', dataChecksum]);
  return pairs;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Point p belongs to step p + 1; as long as recorded so far. */
export function trainingLoss(
  store: ReadableStore,
  experiment: ExperimentSummary,
  places: readonly number[],
): LossCurve[] {
  if (experiment.imported !== null)
    throw new ApiError('not-possible', `"${experiment.name}" was imported: it has no training loss.`);
  const { cells } = store.progress(experiment.id);
  const byStack = new Map<number, { place: number; column: number }[]>();
  const curves = new Map<number, Float64Array>();
  for (const place of places) {
    const point = pointAt(cells, place);
    const row = cells.find(
      ([batchSize, learningRate, seed]: ProgressRow) =>
        batchSize === point.batchSize && learningRate === point.learningRate && seed === point.seed,
    );
    if (row === undefined) throw noCell(place);
    const [, , , , , stack, column] = row;
    curves.set(place, new Float64Array(0));
    if (stack === null || column === null) continue;
    const list = byStack.get(stack) ?? [];
    byStack.set(stack, [...list, { place, column }]);
  }
  for (const [stack, wanted] of byStack) {
    const blocks = store.points(stack, 'trainingLoss', 0);
    let length = 0;
    for (const { first, points } of blocks) {
      // Points behind a gap are not "recorded so far".
      if (first > length) break;
      length = Math.max(length, first + points);
    }
    for (const { place, column } of wanted) {
      const values = new Float64Array(length);
      for (const { first, points, cells: width, values: block } of blocks)
        for (let p = 0; p < points && first + p < length; p++) values[first + p] = block[p * width + column];
      curves.set(place, values);
    }
  }
  return places.map((cell) => ({ cell, values: curves.get(cell)! }));
}
