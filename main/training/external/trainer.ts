/**
 * The trainer of an external workload: runs somebody's program for one cell, writes what it reports to the spool, and
 * ends with its whole process group. When standard input closes, the lab is gone and the program is ended.
 */
import { createWriteStream, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import type { ProgramCall } from '#shared/experiment/external-call.ts';
import type { ExternalOptimizer, ExternalWorkload } from '#shared/experiment/external.ts';
import { programCall } from '#shared/experiment/external-call.ts';
import { readJob } from '../job-input.ts';
import type { StackJob, TrainerMessage } from '../protocol.ts';
import { SpoolWriter } from '../spool-writer.ts';
import { externalChecksum } from './files.ts';
import { ProgramLog } from './log.ts';
import { startProgram } from './program.ts';
import { Results } from './results.ts';
import { openSource, OutputLines } from './sources.ts';
import { judge } from './verdict.ts';

const CONTROL_DESCRIPTOR = 3;
/** The lab gives standard error to the stack's log file. */
const LOG_DESCRIPTOR = 2;
const FLUSH_MILLISECONDS = 250;

interface ExternalJob extends StackJob {
  readonly workload: ExternalWorkload;
  readonly optimizer: ExternalOptimizer;
}

async function main(): Promise<void> {
  const control = createWriteStream('', { fd: CONTROL_DESCRIPTOR, autoClose: false });
  // A lab that died cannot read any more.
  control.on('error', () => {});
  const send = (message: TrainerMessage) => control.write(`${JSON.stringify(message)}\n`);
  const stopping = new AbortController();
  process.on('SIGTERM', () => stopping.abort());
  // The terminal sends Ctrl-C to the whole group; the lab decides what it means.
  process.on('SIGINT', () => {});
  const job = await readJob(() => stopping.abort());
  const spool = new SpoolWriter(job.spoolFile, 1);
  try {
    if (!isExternal(job)) throw new Error('this trainer runs external workloads only');
    await train(job, spool, stopping.signal, send);
  } catch (error) {
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    const message = error instanceof Error ? error.message : String(error);
    process.exitCode = 1;
    try {
      spool.write({
        event: 'stopped',
        time: Date.now(),
        step: 0,
        reason: full ? 'disk-full' : 'error',
        message: message.slice(0, 2_000),
      });
    } catch {
      // The exit code is what is left.
    }
  }
  spool.close();
  control.end(() => process.exit());
}

function isExternal(job: StackJob): job is ExternalJob {
  return job.workload.kind === 'external' && job.optimizer.kind === 'external';
}

async function train(
  job: ExternalJob,
  spool: SpoolWriter,
  stop: AbortSignal,
  send: (message: TrainerMessage) => void,
): Promise<void> {
  const { workload, steps, marks, threads } = job;
  const checksum = externalChecksum(workload);
  if (checksum !== job.dataChecksum)
    throw new Error(
      'workload.files: a file of the program has changed since this experiment was planned; restore it, or run the experiment file again for new cells',
    );
  const output = `${job.spoolFile.replace(/\.jsonl$/, '')}.output`;
  // What an earlier attempt wrote would pass for results of this one.
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const [learningRate] = job.learningRates;
  const [seed] = job.seeds;
  const call = programCall(workload, {
    learningRate,
    seed,
    batchSize: job.batchSize,
    steps,
    marks,
    output,
    optimizer: job.optimizer,
    threads,
  });
  const log = new ProgramLog(LOG_DESCRIPTOR, heading(call, workload.folder));
  spool.write({
    event: 'start',
    time: Date.now(),
    stack: job.stack,
    pid: process.pid,
    host: hostname(),
    step: 0,
    cells: 1,
    engine: {
      backend: 'external',
      fallbackReason: null,
      device: process.env.CUDA_VISIBLE_DEVICES ? `GPU ${process.env.CUDA_VISIBLE_DEVICES}` : 'cpu',
      threads,
      tensorflow: '',
      tfjs: '',
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      cpu: cpus()[0]?.model ?? '',
      chunkSteps: 0,
    },
    dataChecksum: checksum,
  });
  send({ type: 'phase', phase: 'training' });

  const results = new Results(
    {
      names: workload.metrics,
      divergesAbove: workload.divergesAbove ?? Infinity,
      steps,
      marks,
      recordTrainingLoss: job.recordTrainingLoss,
    },
    (metric, first, points, values) => spool.add(metric, first, points, values),
  );
  const timeLimitSeconds = workload.timeLimit ?? Infinity;
  const silenceLimitSeconds = workload.silenceLimit ?? Infinity;
  const outputLines = new OutputLines(workload.results.from === 'output' ? results : null);
  const errorLines = new OutputLines(null);
  let broken: { readonly error: unknown } | null = null;
  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      // A full disk: the program is ended before the cell is.
      broken ??= { error };
    }
  };
  const started = performance.now();
  const program = startProgram(call, {
    stack: job.stack,
    folder: workload.folder,
    timeLimitSeconds,
    silenceLimitSeconds,
    stop,
    output: (bytes) => attempt(() => log.write(outputLines.take(bytes))),
    errors: (bytes) => attempt(() => log.write(errorLines.take(bytes))),
    verdict: () => (broken !== null ? 'broken' : results.divergence !== null ? 'diverged' : null),
  });
  const source = openSource(workload, output, results, () => program.heard());
  const flush = setInterval(
    () =>
      attempt(() => {
        const before = spool.bytes;
        spool.flush();
        if (spool.bytes > before) send({ type: 'spooled', bytes: spool.bytes, step: results.lastStep });
      }),
    FLUSH_MILLISECONDS,
  );
  const end = await program.ended;
  const faults = await source.stop();
  clearInterval(flush);
  attempt(() => log.write(outputLines.end() + errorLines.end()));
  const failure = broken as { readonly error: unknown } | null;
  if (failure !== null) throw failure.error;

  const verdict = judge(end, results, {
    timeLimitSeconds,
    silenceLimitSeconds,
    steps,
    lastLines: log.lastLines(),
  });
  const time = Date.now();
  if (verdict.kind === 'stopped') {
    const { reason, message } = verdict;
    const why = [message, ...(reason === 'error' ? faults : [])].join('; ');
    spool.write({ event: 'stopped', time, step: results.lastStep, reason, message: why.slice(0, 2_000) });
  } else {
    for (const message of [...results.notices(), ...faults]) send({ type: 'notice', message });
    const { divergence } = results;
    if (divergence !== null)
      spool.write({ event: 'diverged', cell: 0, step: divergence.step, reason: divergence.reason });
    spool.write({
      event: 'finished',
      time,
      step: divergence?.step ?? steps,
      trainMilliseconds: performance.now() - started,
      evaluateMilliseconds: 0,
      compileMilliseconds: 0,
      peakResidentBytes: program.peakResidentBytes(),
    });
  }
  spool.sync();
  send({ type: 'spooled', bytes: spool.bytes, step: results.lastStep });
  removeIfEmpty(output);
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // The program left something for its user.
  }
}

/** The first lines of an attempt in the log: what was run, and where. */
function heading(call: ProgramCall, folder: string): string {
  const command = JSON.stringify([call.program, ...call.arguments]);
  const environment = Object.entries(call.environment).map(
    ([name, value]) => `  ${name}=${JSON.stringify(value)}`,
  );
  return `${['', `--- ${new Date().toISOString()} in ${folder}`, command, ...environment, '---'].join('\n')}\n`;
}

await main();
