/** One run of an external program: its own process group, its output, its limits, and how it ended. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { ProgramCall } from '#shared/experiment/external-call.ts';
import { endProgram, STACK_VARIABLE } from './processes.ts';

export type ProgramEnd =
  | { readonly end: 'exit'; readonly code: number }
  | { readonly end: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly end: 'not-started'; readonly message: string }
  /** It ran, and was ended by us. */
  | { readonly end: 'ended'; readonly cause: 'asked' | 'time' | 'silence' | 'diverged' | 'broken' };

export interface ProgramOptions {
  readonly stack: string;
  readonly folder: string;
  readonly timeLimitSeconds: number;
  readonly silenceLimitSeconds: number;
  /** Aborting ends the program. */
  readonly stop: AbortSignal;
  output(bytes: Uint8Array): void;
  errors(bytes: Uint8Array): void;
  /** Asked several times a second, also at once after output: a cause ends the program. */
  verdict(): 'diverged' | 'broken' | null;
}

export interface Program {
  readonly ended: Promise<ProgramEnd>;
  /** Something was heard of it, by whatever way. */
  heard(): void;
  /** Largest resident memory of its first process; 0 where the system does not say. */
  peakResidentBytes(): number;
}

const TICK_MILLISECONDS = 100;
/** After SIGTERM a program may save its work for this long. */
const PATIENCE_MILLISECONDS = 10_000;
/** Children that outlive the program are given this long to write their last words. */
const LEFTOVER_MILLISECONDS = 500;
/** Only a process that escaped every search could hold them longer. */
const DRAIN_MILLISECONDS = 30_000;

export function startProgram(call: ProgramCall, options: ProgramOptions): Program {
  let lastHeard = performance.now();
  let peak = 0;
  const started = performance.now();
  const child = spawn(call.program, call.arguments, {
    cwd: options.folder,
    env: { ...process.env, ...call.environment, [STACK_VARIABLE]: options.stack },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const hear = (stream: Readable, take: (bytes: Uint8Array) => void) =>
    stream.on('data', (bytes: Buffer) => {
      lastHeard = performance.now();
      take(bytes);
      look();
    });
  let cause: Extract<ProgramEnd, { end: 'ended' }>['cause'] | null = null;
  const end = (why: NonNullable<typeof cause>) => {
    if (cause !== null || child.pid === undefined) return;
    cause = why;
    void endProgram(options.stack, child.pid, PATIENCE_MILLISECONDS);
  };
  const look = () => {
    const verdict = options.verdict();
    const now = performance.now();
    if (options.stop.aborted) end('asked');
    else if (verdict !== null) end(verdict);
    else if (now - started > options.timeLimitSeconds * 1000) end('time');
    else if (now - lastHeard > options.silenceLimitSeconds * 1000) end('silence');
  };
  hear(child.stdout, (bytes) => options.output(bytes));
  hear(child.stderr, (bytes) => options.errors(bytes));
  const timer = setInterval(() => {
    if (child.pid !== undefined) peak = Math.max(peak, residentBytes(child.pid));
    look();
  }, TICK_MILLISECONDS);
  options.stop.addEventListener('abort', look, { once: true });

  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const gone = new Promise<ProgramEnd>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ end: 'not-started', message: notStarted(call.program, error) }),
    );
    child.once('exit', (code, signal) =>
      resolve(signal === null ? { end: 'exit', code: code ?? -1 } : { end: 'signal', signal }),
    );
  });
  const ended = gone.then(async (itself): Promise<ProgramEnd> => {
    if (itself.end !== 'not-started' && child.pid !== undefined) {
      // A child that still holds the pipes would keep them open for ever.
      await Promise.race([closed, setTimeout(LEFTOVER_MILLISECONDS)]);
      await endProgram(
        options.stack,
        child.pid,
        cause === null ? LEFTOVER_MILLISECONDS : PATIENCE_MILLISECONDS,
      );
      // Nobody writes any more, so the pipes end; what is in them may still be much.
      await Promise.race([closed, setTimeout(DRAIN_MILLISECONDS)]);
    }
    clearInterval(timer);
    options.stop.removeEventListener('abort', look);
    return cause === null ? itself : { end: 'ended', cause };
  });
  return {
    ended,
    heard: () => (lastHeard = performance.now()),
    peakResidentBytes: () => peak,
  };
}

function notStarted(program: string, { code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return `workload.command: there is no program "${program}" (neither in the working folder nor on the PATH)`;
    case 'EACCES':
      return `workload.command: "${program}" may not be run (it is not executable)`;
    default:
      return `workload.command: "${program}" could not be started (${message})`;
  }
}

function residentBytes(pid: number): number {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? 0 : Number(found[1]) * 1024;
  } catch {
    return 0;
  }
}
