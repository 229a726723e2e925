/** Spool files of one stack in two stores: which one goes on where the other ends, and carrying one over. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { completeLines, linesOf } from '../store/complete-lines.ts';

const PIECE = 1024 * 1024;

function read(descriptor: number, buffer: Buffer, offset: number): Buffer {
  return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, offset));
}

/**
 * How a spool stands to another of the same stack: `behind` when it is a beginning of the other (or does not exist),
 * `ahead` when the other is a beginning of it.
 */
export function compareSpools(ours: string, theirs: string): 'same' | 'behind' | 'ahead' | 'different' {
  if (!existsSync(ours)) return 'behind';
  const [a, b] = [openSync(ours, 'r'), openSync(theirs, 'r')];
  try {
    const sizes = [fstatSync(a).size, fstatSync(b).size];
    const common = Math.min(...sizes);
    const [left, right] = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)];
    for (let offset = 0; offset < common; offset += PIECE) {
      const length = Math.min(PIECE, common - offset);
      const same = read(a, left, offset)
        .subarray(0, length)
        .equals(read(b, right, offset).subarray(0, length));
      if (!same) return 'different';
    }
    if (sizes[0] === sizes[1]) return 'same';
    return sizes[0] < sizes[1] ? 'behind' : 'ahead';
  } finally {
    closeSync(a);
    closeSync(b);
  }
}

/** Whether the last complete line says that the stack was trained to its end. */
export function saysFinished(spool: string): boolean {
  const descriptor = openSync(spool, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const tail = read(descriptor, Buffer.allocUnsafe(4096), Math.max(0, size - 4096)).toString('utf8');
    const lines = tail.slice(0, tail.lastIndexOf('\n') + 1).split('\n');
    const last = lines.findLast((line) => line.trim() !== '');
    return last !== undefined && last.startsWith('{"event":"finished"');
  } finally {
    closeSync(descriptor);
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}

/** Copies complete lines; a line that names its stack names `key` in the copy. */
function copyLines(from: string, to: string, key: string): void {
  const [source, copy] = [openSync(from, 'r'), openSync(to, 'w')];
  try {
    for (const piece of completeLines(source, 0, from))
      for (const { text } of linesOf(piece))
        writeAll(copy, Buffer.from(`${text.startsWith('{"event":"start"') ? withKey(text, key) : text}\n`));
  } finally {
    closeSync(source);
    closeSync(copy);
  }
}

function withKey(line: string, key: string): string {
  try {
    return JSON.stringify({ ...(JSON.parse(line) as object), stack: key });
  } catch {
    // A damaged line stays damaged; the store counts it.
    return line;
  }
}

/** Puts a copy in place in one step, so that a kill leaves the old file or the new one. */
function replaceFile(to: string, copy: (partial: string) => void): void {
  const partial = `${to}.merging`;
  try {
    copy(partial);
    const descriptor = openSync(partial, 'r+');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, to);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** `renamedTo`: the key that the copy has where it cannot keep its own. */
export function carrySpool(from: string, to: string, renamedTo?: string): void {
  replaceFile(to, (partial) => {
    if (renamedTo === undefined) copyFileSync(from, partial);
    else copyLines(from, partial, renamedTo);
  });
}

export function carryFile(from: string, to: string): void {
  if (existsSync(from)) replaceFile(to, (partial) => copyFileSync(from, partial));
}
