import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';

/**
 * Writes all files under temporary names, then gives them their own: when one cannot be written, none appears and
 * nothing is left behind. Makes the folder. Returns the paths.
 */
export async function writeFiles(
  folder: string,
  files: readonly { readonly name: string; readonly bytes: Uint8Array | string }[],
): Promise<string[]> {
  await makeFolder(folder);
  const pending = files.map(({ name, bytes }) => {
    const path = join(folder, name);
    return { path, partial: `${path}.partial`, bytes };
  });
  try {
    for (const { partial, bytes } of pending) await writeFile(partial, bytes, { flush: true });
    for (const { partial, path } of pending) await rename(partial, path);
  } catch (error) {
    for (const { partial } of pending) await rm(partial, { force: true }).catch(() => undefined);
    throw error;
  }
  return pending.map(({ path }) => path);
}
