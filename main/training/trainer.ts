/**
 * The trainer process: reads one job on standard input, trains that stack, writes its curves to the spool file, and
 * ends. Everything it needs dies with it: memory, device state, a poisoned CUDA context. When its standard input
 * closes, its lab is gone and it checkpoints and stops.
 */
import { createWriteStream } from 'node:fs';
import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { buildStack } from './build-stack.ts';
import { removeCheckpoint } from './checkpoint.ts';
import { openEngine } from './engine/open-engine.ts';
import { readJob } from './job-input.ts';
import { isOutOfMemory, openSession } from './open-session.ts';
import type { SpoolLine, TrainerMessage } from './protocol.ts';
import { SpoolWriter } from './spool-writer.ts';
import { trainStack } from './train-stack.ts';

const CONTROL_DESCRIPTOR = 3;

async function main(): Promise<void> {
  const control = createWriteStream('', { fd: CONTROL_DESCRIPTOR, autoClose: false });
  // A lab that died cannot read any more; training goes on until the checkpoint.
  control.on('error', () => {});
  const send = (message: TrainerMessage) => control.write(`${JSON.stringify(message)}\n`);

  let stop = false;
  process.on('SIGTERM', () => (stop = true));
  // The terminal sends Ctrl-C to the whole group; the lab decides what it means.
  process.on('SIGINT', () => {});
  const job = await readJob(() => (stop = true));
  const cells = job.learningRates.length * job.seeds.length;
  const spool = new SpoolWriter(job.spoolFile, cells);
  try {
    send({ type: 'phase', phase: 'loading' });
    const { tf, provenance } = openEngine(job.threads);
    const stack = buildStack(tf, job);
    if (job.dataChecksum !== stack.dataChecksum)
      throw new Error(
        'workload.data: the data have changed since this experiment was planned (their checksum differs); restore the files or plan a new experiment',
      );
    send({ type: 'phase', phase: 'compiling' });
    const opened = await openSession(tf, stack, job.mode, job.chunkSteps);
    if (opened.fallbackReason !== null)
      send({
        type: 'notice',
        message: `compiling failed, training step by step instead: ${opened.fallbackReason}`,
      });
    const engine = {
      ...provenance,
      backend: opened.session.backend,
      fallbackReason: opened.fallbackReason,
      chunkSteps: job.chunkSteps,
    };
    const outcome = await trainStack(
      job,
      stack,
      opened.session,
      spool,
      opened.compileMilliseconds,
      {
        shouldStop: () => stop,
        phase: (phase) => send({ type: 'phase', phase }),
        spooled: (step) => send({ type: 'spooled', bytes: spool.bytes, step }),
        breathe: () => setImmediate(),
      },
      (step) =>
        spool.write({
          event: 'start',
          time: Date.now(),
          stack: job.stack,
          pid: process.pid,
          host: hostname(),
          step,
          cells,
          engine,
          dataChecksum: stack.dataChecksum,
        }),
    );
    const { finished, ...progress } = outcome;
    spool.write(
      finished
        ? {
            event: 'finished',
            time: Date.now(),
            ...progress,
            // Kilobytes in Node's report.
            peakResidentBytes: process.resourceUsage().maxRSS * 1024,
          }
        : { event: 'stopped', time: Date.now(), step: outcome.step, reason: 'asked', message: '' },
    );
    spool.sync();
    if (finished) removeCheckpoint(job.checkpointFile);
    send({ type: 'spooled', bytes: spool.bytes, step: outcome.step });
  } catch (error) {
    endWithReason(spool, error);
    process.exitCode = 1;
  }
  spool.close();
  control.end(() => process.exit());
}

function endWithReason(spool: SpoolWriter, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  const line: SpoolLine = {
    event: 'stopped',
    time: Date.now(),
    step: 0,
    reason: full ? 'disk-full' : isOutOfMemory(error) ? 'out-of-memory' : 'error',
    message: message.slice(0, 2_000),
  };
  try {
    spool.write(line);
  } catch {
    // The disk may be full; the exit code and this text are what is left.
    process.stderr.write(`${JSON.stringify(line)}\n`);
  }
  if (error instanceof Error && error.stack !== undefined) process.stderr.write(`${error.stack}\n`);
}

await main();
