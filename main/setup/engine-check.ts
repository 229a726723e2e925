// The child process behind checkEngine: loads the engine given as JSON, multiplies two matrices, prints one line of JSON.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { EngineSelfReport } from './check-engine.ts';
import { loadTensorflow } from './load-engine.ts';
import type { EngineLocation } from './locate-engine.ts';
import { SetupError } from './setup-error.ts';

try {
  const location = JSON.parse(process.argv[2] ?? '') as EngineLocation;
  process.stdout.write(`${JSON.stringify(selfReport(location))}\n`);
} catch (error) {
  const reason = error instanceof SetupError && error.cause instanceof Error ? error.cause : error;
  process.stderr.write(`${reason instanceof Error ? reason.message : String(reason)}\n`);
  process.exitCode = 1;
}

function selfReport(location: EngineLocation): EngineSelfReport {
  const started = performance.now();
  const tf = loadTensorflow(location);
  const backend = tf.backend() as unknown as { isUsingGpuDevice: boolean; binding: { TF_Version: string } };
  if (tf.getBackend() !== 'tensorflow')
    throw new Error(`TensorFlow.js chose the backend ${tf.getBackend()} instead of the engine.`);
  // Row i of the left side is i everywhere, the right side is all ones: each entry of row i is size * i, exact in float32.
  const size = 64;
  const left = tf.tensor2d(
    Float32Array.from({ length: size * size }, (_, index) => Math.floor(index / size)),
    [size, size],
  );
  const product = tf.matMul(left, tf.ones([size, size])).dataSync();
  const isRight =
    product.length === size * size &&
    product.every((value, index) => value === size * Math.floor(index / size));
  if (!isRight) throw new Error('The engine multiplied two small matrices wrongly.');
  const isGpu = backend.isUsingGpuDevice;
  return {
    device: isGpu ? gpuModel() : processorModel(),
    isGpu,
    tensorflow: backend.binding.TF_Version,
    tfjs: tf.version['tfjs-core'],
    node: process.versions.node,
    threads: threadCount(),
    milliseconds: Math.round(performance.now() - started),
  };
}

/** TensorFlow takes TF_NUM_INTRAOP_THREADS or else one thread a processor that this process may run on. */
function threadCount(): number {
  const asked = Number(process.env.TF_NUM_INTRAOP_THREADS);
  if (Number.isInteger(asked) && asked > 0) return asked;
  return allowedProcessors() ?? availableParallelism();
}

/** Size of this process's processor set (Linux), as TensorFlow counts it: quotas of a container do not lower it. */
function allowedProcessors(): number | null {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (list === undefined) return null;
    return list.split(',').reduce((count, range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number);
      return count + last - first + 1;
    }, 0);
  } catch {
    return null;
  }
}

function processorModel(): string {
  return cpus()[0]?.model.trim() || process.arch;
}

function gpuModel(): string {
  const folder = '/proc/driver/nvidia/gpus';
  try {
    const models = readdirSync(folder).map(
      (name) => /^Model:\s*(.+)$/m.exec(readFileSync(join(folder, name, 'information'), 'utf8'))?.[1],
    );
    return models.find((model) => model !== undefined) ?? 'NVIDIA GPU';
  } catch {
    return 'NVIDIA GPU';
  }
}
