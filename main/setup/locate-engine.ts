import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { changedFiles, readManifest } from './manifest.ts';
import type { EngineManifest, EngineSource } from './manifest.ts';
import {
  engineCacheFolder,
  engineFolderName,
  hasNvidiaDriver,
  libraryNames,
  platformName,
} from './platform.ts';
import type { EngineVariant } from './platform.ts';

/** An engine that is ready to load. */
export interface EngineLocation {
  /** The Node-API addon, `tfjs_binding.node`. */
  addonFile: string;
  /** The folder that holds the two TensorFlow libraries. */
  libraryFolder: string;
  /** TensorFlow's version, for instance `2.21.0`. */
  version: string;
  variant: EngineVariant;
  source: EngineSource;
}

export interface LocateOptions {
  /** An explicit folder with the libraries; goes before everything else. Default: the variable SURGE_ENGINE_DIR. */
  folder?: string;
  /** Only this variant from the cache; `auto` prefers CUDA where an NVIDIA driver is loaded. Default `auto`. */
  variant?: EngineVariant | 'auto';
  /** Default {@link engineCacheFolder}. */
  cacheFolder?: string;
}

/** In the cache: which engine the user chose last with an explicit `surge engine install`. */
export const preferredName = 'preferred.json';

/** Version of the installed TensorFlow.js package, whose addon sources are built. */
export function tfjsVersion(): string {
  const require = createRequire(import.meta.url);
  const description: unknown = JSON.parse(
    readFileSync(require.resolve('@tensorflow/tfjs-node-gpu/package.json'), 'utf8'),
  );
  return (description as { version: string }).version;
}

/** The addon's place inside an engine folder. */
export function addonPath(engineFolder: string): string {
  return join(engineFolder, `addon-${tfjsVersion()}`, 'tfjs_binding.node');
}

/** The cache folder that holds our addon and manifest for a library which somebody else owns (explicit folder, Python). */
export function linkedFolder(cacheFolder: string, libraryFolder: string): string {
  return join(
    cacheFolder,
    `linked-${createHash('sha256').update(realPath(libraryFolder)).digest('hex').slice(0, 16)}`,
  );
}

/** The folder that holds the libraries when a user points at `folder`: itself, or its `tensorflow` or `lib`; else null. */
export function libraryFolderIn(folder: string): string | null {
  const { main, framework } = libraryNames();
  const candidates = [
    folder,
    join(folder, 'tensorflow'),
    join(folder, 'lib'),
    join(folder, 'lib', 'tensorflow'),
  ];
  return (
    candidates.find((candidate) => isFile(join(candidate, main)) && isFile(join(candidate, framework))) ??
    null
  );
}

/**
 * Finds an engine that is already installed and built; looks at a few files only (below 5 ms) and starts nothing.
 * Order: the explicit folder, the engine chosen last by the user, our cache, an installed Python TensorFlow that was
 * linked before. With an explicit folder nothing else is tried: null then means that its addon is not built yet.
 */
export function locateEngine(options: LocateOptions = {}): EngineLocation | null {
  const cacheFolder = options.cacheFolder ?? engineCacheFolder();
  const variant = options.variant ?? 'auto';
  const explicit = explicitFolder(options);
  if (explicit !== null) return locateExplicit(explicit, cacheFolder);

  const preferred = readPreferred(cacheFolder);
  const fetched =
    variant === 'auto'
      ? hasNvidiaDriver()
        ? (['cuda', 'cpu'] as const)
        : (['cpu', 'cuda'] as const)
      : [variant];
  const names = [
    ...(preferred === null ? [] : [preferred]),
    ...fetched.map((each) => engineFolderName(each)),
    ...pythonLinks(cacheFolder),
  ];
  for (const name of names) {
    const found = locateIn(join(cacheFolder, name));
    if (found !== null && (variant === 'auto' || found.variant === variant)) return found;
  }
  return null;
}

/** The explicit folder asked for by option or SURGE_ENGINE_DIR, absolute; null when there is none. */
export function explicitFolder(options: LocateOptions = {}): string | null {
  const folder = options.folder ?? process.env.SURGE_ENGINE_DIR;
  return folder === undefined || folder === '' ? null : resolve(folder);
}

/** An engine folder with a manifest (fetched or linked) whose libraries are unchanged and whose addon is built; else null. */
export function locateIn(engineFolder: string): EngineLocation | null {
  const manifest = readManifest(engineFolder);
  if (manifest === null || !isIntact(engineFolder, manifest)) return null;
  const addonFile = addonPath(engineFolder);
  if (!isFile(addonFile)) return null;
  const { version, variant, source } = manifest;
  return {
    addonFile,
    libraryFolder: inFolder(engineFolder, manifest.libraryFolder),
    version,
    variant,
    source,
  };
}

/** Whether the manifest is for this platform and its libraries have the recorded sizes (and times). No hashing. */
export function isIntact(engineFolder: string, manifest: EngineManifest): boolean {
  return manifest.platform === platformName() && changedFiles(engineFolder, manifest.files).length === 0;
}

/** Resolves a manifest's folder entry. */
export function inFolder(engineFolder: string, entry: string): string {
  return isAbsolute(entry) ? entry : join(engineFolder, entry);
}

function locateExplicit(folder: string, cacheFolder: string): EngineLocation | null {
  const own = locateIn(folder);
  if (own !== null) return { ...own, source: 'folder' };
  const libraryFolder = libraryFolderIn(folder);
  if (libraryFolder === null) return null;
  const linked = locateIn(linkedFolder(cacheFolder, libraryFolder));
  return linked === null ? null : { ...linked, source: 'folder' };
}

function readPreferred(cacheFolder: string): string | null {
  try {
    const value: unknown = JSON.parse(readFileSync(join(cacheFolder, preferredName), 'utf8'));
    const name = (value as { folder?: unknown } | null)?.folder;
    return typeof name === 'string' && /^[\w.-]+$/.test(name) ? name : null;
  } catch {
    return null;
  }
}

function pythonLinks(cacheFolder: string): string[] {
  try {
    const names = readdirSync(cacheFolder).filter((name) => name.startsWith('linked-'));
    return names.filter((name) => readManifest(join(cacheFolder, name))?.source === 'python').sort();
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
