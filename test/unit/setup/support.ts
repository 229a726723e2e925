import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { addonPath } from '#main/setup/locate-engine.ts';
import type { EngineManifest } from '#main/setup/manifest.ts';
import { libraryNames, platformName } from '#main/setup/platform.ts';
import { SetupError } from '#main/setup/setup-error.ts';

/** A new empty folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'surge-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A program in `folder`, as a shell script that needs nothing but the shell's own commands. */
export function writeProgram(folder: string, name: string, body: string): string {
  const path = join(folder, name);
  write(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** An engine folder with a true manifest whose libraries are small texts: enough for everything but loading it. */
export function fakeEngine(
  folder: string,
  changes: Partial<EngineManifest> & { addon?: boolean } = {},
): EngineManifest {
  const { addon = true, ...fields } = changes;
  const { main, framework } = libraryNames();
  const files = [main, framework].map((name) => {
    const text = `not really ${name}`;
    write(join(folder, 'tensorflow', name), text);
    return {
      path: `tensorflow/${name}`,
      size: text.length,
      sha256: createHash('sha256').update(text).digest('hex'),
    };
  });
  const manifest: EngineManifest = {
    ...{ format: 1, version: '2.21.0', variant: 'cpu', platform: platformName(), source: 'cache' },
    ...{ libraryFolder: 'tensorflow', includeFolder: 'tensorflow/include', origin: ['test'], files },
    ...fields,
  };
  write(join(folder, 'manifest.json'), JSON.stringify(manifest));
  if (addon) write(addonPath(folder), 'not really an addon');
  return manifest;
}

/** The absolute path of a program on PATH; null when it is absent. */
export function findProgram(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not here.
    }
  }
  return null;
}

/** The SetupError that `work` rejects with; fails the test when it does not. */
export async function setupErrorOf(work: Promise<unknown>): Promise<SetupError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SetupError) return error;
    throw error;
  }
  throw new Error('expected a SetupError, but it succeeded');
}
