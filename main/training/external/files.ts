/** The files of an external program that decide its results. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { ExternalWorkload } from '#shared/experiment/external.ts';

/**
 * Those that are listed, otherwise the arguments of the command that name files: a changed script then makes new cells.
 * A program found by its whole path or by PATH (an interpreter) does not count.
 */
export function watchedFiles({ files, command, shell, folder }: ExternalWorkload): readonly string[] {
  if (files !== undefined) return files;
  if (shell) return [];
  return command.filter((text, i) => {
    if (i === 0 && (isAbsolute(text) || !/[\\/]/.test(text))) return false;
    return text !== '' && statSync(resolve(folder, text), { throwIfNoEntry: false })?.isFile() === true;
  });
}

/** SHA-256 (hexadecimal) over names and contents; '' without files. Throws in plain words when one cannot be read. */
export function externalChecksum(workload: ExternalWorkload): string {
  if (statSync(workload.folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new Error(`workload.folder: ${workload.folder} is not a folder`);
  const files = watchedFiles(workload);
  if (files.length === 0) return '';
  const hash = createHash('sha256');
  for (const file of files) {
    const path = resolve(workload.folder, file);
    try {
      const bytes = readFileSync(path);
      hash.update(`${file}\0${bytes.length}\0`).update(bytes);
    } catch (error) {
      throw new Error(`workload.files: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, {
        cause: error,
      });
    }
  }
  return hash.digest('hex');
}
