/** Decoded images on disk, so that they are decoded once: a line of JSON, then bytes [images, channels, height, width]. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DataError } from '../classification.ts';
import type { ImageShape } from '../classification.ts';

export interface DecodedHeader extends ImageShape {
  readonly format: 1;
  readonly images: number;
}

export interface DecodedImages {
  readonly shape: ImageShape;
  /** [images, channels·height·width]. */
  readonly pixels: Uint8Array;
}

const HEADER_BYTES = 256;
/** Above what one read call takes. */
const PIECE = 1 << 28;

/** Fixed in length, so that it can be written last. */
export function headerBytes(header: DecodedHeader): Buffer {
  return Buffer.from(`${JSON.stringify(header).padEnd(HEADER_BYTES - 1)}\n`);
}

/** Null when there is no such file. Throws a DataError when it is damaged. */
export function readDecoded(file: string): DecodedImages | null {
  let descriptor;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return null;
  }
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    readSync(descriptor, head, 0, HEADER_BYTES, 0);
    const { channels, height, width, images } = JSON.parse(head.toString('utf8')) as DecodedHeader;
    const length = images * channels * height * width;
    if (fstatSync(descriptor).size !== HEADER_BYTES + length)
      throw new DataError(`${file}: is damaged; remove it, and its images are decoded again`);
    const pixels = new Uint8Array(length);
    for (let at = 0; at < length;)
      at += readSync(descriptor, pixels, at, Math.min(PIECE, length - at), HEADER_BYTES + at);
    return { shape: { channels, height, width }, pixels };
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${file}: is damaged (${(error as Error).message}); remove it`);
  } finally {
    closeSync(descriptor);
  }
}
