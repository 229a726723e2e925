import { runCommand } from './command.ts';
import { SetupError } from './setup-error.ts';

/** A Python TensorFlow that is installed on this machine. */
export interface PythonTensorflow {
  /** The package folder, with the two libraries and `include` in it. */
  folder: string;
  /** Distribution name, for instance `tensorflow-cpu`. */
  distribution: string;
  version: string;
  python: string;
}

const lookupTimeout = 60_000;

/** Python programs to try: only SURGE_PYTHON when it is set, else `python3` and `python`. */
export function pythonCandidates(): string[] {
  const chosen = process.env.SURGE_PYTHON;
  return chosen === undefined || chosen === '' ? ['python3', 'python'] : [chosen];
}

/** The first Python 3.8 or newer; throws {@link SetupError} `no-python` when there is none. */
export async function requirePython(): Promise<string> {
  for (const python of pythonCandidates()) {
    if (await succeeds(python, ['-c', 'import sys, zipfile; sys.exit(sys.version_info < (3, 8))']))
      return python;
  }
  throw new SetupError(
    'no-python',
    `No Python 3.8 or newer was found (tried ${pythonCandidates().join(', ')}). The TensorFlow engine comes as a Python package. Nothing was changed.`,
    'Install Python 3 with pip (Debian and Ubuntu: sudo apt install python3 python3-pip), or name one in SURGE_PYTHON, and start again.',
  );
}

/** The first Python that has pip; throws {@link SetupError} `no-python` or `no-pip`. */
export async function requirePip(): Promise<string> {
  await requirePython();
  for (const python of pythonCandidates()) {
    if (await succeeds(python, ['-m', 'pip', '--version'])) return python;
  }
  throw new SetupError(
    'no-pip',
    `Python is there, but pip is not (tried ${pythonCandidates().join(', ')}). pip fetches the TensorFlow engine. Nothing was changed.`,
    'Install pip (Debian and Ubuntu: sudo apt install python3-pip; else: python3 -m ensurepip --user), or fetch a TensorFlow wheel elsewhere and run "surge engine install --from FILE.whl".',
  );
}

async function succeeds(program: string, parameters: string[]): Promise<boolean> {
  return (await runCommand(program, parameters, { timeout: lookupTimeout })).code === 0;
}

// find_spec of a top-level package looks for it and imports nothing.
const findScript = `
import importlib.util, importlib.metadata, json
spec = importlib.util.find_spec("tensorflow")
folders = list(spec.submodule_search_locations or []) if spec else []
for name in ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "tensorflow-macos"):
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        continue
    if folders:
        print(json.dumps({"folder": folders[0], "distribution": name, "version": version}))
        break
`;

/** An installed Python TensorFlow, found without importing it; null when no Python has one. */
export async function findPythonTensorflow(): Promise<PythonTensorflow | null> {
  for (const python of pythonCandidates()) {
    const { code, stdout } = await runCommand(python, ['-c', findScript], { timeout: lookupTimeout });
    if (code !== 0 || stdout.trim() === '') continue;
    try {
      return { ...(JSON.parse(stdout) as Omit<PythonTensorflow, 'python'>), python };
    } catch {
      // A Python that prints something else at start (sitecustomize): not usable for this.
    }
  }
  return null;
}
