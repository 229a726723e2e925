/** Fetches a whole data set into the data folder. It appears there in one rename, checked, or not at all. */
import { mkdir, mkdtemp, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '#main/setup/progress.ts';
import { withInstallLock } from '#main/setup/install-lock.ts';
import { SetupError } from '#main/setup/setup-error.ts';
import type { DataSetName } from '#shared/experiment/data-sets.ts';
import type { SetEntry, SetFile } from './catalog.ts';
import { catalog } from './catalog.ts';
import type { DownloadOptions } from './download.ts';
import { download } from './download.ts';
import type { SetManifest } from './folder.ts';
import { checksumOf, DataSetError, MANIFEST, presentSet } from './folder.ts';

export interface AddOptions extends Omit<DownloadOptions, 'onProgress'> {
  readonly root: string;
  /** Base address to fetch from instead of the publishers': FILE is at MIRROR/FOLDER/FILE. */
  readonly mirror?: string | undefined;
  readonly onProgress?: (file: string, done: number, total: number | null) => void;
  readonly onNotice?: (text: string) => void;
  /** For tests: other facts than the catalog's. */
  readonly entry?: SetEntry;
  /** For tests: free bytes below a folder. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** Returns 'present' where nothing had to be done. Throws a DataSetError; then nothing but parts to continue is left. */
export async function addDataSet(name: DataSetName, options: AddOptions): Promise<'added' | 'present'> {
  const entry = options.entry ?? catalog[name];
  const { root } = options;
  if (presentSet(entry, root) !== null) return 'present';
  await requireWritable(root);
  const lock = join(root, `.lock-${entry.folder}`);
  const onWait = ({ pid }: { readonly pid: number }) =>
    options.onNotice?.(`Process ${pid} is fetching ${entry.folder}; waiting for it.`);
  try {
    return await withInstallLock(lock, () => fetchAll(entry, options), { onWait });
  } catch (error) {
    if (error instanceof SetupError && error.code === 'install-locked')
      throw new DataSetError(
        `${name}: another process has been fetching it for a long time; wait for it, or end it and start again (${lock})`,
        { cause: error },
      );
    throw error;
  }
}

async function fetchAll(entry: SetEntry, options: AddOptions): Promise<'added' | 'present'> {
  const { root, mirror } = options;
  const folder = join(root, entry.folder);
  // Somebody else may have brought it while we waited.
  if (presentSet(entry, root) !== null) return 'present';
  await requireSpace(entry, options);
  // Its name is fixed, so that the next attempt finds the parts of this one; the lock keeps it to one process.
  const incoming = join(root, `.incoming-${entry.folder}`);
  await mkdir(incoming, { recursive: true });
  const files: SetManifest['files'][number][] = [];
  for (const file of entry.files) {
    const url = addressOf(file, entry, mirror);
    const bytes = await fetchFile(file, url, join(incoming, file.name), options);
    files.push({ name: file.name, bytes, checksum: `${file.algorithm}:${file.checksum}` });
  }
  const manifest: SetManifest = { format: 1, added: Date.now(), from: mirror ?? entry.home, files };
  await writeFile(join(incoming, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  // What is there under the name is not whole, or it would have been found.
  const old = join(await mkdtemp(join(root, '.old-')), entry.folder);
  await rename(folder, old).catch(ignoreMissing);
  await rename(incoming, folder);
  await rm(join(old, '..'), { recursive: true, force: true });
  return 'added';
}

function addressOf(file: SetFile, entry: SetEntry, mirror: string | undefined): string {
  return mirror === undefined ? file.url : `${mirror.replace(/\/+$/, '')}/${entry.folder}/${file.name}`;
}

/** A part of an older attempt may be of something else: a wrong checksum is final only for a file fetched in one piece. */
async function fetchFile(file: SetFile, url: string, path: string, options: AddOptions): Promise<number> {
  const { onProgress } = options;
  if (await isRight(file, path)) return sizeOf(path);
  for (;;) {
    const { resumed } = await download(url, path, {
      ...options,
      onProgress: (done, total) => onProgress?.(file.name, done, total),
    });
    if (await isRight(file, path)) return sizeOf(path);
    const got = await checksumOf(path, file.algorithm);
    await rm(path, { force: true });
    if (resumed) {
      options.onNotice?.(`${file.name}: the continued file is not right; fetching all of it again.`);
      continue;
    }
    throw new DataSetError(
      `${file.name}: has the wrong checksum (${file.algorithm} ${got}, published is ${file.checksum}); what ${url} sent is not this file, and it was not kept`,
    );
  }
}

async function isRight(file: SetFile, path: string): Promise<boolean> {
  try {
    return (await checksumOf(path, file.algorithm)) === file.checksum;
  } catch {
    return false;
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

async function requireWritable(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
    await rm(await mkdtemp(join(root, '.probe-')), { recursive: true, force: true });
  } catch (error) {
    throw new DataSetError(
      `${root}: the data folder cannot be written (${(error as Error).message}); make it writable, or name another one with SURGE_DATA`,
      { cause: error },
    );
  }
}

async function requireSpace(entry: SetEntry, { root, freeBytes = freeBelow }: AddOptions): Promise<void> {
  const needed = entry.files.reduce((sum, file) => sum + file.bytes, 0);
  const free = await freeBytes(root);
  if (free >= needed) return;
  throw new DataSetError(
    `${root}: needs ${formatBytes(needed)} for ${entry.folder}, and ${formatBytes(free)} are free; make room, or name another folder with SURGE_DATA`,
  );
}

async function freeBelow(folder: string): Promise<number> {
  const { bsize, bavail } = await statfs(folder);
  return bsize * bavail;
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
