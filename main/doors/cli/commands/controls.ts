import type { Command } from 'commander';
import { describeDefinition } from '#shared/analysis/describe.ts';
import type { Control } from '#shared/protocol/controls.ts';
import { sweepControls, theoryControls } from '#shared/protocol/controls.ts';
import { exitCodes } from '../exit-codes.ts';
import { withReader } from '../store-access.ts';
import { print, printJson, table } from '../terminal.ts';
import type { DefinitionOptions } from './definition-options.ts';
import { definitionOf, withDefinition } from './definition-options.ts';
import type { SmoothOption } from './options.ts';
import { methodOf, withJson, withSmooth, withStore, wholeNumber } from './options.ts';

type ControlOptions = DefinitionOptions &
  SmoothOption & { readonly store?: string; readonly json?: boolean; readonly simulations: number };

export function addControls(program: Command): void {
  withDefinition(
    withSmooth(
      withJson(
        withStore(
          program
            .command('controls [experiment]')
            .description('negative controls: what must not look like a surge, and whether it does'),
        ),
      ),
    ),
  )
    .option('--simulations <n>', 'simulated ridges and permutations', wholeNumber, 200)
    .action(async (name: string | undefined, options: ControlOptions) => {
      const theory = theoryControls();
      const sweep = name === undefined ? null : await controlsOf(name, options);
      const all = [...theory, ...(sweep?.controls ?? [])];
      const behave = all.every(({ behaves }) => behaves !== false);
      if (options.json === true) printJson({ behave, theory, sweep });
      else {
        printControls(theory);
        if (sweep !== null) {
          print(`\n${sweep.name}, ${describeDefinition(sweep.definition)}:`);
          printControls(sweep.controls);
        }
        print(
          behave ? 'All controls behave.' : 'A control does not behave: do not trust a surge found here.',
        );
      }
      if (!behave) process.exitCode = exitCodes.control;
    });
}

function controlsOf(name: string, options: ControlOptions) {
  return withReader(options, (store) => {
    const experiment = store.experiment(name);
    const curves = store.curveSet(experiment.id, 'evaluationLoss');
    const definition = definitionOf(options, curves);
    const method = methodOf(options);
    const controls = sweepControls(curves, definition, { simulations: options.simulations, method });
    return { experiment: experiment.key, name: experiment.name, definition, method, controls };
  });
}

function printControls(controls: readonly Control[]): void {
  print(
    table(
      ['', 'control', 'expected', 'found'],
      controls.map(({ behaves, title, expected, found }) => [
        behaves === null ? 'none' : behaves ? 'pass' : 'FAIL',
        title,
        expected,
        found,
      ]),
    ),
  );
}
