import { existsSync, renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { specificationToYaml } from '#shared/experiment/file.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { refinedRates } from '#shared/experiment/refine.ts';
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
    .option('--factor <x>', 'how far around each optimum, as a ratio', positiveNumber, 1.5)
    .option('--points <n>', 'new learning rates around each optimum', wholeNumber, 4)
    .action(
      (
        name: string,
        file: string,
        options: DefinitionOptions & { store?: string; factor: number; points: number },
      ) =>
        withReader(options, (store) => {
          if (existsSync(file)) throw new BadInput(`${file} exists already; choose another name.`);
          const experiment = store.experiment(name);
          const { id } = experiment;
          const specification = specificationOf(experiment);
          const curves = store.curveSet(id, 'evaluationLoss');
          const optima = ridgeOf(curves, definitionOf(options, curves)).points.flatMap((p) =>
            p.learningRate === null ? [] : [p.learningRate],
          );
          if (optima.length === 0)
            throw new BadInput('There is no optimum yet to add learning rates around.');
          const known = [...expandGrid(specification).learningRates];
          const added: number[] = [];
          for (const around of optima)
            added.push(
              ...refinedRates([...known, ...added], {
                around,
                factor: options.factor,
                points: options.points,
              }),
            );
          added.sort((a, b) => a - b);
          const { learningRates } = specification;
          const text = specificationToYaml({
            ...specification,
            learningRates: { ...learningRates, extra: [...learningRates.extra, ...added] },
          });
          writeFileSync(`${file}.tmp`, text);
          renameSync(`${file}.tmp`, file);
          print(
            `Wrote ${file} with ${added.length} more learning rates: ${added.map(learningRate).join('  ')}`,
          );
          print(`surge run ${file} trains only the new cells.`);
        }),
    );
}
