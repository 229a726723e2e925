import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedFiles, readManifest, tamperedFiles } from '#main/setup/manifest.ts';
import { libraryNames } from '#main/setup/platform.ts';
import { fakeEngine, temporaryFolder } from './support.ts';

const { main, framework } = libraryNames();

test('a file changed without changing its size is found by its checksum only', async () => {
  const folder = temporaryFolder();
  const manifest = fakeEngine(folder);
  expect(await tamperedFiles(folder, manifest)).toEqual([]);
  const path = join(folder, 'tensorflow', main);
  const original = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(original.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (position, flip) => {
        const changed = Buffer.from(original);
        changed.writeUInt8(changed.readUInt8(position) ^ flip, position);
        writeFileSync(path, changed);
        expect(changedFiles(folder, manifest.files)).toEqual([]);
        expect(await tamperedFiles(folder, manifest)).toEqual([`tensorflow/${main}`]);
      },
    ),
    { numRuns: 30 },
  );
});

test('missing and resized files are both named', async () => {
  const folder = temporaryFolder();
  const manifest = fakeEngine(folder);
  rmSync(join(folder, 'tensorflow', main));
  writeFileSync(join(folder, 'tensorflow', framework), '');
  expect((await tamperedFiles(folder, manifest)).sort()).toEqual(
    [`tensorflow/${main}`, `tensorflow/${framework}`].sort(),
  );
});

test('a manifest survives being written and read; a wrong type in any field makes it unreadable', () => {
  const folder = temporaryFolder();
  const manifest = fakeEngine(folder);
  expect(readManifest(folder)).toEqual(manifest);
  for (const key of Object.keys(manifest)) {
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, [key]: { wrong: true } }));
    expect(readManifest(folder), key).toBeNull();
  }
});
