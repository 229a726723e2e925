import { join } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { exportJson, exportTables, tableFormats, type TableFormat } from '#main/lab/export/index.ts';
import { exportShards } from '#main/lab/merge/shards.ts';
import type { ReadableStore } from '#main/lab/store/types.ts';
import { BadInput, exitCodes } from '../exit-codes.ts';
import { requireOutputFolder } from '../output-folder.ts';
import { withReader } from '../store-access.ts';
import { bytes, count, notice, print, printJson } from '../terminal.ts';
import { withJson, withStore } from './options.ts';

interface ExportOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly format: TableFormat | 'json';
  readonly out: string;
  readonly training?: boolean;
  readonly shards?: boolean;
}

export function addExport(program: Command): void {
  withJson(
    withStore(
      program
        .command('export <experiments...>')
        .description('every row of an experiment as plain files, or experiments for another lab'),
    ),
  )
    .addOption(
      new Option('--format <format>', 'of the tables; json: one document')
        .choices([...tableFormats, 'json'])
        .default('csv'),
    )
    .option('--out <folder>', 'where the files go', '.')
    .option('--training', 'the training loss of every step too')
    .option('--shards', 'a folder for "surge import" in another lab, of one experiment or several')
    .action((names: string[], options: ExportOptions, command: Command) =>
      withReader(options, async (store) => {
        if (options.shards === true) return shards(store, names, options, command);
        if (names.length > 1)
          throw new BadInput(
            'Tables are of one experiment: export one after the other, each with its --out.',
          );
        const experiment = store.experiment(names[0]);
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

async function shards(
  store: ReadableStore,
  names: readonly string[],
  { out, json, training }: ExportOptions,
  command: Command,
): Promise<void> {
  const given = (option: string) => command.getOptionValueSource(option) === 'cli';
  if (!given('out')) throw new BadInput('Shards are a folder of their own: name it with --out FOLDER.');
  if (training === true || given('format'))
    throw new BadInput('--shards carries everything; --format and --training are for tables.');
  const experiments = names.flatMap((name) => store.experimentOrFamilies(name));
  const { manifest, problems } = await exportShards(store.file, experiments, out);
  if (json === true) printJson({ folder: out, ...manifest, problems });
  else {
    const size = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    const list = manifest.experiments.map(({ name }) => `"${name}"`).join(', ');
    print(`Wrote ${list} to ${out}: ${bytes(size)}. Take it in with: surge import ${out}`);
  }
  for (const problem of problems) notice(problem);
  if (problems.length > 0) process.exitCode = exitCodes.store;
}
