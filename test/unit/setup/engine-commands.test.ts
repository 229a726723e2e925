import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { engineCheckCommand, engineInstallCommand, progressPrinter } from '#main/setup/engine-commands.ts';
import type { CommandStreams } from '#main/setup/engine-commands.ts';
import { withoutLibraryNotices } from '#main/setup/library-notices.ts';
import { engineFolderName } from '#main/setup/platform.ts';
import { fakeEngine, temporaryFolder, write } from './support.ts';

function captured(isTerminal = false): CommandStreams & { text: { out: string; error: string } } {
  const text = { out: '', error: '' };
  return {
    text,
    isTerminal,
    out: (more) => void (text.out += more),
    error: (more) => void (text.error += more),
  };
}

let cacheHome: string;
beforeEach(() => {
  cacheHome = temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', cacheHome);
  vi.stubEnv('SURGE_ENGINE_DIR', undefined);
});
afterEach(() => void vi.unstubAllEnvs());

describe('engine check', () => {
  test('without an engine: exit code 1, the message on stderr, or the same as JSON on stdout', async () => {
    const plain = captured();
    expect(await engineCheckCommand({}, plain)).toBe(1);
    expect(plain.text).toEqual({
      out: '',
      error: 'The TensorFlow engine is not installed yet.\nRun "surge engine install".\n',
    });
    const json = captured();
    expect(await engineCheckCommand({ json: true }, json)).toBe(1);
    expect(JSON.parse(json.text.out)).toEqual({
      ok: false,
      code: 'no-engine',
      message: 'The TensorFlow engine is not installed yet.',
      wayOut: 'Run "surge engine install".',
    });
  });

  test('a damaged file is named', async () => {
    const folder = join(cacheHome, 'surge-lab', 'engine', engineFolderName('cpu'));
    const manifest = fakeEngine(folder);
    const path = manifest.files[0].path;
    write(join(folder, path), 'x'.repeat(manifest.files[0].size));
    const streams = captured();
    expect(await engineCheckCommand({}, streams)).toBe(1);
    expect(streams.text.error).toContain(path);
    expect(streams.text.error).toContain('surge engine install');
  });

  test('an engine that does not load gives a message, not a stack trace', async () => {
    fakeEngine(join(cacheHome, 'surge-lab', 'engine', engineFolderName('cpu')));
    const streams = captured();
    expect(await engineCheckCommand({}, streams)).toBe(1);
    expect(streams.text.error).toMatch(/does not work: .*tfjs_binding\.node/);
    expect(streams.text.error).not.toMatch(/^\s+at /m);
  });
});

test('engine install refuses both variants at once', async () => {
  const streams = captured();
  expect(await engineInstallCommand({ cpu: true, cuda: true }, streams)).toBe(2);
  expect(streams.text.error).toContain('--cuda');
});

test('engine install reports a set-up error as text and exit code 1', async () => {
  const streams = captured();
  expect(await engineInstallCommand({ from: join(cacheHome, 'absent') }, streams)).toBe(1);
  expect(streams.text.error).toContain('holds no TensorFlow libraries');
});

test('progress is one redrawn line on a terminal and few plain lines elsewhere', () => {
  for (const isTerminal of [true, false]) {
    const streams = captured(isTerminal);
    const { onProgress, finish } = progressPrinter(streams);
    for (let percent = 0; percent <= 100; percent++)
      onProgress({ step: 'unpack', fraction: percent / 100, message: 'Unpacking' });
    onProgress({ step: 'done', fraction: 1, message: 'Ready.' });
    finish();
    const lines = streams.text.error.split('\n');
    expect(lines.length).toBe(3);
    expect(streams.text.error.includes('\r')).toBe(isTerminal);
    expect(lines[1]).toContain('Ready.');
  }
});

test('withoutLibraryNotices keeps everything but notices', () => {
  const text = [
    'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR',
    'I0000 00:00:1795591433.834394   12343 port.cc:153] oneDNN custom operations are on.',
    'E0000 00:00:1795591433.834394   12343 cuda.cc:1] CUDA_ERROR_NO_DEVICE',
    'I am a sentence',
    '',
  ];
  expect(withoutLibraryNotices(text.join('\n'))).toBe(text.slice(2).join('\n'));
});
