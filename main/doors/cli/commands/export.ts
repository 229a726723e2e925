import { join } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { exportJson, exportTables, tableFormats, type TableFormat } from '#main/lab/export/index.ts';
import { requireOutputFolder } from '../output-folder.ts';
import { withReader } from '../store-access.ts';
import { bytes, count, print, printJson } from '../terminal.ts';
import { withJson, withStore } from './options.ts';

interface ExportOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly format: TableFormat | 'json';
  readonly out: string;
  readonly training?: boolean;
}

export function addExport(program: Command): void {
  withJson(
    withStore(
      program.command('export <experiment>').description('every row of an experiment as plain files'),
    ),
  )
    .addOption(
      new Option('--format <format>', 'of the tables; json: one document')
        .choices([...tableFormats, 'json'])
        .default('csv'),
    )
    .option('--out <folder>', 'where the files go', '.')
    .option('--training', 'the training loss of every step too')
    .action((name: string, options: ExportOptions) =>
      withReader(options, async (store) => {
        const experiment = store.experiment(name);
        await requireOutputFolder(options.out);
        const { format, out, training } = options;
        if (format === 'json') {
          const file = join(out, `${experiment.key}.json`);
          const result = await exportJson(store, experiment, file, { training });
          if (options.json === true) printJson({ file, ...result });
          else print(`Wrote ${file}: ${count(result.cells, 'cell')}, ${bytes(result.bytes)}.`);
          return;
        }
        const manifest = await exportTables(store, experiment, out, { format, training });
        if (options.json === true) printJson(manifest);
        else print(`Wrote ${manifest.files.map((f) => f.name).join(', ')} and manifest.json to ${out}.`);
      }),
    );
}
