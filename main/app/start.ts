/**
 * `npm start`: builds what is missing or old, and opens the desktop app; where Electron's program cannot be had, the same
 * lab in the browser.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtWindow } from '#main/doors/web/build-window.ts';
import { print } from '#main/doors/cli/terminal.ts';
import { SetupError } from '#main/setup/setup-error.ts';
import { buildShell } from './build-shell.ts';
import { electronProgram } from './electron-program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SURGE = fileURLToPath(new URL('../doors/cli/surge.ts', import.meta.url));

async function start(args: readonly string[]): Promise<void> {
  const program = await electronProgram(print);
  if (program === null) {
    print('The desktop program (Electron) cannot be fetched here: the same lab opens in your browser.');
    process.argv = [process.argv[0], SURGE, 'serve', ...args];
    await import('../doors/cli/surge.ts');
    return;
  }
  await builtWindow(print);
  await buildShell();
  const child = spawn(program, [ROOT, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    print(
      `The desktop program does not start: ${error.message}. "npm run surge serve" opens the same lab in your browser.`,
    );
    process.exitCode = 1;
  });
  child.once('exit', (code) => (process.exitCode = code ?? 1));
}

try {
  await start(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  print(error.describe());
  process.exitCode = 1;
}
