import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { machineWorkforce } from '#main/lab/scheduler/machine.ts';
import { openStoreReadOnly, rebuildStore, StoreError } from '#main/lab/store/index.ts';
import { checkEngine } from '#main/setup/check-engine.ts';
import { describeEngine } from '#main/setup/engine-commands.ts';
import { exitCodes } from '../exit-codes.ts';
import { storeFile } from '../store-access.ts';
import { count, print, printJson } from '../terminal.ts';
import { withJson, withStore } from './options.ts';

export function addDoctor(program: Command): void {
  withJson(
    withStore(
      program.command('doctor').description('check machine, engine and store; rebuild a damaged store'),
    ),
  )
    .option('--rebuild', 'make the store anew from its journal and spools; the old file is kept beside it')
    .action(async (options: { store?: string; json?: boolean; rebuild?: boolean }) => {
      const file = storeFile(options);
      if (options.rebuild === true) {
        const rebuilt = rebuildStore(file);
        if (options.json === true) printJson({ store: file, ...rebuilt });
        else
          print(
            `Rebuilt ${file}: ${count(rebuilt.experiments, 'experiment')}, ${count(rebuilt.stacks, 'stack')}${rebuilt.skipped > 0 ? `, ${count(rebuilt.skipped, 'unreadable journal line')} skipped` : ''}${rebuilt.kept === null ? '' : `. The old file is kept as ${rebuilt.kept}`}.`,
          );
        return;
      }
      const engine = await checkEngine();
      const store = inspectStore(file);
      const workforce = machineWorkforce();
      if (options.json === true) printJson({ node: process.version, workforce, engine, store });
      else {
        print(
          `Node ${process.version}; ${count(workforce.trainers, 'trainer')} of ${count(workforce.threads, 'thread')} would run at once.`,
        );
        print(engine.ok ? describeEngine(engine).trimEnd() : `${engine.message}\n${engine.wayOut}`);
        print(store.message);
      }
      process.exitCode = !engine.ok ? exitCodes.engine : store.ok ? exitCodes.ok : exitCodes.store;
    });
}

function inspectStore(file: string): { ok: boolean; file: string; experiments: number; message: string } {
  if (!existsSync(file))
    return {
      ok: true,
      file,
      experiments: 0,
      message: `Store ${file}: not there yet; the first run creates it.`,
    };
  try {
    const store = openStoreReadOnly(file, { check: true });
    const experiments = store.experiments().length;
    store.close();
    return {
      ok: true,
      file,
      experiments,
      message: `Store ${file}: sound, ${count(experiments, 'experiment')}.`,
    };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { ok: false, file, experiments: 0, message: error.message };
  }
}
