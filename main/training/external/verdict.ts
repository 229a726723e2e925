/** From how a program ended and what it reported to the last line of its spool. */
import { constants } from 'node:os';
import type { SpoolLine } from '../protocol.ts';
import type { ProgramEnd } from './program.ts';
import type { Results } from './results.ts';

type StopReason = Extract<SpoolLine, { event: 'stopped' }>['reason'];

export type Verdict =
  | { readonly kind: 'finished' }
  | { readonly kind: 'diverged' }
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly message: string };

const OUT_OF_MEMORY = /out of memory|OutOfMemoryError|\bMemoryError\b|RESOURCE_EXHAUSTED|bad_alloc/i;
/** Signals that a program brings upon itself. */
const CRASHES: readonly string[] = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGSYS'];
/** A shell reports a child that a signal ended as this much plus the signal's number. */
const SIGNAL_CODES = 128;

export interface Circumstances {
  readonly timeLimitSeconds: number;
  readonly silenceLimitSeconds: number;
  readonly steps: number;
  /** The end of the log, '' without. */
  readonly lastLines: string;
}

export function judge(
  program: ProgramEnd,
  results: Pick<Results, 'divergence' | 'lastStep' | 'shortfall'>,
  { timeLimitSeconds, silenceLimitSeconds, steps, lastLines }: Circumstances,
): Verdict {
  const said = lastLines === '' ? '' : `: ${lastLines}`;
  const where =
    results.lastStep === 0 ? 'before its first report' : `at step ${results.lastStep} of ${steps}`;
  const failed = (message: string): Verdict => ({ kind: 'stopped', reason: 'error', message });
  if (program.end === 'ended' && program.cause === 'asked')
    return {
      kind: 'stopped',
      reason: 'asked',
      message: 'stopped; its program starts again from the beginning',
    };
  if (results.divergence !== null) return { kind: 'diverged' };
  switch (program.end) {
    case 'not-started':
      return failed(program.message);
    case 'signal':
      return CRASHES.includes(program.signal)
        ? failed(`the program crashed (${program.signal}) ${where}${said}`)
        : killed(`the program was killed from outside (${program.signal}) ${where}`);
    case 'ended':
      if (program.cause === 'time')
        return failed(`ended at its time limit of ${timeLimitSeconds} s, ${where}${said}`);
      return failed(`gave no sign of life for ${silenceLimitSeconds} s (silence limit), ${where}${said}`);
    case 'exit': {
      const signal = signalOf(program.code);
      if (signal === 'SIGKILL' || signal === 'SIGTERM')
        return killed(`the program was killed from outside (exit code ${program.code}: ${signal}) ${where}`);
      if (program.code !== 0)
        return OUT_OF_MEMORY.test(lastLines)
          ? { kind: 'stopped', reason: 'out-of-memory', message: `out of memory ${where}${said}` }
          : failed(`the program ended with exit code ${program.code} ${where}${said}`);
      const shortfall = results.shortfall();
      return shortfall === null
        ? { kind: 'finished' }
        : failed(`the program ended without an error, but ${shortfall}${said}`);
    }
  }
}

function killed(message: string): Verdict {
  return { kind: 'stopped', reason: 'killed', message };
}

function signalOf(code: number): string | null {
  const found = Object.entries(constants.signals).find(([, number]) => number === code - SIGNAL_CODES);
  return found === undefined ? null : found[0];
}
