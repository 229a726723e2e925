import { spawn, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { npmNode, runsTypeScript } from '#main/setup/node-runtime.mjs';
import { findNode } from '#main/setup/node.ts';
import { temporaryFolder, write } from './support.ts';

const command = fileURLToPath(new URL('../../../main/setup/surge.mjs', import.meta.url));
const launcher = fileURLToPath(new URL('../../../main/setup/launch.mjs', import.meta.url));

/** A Node on PATH (or in the usual places) that cannot run TypeScript: at least 18, below 22.18. */
function olderNode(): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  for (const folder of folders) {
    const path = join(folder, 'node');
    const { stdout } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    const version = stdout?.trim() ?? '';
    if (version !== '' && Number(version.split('.')[0]) >= 18 && !runsTypeScript(version)) return path;
  }
  return null;
}

const older = olderNode();
if (older === null)
  console.warn('skipped: no Node older than 22.18 on PATH, so starting from one is not tried');
if (npmNode() === null) console.warn('skipped: npm brought no Node for this platform');
const starts: [string, string][] = [['this Node', process.execPath]];
if (older !== null && npmNode() !== null) starts.push(['an older Node', older]);

/** An entry in TypeScript that needs type stripping and reports what it was given. */
function entryFile(): string {
  const file = join(temporaryFolder(), 'entry.ts');
  write(
    file,
    `const given: string[] = process.argv.slice(2);
     if (given[0] === 'wait') {
       process.on('SIGTERM', () => { console.log('stopped cleanly'); process.exit(9); });
       setInterval(() => {}, 1000);
     }
     console.log(JSON.stringify({ given, entry: process.argv[1], node: process.versions.node }));
     if (given[0] === 'exit') process.exit(Number(given[1]));
     if (given[0] === 'die') process.kill(process.pid, 'SIGKILL');`,
  );
  return file;
}

// An empty environment: the launcher must find the newer Node without PATH.
const options = { encoding: 'utf8', env: {}, input: '' } as const;

describe.each(starts)('launch.mjs on %s', (_name, node) => {
  test('runs a TypeScript entry with its arguments, quietly, and passes the exit code on', () => {
    const entry = entryFile();
    const { status, stdout, stderr } = spawnSync(node, [launcher, entry, 'exit', '7', '--flag'], options);
    expect(stderr).toBe('');
    expect(status).toBe(7);
    const said = JSON.parse(stdout) as { given: string[]; entry: string; node: string };
    expect(said).toMatchObject({ given: ['exit', '7', '--flag'], entry });
    expect(runsTypeScript(said.node)).toBe(true);
  });

  test('the installed command hands everything to the command line', () => {
    const link = join(temporaryFolder(), 'surge');
    symlinkSync(command, link);
    const { status, stdout } = spawnSync(node, [link, '--help'], options);
    expect(stdout).toContain('surge');
    expect(status).toBe(0);
  });

  test('ends by the signal that ended the entry', () => {
    expect(spawnSync(node, [launcher, entryFile(), 'die'], options).signal).toBe('SIGKILL');
  });

  test('passes SIGTERM on and waits for a clean end', async () => {
    const child = spawn(node, [launcher, entryFile(), 'wait'], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      if (text === '') child.kill('SIGTERM');
      text += more;
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect(text).toContain('stopped cleanly');
    expect(status).toBe(9);
  });

  test.each([
    ['without a name', [], 'Usage:'],
    ['with an unknown name', ['nothing-like-this'], 'Known names: surge'],
  ])('%s it says what it knows', (_case, given, text) => {
    const { status, stderr } = spawnSync(node, [launcher, ...given], options);
    expect(status).toBe(2);
    expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

test('runsTypeScript knows where type stripping needs no flag', () => {
  for (const version of ['22.18.0', '22.20.1', '23.6.0', '24.0.0', '24.21.0', '30.1.2'])
    expect(runsTypeScript(version), version).toBe(true);
  for (const version of ['18.0.0', '20.20.2', '22.17.1', '22.6.0', '23.5.0'])
    expect(runsTypeScript(version), version).toBe(false);
});

test('npmNode is null when the package is absent or has no binary', () => {
  expect(
    npmNode({
      resolve: () => {
        throw new Error('not found');
      },
    }),
  ).toBeNull();
  expect(npmNode({ resolve: () => '/absent/bin/node' })).toBeNull();
});

test.each([
  ['linux', `node-linux-${process.arch}/bin/node`],
  ['darwin', `node-darwin-${process.arch}/bin/node`],
  ['darwin', `node-bin-darwin-${process.arch}/bin/node`],
  ['win32', `node-win-${process.arch}/bin/node.exe`],
])('npmNode knows what npm calls the Node of %s: %s', (platform, wanted) => {
  const resolve = (id: string): string => {
    if (id === wanted) return process.execPath;
    throw new Error('not found');
  };
  expect(npmNode({ resolve }, platform)).toBe(process.execPath);
});

test('findNode gives a Node that runs TypeScript', () => {
  const { stdout } = spawnSync(findNode(), ['-p', 'process.versions.node'], { encoding: 'utf8' });
  expect(runsTypeScript(stdout.trim())).toBe(true);
});
