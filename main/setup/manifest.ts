import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { EngineVariant } from './platform.ts';

/** Where an engine library came from. */
export type EngineSource = 'folder' | 'cache' | 'python';

/** One file of a fetched engine: path relative to the engine folder, with `/`. */
export interface ManifestFile {
  path: string;
  /** Bytes. */
  size: number;
  /** Hexadecimal; empty for a library that we only link to and that its owner may replace. */
  sha256: string;
  /** Milliseconds since 1970, for linked libraries only: a changed file means that the addon must be built again. */
  modified?: number;
}

/** `manifest.json` in an engine folder. */
export interface EngineManifest {
  format: 1;
  version: string;
  variant: EngineVariant;
  /** `<platform>-<architecture>`. */
  platform: string;
  source: EngineSource;
  /** Folder of the two libraries: relative to the manifest's folder (fetched engine) or absolute (linked library). */
  libraryFolder: string;
  /** Folder of the C headers, the same way. */
  includeFolder: string;
  /** What it was made from: wheel file names, or the linked folder. */
  origin: string[];
  files: ManifestFile[];
}

export const manifestName = 'manifest.json';

/** Reads and checks the manifest of `folder`; null when there is none or it is damaged or from another format. */
export function readManifest(folder: string): EngineManifest | null {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(folder, manifestName), 'utf8'));
  } catch {
    return null;
  }
  return isManifest(value) ? value : null;
}

function isManifest(value: unknown): value is EngineManifest {
  if (typeof value !== 'object' || value === null) return false;
  const manifest = value as Partial<Record<keyof EngineManifest, unknown>>;
  return (
    manifest.format === 1 &&
    typeof manifest.version === 'string' &&
    (manifest.variant === 'cpu' || manifest.variant === 'cuda') &&
    typeof manifest.platform === 'string' &&
    (manifest.source === 'folder' || manifest.source === 'cache' || manifest.source === 'python') &&
    typeof manifest.libraryFolder === 'string' &&
    typeof manifest.includeFolder === 'string' &&
    Array.isArray(manifest.origin) &&
    Array.isArray(manifest.files) &&
    manifest.files.length > 0 &&
    manifest.files.every(isManifestFile)
  );
}

function isManifestFile(value: unknown): value is ManifestFile {
  if (typeof value !== 'object' || value === null) return false;
  const file = value as Partial<Record<keyof ManifestFile, unknown>>;
  return (
    typeof file.path === 'string' &&
    typeof file.size === 'number' &&
    typeof file.sha256 === 'string' &&
    (file.modified === undefined || typeof file.modified === 'number')
  );
}

/** A quick look (no hashing): names of files that are missing or whose size (or, if recorded, time) has changed. */
export function changedFiles(folder: string, files: readonly ManifestFile[]): string[] {
  return files
    .filter((file) => {
      const found = statSync(absolutePath(folder, file.path), { throwIfNoEntry: false });
      if (found === undefined || found.size !== file.size) return true;
      return file.modified !== undefined && Math.trunc(found.mtimeMs) !== file.modified;
    })
    .map((file) => file.path);
}

/** The thorough check: names of files that are missing, changed in size, or whose SHA-256 differs from the manifest. */
export async function tamperedFiles(folder: string, manifest: EngineManifest): Promise<string[]> {
  const wrong = new Set(changedFiles(folder, manifest.files));
  for (const file of manifest.files) {
    if (wrong.has(file.path) || file.sha256 === '') continue;
    if ((await sha256OfFile(absolutePath(folder, file.path))) !== file.sha256) wrong.add(file.path);
  }
  return [...wrong];
}

/** SHA-256 of a file in hexadecimal; reads it in pieces. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

function absolutePath(folder: string, path: string): string {
  return path.startsWith('/') ? path : join(folder, path);
}
