/** Well-known data sets: fetching, listing, checking. */
import type { Command } from 'commander';
import type { DataSetName } from '#shared/experiment/data-sets.ts';
import { dataSetNames, textSetNames } from '#shared/experiment/data-sets.ts';
import { addDataSet } from '#main/training/data/sets/add.ts';
import type { SetEntry } from '#main/training/data/sets/catalog.ts';
import { catalog } from '#main/training/data/sets/catalog.ts';
import { damagedFiles, dataFolder, presentSet } from '#main/training/data/sets/folder.ts';
import { BadInput, exitCodes } from '../exit-codes.ts';
import { bytes, count, localTime, notice, print, printJson, table } from '../terminal.ts';
import { withJson } from './options.ts';

interface Json {
  readonly json?: boolean;
}

export function addData(program: Command): void {
  const data = program.command('data').description('well-known data sets: fetch, list, check');
  withJson(data.command('list').description('the sets that can be had, and which are here')).action(list);
  withJson(
    data.command('info <name>').description('what a set is, where it comes from, how to use it'),
  ).action(info);
  withJson(
    data
      .command('add <name>')
      .description('fetch a set, check it and put it into the data folder; continues where it stopped')
      .option('--mirror <url>', 'fetch from URL/FOLDER/FILE instead of the publisher'),
  ).action(add);
  withJson(
    data
      .command('verify [name]')
      .description('compare the files of one set, or of all, with their checksums'),
  ).action(verify);
}

function known(name: string): DataSetName {
  const found = dataSetNames.find((each) => each === name);
  if (found === undefined)
    throw new BadInput(`There is no data set "${name}"; these can be had: ${dataSetNames.join(', ')}.`);
  return found;
}

const sizeOf = (entry: SetEntry) => entry.files.reduce((sum, file) => sum + file.bytes, 0);

function list({ json }: Json): void {
  const root = dataFolder();
  const rows = dataSetNames.map((name) => ({
    name,
    present: presentSet(catalog[name], root) !== null,
    bytes: sizeOf(catalog[name]),
    title: catalog[name].title,
  }));
  if (json === true) return printJson({ folder: root, sets: rows });
  print(
    table(
      ['name', 'here', 'download>', 'what it is'],
      rows.map((row) => [row.name, row.present ? 'yes' : '', bytes(row.bytes), row.title]),
    ),
  );
  notice(`Data folder: ${root}`);
}

function info(asked: string, { json }: Json): void {
  const name = known(asked);
  const entry = catalog[name];
  const present = presentSet(entry, dataFolder());
  if (json === true) return printJson({ name, ...entry, present });
  print(entry.title);
  if (entry.examples !== null)
    print(
      `${count(entry.examples.training, 'training example')}, ${count(entry.examples.evaluation, 'test example')}, ${count(entry.classes ?? 0, 'class').replace(/classs$/, 'classes')}`,
    );
  print(`published at ${entry.home}`);
  for (const file of entry.files)
    print(`  ${file.name}  ${bytes(file.bytes)}  ${file.algorithm} ${file.checksum}\n    ${file.url}`);
  print(
    present === null
      ? `not here; fetch it with: surge data add ${name}`
      : `here since ${localTime(present.manifest.added)}, in ${present.folder}`,
  );
  const isText = textSetNames.some((each) => each === name);
  print(
    `in an experiment file: workload: { kind: ${isText ? 'gpt' : 'cnn'}, data: { source: set, name: ${name} } }`,
  );
}

async function add(asked: string, { json, mirror }: Json & { readonly mirror?: string }): Promise<void> {
  const name = known(asked);
  const from = mirror ?? (process.env.SURGE_DATA_MIRROR || undefined);
  if (from !== undefined && !/^https?:\/\/./.test(from))
    throw new BadInput(`--mirror ${from}: is not an address that begins with http:// or https://`);
  const root = dataFolder();
  const progress = downloadPrinter();
  let outcome;
  try {
    outcome = await addDataSet(name, { root, mirror: from, onProgress: progress.update, onNotice: notice });
  } finally {
    progress.end();
  }
  const present = presentSet(catalog[name], root);
  if (json === true) return printJson({ name, outcome, folder: present?.folder ?? null });
  print(
    `${name} ${outcome === 'present' ? 'is here already' : 'is here, checked'}: ${present?.folder ?? root}`,
  );
}

async function verify(asked: string | undefined, { json }: Json): Promise<void> {
  const root = dataFolder();
  const names =
    asked === undefined
      ? dataSetNames.filter((name) => presentSet(catalog[name], root) !== null)
      : [known(asked)];
  const results = [];
  for (const name of names) results.push({ name, damaged: await damagedFiles(name, root) });
  if (results.some(({ damaged }) => damaged.length > 0)) process.exitCode = exitCodes.error;
  if (json === true) return printJson(results);
  if (results.length === 0) notice(`There is no data set in ${root}.`);
  for (const { name, damaged } of results)
    print(
      damaged.length === 0
        ? `${name}: every file is as published`
        : `${name}: damaged: ${damaged.join(', ')}; remove ${catalog[name].folder} from ${root} and fetch it again with: surge data add ${name}`,
    );
}

const DRAW_MILLISECONDS = 200;
const PLAIN_MILLISECONDS = 5_000;

/** One line that is drawn again on a terminal; elsewhere a line every few seconds. */
function downloadPrinter(): {
  update(this: void, file: string, done: number, total: number | null): void;
  end(): void;
} {
  const terminal = process.stderr.isTTY === true;
  let last = 0;
  let drawn = false;
  return {
    update(file, done, total) {
      const now = Date.now();
      if (now - last < (terminal ? DRAW_MILLISECONDS : PLAIN_MILLISECONDS) && done !== total) return;
      last = now;
      const share = total === null || total === 0 ? '' : ` (${Math.floor((100 * done) / total)} %)`;
      const line = `${file}: ${bytes(done)}${total === null ? '' : ` of ${bytes(total)}`}${share}`;
      if (terminal) process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 100) - 1)}`);
      else notice(line);
      drawn = terminal;
    },
    end() {
      if (drawn) process.stderr.write('\r\x1b[2K');
      drawn = false;
    },
  };
}
