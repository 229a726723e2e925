import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; null when a signal ended it or it never started. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Set when the program could not be started at all, for instance `ENOENT`. */
  startError: NodeJS.ErrnoException | null;
}

export interface CommandOptions {
  environment?: Readonly<Record<string, string | undefined>>;
  folder?: string;
  /** Called with each full line of standard output. */
  onLine?: (line: string) => void;
  /** Milliseconds until the program is killed. Default: no limit. */
  timeout?: number;
  /** Kills the program when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** Output kept of each stream, in characters; the end is what carries the reason of a failure. */
const keptOutput = 200_000;

/** Runs a program without a shell and collects its output; never rejects. */
export function runCommand(
  program: string,
  parameters: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      cwd: options.folder,
      env: options.environment === undefined ? process.env : { ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeout,
      signal: options.signal,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    let partial = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-keptOutput);
      if (options.onLine === undefined) return;
      const lines = (partial + text).split(/\r?\n|\r/);
      partial = lines.pop() ?? '';
      for (const line of lines) options.onLine(line);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-keptOutput);
    });
    const ended = (
      code: number | null,
      signal: NodeJS.Signals | null,
      startError: NodeJS.ErrnoException | null,
    ): void => {
      if (partial !== '') options.onLine?.(partial);
      partial = '';
      resolve({ code, signal, stdout, stderr, startError });
    };
    child.on('error', (error: NodeJS.ErrnoException) => ended(null, null, error));
    child.on('close', (code, signal) => ended(code, signal, null));
  });
}

/** The last lines of a program's output, for a message. */
export function lastLines(text: string, count = 6): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
