/** The rows of an imported file beside the journal: one cell a line, so that neither writing nor reading needs them all. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ImportedCell, ImportedCurve, ImportedSweep } from '#shared/import/sweep.ts';
import { canonicalJson, sha256 } from '../identity.ts';
import { completeLines, linesOf } from './complete-lines.ts';
import type { FactOf } from './facts.ts';
import { importFile } from './paths.ts';
import type { CarriedImport, ImportOrigin } from './types.ts';

/** The same bytes read by the same mapping are the same import, whatever the file is called. */
export function importIdentity({ checksum, mapping }: ImportOrigin): string {
  return sha256(canonicalJson({ checksum, mapping }));
}

export function importFact(
  { name, file, checksum, bytes, mapping }: ImportOrigin,
  { batchUnit, goal, report, families }: ImportedSweep,
  identity: string,
  { key, createdAt, experiments }: CarriedImport,
): FactOf<'import'> {
  const list = families.map(({ label, key: family, missing, analyses, cells }, i) => ({
    experiment: experiments[i],
    name: families.length === 1 ? name : `${name}: ${label}`,
    label,
    family: { ...family },
    missing,
    analyses,
    cells: cells.length,
  }));
  return {
    fact: 'import',
    time: createdAt,
    key,
    identity,
    name,
    file,
    checksum,
    bytes,
    mapping,
    report,
    batchUnit,
    goal,
    families: list,
  };
}

/** Used again for every curve: buffers are freed late, and a million points need 16 MB of them. */
let scratch = Buffer.alloc(0);

/** A curve as little-endian float64: the steps, then the losses. The bytes are good until the next call. */
function curveBytes({ steps, losses }: ImportedCurve): Buffer {
  const size = 16 * steps.length;
  if (scratch.length < size) scratch = Buffer.alloc(2 * size);
  const bytes = scratch.subarray(0, size);
  for (let i = 0; i < steps.length; i++) {
    bytes.writeDoubleLE(steps[i], 8 * i);
    bytes.writeDoubleLE(losses[i], 8 * (steps.length + i));
  }
  return bytes;
}

export function curveOfBytes(bytes: Buffer): ImportedCurve {
  const points = Math.floor(bytes.length / 16);
  const [steps, losses] = [new Float64Array(points), new Float64Array(points)];
  for (let i = 0; i < points; i++) {
    steps[i] = bytes.readDoubleLE(8 * i);
    losses[i] = bytes.readDoubleLE(8 * (points + i));
  }
  return { steps, losses };
}

/** JSON has no non-finite numbers: failed runs have them, so they are texts. */
type Numeral = number | string | null;

function numeral(value: number | null): Numeral {
  return value === null || Number.isFinite(value) ? value : String(value);
}

function toLine(family: number, cell: ImportedCell): string {
  const { seed, failure, line, curve } = cell;
  const numbers = [
    cell.batchSize,
    cell.learningRate,
    cell.writtenLearningRate,
    cell.failureStep,
    cell.loss,
    cell.lossError,
    cell.stepsToTarget,
    cell.tokens,
    cell.step,
  ].map(numeral);
  const points = curve === null ? null : curveBytes(curve).toString('base64');
  return `${JSON.stringify([family, line, seed, failure, numbers, points])}\n`;
}

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const lineSchema = z.tuple([
  z.number().int().nonnegative(),
  z.number(),
  z.string(),
  z.string().nullable(),
  z.array(number.nullable()).length(9),
  z.string().nullable(),
]);

/** A cell as it is stored: its curve as bytes. */
interface StoredRow {
  readonly family: number;
  readonly cell: Omit<ImportedCell, 'curve'>;
  readonly curve: Buffer;
}

function fromLine(text: string): StoredRow | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) return null;
  const [family, line, seed, failure, numbers, points] = parsed.data;
  const [
    batchSize,
    learningRate,
    writtenLearningRate,
    failureStep,
    loss,
    lossError,
    stepsToTarget,
    tokens,
    step,
  ] = numbers;
  if (batchSize === null) return null;
  const curve = points === null ? Buffer.alloc(0) : Buffer.from(points, 'base64');
  if (curve.length % 16 !== 0) return null;
  return {
    family,
    cell: {
      batchSize,
      learningRate,
      writtenLearningRate,
      seed,
      failure,
      failureStep,
      loss,
      lossError,
      stepsToTarget,
      tokens,
      step,
      line,
    },
    curve,
  };
}

/** Enough that the disk is not asked for every cell. */
const BUFFERED = 1 << 20;

/**
 * Writes the rows and waits for the disk; the file has its name only when it is complete. What killed imports left is
 * removed. Returns the path.
 */
export function writeRows(spoolFolder: string, key: string, sweep: ImportedSweep): string {
  for (const name of readdirSync(spoolFolder))
    if (/^import-.*\.partial$/.test(name)) rmSync(join(spoolFolder, name), { force: true });
  const file = importFile(spoolFolder, key);
  const partial = `${file}.partial`;
  const descriptor = openSync(partial, 'w');
  try {
    let text = '';
    const flush = () => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      text = '';
    };
    for (const [index, family] of sweep.families.entries())
      for (const cell of family.cells) {
        text += toLine(index, cell);
        if (text.length > BUFFERED) flush();
      }
    flush();
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, file);
  return file;
}

/** The rows of an import in their order; lines that cannot be understood are left out. Nothing when the file is gone. */
export function* readRows(spoolFolder: string, key: string): Generator<StoredRow> {
  const file = importFile(spoolFolder, key);
  if (!existsSync(file)) return;
  const descriptor = openSync(file, 'r');
  try {
    for (const piece of completeLines(descriptor, 0, file))
      for (const { text } of linesOf(piece)) {
        const row = fromLine(text);
        if (row !== null) yield row;
      }
  } finally {
    closeSync(descriptor);
  }
}
