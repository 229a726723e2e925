/** Reads somebody else's sweep from disk, as a stream, with a preset, a mapping file or both. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { parse } from 'yaml';
import { z } from 'zod';
import { importSweep, importTable } from '#shared/import/collect.ts';
import type { ImportMapping } from '#shared/import/mapping.ts';
import { combineMappings } from '#shared/import/mapping.ts';
import { IMPORT_PRESETS, presetFor } from '#shared/import/presets.ts';
import type { ImportResult } from '#shared/import/sweep.ts';
import { readEventFiles } from './event-files.ts';
import type { ImportOrigin } from './store/types.ts';

/** The mapping cannot be used; the message names the file or the field. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
}

export interface MappingOptions {
  readonly preset?: string | undefined;
  /** A mapping file; with a preset it changes only what it names. */
  readonly map?: string | undefined;
  /** `runs.pattern` of the mapping. */
  readonly pattern?: string | undefined;
  /** `runs.metric` of the mapping. */
  readonly metric?: string | undefined;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

async function readMapping(file: string): Promise<Record<string, unknown>> {
  let written: unknown;
  try {
    written = parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new MappingError(`${file}: ${(error as Error).message}`);
  }
  if (typeof written === 'object' && written !== null && !Array.isArray(written)) return { ...written };
  throw new MappingError(`${file}: a mapping is an object with the member "columns"; see docs/import.md.`);
}

/**
 * The mapping for a file: a preset by name or by the file's name (a folder has TensorBoard event files), changed by a
 * mapping file and options. Throws MappingError.
 */
export async function mappingFor(file: string, options: MappingOptions): Promise<ImportMapping> {
  const known = () => `choose a preset: ${IMPORT_PRESETS.map((p) => p.name).join(', ')}`;
  const wanted = options.preset ?? ((await isFolder(file)) ? 'tensorboard' : undefined);
  const preset = wanted === undefined ? presetFor(file) : IMPORT_PRESETS.find((p) => p.name === wanted);
  if (preset === undefined && wanted !== undefined)
    throw new MappingError(
      `There is no preset ${wanted}: describe the columns with --map FILE, or ${known()}.`,
    );
  if (preset === undefined && options.map === undefined)
    throw new MappingError(
      `No preset knows the file name ${file}. Describe the columns with --map FILE, or ${known()}.`,
    );
  const parts: Record<string, unknown>[] = preset === undefined ? [] : [{ ...preset.mapping }];
  // A mapping file stands alone where only the file's name suggests a preset for a table.
  if (options.map !== undefined) {
    const written = await readMapping(options.map);
    if (options.preset === undefined && preset?.mapping.format !== 'tensorboard') parts.length = 0;
    parts.push(written);
  }
  const { pattern, metric } = options;
  if (pattern !== undefined) parts.push({ runs: { pattern } });
  if (metric !== undefined) parts.push({ runs: { metric } });
  try {
    return combineMappings(...parts);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    const where = [options.map ?? `preset ${preset?.name ?? ''}`, issue.path.join('.')].filter(
      (part) => part !== '',
    );
    throw new MappingError(`${where.join(': ')}: ${issue.message}`);
  }
}

/** A file as text, hashed as it goes by. */
async function* textOf(file: string, hash: Hash, count: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    count(chunk.length);
    yield decoder.write(chunk);
  }
  yield decoder.end();
}

export interface ReadImport {
  readonly result: ImportResult;
  /** What the store needs to know of the file; complete only when the result is. */
  readonly origin: ImportOrigin;
}

/**
 * Files and folders of any size: nothing but the kept rows is held in memory. Faults of the content come back in the
 * result; what the disk reports is thrown.
 */
export async function importFile(file: string, mapping: ImportMapping, name?: string): Promise<ReadImport> {
  const hash = createHash('sha256');
  let bytes = 0;
  const count = (more: number) => {
    bytes += more;
  };
  const folder = await isFolder(file);
  const result =
    mapping.format === 'tensorboard'
      ? await importTable(() => readEventFiles(file, mapping, { hash, count }), mapping)
      : folder
        ? refusedFolder(file)
        : await importSweep(textOf(file, hash, count), mapping);
  const base = basename(file);
  const plain = folder ? base : base.slice(0, base.length - extname(base).length);
  const origin = {
    name: name ?? (plain || 'import'),
    file: base,
    checksum: hash.digest('hex'),
    bytes,
    mapping,
  };
  return { result, origin };
}

function refusedFolder(file: string): ImportResult {
  const report = {
    rowsRead: 0,
    rowsKept: 0,
    rowsDropped: 0,
    dropped: [],
    failed: [],
    duplicates: [],
    duplicateCount: 0,
    notes: [],
  };
  const message = `${file} is a folder: only TensorBoard event files come in folders (--preset tensorboard).`;
  return { ok: false, message, line: null, report };
}
