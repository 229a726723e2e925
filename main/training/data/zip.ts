/** Members of zip archives, as far as data sets need them: stored or deflated, no encryption, members below 4 GiB. */
import { inflateRawSync } from 'node:zlib';
import { DataError } from './classification.ts';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT = 65_535;
const WIDE_LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const WIDE_END = 0x06064b50;
const WIDE_END_BYTES = 56;
const SHOWN_NAMES = 20;

interface Entry {
  readonly method: number;
  readonly compressed: number;
  readonly local: number;
}

/** Throws a DataError naming `place` when the archive is damaged or has no such member. */
export function zipMember(archive: Buffer, name: string, place: string): Buffer {
  return openZip(archive, place).read(name);
}

export interface ZipArchive {
  /** In the order of the archive's directory; folders end in a slash. */
  readonly names: readonly string[];
  /** Throws a DataError naming the place and the member. */
  read(name: string): Buffer;
}

/** Reads the directory once, for archives with many members. Throws a DataError naming `place`. */
export function openZip(archive: Buffer, place: string): ZipArchive {
  const damaged = (what: string) => new DataError(`${place}: ${what}; the archive is truncated or damaged`);
  const entries = directory(archive, damaged);
  const names = [...entries.keys()];
  return {
    names,
    read(name) {
      const entry = entries.get(name);
      if (entry === undefined) {
        const some = names.slice(0, SHOWN_NAMES).join(', ') + (names.length > SHOWN_NAMES ? ', …' : '');
        throw new DataError(`${place}: has no member ${name}; it has ${some || 'none'}`);
      }
      return member(archive, name, entry, place, damaged);
    },
  };
}

function member(
  archive: Buffer,
  name: string,
  { method, compressed, local }: Entry,
  place: string,
  damaged: (what: string) => DataError,
): Buffer {
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
  const { count, offset } = endOfDirectory(archive, damaged);
  const entries = new Map<string, Entry>();
  for (let i = 0, at = offset; i < count; i++) {
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

/** Archives of more than 65,535 members have their numbers in a second, wider record (Zip64). */
function endOfDirectory(
  archive: Buffer,
  damaged: (what: string) => DataError,
): { count: number; offset: number } {
  let end = archive.length - END_BYTES;
  const earliest = Math.max(0, end - MAX_COMMENT);
  while (end >= earliest && archive.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < earliest) throw damaged('there is no directory at its end');
  const count = archive.readUInt16LE(end + 10);
  const offset = archive.readUInt32LE(end + 16);
  const locator = end - LOCATOR_BYTES;
  const isWide = count === 0xffff || offset === 0xffffffff;
  if (!isWide || locator < 0 || archive.readUInt32LE(locator) !== WIDE_LOCATOR) return { count, offset };
  const wide = Number(archive.readBigUInt64LE(locator + 8));
  if (wide + WIDE_END_BYTES > archive.length || archive.readUInt32LE(wide) !== WIDE_END)
    throw damaged('there is no directory where its end says');
  return {
    count: Number(archive.readBigUInt64LE(wide + 32)),
    offset: Number(archive.readBigUInt64LE(wide + 48)),
  };
}
