/** The lab's end of a trainer's standard input. */
import { createInterface } from 'node:readline';
import type { StackJob } from './protocol.ts';
import { stagedWorkload } from './staged-data.ts';

/** The job; later lines that ask to stop, and the end of the input, call `stopped`. */
export function readJob(stopped: () => void): Promise<StackJob> {
  return new Promise((resolve, reject) => {
    let seen = false;
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => {
      const message = JSON.parse(line) as StackJob | { type: 'stop' };
      if (message.type === 'job') {
        seen = true;
        resolve({ ...message, workload: stagedWorkload(message.workload) });
      } else stopped();
    });
    lines.on('close', () => {
      stopped();
      if (!seen) reject(new Error('no job on standard input'));
    });
  });
}
