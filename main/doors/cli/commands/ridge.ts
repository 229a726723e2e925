import type { Command } from 'commander';
import { formatLearningRate, describeRidge, ridgeTable } from '#shared/analysis/describe.ts';
import type { Interval } from '#shared/analysis/resampling.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { batchUnitOf } from '#shared/experiment/batch-unit.ts';
import { experimentWarnings, ridgeWarnings } from '#shared/protocol/ridge-warnings.ts';
import { BadInput } from '../exit-codes.ts';
import { withReader } from '../store-access.ts';
import { print, printResults, table } from '../terminal.ts';
import { printWarnings } from '../warnings.ts';
import type { DefinitionOptions } from './definition-options.ts';
import { definitionOf, withDefinition } from './definition-options.ts';
import { familyWithoutCurves, noRidge, printFamilyRidge } from './imported.ts';
import type { SmoothOption } from './options.ts';
import { methodOf, withJson, withSmooth, withStore } from './options.ts';

export function addRidge(program: Command): void {
  withDefinition(
    withSmooth(
      withJson(
        withStore(
          program
            .command('ridge <experiment>')
            .description('the optimal learning rate of each batch size, with intervals, flags and the peak'),
        ),
      ),
    ),
  ).action((name: string, options: DefinitionOptions & SmoothOption & { store?: string; json?: boolean }) =>
    withReader(options, (store) => {
      const experiments = store.experimentOrFamilies(name);
      const results = experiments.map((experiment) => {
        const head = { experiment: experiment.key, name: experiment.name };
        const family = familyWithoutCurves(store, experiment, options);
        if (family !== null) {
          const { method, ridge, analyses, warnings } = family;
          if (ridge === null && experiments.length === 1)
            throw new BadInput(noRidge(family, experiment.name));
          const show = () => {
            if (ridge === null) return print(noRidge(family, experiment.name));
            print(`${experiment.name}: optima of the final losses as published (${method}).`);
            printFamilyRidge(ridge);
            printWarnings(warnings);
          };
          return {
            json: { ...head, definition: 'final losses', method, points: ridge, analyses, warnings },
            show,
          };
        }
        const curves = store.curveSet(experiment.id, 'evaluationLoss');
        const ridge = ridgeOf(curves, definitionOf(options, curves), { method: methodOf(options) });
        const warnings = [...ridgeWarnings(ridge), ...experimentWarnings(experiment.specification)];
        const show = () => {
          if (experiments.length > 1) print(`${experiment.name}:`);
          printRidge(ridge);
          if (experiment.specification !== null)
            print(`a batch counts ${batchUnitOf(experiment.specification)}`);
          printWarnings(warnings);
        };
        return { json: { ...head, ...ridgeTable(ridge), warnings }, show };
      });
      printResults(results, options.json === true);
    }),
  );
}

export function printRidge(ridge: Ridge): void {
  print(describeRidge(ridge));
  if (ridge.method === 'smooth') print('Optima by a smooth fit over all learning rates.');
  const targeted = ridge.points.some((p) => p.reachedAt !== null);
  print(
    table(
      [
        'batch size>',
        'learning rate>',
        '5–95 %>',
        'score>',
        ...(targeted ? ['reached at>'] : []),
        'seeds>',
        'flags',
      ],
      ridge.points.map((p) => [
        String(p.batchSize),
        p.learningRate === null ? '–' : formatLearningRate(p.learningRate),
        range(p.interval),
        p.score === null ? '–' : String(Number(p.score.toPrecision(4))),
        ...(targeted ? [p.reachedAt === null ? '–' : p.reachedAt.toFixed(1)] : []),
        String(p.seeds),
        [...p.flags, ...droppedNote(p.dropped)].join(', '),
      ]),
    ),
  );
}

function droppedNote(dropped: Ridge['points'][number]['dropped']): string[] {
  return (['diverged', 'censored', 'missing'] as const).flatMap((reason) => {
    const rates = dropped.filter((d) => d.reason === reason).length;
    return rates === 0 ? [] : [`${rates} learning ${rates === 1 ? 'rate' : 'rates'} ${reason}`];
  });
}

function range(interval: Interval | null): string {
  return interval === null ? '–' : `${formatLearningRate(interval.low)}–${formatLearningRate(interval.high)}`;
}
