import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256OfFile } from '#main/setup/manifest.ts';
import { announcedSize, cudaRequirements, unpackWheel, wheelPlatforms } from '#main/setup/wheels.ts';
import { SetupError } from '#main/setup/setup-error.ts';
import { makeWheel } from '../../support/package-index.ts';
import { findProgram, setupErrorOf, temporaryFolder } from './support.ts';

const python = findProgram('python3');
if (python === null) console.warn('skipped: no python3 on PATH, so no wheel can be unpacked');

const library = 'tensorflow/libtensorflow_cc.so.2';
const members = {
  [library]: 'library '.repeat(1000),
  'tensorflow/libtensorflow_framework.so.2': 'framework',
  'tensorflow/include/tensorflow/c/eager/c_api.h': '// header',
  'tensorflow/include/xla/service/hlo.h': '// not needed',
  'tensorflow/python/ops.py': '# not needed',
  'nvidia/nccl/lib/libnccl.so.2': 'nccl',
  'nvidia/nccl/include/nccl.h': '// not needed',
};

describe.skipIf(python === null)('unpackWheel', () => {
  test('unpacks what the engine needs and nothing else, with checksums and progress', async () => {
    const folder = temporaryFolder();
    const fractions: number[] = [];
    const wheel = makeWheel(python!, folder, members);
    const target = join(folder, 'target');
    const { files, requires } = await unpackWheel(python!, wheel, target, ({ fraction }) =>
      fractions.push(fraction!),
    );
    expect(files.map(({ path }) => path).sort()).toEqual(
      [
        library,
        'tensorflow/libtensorflow_framework.so.2',
        'tensorflow/include/tensorflow/c/eager/c_api.h',
        'nvidia/nccl/lib/libnccl.so.2',
      ].sort(),
    );
    for (const { path, size, sha256 } of files) {
      expect(readFileSync(join(target, path)).length).toBe(size);
      expect(await sha256OfFile(join(target, path))).toBe(sha256);
    }
    expect(existsSync(join(target, 'tensorflow/python'))).toBe(false);
    expect(requires).toEqual(['numpy', 'nvidia-nccl-cu12<3; extra == "and-cuda"']);
    expect(fractions.at(-1)).toBe(1);
  });

  test.each([
    ['a member that differs from RECORD', members, library, ''],
    ['a member that RECORD does not list', members, '', library],
    [
      'a name that leaves the folder',
      { 'tensorflow/include/tensorflow/c/../../../../../escaped.h': 'x' },
      '',
      '',
    ],
  ])('refuses %s', async (_name, content, spoil, unrecorded) => {
    const folder = temporaryFolder();
    const wheel = makeWheel(python!, folder, content, { spoil, unrecorded });
    const error = await setupErrorOf(
      unpackWheel(python!, wheel, join(folder, 'a', 'target'), () => undefined),
    );
    expect(error.code).toBe('corrupt-download');
    expect(existsSync(join(folder, 'escaped.h'))).toBe(false);
  });

  test('refuses a wheel that is cut short', async () => {
    const folder = temporaryFolder();
    const wheel = makeWheel(python!, folder, members);
    for (const length of [0, 10, readFileSync(wheel).length - 5]) {
      truncateSync(wheel, length);
      const error = await setupErrorOf(unpackWheel(python!, wheel, join(folder, 'target'), () => undefined));
      expect(error.code, `${length} bytes`).toBe('corrupt-download');
      expect(error.wayOut).toContain('Start again');
    }
  });
});

test('wheelPlatforms names what this machine can load, newest first', () => {
  const names = wheelPlatforms('linux', 'x64', '2.31');
  expect(names[0]).toBe('manylinux_2_31_x86_64');
  expect(names).toContain('manylinux_2_27_x86_64');
  expect(names.at(-1)).toBe('manylinux2014_x86_64');
  expect(wheelPlatforms('linux', 'arm64', '2.27')[0]).toBe('manylinux_2_27_aarch64');
  expect(wheelPlatforms('darwin', 'arm64', null)[0]).toBe('macosx_12_0_arm64');
});

test.each([
  ['win32', 'x64', null, 'WSL 2'],
  ['darwin', 'x64', null, 'macOS arm64'],
  ['linux', 'ia32', '2.36', '--from DIR'],
  ['linux', 'x64', null, 'glibc'],
  ['linux', 'x64', '2.17', 'Debian 10'],
  ['linux', 'x64', 'odd', 'glibc'],
])(
  'wheelPlatforms refuses %s %s with glibc %s and says what works',
  (platform, architecture, glibc, wayOut) => {
    let error: unknown;
    try {
      wheelPlatforms(platform, architecture, glibc);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SetupError);
    expect((error as SetupError).code).toBe('unsupported-platform');
    expect((error as SetupError).describe()).toContain(wayOut);
  },
);

test('announcedSize reads pip\'s "Downloading" lines only', () => {
  expect(announcedSize('  Downloading tensorflow_cpu-2.21.0-cp312.whl (274.0 MB)')).toBe(274e6);
  expect(announcedSize('Downloading x.whl (12 kB)')).toBe(12e3);
  expect(announcedSize('     ━━━━ 274.0/274.0 MB 129.5 MB/s eta 0:00:00')).toBeNull();
  expect(announcedSize('')).toBeNull();
});

test('cudaRequirements takes the extra and-cuda and nothing else', () => {
  expect(
    cudaRequirements([
      'numpy>=1.26.0',
      'nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
      "nvidia-nccl-cu12<3.0,>=2.27.7 ; extra == 'and-cuda'",
      'tensorflow-io-gcs-filesystem>=0.23.1; (sys_platform != "win32") and extra == "gcs-filesystem"',
      'nvidia-other; extra == "other"',
    ]),
  ).toEqual(['nvidia-cublas-cu12<13.0,>=12.5.3.2', 'nvidia-nccl-cu12<3.0,>=2.27.7']);
});
