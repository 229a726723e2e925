/** The tables of a trained experiment: its cells, their evaluations at the marks, the training loss of every step. */
import type { Metric } from '#shared/experiment/stack.ts';
import type { Cell, ReadableStore, Stack } from '../store/types.ts';
import { CellCurves } from './cell-curves.ts';
import { integer, real, text, type Field, type Table } from './table.ts';

function* cellRows(cells: readonly Cell[], stacks: ReadonlyMap<string, Stack>): Generator<Field[]> {
  for (const cell of cells) {
    const { batchSize, learningRate, seed, steps, dataChecksum } = cell.configuration;
    const stack = cell.stack === null ? undefined : stacks.get(cell.stack);
    const engine = stack?.engine ?? null;
    yield [
      cell.key,
      batchSize,
      learningRate,
      seed,
      steps,
      cell.state,
      cell.reason,
      cell.divergedAt,
      cell.stepsDone,
      cell.stack,
      engine?.backend ?? null,
      engine?.device ?? null,
      engine?.threads ?? null,
      engine?.tensorflow ?? null,
      engine?.tfjs ?? null,
      engine?.node ?? null,
      dataChecksum,
    ];
  }
}

function* pointRows(
  cells: readonly Cell[],
  lookups: readonly CellCurves[],
  stepOf: (cell: Cell, point: number) => number,
): Generator<Field[]> {
  for (const cell of cells) {
    const { batchSize, learningRate, seed } = cell.configuration;
    const curves = lookups.map((lookup) => lookup.of(cell));
    const points = curves.reduce((most, curve) => Math.max(most, curve.length), 0);
    for (let point = 0; point < points; point++) {
      const step = stepOf(cell, point);
      const values = curves.map((curve) => (point < curve.length ? curve[point] : null));
      yield [cell.key, batchSize, learningRate, seed, step, step * batchSize, ...values];
    }
  }
}

const place = [
  text('cell'),
  integer('batch_size'),
  real('learning_rate'),
  integer('seed'),
  integer('step'),
  integer('samples'),
];

/** `training` adds the training loss of every step, which is that before the step's update (large). */
export function trainedTables(store: ReadableStore, experimentId: number, training: boolean): Table[] {
  const cells = store.cells(experimentId);
  const lookup = (metric: Metric) => new CellCurves(store.curveSet(experimentId, metric));
  const tables: Table[] = [
    {
      name: 'cells',
      columns: [
        text('cell'),
        integer('batch_size'),
        real('learning_rate'),
        integer('seed'),
        integer('steps'),
        text('state'),
        text('reason'),
        integer('diverged_at'),
        integer('steps_done'),
        text('stack'),
        text('backend'),
        text('device'),
        integer('threads'),
        text('tensorflow'),
        text('tfjs'),
        text('node'),
        text('data_checksum'),
      ],
      rows: () => cellRows(cells, new Map(store.stacks(experimentId).map((stack) => [stack.key, stack]))),
    },
    {
      name: 'marks',
      columns: [...place, real('evaluation_loss'), real('evaluation_accuracy')],
      rows: () =>
        pointRows(
          cells,
          [lookup('evaluationLoss'), lookup('evaluationAccuracy')],
          (cell, point) => cell.configuration.marks[point],
        ),
    },
  ];
  if (training)
    tables.push({
      name: 'training',
      columns: [...place, real('training_loss')],
      rows: () => pointRows(cells, [lookup('trainingLoss')], (_, point) => point + 1),
    });
  return tables;
}
