/** Fetching the engine from an index: connections that break, installations that are stopped, files that are not what they should be. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { LabNews } from '#shared/api/messages.ts';
import type { Job } from '#shared/api/types.ts';
import { createHandlers } from '#main/lab/api/handlers.ts';
import { Lab } from '#main/lab/lab.ts';
import { engineFolderName, libraryNames } from '#main/setup/platform.ts';
import { downloadWheel, tensorflowRequirement } from '#main/setup/wheels.ts';
import {
  makeWheel,
  pipSettings,
  servePackages,
  type IndexOptions,
  type PackageIndex,
} from '../../support/package-index.ts';
import { findProgram, setupErrorOf, temporaryFolder, writeProgram } from './support.ts';

const python = findProgram('python3');
if (python === null) console.warn('skipped: no python3 on PATH, so nothing can be fetched');
const requirement = tensorflowRequirement('cpu');

let folder: string;
let wheel: string;

beforeEach(() => {
  for (const name of ['SURGE_ENGINE_DIR', 'CXX']) vi.stubEnv(name, undefined);
  folder = temporaryFolder();
  if (python === null) return;
  wheel = makeWheel(python, folder, {
    [`tensorflow/${libraryNames().main}`]: 'not really a library '.repeat(20_000),
    [`tensorflow/${libraryNames().framework}`]: 'nor this one',
  });
});
afterEach(() => void vi.unstubAllEnvs());

async function serve(options: IndexOptions = {}): Promise<PackageIndex> {
  const index = await servePackages(wheel, options);
  onTestFinished(() => index.close());
  for (const [name, value] of Object.entries(pipSettings(index.url))) vi.stubEnv(name, value);
  return index;
}

describe.skipIf(python === null)('a download', () => {
  const staging = () => {
    const path = join(folder, 'staging');
    mkdirSync(path, { recursive: true });
    return path;
  };
  const fractions: (number | null)[] = [];
  const fetch = (signal?: AbortSignal) =>
    downloadWheel(requirement, {
      ...{ python: python!, folder: staging(), downloads: join(folder, 'downloads'), signal },
      onProgress: ({ fraction }) => fractions.push(fraction),
    });
  beforeEach(() => void (fractions.length = 0));

  it.each([{ html: false }, { html: true }])('goes on where the connection broke (%j)', async (options) => {
    const index = await serve(options);
    index.breaks.push(1_000, 70_000);
    const file = await fetch();
    expect(basename(file)).toBe(basename(wheel));
    expect(readFileSync(file).equals(readFileSync(wheel))).toBe(true);
    expect(index.asked).toHaveLength(3);
    expect(index.asked.toSorted((a, b) => a - b)).toEqual(index.asked);
    expect(index.asked[1]).toBeGreaterThan(0);
    expect(fractions.at(-1)).toBe(1);
    expect(readdirSync(join(folder, 'downloads'))).toEqual([]);
  });

  it('begins again where an index sends no parts', async () => {
    const index = await serve({ parts: false });
    index.breaks.push(1_000);
    expect(readFileSync(await fetch()).equals(readFileSync(wheel))).toBe(true);
    expect(index.asked).toEqual([0, 0]);
  });

  it('says that it broke off, keeps what came, and goes on with it the next time', async () => {
    const index = await serve();
    index.breaks.push(100_000, 0, 0, 0, 0);
    const error = await setupErrorOf(fetch());
    expect(error.code).toBe('download-failed');
    expect(error.message).toMatch(/broke off at .* of .* is kept/);
    expect(error.wayOut).toContain('goes on from there');
    const before = index.asked.length;
    await fetch();
    expect(index.asked.slice(before)).toEqual([index.asked[before - 1]]);
    expect(index.asked[before]).toBeGreaterThan(0);
  });

  it('is stopped at once, and goes on the next time', async () => {
    const index = await serve();
    // The connection stays open, and nothing comes any more.
    index.breaks.push(100_000, Infinity);
    const end = new AbortController();
    const fetched = setupErrorOf(fetch(end.signal));
    const partial = () =>
      readdirSync(join(folder, 'downloads')).map((name) => join(folder, 'downloads', name));
    await vi.waitFor(() => expect(fractions.length).toBeGreaterThan(0), { timeout: 60_000 });
    end.abort();
    expect((await fetched).code).toBe('stopped');
    // What had been written by then is continued, be it nothing.
    const kept = partial().reduce((sum, file) => sum + statSync(file).size, 0);
    index.breaks.length = 0;
    expect(readFileSync(await fetch()).equals(readFileSync(wheel))).toBe(true);
    expect(index.asked.at(-1)).toBe(kept);
  });

  it('that differs from the checksum of its index is thrown away', async () => {
    await serve({ sha256: '0'.repeat(64) });
    const error = await setupErrorOf(fetch());
    expect(error.code).toBe('corrupt-download');
    expect(error.message).toContain('differs from the checksum of its index');
    expect(readdirSync(join(folder, 'downloads'))).toEqual([]);
    expect(readdirSync(staging())).toEqual([]);
  });

  it('is left to pip where pip has settings that only pip follows', async () => {
    const index = await serve();
    vi.stubEnv('PIP_FIND_LINKS', folder);
    vi.stubEnv('PIP_NO_INDEX', '1');
    expect(readFileSync(await fetch()).equals(readFileSync(wheel))).toBe(true);
    expect(index.asked).toEqual([]);
  });
});

describe.skipIf(python === null)('an installation that a window asked for', () => {
  let lab: Lab;
  let jobs: Job[];
  let start: () => void;

  beforeEach(async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    // No TensorFlow of this machine's own Python is looked at.
    vi.stubEnv(
      'SURGE_PYTHON',
      writeProgram(folder, 'python', `case "$*" in *find_spec*) exit 1;; *) exec "${python}" "$@";; esac`),
    );
    vi.stubEnv('CXX', writeProgram(folder, 'compiler', 'echo "not C++" >&2; exit 1'));
    lab = await Lab.open({
      ...{ file: join(folder, 'lab.surge'), settingsFile: join(folder, 'settings.json'), version: 'test' },
    });
    jobs = [];
    const session = lab.openSession(() =>
      setImmediate(() => {
        for (let news: LabNews | null = session.take(); news !== null; news = session.take())
          if (news.name === 'job.changed') jobs.push(news.payload);
      }),
    );
    start = () => void createHandlers(lab, session)['engine.install']({ device: 'cpu' });
  });
  afterEach(() => lab.close());

  const ended = () =>
    vi.waitFor(
      () => {
        const last = jobs.at(-1);
        expect(last?.done).toBe(true);
        return last!;
      },
      { timeout: 60_000 },
    );

  it('tells how far it is, and why it ended', async () => {
    const index = await serve();
    index.breaks.push(30_000);
    start();
    const last = await ended();
    const messages = jobs.map(({ message }) => message).join('\n');
    expect(messages).toContain(`Downloading ${requirement}: `);
    expect(messages).toContain('Unpacking');
    for (const { share } of jobs) expect(share ?? 0).toSatisfy((value: number) => value >= 0 && value <= 1);
    // The compiler is none; what was fetched stays for the next time.
    expect(last.error).toContain('not C++');
    expect(last.error).toContain('The downloaded library is kept.');
    expect(index.asked[0]).toBe(0);
    const before = index.asked.length;
    jobs.length = 0;
    start();
    await ended();
    expect(index.asked).toHaveLength(before);
  });

  it('does not keep the lab from ending, and leaves nothing that looks ready', async () => {
    const index = await serve();
    index.breaks.push(30_000, Infinity);
    start();
    await vi.waitFor(() => expect(index.asked).toEqual([0]), { timeout: 60_000 });
    await lab.close();
    const cache = join(folder, 'cache', 'surge-lab', 'engine');
    expect(existsSync(join(cache, engineFolderName('cpu')))).toBe(false);
    expect(readdirSync(cache).filter((name) => !name.startsWith('.downloads-'))).toEqual([]);
  });
});
