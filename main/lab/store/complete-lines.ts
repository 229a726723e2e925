/**
 * Reads the complete lines of an append-only file from a byte offset, in pieces of bounded size, so that a spool of
 * gigabytes never sits in memory. The bytes behind the last line end are not consumed: their writer is not done.
 */
import { fstatSync, readSync } from 'node:fs';
import { StoreError } from './store-error.ts';

/** Bytes read at a time; a longer line gets a buffer that grows up to `largestLine`. */
const pieceBytes = 4 * 1024 * 1024;
const largestLine = 1024 * 1024 * 1024;
const lineEnd = 10;

export interface Piece {
  /** Complete lines only; reused for the next piece, so copy what must last. */
  readonly bytes: Buffer;
  /** Offset of its first byte in the file. */
  readonly offset: number;
}

/** Pieces up to the size that the file has when reading begins. */
export function* completeLines(descriptor: number, from: number, file: string): Generator<Piece> {
  const size = fstatSync(descriptor).size;
  let buffer = Buffer.allocUnsafe(Math.max(1, Math.min(pieceBytes, size - from)));
  let offset = from;
  while (offset < size) {
    const wanted = Math.min(buffer.length, size - offset);
    let read = 0;
    while (read < wanted) {
      const got = readSync(descriptor, buffer, read, wanted - read, offset + read);
      if (got === 0) break;
      read += got;
    }
    const end = buffer.subarray(0, read).lastIndexOf(lineEnd);
    if (end >= 0) {
      yield { bytes: buffer.subarray(0, end + 1), offset };
      offset += end + 1;
    } else if (read < buffer.length || offset + read >= size) {
      return;
    } else {
      if (buffer.length >= largestLine) {
        throw new StoreError(
          'failed',
          `${file} has a line of more than ${largestLine} bytes at byte ${offset}.`,
        );
      }
      buffer = Buffer.allocUnsafe(Math.min(largestLine, size - offset, buffer.length * 4));
    }
  }
}

/** The lines of a piece without their ends, each with its offset in the file. */
export function* linesOf(piece: Piece): Generator<{ text: string; offset: number; end: number }> {
  let start = 0;
  while (start < piece.bytes.length) {
    const end = piece.bytes.indexOf(lineEnd, start);
    yield {
      text: piece.bytes.toString('utf8', start, end),
      offset: piece.offset + start,
      end: piece.offset + end + 1,
    };
    start = end + 1;
  }
}

const tailBytes = 64;

/** The last bytes before an offset: an append-only file must still have them there, or it is another file. */
export function tailBefore(descriptor: number, offset: number): Buffer {
  const length = Math.min(tailBytes, offset);
  const tail = Buffer.alloc(length);
  const read = readSync(descriptor, tail, 0, length, offset - length);
  return tail.subarray(0, read);
}
