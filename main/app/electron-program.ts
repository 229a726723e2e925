/** Electron's own program. Its package comes without it; it is fetched once, on the first start. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findNode } from '#main/setup/node.ts';
import { runCommand } from '#main/setup/command.ts';

const FETCH_MILLISECONDS = 10 * 60_000;

/** Null when it is not there; nothing is fetched. */
export function installedElectron(folder = electronFolder()): string | null {
  if (folder === null) return null;
  try {
    // Written when the program has been unpacked whole.
    const file = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8').trim());
    return existsSync(file) ? file : null;
  } catch {
    return null;
  }
}

/** The program, fetched when it is missing; null when it cannot be had. */
export async function electronProgram(notice: (message: string) => void): Promise<string | null> {
  const folder = electronFolder();
  const installed = installedElectron(folder);
  if (installed !== null || folder === null) return installed;
  notice('Fetching the desktop program (Electron, about 120 MB, once) …');
  await runCommand(findNode(), [join(folder, 'install.js')], { timeout: FETCH_MILLISECONDS });
  return installedElectron(folder);
}

function electronFolder(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  } catch {
    return null;
  }
}
