/** Loads TensorFlow into this process with the settings that decide its results: threads, arithmetic flags, cache. */
import { mkdirSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { loadTensorflow } from '#main/setup/load-engine.ts';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { engineCacheFolder } from '#main/setup/platform.ts';
import { SetupError } from '#main/setup/setup-error.ts';
import type { EngineProvenance } from '../protocol.ts';
import type { NodeBackend, TensorFlow } from './tensorflow.ts';

export interface OpenEngine {
  readonly tf: TensorFlow;
  readonly provenance: Omit<EngineProvenance, 'backend' | 'fallbackReason' | 'chunkSteps'>;
}

/** NaN must stay NaN and stay in its cell: no reassociation that assumes finite numbers. */
const STRICT_ARITHMETIC = '--xla_cpu_enable_fast_math=false --xla_cpu_enable_fast_min_max=false';

/**
 * Call once a process, before anything else touches TensorFlow: the library reads the environment when it loads.
 * Throws a SetupError when no engine is installed.
 */
export function openEngine(threads: number): OpenEngine {
  const location = locateEngine();
  if (location === null)
    throw new SetupError(
      'no-engine',
      'The TensorFlow engine is not installed, so nothing can be trained.',
      'Run "surge engine install"; experiments and results are not affected.',
    );
  const cpu = cpus()[0]?.model ?? 'unknown';
  const cache = join(
    dirname(engineCacheFolder()),
    'programs',
    createHash('sha256')
      .update(`${location.version}/${location.variant}/${cpu}/${threads}`)
      .digest('hex')
      .slice(0, 16),
  );
  mkdirSync(cache, { recursive: true });
  extendVariable('XLA_FLAGS', STRICT_ARITHMETIC);
  // Compiled programs are kept across processes: compiling takes about a second each.
  extendVariable('TF_XLA_FLAGS', `--tf_xla_persistent_cache_directory=${cache}`);
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_NUM_INTEROP_THREADS = '1';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // What matters is thrown; the rest is noise, such as notes on tuning flags of cached programs.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const tf: TensorFlow = loadTensorflow(location);
  const backend = tf.backend() as unknown as NodeBackend;
  return {
    tf,
    provenance: {
      device: backend.isUsingGpuDevice ? 'cuda' : 'cpu',
      threads,
      tensorflow: backend.binding.TF_Version,
      tfjs: tf.version['tfjs-core'],
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      cpu,
    },
  };
}

function extendVariable(name: string, flags: string): void {
  const given = process.env[name];
  process.env[name] = given === undefined ? flags : `${flags} ${given}`;
}
