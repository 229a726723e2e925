import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { lastLines, runCommand } from './command.ts';
import { noSpace } from './disk-space.ts';
import type { ManifestFile } from './manifest.ts';
import { tensorflowVersion } from './platform.ts';
import type { EngineVariant } from './platform.ts';
import { formatBytes } from './progress.ts';
import type { OnProgress } from './progress.ts';
import { installationStopped, SetupError } from './setup-error.ts';

/**
 * What of a wheel is kept. Of TensorFlow: the two libraries, and of its 13,000 headers those that the addon's sources
 * include (the C API and what it pulls in) and absl's options, which name the version of its namespace.
 * Of the nvidia-* wheels: the shared libraries, and of nvcc the assembler and the device library that XLA calls. Paths stay
 * as they are in the wheel, because the libraries look for each other at `$ORIGIN/../nvidia/*\/lib`.
 */
const keptMembers = [
  String.raw`^tensorflow/libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$`,
  String.raw`^tensorflow/include/tensorflow/c/.*\.h$`,
  String.raw`^tensorflow/include/(tensorflow/core|tsl)/platform/ctstring(_internal)?\.h$`,
  String.raw`^tensorflow/include/tensorflow/core/public/[^/]*\.h$`,
  String.raw`^tensorflow/include/xla/tsl/c/.*\.h$`,
  String.raw`^tensorflow/include/absl/base/options\.h$`,
  String.raw`^nvidia/[^/]+/lib/[^/]+\.so(\.\d+)*$`,
  String.raw`^nvidia/cuda_nvcc/(bin/ptxas|nvvm/libdevice/[^/]+\.bc)$`,
].join('|');

/** Disk space that an installation needs at its largest, in bytes: the wheel being unpacked and all that is unpacked. */
export const neededSpace: Readonly<Record<EngineVariant, number>> = { cpu: 1.4e9, cuda: 6.5e9 };

/** pip's names for what this machine can load, oldest requirement last. Throws `unsupported-platform`. */
export function wheelPlatforms(
  platform: string = process.platform,
  architecture: string = process.arch,
  glibc: string | null = glibcVersion(),
): string[] {
  if (platform === 'darwin' && architecture === 'arm64') return ['macosx_12_0_arm64', 'macosx_11_0_arm64'];
  const machine = platform !== 'linux' ? undefined : { x64: 'x86_64', arm64: 'aarch64' }[architecture];
  if (machine === undefined) {
    throw new SetupError(
      'unsupported-platform',
      `There is no TensorFlow engine for ${platform}-${architecture}.`,
      platform === 'win32'
        ? 'On Windows, run Surge Lab inside WSL 2 (Ubuntu).'
        : 'Surge Lab runs on Linux x86-64 and aarch64 and on macOS arm64; a library of your own works with "surge engine install --from DIR".',
    );
  }
  const minor = glibc === null ? Number.NaN : Number(/^2\.(\d+)/.exec(glibc)?.[1] ?? Number.NaN);
  if (!(minor >= 27)) {
    throw new SetupError(
      'unsupported-platform',
      `The TensorFlow engine needs glibc 2.27 or newer; this system has ${glibc === null ? 'another C library (musl?)' : `glibc ${glibc}`}.`,
      'Use a newer or a glibc-based Linux (Debian 10, Ubuntu 18.04 or later), or a container with one.',
    );
  }
  // pip does not take an older manylinux for a newer one that was asked for by name, so each is named.
  const names: string[] = [];
  for (let version = Math.min(minor, 39); version >= 17; version--)
    names.push(`manylinux_2_${version}_${machine}`);
  return [...names, `manylinux2014_${machine}`];
}

/** The version of glibc that this process runs on; null on another C library. */
export function glibcVersion(): string | null {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime ?? null;
}

/** The requirement of TensorFlow's own wheel. There is no tensorflow-cpu for aarch64 and macOS: `tensorflow` is the CPU build there. */
export function tensorflowRequirement(variant: EngineVariant): string {
  const isX64Linux = process.platform === 'linux' && process.arch === 'x64';
  if (variant === 'cuda' && !isX64Linux) {
    throw new SetupError(
      'unsupported-platform',
      `There is no CUDA engine for ${process.platform}-${process.arch}.`,
      'Run "surge engine install --cpu".',
    );
  }
  return `${variant === 'cpu' && isX64Linux ? 'tensorflow-cpu' : 'tensorflow'}==${tensorflowVersion}`;
}

/** The pip requirements of the CUDA libraries, from the METADATA of TensorFlow's wheel: its extra `and-cuda`. */
export function cudaRequirements(requiresDist: readonly string[]): string[] {
  return requiresDist
    .filter((line) => /extra\s*==\s*["']and-cuda["']/.test(line))
    .map((line) => (line.split(';')[0] ?? '').trim())
    .filter((requirement) => requirement.startsWith('nvidia-'));
}

const WHEEL_PYTHON = '312';

export interface WheelFetch {
  readonly python: string;
  /** Where the wheel goes: into a new folder below this one. */
  readonly folder: string;
  /** Where a download that broke off is kept for the next attempt; on the same disk. */
  readonly downloads: string;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches one wheel from the index that pip is set to and returns its path. It goes on where an earlier attempt ended, and
 * is checked against the checksum of the index. What only pip knows how to do (proxies, certificates, local links), pip does.
 */
export async function downloadWheel(requirement: string, to: WheelFetch): Promise<string> {
  const wheel = await fetchWheel(requirement, to);
  if (wheel === null) return pipDownload(requirement, to);
  const target = join(mkdtempSync(join(to.folder, 'wheel-')), basename(wheel));
  renameSync(wheel, target);
  return target;
}

/** What fetch_wheel.py says, a line at a time. */
interface Fetched {
  readonly total?: number;
  readonly done?: number;
  readonly wheel?: string;
  readonly error?: 'elsewhere' | 'lost' | 'corrupt' | 'space' | 'write';
  readonly detail?: string;
}

/** Null when pip has to do it. */
async function fetchWheel(requirement: string, to: WheelFetch): Promise<string | null> {
  const script = readFileSync(new URL('fetch_wheel.py', import.meta.url), 'utf8');
  const started = Date.now();
  let [total, done] = [0, 0];
  let wheel: string | null = null;
  let failure: Pick<Fetched, 'error' | 'detail'> = {};
  const onLine = (line: string): void => {
    const said = parseLine(line);
    total = said.total ?? total;
    wheel = said.wheel ?? wheel;
    if (said.error !== undefined) failure = said;
    if (said.done === undefined) return;
    done = said.done;
    to.onProgress({
      step: 'download',
      fraction: total > 0 ? Math.min(1, done / total) : null,
      message: `Downloading ${requirement}: ${amount(done, total)}, ${Math.round((Date.now() - started) / 1000)} s`,
    });
  };
  const parameters = [requirement, WHEEL_PYTHON, JSON.stringify(wheelPlatforms()), to.downloads];
  const environment = { ...process.env, PYTHONIOENCODING: 'utf-8' };
  const { code } = await runCommand(to.python, ['-c', script, ...parameters], {
    ...{ environment, onLine, signal: to.signal },
  });
  if (to.signal?.aborted === true) throw installationStopped();
  if (code === 0 && wheel !== null) return wheel;
  const detail = failure.detail ?? '';
  switch (failure.error) {
    case 'corrupt':
      throw corruptDownload(requirement, detail);
    case 'space':
      throw noSpace(to.downloads, 'the download filled the disk');
    case 'lost':
      throw new SetupError(
        'download-failed',
        `The download of ${requirement} broke off at ${amount(done, total)}: ${detail}. What has come is kept.`,
        'Check the network and start again: it goes on from there.',
      );
    default:
      return null;
  }
}

function parseLine(line: string): Fetched {
  try {
    return JSON.parse(line) as Fetched;
  } catch {
    // A Python that prints something else at start (sitecustomize).
    return {};
  }
}

function amount(done: number, total: number | null): string {
  return total === null || total === 0 ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
}

async function pipDownload(
  requirement: string,
  { python, folder, onProgress, signal }: WheelFetch,
): Promise<string> {
  const target = mkdtempSync(join(folder, 'wheel-'));
  // pip downloads to the temporary folder first: keep that on the same disk, and watch it grow.
  const temporary = join(target, 'tmp');
  mkdirSync(temporary);
  const started = Date.now();
  let total: number | null = null;
  const report = (): void => {
    const done = folderSize(target);
    onProgress({
      step: 'download',
      fraction: total === null ? null : Math.min(1, done / total),
      message: `Downloading ${requirement}: ${amount(done, total)}, ${Math.round((Date.now() - started) / 1000)} s`,
    });
  };
  report();
  const timer = setInterval(report, 1000);
  const platforms = wheelPlatforms().flatMap((platform) => ['--platform', platform]);
  const parameters = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--python-version',
    WHEEL_PYTHON,
    ...platforms,
  ];
  try {
    const result = await runCommand(python, [...parameters, '-d', target, requirement], {
      environment: {
        ...process.env,
        TMPDIR: temporary,
        PIP_NO_INPUT: '1',
        PIP_DISABLE_PIP_VERSION_CHECK: '1',
      },
      onLine: (line) => {
        total = announcedSize(line) ?? total;
      },
      signal,
    });
    if (signal?.aborted === true) throw installationStopped();
    rmSync(temporary, { recursive: true, force: true });
    if (result.code !== 0)
      throw downloadError(requirement, folder, `${result.stdout}\n${result.stderr}`, result.startError);
    const wheel = readdirSync(target).find((name) => name.endsWith('.whl'));
    if (wheel === undefined)
      throw downloadError(requirement, folder, 'pip reported success but left no wheel.', null);
    total = statSync(join(target, wheel)).size;
    report();
    return join(target, wheel);
  } finally {
    clearInterval(timer);
  }
}

/** The size in a line such as `Downloading x.whl (274.0 MB)`, in bytes; null in any other line. */
export function announcedSize(line: string): number | null {
  const found = /^\s*Downloading .*\(([\d.]+) ([kMG]B)\)/.exec(line);
  const unit = { kB: 1e3, MB: 1e6, GB: 1e9 }[found?.[2] ?? ''];
  return found === null || unit === undefined ? null : Number(found[1]) * unit;
}

function downloadError(
  requirement: string,
  folder: string,
  output: string,
  startError: Error | null,
): SetupError {
  if (/No space left on device|Disk quota exceeded/i.test(output))
    return noSpace(folder, 'the download filled the disk');
  const details = lastLines(output);
  if (/DO NOT MATCH THE HASHES|hash mismatch/i.test(output)) return corruptDownload(requirement, details);
  const isOffline =
    /Failed to establish a new connection|name resolution|Name or service not known|Connection (refused|reset)|ProxyError|timed out|NewConnectionError|Network is unreachable|SSLError|from versions: none/i;
  const message = isOffline.test(output)
    ? `pip cannot reach a package index that has ${requirement}. Nothing was changed.`
    : `pip could not fetch ${requirement}. Nothing was changed.`;
  return new SetupError(
    'download-failed',
    `${message}\n${startError?.message ?? details}`,
    'Check the network, the proxy and pip\'s settings ("python3 -m pip config list"), then start again; or fetch the wheel on another machine and run "surge engine install --from FILE.whl".',
  );
}

function corruptDownload(name: string, detail: string): SetupError {
  return new SetupError(
    'corrupt-download',
    `The package ${name} is damaged: ${detail}. It was not installed.`,
    'Start again; if it happens again, clear pip\'s cache ("python3 -m pip cache purge") or check the disk and the proxy.',
  );
}

/** What {@link unpackWheel} found. */
export interface UnpackedWheel {
  files: ManifestFile[];
  /** The Requires-Dist entries of the wheel's METADATA. */
  requires: string[];
}

/** Unpacks what the engine needs of `wheel` into `folder`, each file checked against the SHA-256 in the wheel's RECORD. */
export async function unpackWheel(
  python: string,
  wheel: string,
  folder: string,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<UnpackedWheel> {
  const script = readFileSync(new URL('unpack_wheel.py', import.meta.url), 'utf8');
  const unpacked: UnpackedWheel = { files: [], requires: [] };
  const message = `Unpacking ${basename(wheel)}`;
  let total = 0;
  let reported = 0;
  let failure: { error: string; detail: string } | null = null;
  onProgress({ step: 'unpack', fraction: 0, message });
  const onLine = (line: string): void => {
    const said = JSON.parse(line) as {
      total?: number;
      done?: number;
      file?: ManifestFile;
      requires?: string[];
      error?: string;
      detail?: string;
    };
    if (said.total !== undefined) total = said.total;
    if (said.requires !== undefined) unpacked.requires = said.requires;
    if (said.file !== undefined) unpacked.files.push(said.file);
    if (said.error !== undefined) failure = { error: said.error, detail: said.detail ?? '' };
    if (said.done !== undefined && total > 0 && (said.done === total || Date.now() - reported >= 500)) {
      reported = Date.now();
      onProgress({
        step: 'unpack',
        fraction: said.done / total,
        message: `${message}: ${formatBytes(said.done)} of ${formatBytes(total)}`,
      });
    }
  };
  const result = await runCommand(python, ['-I', '-c', script, wheel, folder, keptMembers], {
    onLine,
    signal,
  });
  if (signal?.aborted === true) throw installationStopped();
  if (result.code === 0) return unpacked;
  throw unpackError(wheel, folder, failure, lastLines(result.stderr) || (result.signal ?? ''));
}

function unpackError(
  wheel: string,
  folder: string,
  failure: { error: string; detail: string } | null,
  output: string,
): SetupError {
  if (failure?.error === 'space') return noSpace(folder, 'unpacking filled the disk');
  if (failure?.error === 'write') {
    return new SetupError(
      existsSync(wheel) ? 'cache-not-writable' : 'bad-engine-folder',
      `Unpacking ${basename(wheel)} into ${folder} failed: ${failure.detail}.`,
      'Make the folder writable, or set XDG_CACHE_HOME to a folder that is, and start again.',
    );
  }
  return corruptDownload(basename(wheel), failure?.detail ?? output);
}

function folderSize(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
