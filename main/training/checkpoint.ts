/**
 * Checkpoints as safetensors files: eight bytes of header length (little-endian), a JSON header, the raw tensors. Any
 * tool of the field can open one. Written beside the target, flushed to disk and renamed, so that a file with the final
 * name is always whole.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TensorSpecification } from './engine/program.ts';
import { elements } from './engine/program.ts';

export interface Checkpoint {
  readonly stack: string;
  /** Steps done. */
  readonly step: number;
  /** First non-finite step of each cell; Infinity where there was none. */
  readonly divergedAt: readonly number[];
  readonly trainMilliseconds: number;
  readonly evaluateMilliseconds: number;
  readonly compileMilliseconds: number;
  readonly state: readonly Float32Array[];
}

const HEADER_LENGTH_BYTES = 8;

export function writeCheckpoint(
  file: string,
  specifications: readonly TensorSpecification[],
  checkpoint: Checkpoint,
): void {
  let offset = 0;
  const tensors = specifications.map((s, i) => {
    const bytes = checkpoint.state[i].byteLength;
    const entry = { dtype: 'F32', shape: s.shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
    return [s.name, entry] as const;
  });
  const { stack, step, divergedAt, trainMilliseconds, evaluateMilliseconds, compileMilliseconds } =
    checkpoint;
  const progress = {
    stack,
    step,
    divergedAt: divergedAt.map((s) => (Number.isFinite(s) ? s : null)),
    trainMilliseconds,
    evaluateMilliseconds,
    compileMilliseconds,
  };
  const header = Buffer.from(
    JSON.stringify({ __metadata__: { surge: JSON.stringify(progress) }, ...Object.fromEntries(tensors) }),
  );
  const length = Buffer.alloc(HEADER_LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(header.length));

  const temporary = `${file}.${process.pid}.tmp`;
  const descriptor = openSync(temporary, 'w');
  try {
    for (const part of [length, header, ...checkpoint.state.map(asBytes)]) writeWhole(descriptor, part);
    fsyncSync(descriptor);
  } catch (error) {
    closeSync(descriptor);
    rmSync(temporary, { force: true });
    throw error;
  }
  closeSync(descriptor);
  renameSync(temporary, file);
  syncFolder(dirname(file));
}

/**
 * Null when there is no such file. Throws when the file is damaged, belongs to another stack or does not hold these
 * tensors; the message names the file.
 */
export function readCheckpoint(
  file: string,
  stack: string,
  specifications: readonly TensorSpecification[],
): Checkpoint | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { header, progress, body } = readHeader(file, bytes);
  if (progress.stack !== stack)
    throw new Error(`${file} is the checkpoint of stack ${progress.stack}, not ${stack}`);
  const state = specifications.map((s) => {
    const entry = header[s.name];
    if (entry === undefined || entry.shape.join() !== s.shape.join())
      throw new Error(`${file} has no tensor ${s.name} of shape [${s.shape.join(', ')}]`);
    const [from, to] = entry.data_offsets;
    if (to - from !== elements(s.shape) * Float32Array.BYTES_PER_ELEMENT || body + to > bytes.length)
      throw damaged(file, `it ends inside tensor ${s.name}`);
    const copy = new Uint8Array(bytes.subarray(body + from, body + to));
    return new Float32Array(copy.buffer);
  });
  return { ...progress, divergedAt: progress.divergedAt.map((s) => s ?? Infinity), state };
}

function readHeader(file: string, bytes: Buffer) {
  if (bytes.length < HEADER_LENGTH_BYTES) throw damaged(file, 'it ends inside its header');
  const body = HEADER_LENGTH_BYTES + Number(bytes.readBigUInt64LE(0));
  if (bytes.length < body) throw damaged(file, 'it ends inside its header');
  try {
    const header = JSON.parse(bytes.toString('utf8', HEADER_LENGTH_BYTES, body)) as Record<
      string,
      { shape: number[]; data_offsets: [number, number] }
    > & { __metadata__: { surge: string } };
    const progress = JSON.parse(header.__metadata__.surge) as Omit<Checkpoint, 'state' | 'divergedAt'> & {
      divergedAt: (number | null)[];
    };
    return { header, progress, body };
  } catch (error) {
    throw damaged(file, `its header cannot be read (${(error as Error).message})`);
  }
}

function damaged(file: string, reason: string): Error {
  return new Error(
    `${file} is a damaged checkpoint: ${reason}. Delete it, and the stack starts from step 0.`,
  );
}

/** Removes a checkpoint and what trainers that were killed while writing one left beside it. */
export function removeCheckpoint(file: string): void {
  const folder = dirname(file);
  const scraps = readdirSync(folder).filter(
    (name) => name.startsWith(`${basename(file)}.`) && name.endsWith('.tmp'),
  );
  for (const name of [basename(file), ...scraps]) rmSync(join(folder, name), { force: true });
}

function asBytes(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** writeSync may write less than asked for (large buffers, nearly full disks). */
export function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done, bytes.length - done);
}

/** A rename survives a power cut only when its folder has been flushed too. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
