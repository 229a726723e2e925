/** The ridge at every mark as a table: the optimum of each batch size at equal steps, with its interval and flags. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { describeDefinition } from '#shared/analysis/describe.ts';
import { ridgesOf, type Ridge } from '#shared/analysis/ridge.ts';
import { integer, real, text, type Field, type Table } from './table.ts';

function* ridgeRows(ridges: readonly Ridge[]): Generator<Field[]> {
  for (const { definition, method, points, peak } of ridges)
    for (const point of points)
      yield [
        describeDefinition(definition),
        definition.kind === 'equal-steps' ? definition.step : null,
        method,
        point.batchSize,
        point.learningRate,
        point.interval?.low ?? null,
        point.interval?.high ?? null,
        point.gridLearningRate,
        point.score,
        point.nearOptimal?.low ?? null,
        point.nearOptimal?.high ?? null,
        point.seeds,
        point.used.length,
        point.dropped.length,
        point.flags.join(' '),
        peak?.batchSize ?? null,
      ];
}

export function ridgeTable(curves: CurveSet): Table {
  // Other people's batch sizes and steps need not be whole numbers.
  const whole = [...curves.batchSizes, ...curves.marks.flat()].every(Number.isInteger);
  const size = whole ? integer : real;
  return {
    name: 'ridge',
    columns: [
      text('definition'),
      size('step'),
      text('method'),
      size('batch_size'),
      real('learning_rate'),
      real('learning_rate_low'),
      real('learning_rate_high'),
      real('grid_learning_rate'),
      real('score'),
      real('near_optimal_low'),
      real('near_optimal_high'),
      integer('seeds'),
      integer('learning_rates_used'),
      integer('learning_rates_dropped'),
      text('flags'),
      real('peak_batch_size'),
    ],
    rows: () => {
      const steps = [...new Set(curves.marks.flat())].sort((a, b) => a - b);
      const definitions = steps.map((step) => ({ kind: 'equal-steps' as const, step }));
      return ridgeRows(ridgesOf(curves, definitions, { keepResampled: false }));
    },
  };
}
