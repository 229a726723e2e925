import { mkdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addonPath, linkedFolder, locateEngine } from '#main/setup/locate-engine.ts';
import { engineCacheFolder, engineFolderName, libraryNames } from '#main/setup/platform.ts';
import { fakeEngine, temporaryFolder, write } from './support.ts';

beforeEach(() => void vi.stubEnv('SURGE_ENGINE_DIR', undefined));
afterEach(() => void vi.unstubAllEnvs());

const { main } = libraryNames();

/** A library that somebody else owns, linked from the cache. */
function linkLibrary(cacheFolder: string, libraryFolder: string, source: 'folder' | 'python'): string {
  fakeEngine(join(libraryFolder, '..'), { addon: false });
  rmSync(join(libraryFolder, '..', 'manifest.json'));
  const folder = linkedFolder(cacheFolder, libraryFolder);
  const path = join(libraryFolder, main);
  utimesSync(path, 1000, 1000);
  const files = [{ path, size: `not really ${main}`.length, sha256: '', modified: 1_000_000 }];
  fakeEngine(folder, { source, libraryFolder, files });
  return folder;
}

describe('locateEngine', () => {
  test('finds nothing in an empty or absent cache', () => {
    const cacheFolder = temporaryFolder();
    expect(locateEngine({ cacheFolder })).toBeNull();
    expect(locateEngine({ cacheFolder: join(cacheFolder, 'absent') })).toBeNull();
  });

  test('finds the fetched engine of the asked variant', () => {
    const cacheFolder = temporaryFolder();
    for (const variant of ['cpu', 'cuda'] as const)
      fakeEngine(join(cacheFolder, engineFolderName(variant)), { variant });
    const folder = join(cacheFolder, engineFolderName('cuda'));
    expect(locateEngine({ cacheFolder, variant: 'cuda' })).toEqual({
      addonFile: addonPath(folder),
      libraryFolder: join(folder, 'tensorflow'),
      version: '2.21.0',
      variant: 'cuda',
      source: 'cache',
    });
    expect(locateEngine({ cacheFolder, variant: 'cpu' })?.variant).toBe('cpu');
  });

  test('takes the explicit folder first, and nothing else when that is not ready', () => {
    const cacheFolder = temporaryFolder();
    fakeEngine(join(cacheFolder, engineFolderName('cpu')));
    const explicit = temporaryFolder();
    vi.stubEnv('SURGE_ENGINE_DIR', explicit);
    expect(locateEngine({ cacheFolder })).toBeNull();
    fakeEngine(explicit, { version: '2.30.0' });
    expect(locateEngine({ cacheFolder })).toMatchObject({ version: '2.30.0', source: 'folder' });
    const other = temporaryFolder();
    fakeEngine(other, { version: '2.31.0' });
    expect(locateEngine({ cacheFolder, folder: other })?.version).toBe('2.31.0');
  });

  test('finds the addon of an explicit library folder in the cache', () => {
    const cacheFolder = temporaryFolder();
    const site = temporaryFolder();
    const linked = linkLibrary(cacheFolder, join(site, 'tensorflow'), 'folder');
    const expected = {
      addonFile: addonPath(linked),
      libraryFolder: join(site, 'tensorflow'),
      source: 'folder',
    };
    expect(locateEngine({ cacheFolder, folder: site })).toMatchObject(expected);
    expect(locateEngine({ cacheFolder, folder: join(site, 'tensorflow') })).toMatchObject(expected);
  });

  test('follows the choice of the user, then our own engine, then a linked Python package', () => {
    const cacheFolder = temporaryFolder();
    const site = temporaryFolder();
    const linked = linkLibrary(cacheFolder, join(site, 'tensorflow'), 'python');
    expect(locateEngine({ cacheFolder })?.source).toBe('python');
    fakeEngine(join(cacheFolder, engineFolderName('cpu')));
    expect(locateEngine({ cacheFolder })?.source).toBe('cache');
    write(
      join(cacheFolder, 'preferred.json'),
      JSON.stringify({ folder: linked.slice(cacheFolder.length + 1) }),
    );
    expect(locateEngine({ cacheFolder })?.source).toBe('python');
  });

  test('ignores a damaged choice and one that points out of the cache', () => {
    const cacheFolder = temporaryFolder();
    fakeEngine(join(cacheFolder, engineFolderName('cpu')));
    const outside = temporaryFolder();
    fakeEngine(outside, { version: '9.9.9' });
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"folder":5}',
      JSON.stringify({ folder: `../${outside}` }),
      '{"folder":"absent"}',
    ]) {
      write(join(cacheFolder, 'preferred.json'), text);
      expect(locateEngine({ cacheFolder })?.version, text).toBe('2.21.0');
    }
  });

  test('refuses an engine without addon, with a changed or missing library, of another platform, or with a damaged manifest', () => {
    const cacheFolder = temporaryFolder();
    const folder = join(cacheFolder, engineFolderName('cpu'));
    const damages: Record<string, () => void> = {
      addon: () => rmSync(addonPath(folder)),
      'library size': () => write(join(folder, 'tensorflow', main), 'shorter'),
      'library gone': () => rmSync(join(folder, 'tensorflow', main)),
      platform: () => fakeEngine(folder, { platform: 'sunos-sparc' }),
      'manifest text': () => write(join(folder, 'manifest.json'), '{"format":1'),
      'manifest format': () => write(join(folder, 'manifest.json'), '{"format":2}'),
      'no files': () => fakeEngine(folder, { files: [] }),
    };
    for (const [name, damage] of Object.entries(damages)) {
      fakeEngine(folder);
      expect(locateEngine({ cacheFolder })).not.toBeNull();
      damage();
      expect(locateEngine({ cacheFolder }), name).toBeNull();
    }
  });

  test('wants the addon again when a linked library was replaced by one of the same size', () => {
    const cacheFolder = temporaryFolder();
    const library = join(temporaryFolder(), 'tensorflow');
    linkLibrary(cacheFolder, library, 'python');
    expect(locateEngine({ cacheFolder })).not.toBeNull();
    utimesSync(join(library, main), 2000, 2000);
    expect(locateEngine({ cacheFolder })).toBeNull();
  });

  test('is fast enough to ask at every start', () => {
    const cacheFolder = temporaryFolder();
    fakeEngine(join(cacheFolder, engineFolderName('cpu')));
    const TIMES = 50;
    // Processor time: the machine that runs the tests may be busy with others.
    const before = process.cpuUsage();
    for (let i = 0; i < TIMES; i++) locateEngine({ cacheFolder });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000 / TIMES).toBeLessThan(5);
  });
});

describe('engineCacheFolder', () => {
  test('follows XDG_CACHE_HOME only when it is absolute', () => {
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    expect(engineCacheFolder({ XDG_CACHE_HOME: folder })).toBe(join(folder, 'surge-lab', 'engine'));
    const home = engineCacheFolder({});
    expect(home.endsWith(join('.cache', 'surge-lab', 'engine'))).toBe(true);
    expect(engineCacheFolder({ XDG_CACHE_HOME: 'relative' })).toBe(home);
    expect(engineCacheFolder({ XDG_CACHE_HOME: '' })).toBe(home);
  });
});
