import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import {
  describeDefinition,
  describeMigration,
  formatLearningRate,
  migrationTable,
} from '#shared/analysis/describe.ts';
import {
  defaultTargets,
  migrationOverLoss,
  migrationOverSamples,
  migrationOverSteps,
} from '#shared/analysis/migration.ts';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { withReader } from '../store-access.ts';
import { print, printJson, table } from '../terminal.ts';
import { DEFAULT_MORE_STEPS } from './definition-options.ts';
import { finiteNumbers, methodOf, withJson, withSmooth, withStore, wholeNumber } from './options.ts';

export interface MigrationOptions {
  readonly by: 'steps' | 'samples' | 'loss';
  readonly targets?: number[];
  readonly moreSteps: number;
  readonly smooth?: boolean;
}

export function addMigrate(program: Command): void {
  withSmooth(
    withJson(
      withStore(
        program
          .command('migrate <experiment>')
          .description('the path of the peak as training goes on, at equal steps, samples or loss'),
      ),
    ),
  )
    .option('--by <axis>', 'steps, samples or loss', axis, 'steps')
    .option(
      '--targets <losses>',
      'target losses, comma-separated (default: chosen from the curves)',
      finiteNumbers,
    )
    .option(
      '--more-steps <k>',
      'with --by loss: further steps after the target',
      wholeNumber,
      DEFAULT_MORE_STEPS,
    )
    .action((name: string, options: MigrationOptions & { store?: string; json?: boolean }) =>
      withReader(options, (store) => {
        const experiment = store.experiment(name);
        const ridges = migrationOf(store.curveSet(experiment.id, 'evaluationLoss'), options);
        if (options.json === true)
          printJson({
            experiment: experiment.key,
            name: experiment.name,
            by: options.by,
            method: methodOf(options),
            ...migrationTable(ridges),
          });
        else printMigration(ridges);
      }),
    );
}

export function migrationOf(curves: CurveSet, { by, targets, moreSteps, smooth }: MigrationOptions): Ridge[] {
  const method = methodOf({ smooth });
  switch (by) {
    case 'steps':
      return migrationOverSteps(curves, { method });
    case 'samples':
      return migrationOverSamples(curves, { method });
    case 'loss':
      return migrationOverLoss(curves, targets ?? defaultTargets(curves, moreSteps), moreSteps, 'each-seed', {
        method,
      });
  }
}

export function printMigration(ridges: readonly Ridge[]): void {
  if (ridges.length === 0) return print('No mark has an optimal learning rate yet.');
  const percent = (p: number | null) => (p === null ? '–' : `${Math.round(100 * p)} %`);
  print(
    table(
      [
        'definition',
        'peak B>',
        '5–95 %>',
        'learning rate>',
        '5–95 %>',
        'rise>',
        'fall>',
        'P(rise)>',
        'P(fall)>',
        'note',
      ],
      ridges.map(({ definition, peak }) =>
        peak === null
          ? [describeDefinition(definition), '–', '–', '–', '–', '–', '–', '–', '–', 'no optimum']
          : [
              describeDefinition(definition),
              String(peak.batchSize),
              peak.interval === null ? '–' : `${peak.interval.low}–${peak.interval.high}`,
              formatLearningRate(peak.learningRate),
              peak.learningRateInterval === null
                ? '–'
                : `${formatLearningRate(peak.learningRateInterval.low)}–${formatLearningRate(peak.learningRateInterval.high)}`,
              `×${peak.riseFromSmallest.toFixed(2)}`,
              `×${peak.fallToLargest.toFixed(2)}`,
              percent(peak.probabilityOfRise),
              percent(peak.probabilityOfFall),
              peak.flags.join(', '),
            ],
      ),
    ),
  );
  print(describeMigration(ridges));
}

function axis(text: string): MigrationOptions['by'] {
  if (text === 'steps' || text === 'samples' || text === 'loss') return text;
  throw new InvalidArgumentError('choose steps, samples or loss.');
}
