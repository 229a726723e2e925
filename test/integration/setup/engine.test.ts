import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkEngine } from '#main/setup/check-engine.ts';
import { installEngine } from '#main/setup/install-engine.ts';
import { locateEngine } from '#main/setup/locate-engine.ts';
import type { EngineLocation } from '#main/setup/locate-engine.ts';
import { findNode } from '#main/setup/node.ts';
import { engineCacheFolder, engineFolderName } from '#main/setup/platform.ts';

const isFresh = process.env.SURGE_TEST_ENGINE_INSTALL === '1';
const commands = new URL('../../../main/setup/install-engine.ts', import.meta.url).href;

/** Installs in a process of its own, as another checkout would. */
function installElsewhere(cacheFolder: string): Promise<number | null> {
  const script = `const { installEngine } = await import(${JSON.stringify(commands)}); await installEngine({ variant: 'cpu', cacheFolder: ${JSON.stringify(cacheFolder)} });`;
  const child = spawn(findNode(), ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.on('close', resolve));
}

describe.runIf(isFresh)('a fresh installation (pip and compiler)', () => {
  const base = mkdtempSync(join(tmpdir(), 'surge-engine-'));
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  test('two at once end with one whole engine, which still works after its folder moved', async () => {
    const cacheFolder = join(base, 'engine');
    expect(await Promise.all([installElsewhere(cacheFolder), installElsewhere(cacheFolder)])).toEqual([0, 0]);
    expect(readdirSync(cacheFolder).sort()).toEqual([engineFolderName('cpu'), 'preferred.json']);
    expect(await checkEngine({ cacheFolder, verify: true })).toMatchObject({
      ok: true,
      variant: 'cpu',
      isGpu: false,
    });
    const moved = join(base, 'moved');
    renameSync(join(cacheFolder, engineFolderName('cpu')), moved);
    expect(await checkEngine({ cacheFolder })).toMatchObject({ ok: false, code: 'no-engine' });
    expect(await checkEngine({ folder: moved, verify: true })).toMatchObject({ ok: true, source: 'folder' });
  });

  test('an installation killed half way leaves nothing that looks ready, and the next one succeeds', async () => {
    const cacheFolder = join(base, 'killed');
    const script = `const { installEngine } = await import(${JSON.stringify(commands)});
      await installEngine({ variant: 'cpu', cacheFolder: ${JSON.stringify(cacheFolder)}, onProgress: ({ step, fraction }) => {
        if (step === 'unpack' && fraction > 0.3) process.kill(process.pid, 'SIGKILL');
      } });`;
    const child = spawn(findNode(), ['--input-type=module', '-e', script], { stdio: 'inherit' });
    expect(await new Promise((resolve) => child.on('close', (_code, signal) => resolve(signal)))).toBe(
      'SIGKILL',
    );
    expect(locateEngine({ cacheFolder })).toBeNull();
    await installEngine({ variant: 'cpu', cacheFolder });
    expect(readdirSync(cacheFolder).sort()).toEqual([engineFolderName('cpu'), 'preferred.json']);
    expect(await checkEngine({ cacheFolder })).toMatchObject({ ok: true });
  });
});

describe('the engine of this user', () => {
  let location: EngineLocation;
  beforeAll(async () => {
    if (!isFresh)
      console.warn(
        'fresh installation skipped: set SURGE_TEST_ENGINE_INSTALL=1 to fetch and build in an empty cache',
      );
    location = await installEngine();
  });

  test('computes a matrix product in a real child process and says what it is', async () => {
    const report = await checkEngine();
    if (!report.ok) throw new Error(`${report.message}\n${report.wayOut}`);
    expect(report.tensorflow).toBe(location.version);
    expect(report.device).not.toBe('');
    expect(report.threads).toBeGreaterThanOrEqual(1);
    expect(report.isGpu).toBe(report.variant === 'cuda' && report.warnings.length === 0);
    expect(Number(report.node.split('.')[0])).toBeGreaterThanOrEqual(22);
  });

  test('reports the thread count that a trainer would be pinned to', async () => {
    const before = process.env.TF_NUM_INTRAOP_THREADS;
    process.env.TF_NUM_INTRAOP_THREADS = '1';
    try {
      expect(await checkEngine()).toMatchObject({ ok: true, threads: 1 });
    } finally {
      if (before === undefined) delete process.env.TF_NUM_INTRAOP_THREADS;
      else process.env.TF_NUM_INTRAOP_THREADS = before;
    }
  });

  test('installing again changes nothing and is quick', async () => {
    // Processor time: the machine that runs the tests may be busy with others.
    const before = process.cpuUsage();
    expect(await installEngine()).toEqual(location);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
    expect(readdirSync(engineCacheFolder()).filter((name) => name.startsWith('.staging'))).toEqual([]);
  });
});
