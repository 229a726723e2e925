/** Waits for a quiet machine before a measurement, and remembers how quiet it was: others' work distorts every ratio. */
import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

/** Idle threads of some libraries spin for a while; the next contender shall not pay for them. */
const PAUSE_MILLISECONDS = 250;
const LONGEST_WAIT_PAUSES = 8;
/** Share of all processors that others may use in a pause. */
const QUIET_SHARE = 0.1;

const shares: number[] = [];

/** Pauses until others leave the processors alone, at most two seconds. */
export async function quietMoment(): Promise<void> {
  let share = 1;
  for (let pause = 0; pause < LONGEST_WAIT_PAUSES && share > QUIET_SHARE; pause++) {
    const before = processorTimes();
    await wait(PAUSE_MILLISECONDS);
    const after = processorTimes();
    share = (after.busy - before.busy) / Math.max(1, after.all - before.all);
  }
  shares.push(share);
}

/** Share of the measurements, 0…1, that began while others were busy. */
export function disturbedShare(): number {
  return shares.filter((share) => share > QUIET_SHARE).length / Math.max(1, shares.length);
}

function processorTimes(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = Object.values(times).reduce((total, time) => total + time, 0);
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}
