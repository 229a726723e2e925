import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { describeReport } from '#shared/import/report.ts';
import type { ImportedSweep } from '#shared/import/sweep.ts';
import { importFile, mappingFor, MappingError } from '#main/lab/import-file.ts';
import { importableStores } from '#main/lab/merge/shards.ts';
import type { ImportOrigin } from '#main/lab/store/types.ts';
import { BadInput } from '../exit-codes.ts';
import { storeFile, withWriter } from '../store-access.ts';
import { count, notice, print, printJson } from '../terminal.ts';
import { analyseFamily, printFamily } from './imported.ts';
import { mergeAll } from './merge.ts';
import { withJson, withStore } from './options.ts';

interface ImportOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly preset?: string;
  readonly map?: string;
  readonly pattern?: string;
  readonly metric?: string;
  readonly name?: string;
  readonly smooth?: boolean;
  readonly dryRun?: boolean;
}

interface Stored {
  readonly isNew: boolean;
  readonly experiments: readonly { readonly key: string; readonly name: string }[];
}

export function addImport(program: Command): void {
  withJson(
    withStore(
      program
        .command('import <file>')
        .description(
          'other people’s sweeps (CSV, TSV, JSON lines, TensorBoard folders), with every analysis their columns allow; shards of another lab',
        ),
    ),
  )
    .option('--preset <name>', 'a known file layout (default: by the file name)')
    .option(
      '--map <file>',
      'a mapping of the columns, YAML or JSON; with --preset it changes only what it names',
    )
    .option(
      '--pattern <text>',
      'run names with {learningRate}, {batchSize}, {seed} (TensorBoard, W&B charts)',
    )
    .option('--metric <name>', 'the TensorBoard tag or W&B metric that is the loss')
    .option('--name <name>', 'name in the store (default: the file name)')
    .option('--smooth', 'optima by a smooth fit over all learning rates instead of three points')
    .option('--dry-run', 'only the report: rows read, kept, dropped and why; nothing is stored')
    .action(async (file: string, options: ImportOptions) => {
      if (!existsSync(file)) throw new BadInput(`${file}: there is no such file.`);
      const shards = await importableStores(file);
      if (shards !== null) return importShards(shards, options);
      const mapping = await mappingFor(file, options).catch((error: unknown) => {
        throw error instanceof MappingError ? new BadInput(error.message) : error;
      });
      const { result, origin } = await importFile(file, mapping, options.name);
      if (!result.ok) {
        if (result.report.rowsRead > 0) for (const line of describeReport(result.report)) notice(line);
        throw new BadInput(`${file}: ${result.message} Nothing was imported.`);
      }
      const dry = options.dryRun === true;
      // The whole file has been read by now, so that a store is touched only when there is something to store.
      const stored = dry ? null : await store(result, origin, options);
      const families = dry
        ? []
        : result.families.map((family) => analyseFamily(family, options.smooth === true));
      if (options.json === true) {
        const { batchUnit, goal, report } = result;
        printJson({ file, batchUnit, goal, report, stored, families });
        return;
      }
      for (const line of describeReport(result.report)) print(line);
      print(
        `${result.families.length} ${result.families.length === 1 ? 'family' : 'families'}, batch sizes in ${result.batchUnit}.`,
      );
      for (const family of families) printFamily(family);
      if (stored === null) print('Dry run: nothing was stored.');
      else printStored(stored, options);
    });
}

/** Experiments of another lab: there is nothing to choose, they come as they are. */
function importShards(shards: readonly string[], options: ImportOptions): Promise<void> {
  const { preset, map, pattern, metric, name, smooth, dryRun } = options;
  const chosen = Object.entries({ preset, map, pattern, metric, name, smooth, dryRun }).find(
    ([, value]) => value !== undefined,
  );
  if (chosen !== undefined)
    throw new BadInput(
      `--${chosen[0].replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)} is for files of numbers; shards of a lab come as they are.`,
    );
  return withWriter(options, (writer) => mergeAll(writer, shards, { json: options.json }));
}

function store(sweep: ImportedSweep, origin: ImportOrigin, options: ImportOptions): Promise<Stored> {
  return withWriter(options, (writer) => {
    const { experiments, isNew } = writer.importSweep(origin, sweep);
    return { isNew, experiments: experiments.map(({ key, name }) => ({ key, name })) };
  });
}

function printStored({ isNew, experiments }: Stored, options: ImportOptions): void {
  const what = count(experiments.length, 'experiment');
  print(
    isNew
      ? `\nStored as ${what} in ${storeFile(options)}:`
      : `\nThis file was imported with this mapping before; nothing was changed. It is ${what} of ${storeFile(options)}:`,
  );
  for (const { key, name } of experiments) print(`${key}  ${name}`);
}
