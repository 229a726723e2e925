import { statfs } from 'node:fs/promises';
import { formatBytes } from './progress.ts';
import { SetupError } from './setup-error.ts';

/** What {@link requireSpace} asks of a file system: block size in bytes and blocks free for ordinary users. */
export type ReadSpace = (folder: string) => Promise<{ bsize: number; bavail: number }>;

/** Throws a {@link SetupError} `no-disk-space` unless the file system of `folder` has `bytes` free. */
export async function requireSpace(
  folder: string,
  bytes: number,
  readSpace: ReadSpace = statfs,
): Promise<void> {
  const { bsize, bavail } = await readSpace(folder);
  const free = bsize * bavail;
  if (free >= bytes) return;
  throw noSpace(folder, `it needs about ${formatBytes(bytes)}, and ${formatBytes(free)} are free`);
}

/** The error for a full disk, met before or during the work. */
export function noSpace(folder: string, detail: string): SetupError {
  return new SetupError(
    'no-disk-space',
    `There is not enough disk space for the engine in ${folder}: ${detail}. Nothing was changed.`,
    'Free some space, or set XDG_CACHE_HOME to a folder on a larger disk, and start again.',
  );
}
