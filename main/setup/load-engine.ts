import { createRequire, Module } from 'node:module';
import type * as TensorflowModule from '@tensorflow/tfjs-node-gpu';
import type { EngineLocation } from './locate-engine.ts';
import { SetupError } from './setup-error.ts';

/** The TensorFlow.js module as loaded on the native engine. */
export type Tensorflow = typeof TensorflowModule;

const require = createRequire(import.meta.url);

/**
 * Loads TensorFlow.js on the engine at `location`, in this process. Call it once, early: the environment
 * (TF_CPP_MIN_LOG_LEVEL, thread counts, XLA flags) is read by the native library at its first use.
 * Throws a {@link SetupError} `engine-does-not-load` with the linker's or TensorFlow's own words as its cause.
 */
export function loadTensorflow(location: EngineLocation): Tensorflow {
  // The library writes notices to stderr that look like errors to a reader; warnings are level 1, errors level 2.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  restoreIsNullOrUndefined();
  try {
    return withAddon(location.addonFile, () => require('@tensorflow/tfjs-node-gpu') as Tensorflow);
  } catch (cause) {
    throw new SetupError(
      'engine-does-not-load',
      `The TensorFlow engine in ${location.libraryFolder} does not load: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Run "surge engine install" to fetch and build it again; experiments and results are not affected.',
      { cause },
    );
  }
}

/** TensorFlow.js 4.22 calls util.isNullOrUndefined, which Node 23 removed (tfjs issue 8425). */
function restoreIsNullOrUndefined(): void {
  const util = require('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

/**
 * Runs `load` while requiring node-pre-gyp gives a stand-in that answers our addon's path. The package would otherwise
 * look inside node_modules, where set-up writes nothing (and the real module brings an installer that nobody needs here).
 */
function withAddon<T>(addonFile: string, load: () => T): T {
  const filename = createRequire(require.resolve('@tensorflow/tfjs-node-gpu')).resolve(
    '@mapbox/node-pre-gyp',
  );
  const before = require.cache[filename];
  const standIn = new Module(filename);
  standIn.exports = { find: () => addonFile };
  standIn.loaded = true;
  require.cache[filename] = standIn;
  try {
    return load();
  } finally {
    if (before === undefined) Reflect.deleteProperty(require.cache, filename);
    else require.cache[filename] = before;
  }
}
