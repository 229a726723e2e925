import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { buildAddon, requireCompiler } from './addon.ts';
import { checkLocation } from './check-engine.ts';
import { requireSpace } from './disk-space.ts';
import type { ReadSpace } from './disk-space.ts';
import { isLive, processStart, withInstallLock } from './install-lock.ts';
import {
  addonPath,
  explicitFolder,
  inFolder,
  isIntact,
  libraryFolderIn,
  linkedFolder,
  locateEngine,
  locateIn,
  preferredName,
} from './locate-engine.ts';
import type { EngineLocation } from './locate-engine.ts';
import { manifestName, readManifest, tamperedFiles } from './manifest.ts';
import type { EngineManifest, EngineSource, ManifestFile } from './manifest.ts';
import {
  engineCacheFolder,
  engineFolderName,
  hasNvidiaDriver,
  libraryNames,
  platformName,
  tensorflowVersion,
} from './platform.ts';
import type { EngineVariant } from './platform.ts';
import type { OnProgress } from './progress.ts';
import { findPythonTensorflow, requirePip, requirePython } from './python.ts';
import type { PythonTensorflow } from './python.ts';
import { installationStopped, SetupError } from './setup-error.ts';
import {
  cudaRequirements,
  downloadWheel,
  neededSpace,
  tensorflowRequirement,
  unpackWheel,
  wheelPlatforms,
} from './wheels.ts';

export interface InstallOptions {
  /** `auto` (the default): CUDA where an NVIDIA driver is loaded, else CPU. An explicit choice is remembered. */
  variant?: EngineVariant | 'auto';
  /** A folder with the TensorFlow libraries, or a TensorFlow wheel (`.whl`), to use instead of fetching. Remembered. */
  from?: string;
  onProgress?: OnProgress;
  /** Stops it; what was downloaded is kept. */
  signal?: AbortSignal;
  /** Hash every file of an engine that is already there, and install again when one differs. Default false. */
  verify?: boolean;
  /** Default {@link engineCacheFolder}. */
  cacheFolder?: string;
  /** For tests: how free disk space is read. */
  readSpace?: ReadSpace;
}

interface Plan {
  variant: EngineVariant;
  cacheFolder: string;
  onProgress: OnProgress;
  signal: AbortSignal | undefined;
  verify: boolean;
  readSpace: ReadSpace | undefined;
}

/**
 * Makes the engine ready: finds or fetches the TensorFlow library, builds the addon, checks that it loads. Does nothing
 * when it is ready already. Several installations at once, from any checkout, are safe: one works, the others wait.
 * Rejects with a {@link SetupError} that says what happened and what to do; nothing half made stays visible.
 */
export async function installEngine(options: InstallOptions = {}): Promise<EngineLocation> {
  const wanted = options.variant ?? 'auto';
  const plan: Plan = {
    variant: wanted === 'auto' ? (hasNvidiaDriver() && process.arch === 'x64' ? 'cuda' : 'cpu') : wanted,
    cacheFolder: options.cacheFolder ?? engineCacheFolder(),
    onProgress: options.onProgress ?? (() => undefined),
    signal: options.signal,
    verify: options.verify ?? false,
    readSpace: options.readSpace,
  };
  const from = options.from === undefined ? explicitFolder() : resolve(options.from);
  const location =
    from === null
      ? await installOwn(plan, wanted === 'auto')
      : from.endsWith('.whl')
        ? await installFetched(plan, from)
        : await installLinked(plan, from, 'folder');
  if (options.from !== undefined || wanted !== 'auto') remember(plan.cacheFolder, location);
  plan.onProgress({
    step: 'done',
    fraction: 1,
    message: `TensorFlow ${location.version} (${location.variant}) is ready.`,
  });
  return location;
}

/** Without an explicit folder: what is there already, an installed Python TensorFlow, or the wheel. */
async function installOwn(plan: Plan, isAutomatic: boolean): Promise<EngineLocation> {
  // An engine that the user chose by hand stays chosen; otherwise the variant must be the one this machine should have.
  const found = locateEngine({ cacheFolder: plan.cacheFolder, variant: isAutomatic ? 'auto' : plan.variant });
  const isWanted =
    found !== null && (found.variant === plan.variant || existsSync(join(plan.cacheFolder, preferredName)));
  if (found !== null && isWanted && (!plan.verify || (await isGenuine(found)))) return found;

  const ownFolder = join(plan.cacheFolder, engineFolderName(plan.variant));
  if (readManifest(ownFolder) === null) {
    plan.onProgress({ step: 'look', fraction: null, message: 'Looking for an installed Python TensorFlow' });
    const python = await findPythonTensorflow();
    if (python !== null && isUsable(python, plan.variant)) {
      try {
        return await installLinked(plan, python.folder, 'python');
      } catch (error) {
        if (
          !(error instanceof SetupError) ||
          !['bad-engine-folder', 'build-failed', 'engine-does-not-load'].includes(error.code)
        )
          throw error;
        plan.onProgress({
          step: 'look',
          fraction: null,
          message: `The TensorFlow of ${python.python} does not serve; fetching one of our own`,
        });
      }
    }
  }
  return installFetched(plan, null);
}

/** Whether the files of an engine are the ones that were installed. */
async function isGenuine(location: EngineLocation): Promise<boolean> {
  const folder = dirname(dirname(location.addonFile));
  const manifest = readManifest(folder);
  return manifest !== null && (await tamperedFiles(folder, manifest)).length === 0;
}

/** Whether an installed Python TensorFlow is the release that Surge Lab is tested with, for this variant. */
function isUsable(python: PythonTensorflow, variant: EngineVariant): boolean {
  return (
    python.version === tensorflowVersion &&
    libraryFolderIn(python.folder) !== null &&
    variantOf(python.folder) === variant
  );
}

/** A TensorFlow with the CUDA wheels beside it is a CUDA one. */
function variantOf(libraryFolder: string): EngineVariant {
  return existsSync(join(libraryFolder, '..', 'nvidia', 'cudnn', 'lib')) ? 'cuda' : 'cpu';
}

/** The engine in our cache, from `wheel` or fetched by pip. */
async function installFetched(asked: Plan, wheel: string | null): Promise<EngineLocation> {
  const isCpuWheel = wheel !== null && basename(wheel).startsWith('tensorflow_cpu-');
  const plan: Plan = isCpuWheel ? { ...asked, variant: 'cpu' } : asked;
  const version = wheel === null ? tensorflowVersion : wheelVersion(wheel);
  const name = engineFolderName(plan.variant, version);
  const folder = join(plan.cacheFolder, name);
  // What can be missing is looked for before a long download, not after it.
  wheelPlatforms();
  requireCompiler();
  if (wheel !== null && statSync(wheel, { throwIfNoEntry: false }) === undefined) {
    throw badFolder(`There is no ${wheel}.`);
  }
  makeCache(plan.cacheFolder);
  return withLock(plan, name, async () => {
    const ready = locateIn(folder);
    if (ready !== null && wheel === null && (!plan.verify || (await isGenuine(ready)))) return ready;
    const manifest = readManifest(folder);
    const isKept =
      wheel === null &&
      manifest !== null &&
      isIntact(folder, manifest) &&
      (!plan.verify || (await tamperedFiles(folder, manifest)).length === 0);
    if (!isKept) await fetchLibrary(plan, folder, wheel);
    return build(plan, folder);
  });
}

async function fetchLibrary(plan: Plan, folder: string, wheel: string | null): Promise<void> {
  await requireSpace(plan.cacheFolder, neededSpace[plan.variant], plan.readSpace);
  const python = await (wheel === null || plan.variant === 'cuda' ? requirePip() : requirePython());
  const staging = makeStaging(plan.cacheFolder, basename(folder));
  const downloads = join(plan.cacheFolder, `.downloads-${basename(folder)}`);
  const { onProgress, signal } = plan;
  const fetchTo = { python, folder: staging, downloads, onProgress, signal };
  try {
    const origin: string[] = [];
    const files: ManifestFile[] = [];
    const unpack = async (file: string, isOurs: boolean): Promise<string[]> => {
      const unpacked = await unpackWheel(python, file, staging, onProgress, signal);
      if (isOurs) rmSync(dirname(file), { recursive: true, force: true });
      origin.push(basename(file));
      files.push(...unpacked.files);
      return unpacked.requires;
    };
    const first = wheel ?? (await downloadWheel(tensorflowRequirement(plan.variant), fetchTo));
    const requires = await unpack(first, wheel === null);
    if (libraryFolderIn(staging) === null)
      throw badFolder(
        `${basename(first)} is no TensorFlow wheel for ${platformName()}: its libraries are not in it.`,
      );
    if (plan.variant === 'cuda') {
      for (const requirement of cudaRequirements(requires)) {
        await unpack(await downloadWheel(requirement, fetchTo), true);
      }
    }
    const version = wheelVersion(first);
    writeManifest(staging, {
      ...{ format: 1, version, variant: plan.variant, platform: platformName(), source: 'cache' },
      ...{ libraryFolder: 'tensorflow', includeFolder: 'tensorflow/include', origin, files },
    });
    replaceFolder(staging, folder);
    rmSync(downloads, { recursive: true, force: true });
  } finally {
    rmSync(staging, { recursive: true, force: true });
    removeEmpty(downloads);
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Absent, or something is kept in it.
  }
}

/** The version in a TensorFlow wheel's file name. */
function wheelVersion(wheel: string): string {
  const version = /^tensorflow\w*-([\w.]+)-/.exec(basename(wheel))?.[1];
  if (version === undefined) throw badFolder(`${basename(wheel)} is not named like a TensorFlow wheel.`);
  return version;
}

/** Our addon and manifest for libraries that somebody else owns; nothing is written beside those. */
async function installLinked(plan: Plan, from: string, source: EngineSource): Promise<EngineLocation> {
  const own = locateIn(from);
  if (own !== null) return { ...own, source };
  const wheel = wheelIn(from);
  const libraryFolder = libraryFolderIn(from);
  if (libraryFolder === null) {
    if (wheel !== null) return installFetched(plan, wheel);
    const { main, framework } = libraryNames();
    throw badFolder(
      `${from} holds no TensorFlow libraries (${main}, ${framework}), neither itself nor in "tensorflow" or "lib".`,
    );
  }
  const includeFolder = [join(libraryFolder, 'include'), join(libraryFolder, '..', 'include')].find(
    (folder) => existsSync(join(folder, 'tensorflow', 'c', 'eager', 'c_api.h')),
  );
  if (includeFolder === undefined)
    throw badFolder(
      `${libraryFolder} has no TensorFlow headers: include/tensorflow/c/eager/c_api.h is missing.`,
    );
  requireCompiler();
  makeCache(plan.cacheFolder);
  const folder = linkedFolder(plan.cacheFolder, libraryFolder);
  return withLock(plan, basename(folder), async () => {
    const ready = locateIn(folder);
    if (ready !== null) return ready;
    const { main, framework } = libraryNames();
    const files = [main, framework].map((name) => {
      const path = join(libraryFolder, name);
      const { size, mtimeMs } = statSync(path);
      return { path, size, sha256: '', modified: Math.trunc(mtimeMs) };
    });
    const staging = makeStaging(plan.cacheFolder, basename(folder));
    try {
      const addonFile = await buildAddon(
        { libraryFolder, includeFolder, engineFolder: staging },
        plan.onProgress,
      );
      const variant = variantOf(libraryFolder);
      // Headers do not carry the version, so the library itself is asked.
      const report = await checkLocation({ addonFile, libraryFolder, version: '', variant, source });
      if (!report.ok) throw new SetupError(report.code, report.message, report.wayOut);
      writeManifest(staging, {
        ...{ format: 1, version: report.tensorflow, variant, platform: platformName(), source },
        ...{ libraryFolder, includeFolder, origin: [libraryFolder], files },
      });
      replaceFolder(staging, folder);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
    return located(folder);
  });
}

function wheelIn(folder: string): string | null {
  try {
    const name = readdirSync(folder).find((each) => /^tensorflow.*\.whl$/.test(each));
    return name === undefined ? null : join(folder, name);
  } catch {
    return null;
  }
}

/** Builds the addon into a fetched engine and checks that it loads; a load that fails removes the addon again. */
async function build(plan: Plan, folder: string): Promise<EngineLocation> {
  const manifest = readManifest(folder);
  if (manifest === null) throw badFolder(`${folder} has lost its ${manifestName}.`);
  if (plan.signal?.aborted === true) throw installationStopped();
  await buildAddon(
    {
      libraryFolder: inFolder(folder, manifest.libraryFolder),
      includeFolder: inFolder(folder, manifest.includeFolder),
      engineFolder: folder,
    },
    plan.onProgress,
  );
  const location = located(folder);
  const report = await checkLocation(location);
  if (report.ok) return location;
  rmSync(addonPath(folder), { force: true });
  throw new SetupError(report.code, report.message, report.wayOut);
}

function located(folder: string): EngineLocation {
  const location = locateIn(folder);
  if (location !== null) return location;
  throw badFolder(`${folder} changed while the engine was being installed.`);
}

function remember(cacheFolder: string, location: EngineLocation): void {
  const folder = dirname(dirname(location.addonFile));
  // An engine folder outside the cache (a moved or copied one) can only be named by SURGE_ENGINE_DIR.
  if (dirname(folder) !== cacheFolder) return;
  const unfinished = join(cacheFolder, `.${preferredName}.${randomUUID()}`);
  writeFileSync(unfinished, `${JSON.stringify({ folder: basename(folder) })}\n`);
  renameSync(unfinished, join(cacheFolder, preferredName));
}

function makeCache(cacheFolder: string): void {
  try {
    mkdirSync(cacheFolder, { recursive: true });
    const probe = mkdtempSync(join(cacheFolder, '.probe-'));
    rmSync(probe, { recursive: true, force: true });
  } catch (cause) {
    throw new SetupError(
      'cache-not-writable',
      `The engine's cache folder ${cacheFolder} cannot be written (${(cause as Error).message}). Nothing was changed.`,
      'Make it writable, or set XDG_CACHE_HOME to a folder that is, and start again.',
      { cause },
    );
  }
}

function withLock(plan: Plan, name: string, work: () => Promise<EngineLocation>): Promise<EngineLocation> {
  return withInstallLock(
    join(plan.cacheFolder, `.lock-${name}`),
    () => {
      removeDeadStagings(plan.cacheFolder);
      return work();
    },
    {
      onWait: (owner) => {
        if (plan.signal?.aborted === true) throw installationStopped();
        plan.onProgress({
          step: 'wait',
          fraction: null,
          message: `Another installation is at work (process ${owner.pid}); waiting for it`,
        });
      },
    },
  );
}

/** A new folder beside the final one, so that a rename can put it in place. Its name says who works in it. */
function makeStaging(cacheFolder: string, name: string): string {
  return mkdtempSync(
    join(cacheFolder, `.staging-${name}+${hostname()}+${process.pid}+${processStart(process.pid) ?? ''}+`),
  );
}

/** Removes what an installation left behind that was killed. */
function removeDeadStagings(cacheFolder: string): void {
  for (const name of readdirSync(cacheFolder)) {
    const [kind, host, pid, started] = name.split('+');
    if (kind?.startsWith('.staging-') !== true || host === undefined || pid === undefined) continue;
    const path = join(cacheFolder, name);
    const owner = {
      pid: Number(pid),
      host,
      started: started === undefined || started === '' ? null : started,
      token: '',
    };
    if (!isLive(path, owner)) rmSync(path, { recursive: true, force: true });
  }
}

/** Puts a finished folder in place with one rename; what stood there (an old or damaged engine) is moved away first. */
function replaceFolder(finished: string, folder: string): void {
  const old = `${finished}-old`;
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(finished, folder);
  rmSync(old, { recursive: true, force: true });
}

function writeManifest(folder: string, manifest: EngineManifest): void {
  writeFileSync(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}

function badFolder(message: string): SetupError {
  return new SetupError(
    'bad-engine-folder',
    `${message} Nothing was changed.`,
    'Name the package folder of a Python TensorFlow ("python3 -c \'import tensorflow as tf; print(tf.sysconfig.get_lib())\'") or a TensorFlow wheel, or run "surge engine install" without --from (and unset SURGE_ENGINE_DIR).',
  );
}
