/** Growth schedules: learning rate and batch size against epoch and against gradient evaluations. */
import type { Schedule } from '../theory/schedules.ts';
import { categoryColors } from './colors.ts';
import { drawCurve } from './curves.ts';
import { Tally, type Figure, type Table } from './figure.ts';
import { plainLabel } from './label.ts';
import type { Panel } from './panel.ts';
import { SIDE_BY_SIDE, type Drawn, type PlannedPanel } from './panel-grid.ts';
import { panelSheet } from './panel-sheet.ts';
import { wantsLogarithm } from './robust.ts';
import { lineEntry } from './samples.ts';
import { scaledAxis } from './scaled-axis.ts';
import { blankAxis, linearAxis, linearDomain, logAxis, logDomain, type Axis } from './scales.ts';
import { printStyle, type Style } from './style.ts';

export interface ScheduleInput {
  readonly name: string;
  readonly schedules: readonly { readonly label: string; readonly schedule: Schedule }[];
}

export interface ScheduleFigureOptions {
  /** In points. */
  readonly width: number;
  readonly style?: Style;
  /** Of the learning rate. */
  readonly rateAxis?: 'linear' | 'log';
}

type Progress = 'epoch' | 'evaluations';
type Quantity = 'learningRate' | 'batchSize';

const DASHES = [undefined, '3.5 1.4', '1.2 1.2', '5 1.3 1.1 1.3', '7 1.5', '2 1'];

export function scheduleFigure({ name, schedules }: ScheduleInput, options: ScheduleFigureOptions): Figure {
  const { width, style = printStyle, rateAxis = 'linear' } = options;
  const colors = categoryColors[style.categories];
  const looks = schedules.map((one, i) => ({
    ...one,
    stroke: {
      color: colors[(i + 1) % colors.length],
      width: style.lineWidth,
      dash: DASHES[i % DASHES.length],
    },
  }));
  const all = schedules.flatMap(({ schedule }) => schedule.epochs);
  const evaluations = schedules.map(({ schedule }) => schedule.totalEvaluations);
  const none = all.length === 0;
  const epoch = none
    ? blankAxis
    : linearAxis([0, Math.max(...schedules.map(({ schedule }) => schedule.epochs.length))]);
  const spent = none ? { axis: blankAxis, unit: [] } : scaledAxis([0, Math.max(...evaluations)]);
  const valueAxis = (quantity: Quantity): Axis => {
    const values = all.map((row) => row[quantity]);
    if (none) return blankAxis;
    const logarithmic = quantity === 'batchSize' ? wantsLogarithm(values) : rateAxis === 'log';
    return logarithmic ? logAxis(logDomain(values, 0.06)) : linearAxis(linearDomain([0, ...values], 0.06));
  };
  const panel = (letter: string, progress: Progress, quantity: Quantity): PlannedPanel => ({
    letter,
    title: '',
    x: progress === 'epoch' ? epoch : spent.axis,
    y: valueAxis(quantity),
    xTitle: progress === 'epoch' ? 'epoch' : [{ text: 'gradient evaluations' }, ...spent.unit],
    yTitle: quantity === 'learningRate' ? 'learning rate' : 'batch size',
    draw: (on) => draw(on, progress, quantity),
  });
  const rows = [
    [panel('a', 'epoch', 'learningRate'), panel('b', 'evaluations', 'learningRate')],
    [panel('c', 'epoch', 'batchSize'), panel('d', 'evaluations', 'batchSize')],
  ];
  const { tree, tally } = panelSheet(
    {
      title: `Schedules of learning rate and batch size: ${name}`,
      rows: width >= SIDE_BY_SIDE ? rows : rows.flat().map((one) => [one]),
      entries: looks.map(({ label, stroke }) => lineEntry(plainLabel(label), stroke)),
      aspect: 0.55,
      nothing: none ? 'no schedules' : null,
    },
    { width, style },
  );
  return {
    tree,
    caption: {
      text: 'Learning rate and batch size against epoch, and against gradient evaluations of single examples (the sum of the batch size over steps): a growing batch spends its evaluations in fewer steps.',
      definition: 'none: schedules, not results',
      seeds: { fewest: 0, most: 0, planned: 0 },
      counts: tally.counts(),
    },
    data: tableOf({ name, schedules }),
    warnings: [],
  };

  function draw(on: Panel, progress: Progress, quantity: Quantity): Drawn {
    const tally = new Tally();
    const nodes = looks.flatMap(({ schedule, stroke }) => {
      const { epochs, totalEvaluations } = schedule;
      if (quantity === 'learningRate')
        tally.add('not on a log axis', epochs.filter((row) => on.y.place(row.learningRate) === null).length);
      // Steps: a value holds from the start of its epoch to the start of the next.
      const points = epochs.flatMap((row, i) => {
        const from = progress === 'epoch' ? row.epoch : row.evaluationsBefore;
        const next = epochs[i + 1];
        const to =
          progress === 'epoch'
            ? row.epoch + 1
            : next === undefined
              ? totalEvaluations
              : next.evaluationsBefore;
        const y = row[quantity];
        return [
          { x: from, y },
          { x: to, y },
        ];
      });
      return drawCurve(on, points, stroke);
    });
    return { nodes, tally };
  }
}

function tableOf({ schedules }: ScheduleInput): Table {
  return {
    columns: [
      'schedule',
      'epoch',
      'batch_size',
      'learning_rate',
      'steps',
      'steps_before',
      'evaluations_before',
    ],
    rows: schedules.flatMap(({ label, schedule }) =>
      schedule.epochs.map((row) => [
        label,
        row.epoch,
        row.batchSize,
        row.learningRate,
        row.steps,
        row.stepsBefore,
        row.evaluationsBefore,
      ]),
    ),
  };
}
