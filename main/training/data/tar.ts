/** Files of a tar archive (POSIX ustar, as GNU tar writes it too), gzipped or not. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DataError } from './classification.ts';

const BLOCK = 512;

/** Contents by path inside the archive. Throws a DataError naming the file. */
export function readTar(file: string): ReadonlyMap<string, Buffer> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new DataError(`${file}: cannot be read (${(error as Error).message})`);
  }
  const files = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const text = (from: number, length: number) =>
      bytes.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '');
    if (!text(257, 6).startsWith('ustar'))
      throw new DataError(`${file}: is not a tar archive (no header at byte ${at})`);
    const size = Number.parseInt(text(124, 12), 8);
    const start = at + BLOCK;
    if (!(size >= 0) || start + size > bytes.length)
      throw new DataError(`${file}: ends inside ${text(0, 100)}; the archive is truncated or damaged`);
    const kind = text(156, 1);
    if (kind === '0' || kind === '') {
      const prefix = text(345, 155);
      files.set(
        prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
        bytes.subarray(start, start + size),
      );
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
