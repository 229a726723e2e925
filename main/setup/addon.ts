import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, runCommand } from './command.ts';
import { addonPath } from './locate-engine.ts';
import { libraryNames } from './platform.ts';
import type { OnProgress } from './progress.ts';
import { SetupError } from './setup-error.ts';

const require = createRequire(import.meta.url);

/** The C++ compiler: only CXX when it is set, else the first of c++, g++, clang++ on PATH. Throws `no-compiler`. */
export function requireCompiler(): string[] {
  const chosen = process.env.CXX?.trim();
  // CXX may carry flags, as make allows ("ccache g++").
  const candidates =
    chosen === undefined || chosen === '' ? [['c++'], ['g++'], ['clang++']] : [chosen.split(/\s+/)];
  const found = candidates.find(([program]) => program !== undefined && isExecutable(program));
  if (found !== undefined) return found;
  throw new SetupError(
    'no-compiler',
    `No C++ compiler was found (tried ${candidates.map((words) => words.join(' ')).join(', ')}). It builds the small addon between Node and TensorFlow. Nothing was changed.`,
    'Install one (Debian and Ubuntu: sudo apt install g++; Fedora: sudo dnf install gcc-c++; macOS: xcode-select --install), or name one in CXX, and start again.',
  );
}

function isExecutable(program: string): boolean {
  const places = program.includes('/')
    ? [program]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return statSync(place).isFile();
    } catch {
      return false;
    }
  });
}

export interface AddonSources {
  /** Absolute folder of the two TensorFlow libraries. */
  libraryFolder: string;
  /** Absolute folder of TensorFlow's headers. */
  includeFolder: string;
  /** Where the finished addon will live; its library path is relative to this when the libraries are inside it. */
  engineFolder: string;
}

/**
 * Compiles the addon of @tensorflow/tfjs-node-gpu (C API only, Node-API 8: one build for every Node from 18 on) into
 * `<engineFolder>/addon-<tfjs version>/tfjs_binding.node`. Takes about ten seconds. Built under a temporary name, then
 * renamed. Throws `no-compiler` or `build-failed`.
 */
export async function buildAddon(sources: AddonSources, onProgress: OnProgress): Promise<string> {
  const [compiler = 'c++', ...flags] = requireCompiler();
  const addonFile = addonPath(sources.engineFolder);
  const unfinished = join(dirname(addonFile), `.${process.pid}.node`);
  mkdirSync(dirname(addonFile), { recursive: true });
  const started = Date.now();
  const report = (): void =>
    onProgress({
      step: 'build',
      fraction: null,
      message: `Building the TensorFlow addon: ${Math.round((Date.now() - started) / 1000)} s`,
    });
  report();
  const timer = setInterval(report, 2000);
  try {
    const result = await runCommand(compiler, [...flags, ...compilerParameters(sources, unfinished)]);
    if (result.code !== 0)
      throw buildError(compiler, result.startError?.message ?? lastLines(result.stderr, 12));
    renameSync(unfinished, addonFile);
    return addonFile;
  } finally {
    clearInterval(timer);
    rmSync(unfinished, { force: true });
  }
}

function compilerParameters(sources: AddonSources, output: string): string[] {
  const binding = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const nodeHeaders = join(dirname(require.resolve('node-api-headers/package.json')), 'include');
  const { main, framework } = libraryNames();
  const isMac = process.platform === 'darwin';
  const inside = relative(dirname(addonPath(sources.engineFolder)), sources.libraryFolder);
  const isInside = sources.libraryFolder.startsWith(`${sources.engineFolder}/`);
  const searchPath = isInside ? `${isMac ? '@loader_path' : '$ORIGIN'}/${inside}` : sources.libraryFolder;
  const namespace = abslNamespace(sources.includeFolder);
  const quietLog = fileURLToPath(new URL('native/quiet_log.cc', import.meta.url));
  return [
    ...['-O2', '-std=c++17', '-shared', '-fPIC', '-w', '-DNAPI_VERSION=8'],
    ...['-I', nodeHeaders, '-I', sources.includeFolder, '-I', binding],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(binding, 'binding', file)),
    ...(namespace === null || isMac ? [] : [`-DSURGE_ABSL=${namespace}`, quietLog]),
    ...['-o', output, join(sources.libraryFolder, main), join(sources.libraryFolder, framework)],
    ...['-Xlinker', '-rpath', '-Xlinker', searchPath],
    ...(isMac ? ['-undefined', 'dynamic_lookup'] : []),
  ];
}

/** The inline namespace of the library's absl, for instance `lts_20250814`; null when its header is absent. */
function abslNamespace(includeFolder: string): string | null {
  try {
    const text = readFileSync(join(includeFolder, 'absl', 'base', 'options.h'), 'utf8');
    return /^#define ABSL_OPTION_INLINE_NAMESPACE_NAME (\w+)/m.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

function buildError(compiler: string, output: string): SetupError {
  return new SetupError(
    'build-failed',
    `The C++ compiler (${compiler}) could not build the TensorFlow addon:\n${output}\nThe downloaded library is kept.`,
    'The compiler must know C++17 (g++ 8, clang 7 or newer). Name another one in CXX and start again.',
  );
}
