/** What the export of an imported sweep has: every cell as it was read, and its curve. */
import type { ImportedFamily } from '#shared/import/sweep.ts';

export const importedCellColumns = [
  'batch_size',
  'learning_rate',
  'written_learning_rate',
  'seed',
  'failure',
  'failure_step',
  'loss',
  'loss_error',
  'steps_to_target',
  'tokens',
  'step',
  'line',
] as const;

export function* importedCellRows({ cells }: ImportedFamily): Generator<(string | number | null)[]> {
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

export const importedMarkColumns = ['batch_size', 'learning_rate', 'seed', 'step', 'loss'] as const;

export function* importedMarkRows({ cells }: ImportedFamily): Generator<(string | number | null)[]> {
  for (const { batchSize, learningRate, seed, curve } of cells)
    if (curve !== null)
      for (const [i, step] of curve.steps.entries())
        yield [batchSize, learningRate, seed, step, curve.losses[i]];
}
