/** A log of faults in the user's log folder, for a report; it never grows beyond two small files. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const MOST_BYTES = 1 << 20;

export type Log = (what: string, error?: unknown) => void;

export function logTo(file: string): Log {
  return (what, error) => {
    const detail = error instanceof Error ? `: ${error.stack ?? error.message}` : detailOf(error);
    try {
      mkdirSync(dirname(file), { recursive: true });
      const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      if (size > MOST_BYTES) renameSync(file, `${file}.old`);
      appendFileSync(file, `${new Date().toISOString()} ${what}${detail}\n`);
    } catch {
      // Where no log can be written, none is.
    }
  };
}

function detailOf(error: unknown): string {
  return error === undefined ? '' : `: ${typeof error === 'string' ? error : JSON.stringify(error)}`;
}
