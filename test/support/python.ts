/** Python packages that a test compares with or reads our files by, in environments of their own that are kept. */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The Python of an environment that has these packages; null where pip cannot bring them. Slow the first time. */
export function pythonWith(...packages: string[]): string | null {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'surge-lab', 'test-python', packages.join('-').replaceAll(/[^\w.-]/g, '-'));
  const python = join(folder, 'bin', 'python');
  const check = () => execFileSync(python, ['-c', `import ${packages.join(', ')}`], { stdio: 'ignore' });
  try {
    if (existsSync(python)) check();
    return existsSync(python) ? python : install();
  } catch {
    return install();
  }

  function install(): string | null {
    try {
      rmSync(folder, { recursive: true, force: true });
      execFileSync('python3', ['-m', 'venv', folder], { stdio: 'ignore' });
      execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--only-binary=:all:', ...packages], {
        stdio: 'ignore',
        timeout: 300_000,
      });
      check();
      return python;
    } catch {
      rmSync(folder, { recursive: true, force: true });
      return null;
    }
  }
}
