import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The TensorFlow release that Surge Lab is measured and tested with. */
export const tensorflowVersion = '2.21.0';

/** `cpu` or `cuda`: what the engine library was built to run on. */
export type EngineVariant = 'cpu' | 'cuda';

type Environment = Readonly<Record<string, string | undefined>>;

/** `<platform>-<architecture>` as Node names them, for instance `linux-x64`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`;
}

/** File names of the engine's two libraries: the C API with the kernels, and the framework below it. */
export function libraryNames(platform: NodeJS.Platform = process.platform): {
  main: string;
  framework: string;
} {
  return platform === 'darwin'
    ? { main: 'libtensorflow_cc.2.dylib', framework: 'libtensorflow_framework.2.dylib' }
    : { main: 'libtensorflow_cc.so.2', framework: 'libtensorflow_framework.so.2' };
}

/**
 * The folder of all engines of this user, shared by every checkout: `$XDG_CACHE_HOME/surge-lab/engine` or
 * `~/.cache/surge-lab/engine`. A relative XDG_CACHE_HOME is ignored, as the XDG base directory specification asks.
 */
export function engineCacheFolder(environment: Environment = process.env): string {
  return cacheFolder('engine', environment);
}

/** A folder of what can be made again, for this user: `$XDG_CACHE_HOME/surge-lab/NAME` or `~/.cache/surge-lab/NAME`. */
export function cacheFolder(name: string, environment: Environment = process.env): string {
  const configured = environment.XDG_CACHE_HOME;
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache');
  return join(base, 'surge-lab', name);
}

/** Name of a fetched engine's folder inside {@link engineCacheFolder}. */
export function engineFolderName(variant: EngineVariant, version: string = tensorflowVersion): string {
  return `${version}-${variant}-${platformName()}`;
}

/** Whether an NVIDIA driver is loaded: natively, or the one that Windows lends to WSL 2. Looks at files only, starts nothing. */
export function hasNvidiaDriver(): boolean {
  return existsSync('/proc/driver/nvidia/version') || existsSync('/usr/lib/wsl/lib/libcuda.so.1');
}
