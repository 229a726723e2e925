/** The tables of an imported sweep: every cell as it was read, and its curve. */
import type { ImportedFamily } from '#shared/import/sweep.ts';
import { integer, real, text, type Field, type Table } from './table.ts';

function* cellRows({ cells }: ImportedFamily): Generator<Field[]> {
  for (const cell of cells)
    yield [
      cell.batchSize,
      cell.learningRate,
      cell.writtenLearningRate,
      cell.seed,
      cell.failure,
      cell.failureStep,
      cell.loss,
      cell.lossError,
      cell.stepsToTarget,
      cell.tokens,
      cell.step,
      cell.line,
    ];
}

function* markRows({ cells }: ImportedFamily): Generator<Field[]> {
  for (const { batchSize, learningRate, seed, curve } of cells)
    if (curve !== null)
      for (const [i, step] of curve.steps.entries())
        yield [batchSize, learningRate, seed, step, curve.losses[i]];
}

/** `marks` only where it has curves. */
export function importedTables(family: ImportedFamily): Table[] {
  const tables: Table[] = [
    {
      name: 'cells',
      // Other people's batch sizes, steps and tokens need not be whole numbers.
      columns: [
        real('batch_size'),
        real('learning_rate'),
        text('written_learning_rate'),
        real('seed'),
        text('failure'),
        real('failure_step'),
        real('loss'),
        real('loss_error'),
        real('steps_to_target'),
        real('tokens'),
        real('step'),
        integer('line'),
      ],
      rows: () => cellRows(family),
    },
  ];
  if (family.cells.some(({ curve }) => curve !== null))
    tables.push({
      name: 'marks',
      columns: [real('batch_size'), real('learning_rate'), real('seed'), real('step'), real('loss')],
      rows: () => markRows(family),
    });
  return tables;
}
