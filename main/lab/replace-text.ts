/** Small files that are written anew as a whole. */
import { renameSync, writeFileSync } from 'node:fs';

/** The old text or the new one is there at any time, whoever else writes the same file. */
export function replaceText(file: string, text: string): void {
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, text);
  renameSync(partial, file);
}
