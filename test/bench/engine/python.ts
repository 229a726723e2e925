/** A Python with torch, jax and numpy for the benchmark, kept in the user's cache. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lastLines, runCommand } from '#main/setup/command.ts';
import { engineCacheFolder } from '#main/setup/platform.ts';
import { requirePython } from '#main/setup/python.ts';

/** Builds of PyTorch without the gigabytes of CUDA libraries. */
const CPU_INDEX = 'https://download.pytorch.org/whl/cpu';

/**
 * SURGE_BENCH_PYTHON when set, else a virtual environment that is made on first use. Throws in plain words when neither
 * can be had; `say` is told of long steps.
 */
export async function benchPython(say: (message: string) => void): Promise<string> {
  const chosen = process.env.SURGE_BENCH_PYTHON;
  if (chosen !== undefined && chosen !== '') {
    await check(chosen);
    return chosen;
  }
  const folder = join(dirname(engineCacheFolder()), 'bench-python');
  const python = join(folder, 'bin', 'python');
  if (existsSync(python) && (await imports(python)) === null) return python;
  mkdirSync(dirname(folder), { recursive: true });
  say(`Installing torch, jax and numpy into ${folder} (once, some minutes)`);
  await must(await requirePython(), ['-m', 'venv', '--clear', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await must(python, [...pip, 'numpy', 'jax']);
  const small = await runCommand(python, [...pip, 'torch', '--index-url', CPU_INDEX]);
  if (small.code !== 0) {
    say(`${CPU_INDEX} has no PyTorch for this machine or cannot be reached; taking it from pip's own index`);
    await must(python, [...pip, 'torch']);
  }
  await check(python);
  return python;
}

async function check(python: string): Promise<void> {
  const reason = await imports(python);
  if (reason !== null) throw new Error(`${python} cannot import torch, jax and numpy: ${reason}`);
}

/** Null when everything can be imported, else the reason. */
async function imports(python: string): Promise<string | null> {
  const { code, stderr, startError } = await runCommand(python, ['-c', 'import numpy, torch, jax']);
  return code === 0 ? null : (startError?.message ?? lastLines(stderr, 1));
}

async function must(program: string, parameters: string[]): Promise<void> {
  const { code, stderr, startError } = await runCommand(program, parameters);
  if (code !== 0)
    throw new Error(`${program} ${parameters.join(' ')}: ${startError?.message ?? lastLines(stderr)}`);
}
