/** Reads somebody else's sweep from disk, as a stream, with a preset or a mapping file. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { ImportMapping } from '#shared/import/mapping.ts';
import { mappingSchema } from '#shared/import/mapping.ts';
import { IMPORT_PRESETS, presetFor } from '#shared/import/presets.ts';
import { importSweep } from '#shared/import/collect.ts';
import type { ImportResult } from '#shared/import/sweep.ts';

/** The mapping cannot be used; the message names the file or the field. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
}

/** A preset by name, a mapping file (YAML or JSON), or the preset that the file's name belongs to. */
export async function mappingFor(
  file: string,
  options: { readonly preset?: string | undefined; readonly map?: string | undefined },
): Promise<ImportMapping> {
  if (options.map !== undefined) {
    let written: unknown;
    try {
      written = parse(await readFile(options.map, 'utf8'));
    } catch (error) {
      throw new MappingError(`${options.map}: ${(error as Error).message}`);
    }
    const parsed = mappingSchema.safeParse(written);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new MappingError(`${options.map}: ${issue.path.join('.')} ${issue.message}`);
  }
  const preset =
    options.preset === undefined ? presetFor(file) : IMPORT_PRESETS.find((p) => p.name === options.preset);
  if (preset === undefined)
    throw new MappingError(
      `${options.preset === undefined ? `No preset knows the file name ${file}` : `There is no preset ${options.preset}`}. Describe the columns with --map FILE, or choose a preset: ${IMPORT_PRESETS.map((p) => p.name).join(', ')}.`,
    );
  return mappingSchema.parse(preset.mapping);
}

/** Files of any size: nothing but the kept rows is held in memory. */
export function importFile(file: string, mapping: ImportMapping): Promise<ImportResult> {
  return importSweep(createReadStream(file, { encoding: 'utf8' }) as AsyncIterable<string>, mapping);
}
