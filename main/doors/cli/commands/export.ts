import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { exportCsv, exportJson } from '#main/lab/export.ts';
import { requireOutputFolder } from '../output-folder.ts';
import { withReader } from '../store-access.ts';
import { bytes, count, print, printJson } from '../terminal.ts';
import { withJson, withStore } from './options.ts';

export function addExport(program: Command): void {
  withJson(
    withStore(
      program.command('export <experiment>').description('every row of an experiment as CSV or JSON'),
    ),
  )
    .option('--format <format>', 'csv or json', format, 'csv')
    .option('--out <folder>', 'where the files go', '.')
    .option('--training', 'the training loss of every step too')
    .action(
      (
        name: string,
        options: { store?: string; json?: boolean; format: 'csv' | 'json'; out: string; training?: boolean },
      ) =>
        withReader(options, async (store) => {
          const experiment = store.experiment(name);
          await requireOutputFolder(options.out);
          const training = options.training === true;
          if (options.format === 'csv') {
            const manifest = await exportCsv(store, experiment.id, options.out, { training });
            if (options.json === true) printJson(manifest);
            else
              print(
                `Wrote ${manifest.files.map((f) => f.name).join(', ')} and manifest.json to ${options.out}.`,
              );
          } else {
            const file = join(options.out, `${experiment.key}.json`);
            const result = await exportJson(store, experiment.id, file, { training });
            if (options.json === true) printJson({ file, ...result });
            else print(`Wrote ${file}: ${count(result.cells, 'cell')}, ${bytes(result.bytes)}.`);
          }
        }),
    );
}

function format(text: string): 'csv' | 'json' {
  if (text === 'csv' || text === 'json') return text;
  throw new InvalidArgumentError('choose csv or json.');
}
