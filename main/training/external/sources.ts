/** Where results come from: lines of standard output, a table or event files that grow while the program runs. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ExternalWorkload } from '#shared/experiment/external.ts';
import { readDelimited } from '#shared/import/delimited.ts';
import { flatten, parseJsonLine } from '#shared/import/jsonl.ts';
import { isEventFile } from '#shared/import/presets.ts';
import { scalarsOf, tensorRecords } from '#shared/import/tensorboard.ts';
import { ImportError } from '#shared/import/text.ts';
import type { Results } from './results.ts';

const POLL_MILLISECONDS = 200;
const CHUNK_BYTES = 1 << 16;
/** A longer line is log, whatever it holds. */
const LONGEST_LINE = 1 << 20;

/** Results found in files; `stop` reads what is left and resolves with what a person should know. */
export interface Source {
  stop(): Promise<string[]>;
}

/** `heard`: something new came, so the program is not silent. */
export function openSource(
  { results: from, metrics }: ExternalWorkload,
  output: string,
  results: Results,
  heard: () => void,
): Source {
  switch (from.from) {
    case 'output':
      return { stop: () => Promise.resolve([]) };
    case 'csv':
      return reader((ended) => readTable(join(output, from.file), results, ended, heard));
    case 'tensorboard':
      return reader((ended) =>
        readEvents(join(output, from.folder), Object.values(metrics), metrics.step, results, ended, heard),
      );
  }
}

/** Whether the program has ended: what comes from now on is all there will be. */
interface Ended {
  now: boolean;
}

function reader(read: (ended: Ended) => Promise<string[]>): Source {
  const ended = { now: false };
  const reading = read(ended).catch((error: unknown) => {
    // Other people's files: what cannot be read is said, and the cell is judged by what could.
    if (error instanceof ImportError || (error as NodeJS.ErrnoException).code !== undefined)
      return [(error as Error).message];
    throw error;
  });
  reading.catch(() => {});
  return {
    stop: () => {
      ended.now = true;
      return reading;
    },
  };
}

/** The bytes of a file that need not exist yet, as they come. A file that is written anew is read on where it was. */
async function* follow(file: string, ended: Ended, heard: () => void): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (;;) {
    const isLast = ended.now;
    const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    try {
      for (;;) {
        if (handle === null) break;
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
        if (bytesRead === 0) break;
        offset += bytesRead;
        heard();
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle?.close();
    }
    if (isLast) return;
    if (!ended.now) await setTimeout(POLL_MILLISECONDS);
  }
}

async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
}

async function readTable(file: string, results: Results, ended: Ended, heard: () => void): Promise<string[]> {
  let bytes = 0;
  const counted = async function* () {
    for await (const text of decoded(follow(file, ended, heard))) {
      bytes += text.length;
      yield text;
    }
  };
  let faults = 0;
  let first = '';
  try {
    const { rows } = await readDelimited(counted());
    for await (const { line, value, fault } of rows) {
      if (fault === undefined) {
        results.take(value);
        continue;
      }
      faults++;
      if (first === '') first = `line ${line}: ${fault}`;
    }
  } catch (error) {
    if (bytes === 0) return [`${file} is missing or empty`];
    throw error instanceof ImportError ? new ImportError(`${file}: ${error.message}`) : error;
  }
  return faults === 0 ? [] : [`${faults} rows of ${file} were left out (${first})`];
}

async function readEvents(
  folder: string,
  tags: readonly string[],
  step: string,
  results: Results,
  ended: Ended,
  heard: () => void,
): Promise<string[]> {
  const readers = new Map<string, Promise<string[]>>();
  for (;;) {
    const isLast = ended.now;
    for (const file of await eventFiles(folder))
      if (!readers.has(file)) readers.set(file, readEventFile(file, tags, step, results, ended, heard));
    if (isLast) break;
    await setTimeout(POLL_MILLISECONDS);
  }
  if (readers.size === 0) return [`${folder} has no event files (events.out.tfevents.…)`];
  return (await Promise.all(readers.values())).flat();
}

async function eventFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names
      .filter(isEventFile)
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    // It may not be there yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function readEventFile(
  file: string,
  tags: readonly string[],
  step: string,
  results: Results,
  ended: Ended,
  heard: () => void,
): Promise<string[]> {
  let damaged = 0;
  for await (const record of tensorRecords(follow(file, ended, heard))) {
    const scalars = record.kind === 'record' ? scalarsOf(record.data) : null;
    // The end of a file whose writer was stopped is nothing to complain of.
    if (scalars === null && record.kind !== 'truncated') damaged++;
    for (const scalar of scalars ?? []) {
      if (!tags.includes(scalar.tag)) continue;
      const values = new Map([
        [step, String(scalar.step)],
        [scalar.tag, String(scalar.value)],
      ]);
      results.take((name) => values.get(name));
    }
  }
  return damaged === 0 ? [] : [`${damaged} records of ${file} were damaged`];
}

/** Cuts standard output into lines; JSON lines that are results go there, every other line stays log. */
export class OutputLines {
  readonly #results: Results | null;
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** Without results every line is log. */
  constructor(results: Results | null) {
    this.#results = results;
  }

  /** Returns the text that is log. */
  take(bytes: Uint8Array): string {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    let log = lines
      .filter((line) => !this.#isResult(line))
      .map((line) => `${line}\n`)
      .join('');
    if (this.#rest.length > LONGEST_LINE) {
      log += this.#rest;
      this.#rest = '';
    }
    return log;
  }

  /** A last line without an end. */
  end(): string {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' || this.#isResult(rest) ? '' : `${rest}\n`;
  }

  #isResult(line: string): boolean {
    if (this.#results === null || !line.trimStart().startsWith('{')) return false;
    const parsed = parseJsonLine(line);
    if (parsed === null) return false;
    const values = new Map<string, string>();
    flatten(parsed, '', values);
    return this.#results.take((name) => values.get(name));
  }
}
