/** The processes of an external program: its process group, and whatever left it, found by a mark in the environment. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Variable that every process of a stack's program inherits. */
export const STACK_VARIABLE = 'SURGE_STACK';
const POLL_MILLISECONDS = 20;
/** A process that is killed for certain goes within this time; a zombie that nobody buries is not waited for. */
const KILL_MILLISECONDS = 2_000;

/**
 * Asks every process of a stack's program to end, waits, and then makes it. `group` is the process group while it is
 * known; a later lab finds the rest by the mark. Returns how many there were.
 */
export async function endProgram(
  stack: string,
  group: number | null,
  patienceMilliseconds: number,
): Promise<number> {
  const found = marked(stack).length + (group !== null && groupExists(group) ? 1 : 0);
  if (found === 0) return 0;
  const isGone = () => (group === null || !groupExists(group)) && marked(stack).length === 0;
  for (const [signal, patience] of [
    ['SIGTERM', patienceMilliseconds],
    ['SIGKILL', KILL_MILLISECONDS],
  ] as const) {
    if (group !== null) send(-group, signal);
    for (const pid of marked(stack)) send(pid, signal);
    const deadline = performance.now() + patience;
    while (!isGone() && performance.now() < deadline) await setTimeout(POLL_MILLISECONDS);
    if (isGone()) break;
  }
  return found;
}

function groupExists(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between.
  }
}

/** Living processes whose environment has the mark, as far as the system shows it. */
function marked(stack: string): number[] {
  const mark = `${STACK_VARIABLE}=${stack}`;
  if (process.platform === 'linux')
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && environmentOf(pid).includes(mark));
  try {
    return execFileSync('ps', ['-A', '-E', '-ww', '-o', 'pid=,command='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.split(/\s+/).includes(mark))
      .map((line) => Number.parseInt(line, 10))
      .filter((pid) => pid !== process.pid);
  } catch {
    return [];
  }
}

/** Empty for zombies and for other people's processes. */
function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
