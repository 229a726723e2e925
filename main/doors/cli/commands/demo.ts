/** The whole path in one command: real digits, a real sweep, the moving peak, figures. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { resampling } from '#shared/analysis/resampling.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { migrationOverLoss } from '#shared/analysis/migration.ts';
import { findOrCreateExperiment } from '#main/lab/create-experiment.ts';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { figureSpecificationSchema } from '#shared/figure/specification.ts';
import { printSet } from '#main/lab/print/print-set.ts';
import { writeFiles } from '#main/lab/print/write-files.ts';
import { dataChecksum } from '#main/lab/scheduler/calibration.ts';
import { installEngine } from '#main/setup/install-engine.ts';
import { progressPrinter } from '#main/setup/engine-commands.ts';
import { exitCodes } from '../exit-codes.ts';
import { withWriter } from '../store-access.ts';
import { duration, notice, print } from '../terminal.ts';
import { printMigration } from './migrate.ts';
import { printRidge } from './ridge.ts';
import type { TrainingOptions } from './run-options.ts';
import { runOptions, withTraining } from './run-options.ts';
import { lastWord, train } from './train.ts';

const EXPERIMENT = fileURLToPath(
  new URL('../../../../resources/experiments/digits-sign.yaml', import.meta.url),
);
const STEPS = [3, 10, 40, 160];
const TARGETS = [2, 1.4, 0.9, 0.7, 0.5];
const MORE_STEPS = 10;

export function addDemo(program: Command): void {
  withTraining(
    program
      .command('demo')
      .description(
        'train a sweep on real digits and show the surge: ridge, moving peak, figures (about a minute)',
      ),
  )
    .option('--out <folder>', 'where the store and the figures go', 'demo-output')
    .action(async (options: TrainingOptions & { out: string }) => {
      const { onProgress, finish } = progressPrinter();
      await installEngine({ variant: 'auto', onProgress }).finally(finish);
      const folder = resolve(options.out);
      mkdirSync(folder, { recursive: true });
      const store = join(folder, 'demo.surge');
      const { specification } = await readExperimentFile(EXPERIMENT);
      const checksum = await dataChecksum(specification);
      await withWriter({ store }, async (writer) => {
        const { experiment } = findOrCreateExperiment(writer, specification, checksum);
        notice(`Training ${experiment.cells} networks on real digits …`);
        const { outcome, exitCode, seconds } = await train(writer, experiment, runOptions(options));
        const after = writer.experiment(experiment.key);
        print(`${lastWord(after, outcome)} (${duration(seconds)})`);
        process.exitCode = exitCode;
        if (exitCode !== exitCodes.ok) return;

        const curves = writer.curveSet(experiment.id, 'evaluationLoss');
        const bootstrap = resampling(curves.seeds.length);
        for (const step of STEPS) {
          print('');
          printRidge(ridgeOf(curves, { kind: 'equal-steps', step }, { bootstrap }));
        }
        print('\nAt equal steps the peak moves to smaller batches as training goes on:');
        printMigration(STEPS.map((step) => ridgeOf(curves, { kind: 'equal-steps', step }, { bootstrap })));
        print(`\nAt equal loss (reach the target, then ${MORE_STEPS} more steps) it moves to larger ones:`);
        printMigration(migrationOverLoss(curves, TARGETS, MORE_STEPS));
        const figures = [
          { kind: 'losses', steps: STEPS },
          { kind: 'heat-map', step: STEPS.at(-1) },
          { kind: 'ridge' },
          { kind: 'migration', by: 'steps', steps: STEPS },
          { kind: 'migration', by: 'loss', targets: TARGETS, moreSteps: MORE_STEPS },
        ].map((figure) => figureSpecificationSchema.parse({ ...figure, experiment: experiment.key }));
        const printed = await printSet(figures, writer, {
          formats: ['svg', 'csv'],
          dpi: 300,
          outline: false,
        });
        const files = await writeFiles(
          folder,
          printed.flatMap((figure) => figure.files),
        );
        print(`\nStore: ${store}`);
        for (const file of files) print(`Wrote ${file}`);
        print(`\nNext: npm run -s surge -- ridge ${experiment.key} --store ${store} --step 20`);
      });
    });
}
