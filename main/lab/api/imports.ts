/** Other people's sweeps from a window: looking at a file first, storing it afterwards. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { ApiError } from '#shared/api/errors.ts';
import type { ImportPreview } from '#shared/api/types.ts';
import { detectDelimiter, splitFields } from '#shared/import/delimited.ts';
import { combineMappings, type ImportMapping } from '#shared/import/mapping.ts';
import { IMPORT_PRESETS, isEventFile, presetFor } from '#shared/import/presets.ts';
import { importFile } from '../import-file.ts';
import type { WritableStore } from '../store/types.ts';

/** Enough for the header and some rows. */
const HEAD_BYTES = 256 * 1024;
const SAMPLE_ROWS = 20;
const LONGEST_FIELD = 200;

export interface ImportWishes {
  readonly preset?: string | undefined;
  /** Field of the mapping to column of the file; '' takes a preset's column away. */
  readonly map?: Readonly<Record<string, string>> | undefined;
}

export class Imports {
  readonly #writer: () => WritableStore;

  constructor(writer: () => WritableStore) {
    this.#writer = writer;
  }

  async preview(file: string, wishes: ImportWishes): Promise<ImportPreview> {
    const head = await headOf(file);
    const { mapping, problem } = mappingOf(file, head.columns, wishes);
    const { result } = await importFile(file, mapping);
    const isComplete = problem === null && result.ok;
    return {
      mapping,
      ...head,
      report: result.report,
      problem: problem ?? (result.ok ? '' : result.message),
      families: isComplete
        ? result.families.map(({ label, cells, analyses }) => ({ label, cells: cells.length, analyses }))
        : [],
    };
  }

  async store(
    file: string,
    name: string,
    wishes: ImportWishes,
  ): Promise<{ experiments: string[]; isNew: boolean }> {
    const writer = this.#writer();
    const { mapping, problem } = mappingOf(file, (await headOf(file)).columns, wishes);
    if (problem !== null) throw new ApiError('bad-argument', problem, 'map');
    const { result, origin } = await importFile(file, mapping, name);
    if (!result.ok) throw new ApiError('bad-argument', `${result.message} Nothing was imported.`, 'map');
    const { experiments, isNew } = writer.importSweep(origin, result);
    return { experiments: experiments.map(({ key }) => key), isNew };
  }
}

interface Head {
  readonly columns: readonly string[];
  readonly sample: readonly (readonly string[])[];
}

/** Header and first rows of a table as text; nothing of event files, which are no tables. */
async function headOf(file: string): Promise<Head> {
  if (isEventFile(basename(file))) return { columns: [], sample: [] };
  const handle = await open(file);
  let text: string;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    text = buffer
      .subarray(0, bytesRead)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } finally {
    await handle.close();
  }
  const whole = text.lastIndexOf('\n');
  const lines = (text.length >= HEAD_BYTES && whole > 0 ? text.slice(0, whole) : text)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(0, SAMPLE_ROWS + 1);
  if (lines.length === 0)
    throw new ApiError('bad-argument', 'This file is empty: there is nothing to import.', 'upload');
  const [header] = lines;
  if (header.trimStart().startsWith('{')) return objectsHead(lines.slice(0, SAMPLE_ROWS));
  const delimiter = detectDelimiter(header);
  if (delimiter === null) return { columns: [header.slice(0, LONGEST_FIELD)], sample: [] };
  const rows = lines.map((line) =>
    splitFields(line, delimiter).map((field) => field.slice(0, LONGEST_FIELD)),
  );
  return { columns: rows[0] ?? [], sample: rows.slice(1) };
}

function objectsHead(lines: readonly string[]): Head {
  const objects = lines.flatMap((line): [string, unknown][][] => {
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null ? [Object.entries(value)] : [];
    } catch {
      return [];
    }
  });
  const columns = [...new Set(objects.flatMap((members) => members.map(([name]) => name)))];
  const field = (value: unknown) =>
    value === undefined ? '' : typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return {
    columns,
    sample: objects.map((members) => {
      const row = new Map(members);
      return columns.map((name) => field(row.get(name)).slice(0, LONGEST_FIELD));
    }),
  };
}

/** How people call their columns; the first that a file has is proposed. */
const usualNames: Readonly<Record<string, readonly string[]>> = {
  learningRate: ['learning_rate', 'learningrate', 'lr', 'eta', 'epsilon', 'step_size'],
  batchSize: ['batch_size', 'batchsize', 'bs', 'batch', 'b'],
  loss: [
    'loss',
    'final_loss',
    'eval_loss',
    'val_loss',
    'validation_loss',
    'test_loss',
    'train_loss',
    'smooth loss',
  ],
  seed: ['seed', 'replicate', 'rep', 'trial'],
  step: ['step', 'steps', 'iteration', 'global_step', 'ti'],
  tokens: ['tokens', 'num_tokens'],
};

function guess(columns: readonly string[]): Record<string, string> {
  const plain = new Map(columns.map((column) => [column.trim().toLowerCase(), column]));
  return Object.fromEntries(
    Object.entries(usualNames).flatMap(([field, names]) => {
      const column = names.flatMap((name) => plain.get(name) ?? [])[0];
      return column === undefined ? [] : [[field, column]];
    }),
  );
}

/**
 * The preset that was chosen or that knows the file's name, changed by the columns that were chosen; without a preset
 * the usual names. `problem` says what a person has to choose, where that is known before the file is read.
 */
function mappingOf(
  file: string,
  columns: readonly string[],
  { preset: wanted, map = {} }: ImportWishes,
): { mapping: ImportMapping; problem: string | null } {
  const preset = wanted === undefined ? presetFor(file) : IMPORT_PRESETS.find(({ name }) => name === wanted);
  if (wanted !== undefined && preset === undefined)
    throw new ApiError('bad-argument', `There is no preset ${wanted}.`, 'preset');
  const base = preset?.mapping ?? {};
  const proposed: Readonly<Record<string, string | undefined>> = preset?.mapping.columns ?? guess(columns);
  const kept = Object.entries({ ...proposed, ...map }).filter(
    ([, column]) => column !== '' && column !== undefined,
  );
  const wishes = { ...base, columns: Object.fromEntries(kept) as Partial<Record<string, string>> };
  try {
    return { mapping: combineMappings(wishes), problem: null };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    if (columns.length === 0) throw new ApiError('bad-argument', issue.message, 'map');
    // Any columns in the place of those that are needed, so that the form can be shown and filled in.
    const { batchSize = columns[0], loss = columns[columns.length - 1] } = wishes.columns;
    const placeholder = { ...wishes, columns: { ...wishes.columns, batchSize, loss } };
    const needed = wishes.columns.batchSize === undefined ? 'batch size' : 'loss';
    return { mapping: combineMappings(placeholder), problem: `Choose the column that holds the ${needed}.` };
  }
}
