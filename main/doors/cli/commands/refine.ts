import { existsSync, renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { DEFAULT_REFINEMENT, refineExperiment } from '#main/lab/refinement.ts';
import { BadInput } from '../exit-codes.ts';
import { specificationOf } from '#main/lab/trained.ts';
import { withReader } from '../store-access.ts';
import { learningRate, print } from '../terminal.ts';
import type { DefinitionOptions } from './definition-options.ts';
import { definitionOf, withDefinition } from './definition-options.ts';
import { positiveNumber, withStore, wholeNumber } from './options.ts';

export function addRefine(program: Command): void {
  withDefinition(
    withStore(
      program
        .command('refine <experiment> <file>')
        .description(
          'write an experiment file with more learning rates around the optima; run trains only those',
        ),
    ),
  )
    .option(
      '--factor <x>',
      'how far around each optimum, as a ratio',
      positiveNumber,
      DEFAULT_REFINEMENT.factor,
    )
    .option('--points <n>', 'new learning rates around each optimum', wholeNumber, DEFAULT_REFINEMENT.points)
    .action(
      (
        name: string,
        file: string,
        options: DefinitionOptions & { store?: string; factor: number; points: number },
      ) =>
        withReader(options, (store) => {
          if (existsSync(file)) throw new BadInput(`${file} exists already; choose another name.`);
          const experiment = store.experiment(name);
          const curves = store.curveSet(experiment.id, 'evaluationLoss');
          const refined = refineExperiment(
            specificationOf(experiment),
            curves,
            definitionOf(options, curves),
            options,
          );
          if (refined === null) throw new BadInput('There is no optimum yet to add learning rates around.');
          const { text, added } = refined;
          writeFileSync(`${file}.tmp`, text);
          renameSync(`${file}.tmp`, file);
          print(
            `Wrote ${file} with ${added.length} more learning rates: ${added.map(learningRate).join('  ')}`,
          );
          print(`surge run ${file} trains only the new cells.`);
        }),
    );
}
