import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, runCommand } from './command.ts';
import { withoutLibraryNotices } from './library-notices.ts';
import { explicitFolder, locateEngine } from './locate-engine.ts';
import type { EngineLocation, LocateOptions } from './locate-engine.ts';
import { readManifest, tamperedFiles } from './manifest.ts';
import type { EngineSource } from './manifest.ts';
import { findNode } from './node.ts';
import type { EngineVariant } from './platform.ts';
import { SetupError } from './setup-error.ts';
import type { SetupErrorCode } from './setup-error.ts';

/** What the engine said about itself after a small matrix product. */
export interface EngineSelfReport {
  /** Model name of the processor or the GPU that computed. */
  device: string;
  isGpu: boolean;
  /** Versions. */
  tensorflow: string;
  tfjs: string;
  node: string;
  /** Threads that TensorFlow may use for one operation. */
  threads: number;
  /** Loading and the product together. */
  milliseconds: number;
}

export interface EngineReady extends EngineSelfReport {
  ok: true;
  variant: EngineVariant;
  source: EngineSource;
  libraryFolder: string;
  addonFile: string;
  /** What works but is not as it should be, for instance a CUDA engine that computes on the CPU. */
  warnings: string[];
}

export interface EngineProblem {
  ok: false;
  code: SetupErrorCode;
  message: string;
  wayOut: string;
}

/** The answer of {@link checkEngine}, as `surge engine check --json` prints it. */
export type EngineReport = EngineReady | EngineProblem;

export interface CheckOptions extends LocateOptions {
  /** Also hash every installed file against the manifest (a second or two). Default false. */
  verify?: boolean;
}

const checkTimeout = 180_000;

/** Loads the engine in a fresh Node process, as a trainer does, and lets it multiply two matrices. Never rejects for a bad engine. */
export async function checkEngine(options: CheckOptions = {}): Promise<EngineReport> {
  const location = locateEngine(options);
  if (location === null) return noEngine(explicitFolder(options));
  if (options.verify === true) {
    const folder = dirname(dirname(location.addonFile));
    const manifest = readManifest(folder);
    const wrong = manifest === null ? [] : await tamperedFiles(folder, manifest);
    if (wrong.length > 0) {
      return problem(
        'corrupt-download',
        `The engine in ${folder} is damaged: ${wrong.slice(0, 3).join(', ')}${wrong.length > 3 ? ` and ${wrong.length - 3} more files` : ''} changed since it was installed.`,
        'Run "surge engine install" to fetch it again; experiments and results are not affected.',
      );
    }
  }
  return checkLocation(location);
}

/** The same for one given engine. */
export async function checkLocation(location: EngineLocation): Promise<EngineReport> {
  let node: string;
  try {
    node = findNode();
  } catch (error) {
    if (error instanceof SetupError) return problem(error.code, error.message, error.wayOut);
    throw error;
  }
  const script = fileURLToPath(new URL('engine-check.ts', import.meta.url));
  // A GPU process takes all of the card's memory unless told otherwise.
  const environment = { ...process.env, TF_FORCE_GPU_ALLOW_GROWTH: 'true' };
  const result = await runCommand(
    node,
    ['--disable-warning=ExperimentalWarning', script, JSON.stringify(location)],
    {
      environment,
      timeout: checkTimeout,
    },
  );
  const said = result.code === 0 ? parseSelfReport(result.stdout) : null;
  if (said === null)
    return doesNotLoad(
      location,
      result.signal,
      result.startError?.message ?? lastLines(withoutLibraryNotices(result.stderr)),
    );
  const { variant, source, libraryFolder, addonFile } = location;
  const warnings =
    variant === 'cuda' && !said.isGpu
      ? [
          'The CUDA engine computes on the CPU: no usable NVIDIA GPU or driver was found ("nvidia-smi" shows the driver).',
        ]
      : [];
  return { ok: true, ...said, variant, source, libraryFolder, addonFile, warnings };
}

function parseSelfReport(text: string): EngineSelfReport | null {
  try {
    return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as EngineSelfReport;
  } catch {
    return null;
  }
}

function noEngine(folder: string | null): EngineProblem {
  return folder === null
    ? problem('no-engine', 'The TensorFlow engine is not installed yet.', 'Run "surge engine install".')
    : problem(
        'no-engine',
        `There is no ready engine in ${folder}.`,
        `Run "surge engine install --from ${folder}", or unset SURGE_ENGINE_DIR.`,
      );
}

function doesNotLoad(location: EngineLocation, signal: NodeJS.Signals | null, output: string): EngineProblem {
  if (signal === 'SIGILL') {
    return problem(
      'engine-does-not-load',
      'This processor lacks instructions that the TensorFlow library was built with (AVX).',
      'Use a machine from 2013 or later, or build TensorFlow for this one and run "surge engine install --from DIR".',
    );
  }
  const reason =
    signal === 'SIGKILL'
      ? 'it was killed or took too long (out of memory?)'
      : signal === null
        ? output
        : `it ended with ${signal}. ${output}`;
  return problem(
    'engine-does-not-load',
    `The TensorFlow engine in ${location.libraryFolder} does not work: ${reason}`,
    'Run "surge engine install" to fetch and build it again; experiments and results are not affected.',
  );
}

function problem(code: SetupErrorCode, message: string, wayOut: string): EngineProblem {
  return { ok: false, code, message, wayOut };
}
