import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { holdRequestFile } from '#main/lab/scheduler/run-experiment.ts';
import { openStore, openStoreReadOnly, StoreError } from '#main/lab/store/index.ts';
import { BadInput } from '../exit-codes.ts';
import { requireStore, storeFile, withExistingWriter } from '../store-access.ts';
import { count, print } from '../terminal.ts';
import { withStore } from './options.ts';
import { overallState } from './status.ts';

export function addManage(program: Command): void {
  withStore(
    program.command('pause <experiment>').description('stop cleanly, also when another process runs it'),
  ).action((name: string, options: { store?: string }) => pause(name, options));

  withStore(program.command('delete <experiment>').description('remove an experiment and what only it uses'))
    .option('--yes', 'do it; without this only say what would be removed')
    .action((name: string, options: { store?: string; yes?: boolean }) =>
      withExistingWriter(options, (store) => {
        const experiments = store.experimentOrFamilies(name);
        if (options.yes !== true)
          throw new BadInput(
            experiments
              .map(
                (e) =>
                  `This would remove "${e.name}" (${e.key}) with ${count(e.cells, 'cell')} and their curves.`,
              )
              .join('\n') + ' Add --yes to do it, or archive it instead.',
          );
        for (const experiment of experiments) {
          store.deleteExperiment(experiment.id);
          print(`Removed "${experiment.name}" (${experiment.key}).`);
        }
      }),
    );

  withStore(program.command('archive <experiment>').description('hide an experiment from the list'))
    .option('--undo', 'show it again')
    .action((name: string, options: { store?: string; undo?: boolean }) =>
      withExistingWriter(options, (store) => {
        const experiment = store.experiment(name);
        store.archive(experiment.id, options.undo !== true);
        print(`${options.undo === true ? 'Restored' : 'Archived'} "${experiment.name}" (${experiment.key}).`);
      }),
    );
}

/** The process that runs the sweep has the store to itself, so the wish is left beside it where that process looks. */
function pause(name: string, options: { store?: string }): void {
  const file = storeFile(options);
  requireStore(file);
  try {
    const store = openStore(file);
    try {
      const experiment = store.experiment(name);
      if (overallState(experiment) === 'complete')
        return print(`"${experiment.name}" is complete: there is nothing to pause.`);
      store.hold(experiment.id, 'paused on request');
      print(`"${experiment.name}" is not being trained now; it is held until surge resume.`);
    } finally {
      store.close();
    }
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'locked') throw error;
    const store = openStoreReadOnly(file);
    try {
      const experiment = store.experiment(name);
      writeFileSync(holdRequestFile(store, experiment.key), '');
      const isTrained = store.stacks(experiment.id).some(({ state }) => state === 'running');
      print(
        isTrained
          ? `Asked the process that trains "${experiment.name}" to stop; surge resume continues it.`
          : `"${experiment.name}" is not being trained now; the process that writes the store was asked to leave it alone.`,
      );
    } finally {
      store.close();
    }
  }
}
