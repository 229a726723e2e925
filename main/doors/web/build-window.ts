/** The window's files: built with vite when they are missing or older than their sources. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '#main/setup/setup-error.ts';
import { findNode } from '#main/setup/node.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BUILT = join(ROOT, 'dist', 'renderer');
/** A package has it here, and no sources (electron-builder.yml). */
const PACKED = join(ROOT, 'web');
const SOURCES = ['renderer', 'shared', 'vite.config.ts'];

/** The folder of the built window. Throws SetupError 'build-failed' in words of the builder. */
export async function builtWindow(notice: (message: string) => void): Promise<string> {
  if (existsSync(join(PACKED, 'index.html'))) return PACKED;
  const page = statSync(join(BUILT, 'index.html'), { throwIfNoEntry: false });
  const newest = Math.max(...SOURCES.map((name) => newestChange(join(ROOT, name))));
  if (page !== undefined && page.mtimeMs >= newest) return BUILT;
  if (!existsSync(join(ROOT, 'renderer', 'index.html')))
    throw new SetupError('build-failed', `${BUILT} is missing.`, 'Install Surge Lab again.');
  notice('Building the window …');
  await build();
  return BUILT;
}

function newestChange(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), 0);
}

async function build(): Promise<void> {
  const vite = viteProgram();
  const child = spawn(findNode(), [vite, 'build', '--logLevel', 'warn'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (data: Buffer) => (output = (output + data.toString()).slice(-4_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(null);
    });
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new SetupError(
      'build-failed',
      `The window could not be built: ${output.trim()}`,
      'Run "npm ci" and try again.',
    );
}

function viteProgram(): string {
  try {
    const description = createRequire(import.meta.url).resolve('vite/package.json');
    return join(dirname(description), 'bin', 'vite.js');
  } catch (error) {
    throw new SetupError(
      'build-failed',
      'The builder of the window (vite) is not installed.',
      'Run "npm ci".',
      {
        cause: error,
      },
    );
  }
}
