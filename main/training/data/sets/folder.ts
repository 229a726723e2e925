/** Where fetched data sets live, and which of them are there. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { DataSetName } from '#shared/experiment/data-sets.ts';
import type { SetEntry, SetFile } from './catalog.ts';
import { catalog } from './catalog.ts';

/** A data set cannot be fetched or is damaged; the message names the file and says what to do. */
export class DataSetError extends Error {
  override readonly name = 'DataSetError';
}

/** What a finished folder says about its files; written last, so a folder that has one is complete. */
export interface SetManifest {
  readonly format: 1;
  /** Milliseconds since 1970. */
  readonly added: number;
  /** Where the files came from. */
  readonly from: string;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly checksum: string }[];
}

export const MANIFEST = 'manifest.json';

/** `SURGE_DATA`, else `surge-lab/data` below `XDG_DATA_HOME` or `~/.local/share`. */
export function dataFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const { SURGE_DATA: given, XDG_DATA_HOME: configured } = environment;
  if (given !== undefined && given !== '') return given;
  const base =
    configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.local', 'share');
  return join(base, 'surge-lab', 'data');
}

/** Null when the set is not there, or its files are missing or of another size. */
export function presentSet(
  entry: SetEntry,
  root: string,
): { readonly folder: string; readonly manifest: SetManifest } | null {
  const folder = join(root, entry.folder);
  const manifest = readManifest(folder);
  if (manifest === null) return null;
  const whole = entry.files.every(({ name }) => {
    const said = manifest.files.find((file) => file.name === name);
    return said !== undefined && statSync(join(folder, name), { throwIfNoEntry: false })?.size === said.bytes;
  });
  return whole ? { folder, manifest } : null;
}

function readManifest(folder: string): SetManifest | null {
  try {
    const value = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Partial<SetManifest> | null;
    return value?.format === 1 && Array.isArray(value.files) ? (value as SetManifest) : null;
  } catch {
    return null;
  }
}

/** Checksum of a file, read in pieces. */
export async function checksumOf(file: string, algorithm: SetFile['algorithm']): Promise<string> {
  const hash = createHash(algorithm);
  for await (const part of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>)
    hash.update(part);
  return hash.digest('hex');
}

/** Names of a set's files whose bytes are not the published ones. Throws a DataSetError when the set is not there. */
export async function damagedFiles(name: DataSetName, root: string): Promise<string[]> {
  const entry = catalog[name];
  const damaged: string[] = [];
  const folder = join(root, entry.folder);
  if (readManifest(folder) === null) throw new DataSetError(notHere(name));
  for (const file of entry.files) {
    const path = join(folder, file.name);
    const there = statSync(path, { throwIfNoEntry: false }) !== undefined;
    if (!there || (await checksumOf(path, file.algorithm)) !== file.checksum) damaged.push(file.name);
  }
  return damaged;
}

export function notHere(name: string): string {
  return `${name} is not on this machine; fetch it with: surge data add ${name}`;
}
