import { readFileSync } from 'node:fs';

/**
 * How often the kernel has killed a process for want of memory since it started (limits of control groups included). It
 * tells such a kill from any other SIGKILL, which says nothing about the stack. Null where the system does not count.
 */
export function outOfMemoryKills(): number | null {
  try {
    const found = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}
