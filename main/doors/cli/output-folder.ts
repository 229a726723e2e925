/** The folder named by --out or --figure, made when absent. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { makeFolder } from '#main/lab/make-folder.ts';
import { BadInput } from './exit-codes.ts';

/** Throws BadInput when files cannot be written there, before any work is done. */
export async function requireOutputFolder(folder: string, option = '--out'): Promise<void> {
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new BadInput(`${option} ${folder}: ${reason((error as NodeJS.ErrnoException).code)}`);
  }
}

function reason(code: string | undefined): string {
  switch (code) {
    case 'ENOTDIR':
    case 'EEXIST':
      return 'this is a file, or lies below one; name a folder.';
    case 'ENOSPC':
      return 'the disk is full.';
    default:
      return `no files can be written there (${code ?? 'unknown error'}).`;
  }
}
