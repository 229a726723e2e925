/** Members of zip archives, as far as .npz files need them: stored or deflated, no encryption, below 4 GiB. */
import { inflateRawSync } from 'node:zlib';
import { DataError } from './classification.ts';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT = 65_535;

interface Entry {
  readonly method: number;
  readonly compressed: number;
  readonly local: number;
}

/** Throws a DataError naming `place` when the archive is damaged or has no such member. */
export function zipMember(archive: Buffer, name: string, place: string): Buffer {
  const damaged = (what: string) => new DataError(`${place}: ${what}; the archive is truncated or damaged`);
  const entries = directory(archive, damaged);
  const entry = entries.get(name);
  if (entry === undefined)
    throw new DataError(
      `${place}: has no member ${name}; it has ${[...entries.keys()].join(', ') || 'none'}`,
    );
  const { method, compressed, local } = entry;
  if (local + LOCAL_BYTES > archive.length || archive.readUInt32LE(local) !== LOCAL_HEADER)
    throw damaged(`${name} does not begin where the directory says`);
  // The local header repeats the name and has an extra field of its own length.
  const start = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  if (start + compressed > archive.length) throw damaged(`${name} ends early`);
  const bytes = archive.subarray(start, start + compressed);
  if (method === 0) return bytes;
  if (method !== 8) throw new DataError(`${place}: ${name} is packed in a way (${method}) that is not read`);
  try {
    return inflateRawSync(bytes);
  } catch (error) {
    throw damaged(`${name} cannot be unpacked (${(error as Error).message})`);
  }
}

function directory(archive: Buffer, damaged: (what: string) => DataError): Map<string, Entry> {
  let end = archive.length - END_BYTES;
  const earliest = Math.max(0, end - MAX_COMMENT);
  while (end >= earliest && archive.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < earliest) throw damaged('there is no directory at its end');
  const count = archive.readUInt16LE(end + 10);
  const entries = new Map<string, Entry>();
  for (let i = 0, at = archive.readUInt32LE(end + 16); i < count; i++) {
    if (at + ENTRY_BYTES > archive.length || archive.readUInt32LE(at) !== DIRECTORY_ENTRY)
      throw damaged(`entry ${i + 1} of its directory is missing`);
    const nameLength = archive.readUInt16LE(at + 28);
    entries.set(archive.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength), {
      method: archive.readUInt16LE(at + 10),
      compressed: archive.readUInt32LE(at + 20),
      local: archive.readUInt32LE(at + 42),
    });
    at += ENTRY_BYTES + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}
