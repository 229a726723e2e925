/**
 * Experiments on their way from one lab to another: a folder with a store that has only them, and a list of its files
 * with their checksums.
 *
 *     shard.surge         the store
 *     shard.surge.spool/  its journal, the spools of its stacks, the rows of imported files
 *     manifest.json       written last
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../make-folder.ts';
import { openStore } from '../store/index.ts';
import type { ExperimentSummary } from '../store/types.ts';
import { mergeStore } from './merge-store.ts';

const STORE = 'shard.surge';
const MANIFEST = 'manifest.json';

const manifestSchema = z.object({
  format: z.literal('surge-lab-shards'),
  version: z.literal(1),
  /** UTC, epoch milliseconds. */
  exportedAt: z.number(),
  experiments: z.array(z.object({ key: z.string(), name: z.string(), cells: z.number() })),
  files: z.array(
    z.object({
      /** Below the folder, with forward slashes. */
      name: z.string().regex(/^(?!\.)[^/\\]+(\/(?!\.)[^/\\]+)?$/),
      bytes: z.number(),
      sha256: z.string(),
    }),
  ),
});

export type ShardManifest = z.output<typeof manifestSchema>;

/** What is wrong with a folder or file of shards, for a person. */
export class ShardError extends Error {
  override readonly name = 'ShardError';
}

/**
 * Writes these experiments of a store into a folder that `importableStores` and `mergeStore` take. The folder gets its
 * name when it is complete; an earlier one of the same kind is replaced. Returns the manifest, and what could not be
 * carried, in words. Throws ShardError when the folder holds something else.
 */
export async function exportShards(
  storeFile: string,
  experiments: readonly ExperimentSummary[],
  folder: string,
): Promise<{ readonly manifest: ShardManifest; readonly problems: readonly string[] }> {
  const place = resolve(folder);
  const before = `${place}.replaced`;
  const partial = `${place}.partial`;
  // Killed between the two renames below: the earlier export is still there.
  if (!existsSync(place) && existsSync(before)) await rename(before, place);
  requireRoom(place);
  await makeFolder(dirname(place));
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(partial);
    const problems: string[] = [];
    let carried: ShardManifest['experiments'];
    const store = openStore(join(partial, STORE));
    try {
      const done = new Set<string>();
      for (const { key } of experiments)
        // Families of one import come together.
        if (!done.has(key))
          for (const merged of mergeStore(store, storeFile, { experiment: key })) {
            done.add(merged.key);
            problems.push(...merged.problems.map((problem) => `"${merged.name}": ${problem}`));
          }
      carried = store.experiments().map(({ key, name, cells }) => ({ key, name, cells }));
    } finally {
      store.close();
    }
    for (const name of await readdir(partial))
      if (name !== STORE && name !== `${STORE}.spool`) await rm(join(partial, name), { force: true });
    const manifest: ShardManifest = {
      format: 'surge-lab-shards',
      version: 1,
      exportedAt: Date.now(),
      experiments: carried,
      files: await listFiles(partial),
    };
    await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
    await rm(before, { recursive: true, force: true });
    if (existsSync(place)) await rename(place, before);
    await rename(partial, place);
    await rm(before, { recursive: true, force: true });
    return { manifest, problems };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Throws ShardError when a folder cannot be taken, or replaced, without losing something. */
function requireRoom(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) throw new ShardError(`${folder} is a file: name a folder for the shards.`);
  if (readdirSync(folder).length === 0 || readManifest(folder) !== null) return;
  throw new ShardError(
    `${folder} holds other files, and shards are a folder of their own: name one that does not exist yet.`,
  );
}

async function listFiles(folder: string): Promise<ShardManifest['files']> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: ShardManifest['files'] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = entry.parentPath === folder ? entry.name : `${basename(entry.parentPath)}/${entry.name}`;
    files.push({ name, bytes: (await stat(path)).size, sha256: await checksum(path) });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function checksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Null when there is none, or when it is the manifest of something else. */
function readManifest(folder: string): ShardManifest | null {
  const file = join(folder, MANIFEST);
  if (!existsSync(file)) return null;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ShardError(`${file} is damaged: copy the folder again.`, { cause: error });
  }
  const isOurs = z.object({ format: manifestSchema.shape.format }).safeParse(content).success;
  if (!isOurs) return null;
  const parsed = manifestSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ShardError(`${file}: ${issue.path.join('.')}: ${issue.message}`, { cause: parsed.error });
}

/**
 * The stores that a path to import stands for: a folder of `exportShards`, a folder with stores, or one store. Null when
 * it is no store but something that people import otherwise. Throws ShardError when a folder of shards is not complete.
 */
export async function importableStores(path: string): Promise<string[] | null> {
  if (!statSync(path).isDirectory()) {
    const folder = dirname(resolve(path));
    if (basename(path) === STORE) return [await checkedStore(folder)];
    return path.endsWith('.surge') ? [path] : null;
  }
  if (existsSync(join(path, STORE)) || readManifest(path) !== null) return [await checkedStore(path)];
  const stores = readdirSync(path)
    .filter((name) => name.endsWith('.surge'))
    .sort();
  return stores.length === 0 ? null : stores.map((name) => join(path, name));
}

async function checkedStore(folder: string): Promise<string> {
  const manifest = readManifest(folder);
  const again = 'Copy the folder again, whole; nothing of it was imported.';
  if (manifest === null) throw new ShardError(`${join(folder, MANIFEST)} is missing. ${again}`);
  for (const { name, bytes, sha256 } of manifest.files) {
    const file = join(folder, name);
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw new ShardError(`${file} is missing. ${again}`);
    if (found.size !== bytes)
      throw new ShardError(`${file} has ${found.size} bytes and was written with ${bytes}. ${again}`);
    if ((await checksum(file)) !== sha256)
      throw new ShardError(`${file} is not as it was written: its checksum differs. ${again}`);
  }
  return join(folder, STORE);
}
