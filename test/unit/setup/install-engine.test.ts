import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { installEngine } from '#main/setup/install-engine.ts';
import { addonPath, locateEngine } from '#main/setup/locate-engine.ts';
import { engineFolderName, tensorflowVersion } from '#main/setup/platform.ts';
import { findProgram, fakeEngine, setupErrorOf, temporaryFolder, write, writeProgram } from './support.ts';

const realPython = findProgram('python3');
const pipAnswers = 'case "$*" in *"import sys, zipfile"*|*"pip --version"*) exit 0;; *"pip download"*) ';

/** A PATH that holds only what the test puts there, and a cache of its own. */
function bareMachine(): { programs: string; cacheFolder: string } {
  const programs = temporaryFolder();
  vi.stubEnv('PATH', programs);
  return { programs, cacheFolder: join(temporaryFolder(), 'engine') };
}

beforeEach(() => {
  for (const name of ['SURGE_ENGINE_DIR', 'SURGE_PYTHON', 'CXX']) vi.stubEnv(name, undefined);
  // Whatever is fetched here, pip fetches it: no index is asked.
  vi.stubEnv('PIP_NO_INDEX', '1');
});
afterEach(() => void vi.unstubAllEnvs());

/** Whatever failed, the cache must not look as if an engine were there, nor keep locks or half-made folders. */
function expectClean(cacheFolder: string): void {
  expect(locateEngine({ cacheFolder })).toBeNull();
  expect(existsSync(cacheFolder) ? readdirSync(cacheFolder) : []).toEqual([]);
}

test('no compiler: said before anything is fetched', async () => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(
    programs,
    'python3',
    `${pipAnswers} echo fetched > "${cacheFolder}-fetched"; exit 1;; *) exit 1;; esac`,
  );
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe('no-compiler');
  expect(error.describe()).toMatch(/c\+\+, g\+\+, clang\+\+[^]*apt install g\+\+/);
  expect(existsSync(`${cacheFolder}-fetched`)).toBe(false);
  expectClean(cacheFolder);
});

test('a compiler named in CXX that is absent is named in the message', async () => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  vi.stubEnv('CXX', 'special-c++ -m64');
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe('no-compiler');
  expect(error.message).toContain('special-c++ -m64');
});

test('no Python', async () => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe('no-python');
  expect(error.describe()).toMatch(/python3, python[^]*apt install python3/);
  expectClean(cacheFolder);
});

test('a Python without pip', async () => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  writeProgram(programs, 'python3', 'case "$*" in *"import sys, zipfile"*) exit 0;; *) exit 1;; esac');
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe('no-pip');
  expect(error.wayOut).toContain('--from FILE.whl');
  expectClean(cacheFolder);
});

test.each([
  [
    'echo "Failed to establish a new connection: Temporary failure in name resolution" >&2; echo "ERROR: No matching distribution" >&2; exit 1',
    'download-failed',
    'cannot reach',
  ],
  [
    'echo "ERROR: No matching distribution found for tensorflow" >&2; exit 1',
    'download-failed',
    'No matching distribution',
  ],
  [
    'echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1',
    'no-disk-space',
    'filled the disk',
  ],
  ['echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1', 'corrupt-download', 'damaged'],
  ['exit 0', 'download-failed', 'left no wheel'],
])('pip that fails (%s)', async (body, code, text) => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  writeProgram(programs, 'python3', `${pipAnswers} ${body};; *) exit 1;; esac`);
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe(code);
  expect(error.message).toContain(text);
  expect(error.wayOut).not.toBe('');
  expectClean(cacheFolder);
});

test.skipIf(realPython === null)('pip that brings a damaged wheel', async () => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  // The folder is the argument after -d; everything else is the real Python.
  const save = `while [ "$1" != -d ]; do shift; done; echo "not a zip" > "$2/tensorflow_cpu-${tensorflowVersion}-cp312-cp312-any.whl"; exit 0`;
  writeProgram(
    programs,
    'python3',
    `case "$*" in *"pip --version"*) exit 0;; *"pip download"*) ${save};; *find_spec*) exit 1;; *) PATH="${process.env.PATH}:/usr/bin:/bin" exec "${realPython}" "$@";; esac`,
  );
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe('corrupt-download');
  expect(error.message).toContain(`tensorflow_cpu-${tensorflowVersion}`);
  expectClean(cacheFolder);
});

test('a disk that is too full is said before fetching; what a killed installation left is removed', async () => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  writeProgram(programs, 'python3', `${pipAnswers} exit 1;; *) exit 1;; esac`);
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  mkdirSync(join(cacheFolder, `.staging-x+${hostname()}+${gone}++abcdef`), { recursive: true });
  const readSpace = (): Promise<{ bsize: number; bavail: number }> =>
    Promise.resolve({ bsize: 4096, bavail: 25_000 });
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder, readSpace }));
  expect(error.code).toBe('no-disk-space');
  expect(error.message).toMatch(/needs about 1\.4 GB, and 102 MB are free/);
  expectClean(cacheFolder);
});

test('a cache that cannot be written', async () => {
  const { programs } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  const file = join(temporaryFolder(), 'file');
  write(file, '');
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder: join(file, 'engine') }));
  expect(error.code).toBe('cache-not-writable');
  expect(error.wayOut).toContain('XDG_CACHE_HOME');
});

test('a compiler that fails: its own words are shown and the library is kept', async () => {
  const { programs, cacheFolder } = bareMachine();
  const folder = join(cacheFolder, engineFolderName('cpu'));
  fakeEngine(folder, { addon: false });
  vi.stubEnv(
    'CXX',
    writeProgram(programs, 'old-c++', 'echo "error: unrecognized option -std=c++17" >&2; exit 1'),
  );
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe('build-failed');
  expect(error.message).toContain('unrecognized option -std=c++17');
  expect(readdirSync(folder).sort()).toEqual(
    [addonPath(folder).split('/').at(-2), 'manifest.json', 'tensorflow'].sort(),
  );
  expect(readdirSync(join(addonPath(folder), '..'))).toEqual([]);
});

test('an addon that does not load is removed again and the linker is quoted', async () => {
  const { programs, cacheFolder } = bareMachine();
  const folder = join(cacheFolder, engineFolderName('cpu'));
  fakeEngine(folder, { addon: false });
  vi.stubEnv(
    'CXX',
    writeProgram(programs, 'c++', 'while [ "$1" != -o ]; do shift; done; echo "not an object file" > "$2"'),
  );
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder }));
  expect(error.code).toBe('engine-does-not-load');
  expect(error.message).toMatch(/invalid ELF header|file too short|not a mach-o|slice is not valid/i);
  expect(existsSync(addonPath(folder))).toBe(false);
});

test('an engine that is ready is returned without starting any program; an explicit choice is remembered', async () => {
  const { cacheFolder } = bareMachine();
  fakeEngine(join(cacheFolder, engineFolderName('cpu')));
  const steps: string[] = [];
  const location = await installEngine({
    variant: 'cpu',
    cacheFolder,
    onProgress: ({ step }) => steps.push(step),
  });
  expect(location.variant).toBe('cpu');
  expect(steps).toEqual(['done']);
  expect(JSON.parse(readFileSync(join(cacheFolder, 'preferred.json'), 'utf8'))).toEqual({
    folder: engineFolderName('cpu'),
  });
});

test('verify notices a changed byte and fetches again', async () => {
  const { programs, cacheFolder } = bareMachine();
  const folder = join(cacheFolder, engineFolderName('cpu'));
  const manifest = fakeEngine(folder);
  const path = join(folder, manifest.files[0].path);
  write(path, readFileSync(path, 'utf8').toUpperCase());
  writeProgram(programs, 'c++', 'exit 0');
  writeProgram(programs, 'python3', `${pipAnswers} echo "asked again" >&2; exit 1;; *) exit 1;; esac`);
  await expect(installEngine({ variant: 'cpu', cacheFolder })).resolves.toMatchObject({ variant: 'cpu' });
  const error = await setupErrorOf(installEngine({ variant: 'cpu', cacheFolder, verify: true }));
  expect(error.message).toContain('asked again');
});

test.each([
  ['absent', 'holds no TensorFlow libraries'],
  ['absent.whl', 'not named like a TensorFlow wheel'],
  ['tensorflow_cpu-2.21.0-cp312-cp312-any.whl', 'There is no'],
])('--from %s', async (name, text) => {
  const { programs, cacheFolder } = bareMachine();
  writeProgram(programs, 'c++', 'exit 0');
  const error = await setupErrorOf(installEngine({ from: join(temporaryFolder(), name), cacheFolder }));
  expect(error.code).toBe('bad-engine-folder');
  expect(error.message).toContain(text);
});

test('--from a folder with libraries but without headers', async () => {
  const { cacheFolder } = bareMachine();
  const site = temporaryFolder();
  fakeEngine(site, { addon: false });
  const error = await setupErrorOf(installEngine({ from: join(site, 'tensorflow'), cacheFolder }));
  expect(error.code).toBe('bad-engine-folder');
  expect(error.message).toContain('c_api.h is missing');
});
