/** What must not be left behind: processes, files, descriptors, memory. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Processes of ours that hold a file of this folder open, or name it in their arguments. */
export function processesUsing(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => namesIt(pid, folder) || holdsIt(pid, folder))
    .map(Number);
}

function namesIt(pid: string, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
  } catch {
    return false;
  }
}

function holdsIt(pid: string, folder: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`).startsWith(folder);
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** Files that a finished sweep must not have: temporary names, checkpoints, requests, a log that was not folded in. */
export function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter(
      (name) =>
        /\.(partial|merging|tmp|safetensors)$|hold-|\.uploads\//.test(name) ||
        // Readers leave an empty log.
        (name.endsWith('-wal') && statSync(join(folder, name)).size > 0),
    );
}

export function descriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** Resident bytes of a process. */
export function residentBytes(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return pages * 4096;
  } catch {
    return 0;
  }
}
