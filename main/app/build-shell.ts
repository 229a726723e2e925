/** Main process and preload script, bundled into dist/app. It takes two seconds, so it is done at every start. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, runCommand } from '#main/setup/command.ts';
import { findNode } from '#main/setup/node.ts';
import { SetupError } from '#main/setup/setup-error.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Throws SetupError 'build-failed' in words of the builder. */
export async function buildShell(): Promise<void> {
  const description = createRequire(import.meta.url).resolve('electron-vite/package.json');
  const program = join(dirname(description), 'bin', 'electron-vite.js');
  const result = await runCommand(findNode(), [program, 'build', '--logLevel', 'error'], { folder: ROOT });
  if (result.code === 0) return;
  throw new SetupError(
    'build-failed',
    `The desktop shell could not be built: ${result.startError?.message ?? lastLines(result.stderr, 12)}`,
    'Run "npm ci" and try again.',
  );
}
