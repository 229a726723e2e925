import { basename, dirname, join, resolve } from 'node:path';
import { realpathSync } from 'node:fs';

/**
 * The real path of a store: links resolved, so that two names of one file take the same lock and the same spool. The
 * file need not exist.
 */
export function resolveStore(file: string): string {
  const absolute = resolve(file);
  try {
    return realpathSync(absolute);
  } catch {
    try {
      return join(realpathSync(dirname(absolute)), basename(absolute));
    } catch {
      return absolute;
    }
  }
}

/** The folder of spool files and checkpoints beside the store. */
export function spoolFolderOf(file: string): string {
  return `${file}.spool`;
}

/** The journal of everything the lab itself decided. */
export function labJournalOf(file: string): string {
  return join(spoolFolderOf(file), 'lab.jsonl');
}

/** The spool that the trainer of a stack appends to. */
export function stackSpoolFile(spoolFolder: string, stackKey: string): string {
  return join(spoolFolder, `stack-${stackKey}.jsonl`);
}

/** The rows of an imported file, one cell a line. */
export function importFile(spoolFolder: string, importKey: string): string {
  return join(spoolFolder, `import-${importKey}.jsonl`);
}

/** The newest checkpoint of a stack. */
export function stackCheckpointFile(spoolFolder: string, stackKey: string): string {
  return join(spoolFolder, `stack-${stackKey}.safetensors`);
}
