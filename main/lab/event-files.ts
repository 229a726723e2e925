/** A folder of runs with TensorBoard event files as a table: one row a scalar of the loss. */
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import type { Table, TableRow } from '#shared/import/delimited.ts';
import { flatten } from '#shared/import/jsonl.ts';
import type { ImportMapping } from '#shared/import/mapping.ts';
import { isEventFile } from '#shared/import/presets.ts';
import type { RunPattern } from '#shared/import/run-pattern.ts';
import { runPattern } from '#shared/import/run-pattern.ts';
import { scalarsOf, tensorRecords } from '#shared/import/tensorboard.ts';
import { ImportError } from '#shared/import/text.ts';

/** Takes note of every byte that decides the result. */
interface Witness {
  readonly hash: Hash;
  readonly count: (bytes: number) => void;
}

/** Settings beside the events of a run, the first that is there. */
const SETTINGS = ['hparams', 'config', 'params', 'args'].flatMap((name) =>
  ['json', 'yaml', 'yml'].map((ending) => `${name}.${ending}`),
);
const LARGEST_SETTINGS = 16 * 1024 * 1024;

interface Run {
  /** Path of its folder from where the import began, with slashes. */
  readonly name: string;
  readonly folder: string;
  readonly files: string[];
}

async function findRuns(path: string): Promise<Run[]> {
  if (!(await stat(path)).isDirectory()) {
    const folder = dirname(resolve(path));
    return [{ name: basename(folder), folder, files: [path] }];
  }
  const root = resolve(path);
  const runs = new Map<string, Run>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !isEventFile(entry.name)) continue;
    const folder = entry.parentPath;
    const name = folder === root ? basename(root) : relative(root, folder).split(sep).join('/');
    const run = runs.get(name) ?? { name, folder, files: [] };
    runs.set(name, run);
    run.files.push(join(folder, entry.name));
  }
  const inOrder = (a: string, b: string) => (a < b ? -1 : 1);
  for (const { files } of runs.values()) files.sort(inOrder);
  return [...runs.values()].sort((a, b) => inOrder(a.name, b.name));
}

async function settingsBeside(folder: string, witness: Witness): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const names = await readdir(folder);
  const name = SETTINGS.find((known) => names.includes(known));
  if (name === undefined) return values;
  const file = join(folder, name);
  if ((await stat(file)).size > LARGEST_SETTINGS)
    throw new ImportError(`${file} is too large to be settings.`);
  const text = await readFile(file);
  witness.hash.update(text);
  witness.count(text.length);
  try {
    flatten(parse(text.toString('utf8')), '', values);
  } catch (error) {
    throw new ImportError(`${file} cannot be read as settings: ${(error as Error).message}`);
  }
  return values;
}

/** Tags of the scalars of a file. */
async function tagsOf(file: string): Promise<string[]> {
  const tags = new Set<string>();
  for await (const record of tensorRecords(createReadStream(file)))
    if (record.kind === 'record') for (const { tag } of scalarsOf(record.data) ?? []) tags.add(tag);
  return [...tags];
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

/**
 * Rows have the columns run, step, wallTime, loss, those of the pattern and those of the settings file; their line is
 * the number of the scalar, counted over all files. A record with a wrong checksum is dropped with its reason; a last
 * record that is cut off is noted. Throws ImportError without event files, without a tag that can be told, or when no
 * run's name has the pattern.
 */
export async function readEventFiles(path: string, mapping: ImportMapping, witness: Witness): Promise<Table> {
  const found = await findRuns(path);
  if (found.length === 0)
    throw new ImportError(`${path} has no event files (events.out.tfevents.…), also not in its folders.`);
  const pattern = mapping.runs.pattern === undefined ? null : runPattern(mapping.runs.pattern);
  const matched = pattern === null ? found : found.filter(({ name }) => pattern.match(name) !== null);
  if (matched.length === 0)
    throw new ImportError(
      `No run's folder has the pattern "${mapping.runs.pattern}"; the first is "${found[0].name}".`,
    );
  let tag = mapping.runs.metric;
  if (tag === undefined) {
    const tags = await tagsOf(matched[0].files[0]);
    if (tags.length > 1)
      throw new ImportError(`Choose the tag that is the loss (--metric): the runs have ${list(tags)}.`);
    [tag] = tags;
  }
  if (tag === undefined)
    throw new ImportError(`${matched[0].files[0]} has no scalars; name the tag of the loss with --metric.`);
  const notes: string[] = [];
  const left = found.length - matched.length;
  if (left > 0)
    notes.push(
      `${left} runs were left out, since their folders do not have the pattern "${mapping.runs.pattern}".`,
    );
  return { columns: null, rows: rowsOf(matched, pattern, tag, witness, notes), notes: () => notes };
}

async function* rowsOf(
  runs: readonly Run[],
  pattern: RunPattern | null,
  tag: string,
  witness: Witness,
  notes: string[],
): AsyncGenerator<TableRow> {
  const others = new Set<string>();
  let line = 0;
  let used = 0;
  let truncated = 0;
  for (const { name, folder, files } of runs) {
    witness.hash.update(`${name}\0`);
    const values = await settingsBeside(folder, witness);
    for (const [column, text] of pattern?.match(name) ?? []) values.set(column, text);
    values.set('run', name);
    const fault = (what: string): TableRow => ({
      line: ++line,
      value: (column) => values.get(column),
      fault: what,
    });
    for (const file of files) {
      const bytes = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
          witness.hash.update(chunk);
          witness.count(chunk.length);
          yield chunk;
        }
      };
      for await (const record of tensorRecords(bytes())) {
        if (record.kind === 'truncated') truncated++;
        else if (record.kind === 'damaged') yield fault(`a wrong checksum in ${name}/${basename(file)}`);
        else if (record.kind === 'lost')
          yield fault(`a damaged length: the rest of ${name}/${basename(file)} cannot be read`);
        else {
          const scalars = scalarsOf(record.data);
          if (scalars === null) yield fault(`no TensorBoard event in ${name}/${basename(file)}`);
          for (const scalar of scalars ?? []) {
            if (scalar.tag !== tag) {
              others.add(scalar.tag);
              continue;
            }
            used++;
            const own = new Map([
              ['step', String(scalar.step)],
              ['wallTime', String(scalar.wallTime)],
              ['loss', String(scalar.value)],
            ]);
            yield { line: ++line, value: (column) => own.get(column) ?? values.get(column) };
          }
        }
      }
    }
  }
  if (truncated > 0)
    notes.push(
      `${truncated} event files end within a record: their writers were stopped, or are at work still. What was whole is read.`,
    );
  if (used === 0 && others.size > 0)
    throw new ImportError(`No scalar has the tag "${tag}"; the runs have ${list([...others])}.`);
}
