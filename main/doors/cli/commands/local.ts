import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { Option } from 'commander';
import { ridgeTable } from '#shared/analysis/describe.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { localCurves } from '#main/lab/local-optimum.ts';
import { specificationOf } from '#main/lab/trained.ts';
import { withReader } from '../store-access.ts';
import { printJson } from '../terminal.ts';
import { wholeNumber } from './options.ts';
import type { PointOptions } from './point-options.ts';
import { pointOf, withPoint } from './point-options.ts';
import { addPredict } from './predict.ts';
import { printRidge } from './ridge.ts';

export function addLocal(program: Command): void {
  withPoint(
    program
      .command('local <experiment>')
      .description(
        'the local optimal learning rates at a frozen point of a run, by line search over minibatches',
      ),
  )
    .option('--draws <n>', 'minibatches for each batch size', wholeNumber, 32)
    .addOption(
      new Option(
        '--optimizer-state <state>',
        'cold: the optimizer starts afresh; warm: it keeps the run’s moments',
      )
        .choices(['cold', 'warm'])
        .default('warm'),
    )
    .action((name: string, options: PointOptions & { draws: number; optimizerState: 'cold' | 'warm' }) =>
      withReader(options, async (store) => {
        const experiment = store.experiment(name);
        const point = pointOf(store, experiment, options);
        const curves = await localCurves(specificationOf(experiment), point, {
          draws: options.draws,
          optimizerState: options.optimizerState,
          threads: availableParallelism(),
        });
        const ridge = ridgeOf(curves, { kind: 'local', ...point });
        if (options.json === true)
          printJson({ experiment: experiment.key, name: experiment.name, ...ridgeTable(ridge) });
        else printRidge(ridge);
      }),
    );
  addPredict(program);
}
