/** Processes told apart for certain: a process id alone can be reused, together with its start time it cannot. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

export interface ProcessIdentity {
  readonly pid: number;
  /** Kernel clock ticks since boot on Linux, epoch seconds elsewhere. */
  readonly startTicks: number;
}

/** Null when no such process lives. */
export function identify(pid: number): ProcessIdentity | null {
  if (process.platform === 'linux') {
    try {
      // Field 22; the second field, the command in parentheses, may itself contain spaces and parentheses.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
      const zombie = fields[0] === 'Z' || fields[0] === 'X';
      return zombie ? null : { pid, startTicks: Number(fields[19]) };
    } catch {
      return null;
    }
  }
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? null : { pid, startTicks: Math.floor(Date.parse(started) / 1000) };
  } catch {
    return null;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** Asks a process to end, then makes it. Does nothing to a process that merely has the same id. */
export async function reap(identity: ProcessIdentity, patienceMilliseconds: number): Promise<void> {
  const send = (signal: NodeJS.Signals) => {
    if (!isAlive(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch {
      // It ended in between.
    }
  };
  send('SIGTERM');
  const deadline = Date.now() + patienceMilliseconds;
  while (isAlive(identity) && Date.now() < deadline) await setTimeout(50);
  send('SIGKILL');
  while (isAlive(identity)) await setTimeout(20);
}
