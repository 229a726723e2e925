/** One trainer process from start to end, as the scheduler sees it. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { withoutLibraryNotices } from '#main/setup/library-notices.ts';
import { findNode } from '#main/setup/node.ts';
import type { StackJob, TrainerMessage } from '#main/training/protocol.ts';
import type { ProcessIdentity } from './processes.ts';
import { identify } from './processes.ts';

export interface TrainerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it printed, for a person. */
  readonly log: string;
}

export interface TrainerProcess {
  readonly identity: ProcessIdentity | null;
  readonly exited: Promise<TrainerExit>;
  /** Asks for a checkpoint and an end. */
  stop(): void;
  kill(): void;
}

const TRAINER = fileURLToPath(new URL('../../training/trainer.ts', import.meta.url));
const EXTERNAL_TRAINER = fileURLToPath(new URL('../../training/external/trainer.ts', import.meta.url));
const LOG_TAIL_CHARACTERS = 4_000;

/** `devices`: what CUDA shows it, null for whatever it shows the lab. */
export function startTrainer(
  job: StackJob,
  logFile: string,
  devices: readonly string[] | null,
  onMessage: (message: TrainerMessage) => void,
): TrainerProcess {
  const isExternal = job.workload.kind === 'external';
  const log = openSync(logFile, 'a');
  const child = spawn(
    findNode(),
    ['--disable-warning=ExperimentalWarning', isExternal ? EXTERNAL_TRAINER : TRAINER],
    {
      stdio: ['pipe', 'ignore', log, 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        ...(devices === null ? {} : { CUDA_VISIBLE_DEVICES: devices.join(',') }),
      },
    },
  );
  closeSync(log);
  const identity = child.pid === undefined ? null : identify(child.pid);
  const stdin = child.stdin!;
  // The trainer may be gone already; its exit says so.
  stdin.on('error', () => {});
  stdin.write(`${JSON.stringify(job)}\n`);
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    try {
      onMessage(JSON.parse(line) as TrainerMessage);
    } catch {
      // Half a line of a killed trainer.
    }
  });
  const exited = new Promise<TrainerExit>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null, note = '') => {
      const text = withoutLibraryNotices(readFileSync(logFile, 'utf8')).slice(-LOG_TAIL_CHARACTERS);
      // What somebody's program said is kept, however it ended.
      if (code === 0 && !isExternal) rmSync(logFile, { force: true });
      resolve({ code, signal, log: `${text}${note}`.trim() });
    };
    child.once('error', (error) => end(null, null, error.message));
    child.once('close', (code, signal) => end(code, signal));
  });
  return {
    identity,
    exited,
    stop: () => stdin.end(`${JSON.stringify({ type: 'stop' })}\n`),
    kill: () => child.kill('SIGKILL'),
  };
}
