/** Rules of the shell that hold for its sources as a whole. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const files = ['main', 'shared', 'renderer'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs|svelte)$/.test(file))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
);

function filesWith(pattern: RegExp): string[] {
  const isComment = /^\s*(\*|\/\*|\/\/|<!--)/;
  return files.filter((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .some((line) => !isComment.test(line) && pattern.test(line)),
  );
}

describe('one file only', () => {
  it('touches ipcMain', () => expect(filesWith(/\bipcMain\b/)).toEqual(['main/doors/ipc/door.ts']));
  it('touches ipcRenderer', () =>
    expect(filesWith(/\bipcRenderer\b/)).toEqual(['main/doors/ipc/preload.ts']));
  it('opens links outside', () => expect(filesWith(/\.openExternal\(/)).toEqual(['main/app/lockdown.ts']));
  it('makes windows', () => expect(filesWith(/new BrowserWindow\(/)).toEqual(['main/app/windows.ts']));
});

it('nothing outside of the shell and its door knows Electron', () => {
  for (const file of filesWith(/from 'electron'/)) expect(file).toMatch(/^main\/(app|doors\/ipc)\//);
});

it('no trainer is forked from Electron', () => {
  expect(filesWith(/\butilityProcess\b|\bfork\(/)).toEqual([]);
});
