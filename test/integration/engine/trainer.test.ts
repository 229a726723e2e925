import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { findNode } from '#main/setup/node.ts';
import { dataChecksumOf } from '#main/training/build-stack.ts';
import type { StackJob, TrainerMessage } from '#main/training/protocol.ts';
import { describeWithEngine } from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';
import { readSpool, smallJob } from '../../support/training.ts';

const TRAINER = fileURLToPath(new URL('../../../main/training/trainer.ts', import.meta.url));
const files = writeSmallImages(240, 6, 4);
const base = mkdtempSync(join(tmpdir(), 'surge-trainer-'));
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  files.remove();
  rmSync(base, { recursive: true, force: true });
});
const newFolder = () => mkdtempSync(join(base, 'job-'));

interface Trainer {
  readonly process: ChildProcess;
  readonly messages: readonly TrainerMessage[];
  /** Resolves at the first message that passes, or when the process ends. */
  until(test: (message: TrainerMessage) => boolean): Promise<void>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; errors: string }>;
}

function start(job: StackJob): Trainer {
  const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', TRAINER], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  running.add(child);
  child.stdin!.on('error', () => undefined);
  child.stdin!.write(`${JSON.stringify(job)}\n`);
  let errors = '';
  child.stderr!.on('data', (text: Buffer) => (errors += text.toString()));
  const messages: TrainerMessage[] = [];
  const waiting = new Set<() => void>();
  const reader = createInterface({ input: child.stdio[3] as Readable });
  reader.on('line', (line) => {
    messages.push(JSON.parse(line) as TrainerMessage);
    for (const check of waiting) check();
  });
  const ended = new Promise<Awaited<Trainer['ended']>>((resolve) =>
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, errors });
    }),
  );
  const until: Trainer['until'] = (test) =>
    Promise.race([
      new Promise<void>((resolve) => {
        const check = () => {
          if (messages.some(test)) resolve();
        };
        waiting.add(check);
        check();
      }),
      ended.then(() => undefined),
    ]);
  return { process: child, messages, until, ended };
}

async function finish(job: StackJob): Promise<void> {
  const { code, errors } = await start(job).ended;
  expect(code, errors).toBe(0);
}

/** A stack that trains for about a second. One learning rate diverges on the way. */
function longJob(changes: Partial<StackJob> = {}): StackJob {
  const steps = 6000;
  const workload = {
    kind: 'mlp',
    hidden: [8],
    activation: 'relu',
    data: { source: 'idx', images: files.images, labels: files.labels },
  } as const satisfies StackJob['workload'];
  return smallJob(newFolder(), {
    workload,
    learningRates: [0.001, 0.01, 1e37],
    steps,
    // A checkpoint anywhere must continue the schedule where it was.
    schedule: { kind: 'cosine', final: 0.1, warmUpShare: 0.2 },
    gradientClipping: { kind: 'norm', limit: 1 },
    marks: [1, 10, 100, 777, 3000, steps],
    dataChecksum: dataChecksumOf(workload, 40),
    ...changes,
  });
}

const reference: { job: StackJob | null } = { job: null };
/** The same job without any interruption; trained once. */
async function uninterrupted(): Promise<ReturnType<typeof readSpool>> {
  if (reference.job === null) {
    reference.job = longJob();
    await finish(reference.job);
  }
  return readSpool(reference.job.spoolFile);
}

async function expectSameCurves(job: StackJob): Promise<void> {
  const [whole, pieces] = [await uninterrupted(), readSpool(job.spoolFile)];
  for (const metric of ['trainingLoss', 'evaluationLoss', 'evaluationAccuracy'] as const) {
    expect(whole.curve(metric).length).toBe(metric === 'trainingLoss' ? job.steps : job.marks.length);
    expect(pieces.curve(metric)).toEqual(whole.curve(metric));
  }
  const divergences = (spool: typeof whole) => [
    ...new Set(spool.lines.map((l) => (l.event === 'diverged' ? `${l.cell}@${l.step}` : '')).filter(Boolean)),
  ];
  expect(divergences(whole).length).toBe(2);
  expect(divergences(pieces).sort()).toEqual(divergences(whole).sort());
  expect(pieces.lines.at(-1)).toMatchObject({ event: 'finished', step: job.steps });
}

describeWithEngine('the trainer process', () => {
  it('trains a small job and leaves its curves in the spool file', async () => {
    const job = smallJob(newFolder());
    const trainer = start(job);
    const { code, errors } = await trainer.ended;
    expect(code, errors).toBe(0);
    const spool = readSpool(job.spoolFile);
    expect(spool.lines[0]).toMatchObject({
      event: 'start',
      stack: job.stack,
      pid: trainer.process.pid,
      step: 0,
      cells: 4,
      engine: { backend: 'compiled', fallbackReason: null, threads: job.threads, chunkSteps: job.chunkSteps },
    });
    expect(spool.lines.at(-1)).toMatchObject({ event: 'finished', step: job.steps });
    expect(spool.broken).toBe(0);
    expect(spool.values('trainingLoss').length).toBe(job.steps);
    expect(spool.values('evaluationLoss').length).toBe(job.marks.length);
    for (const row of spool.values('evaluationLoss')) expect(row.every(Number.isFinite)).toBe(true);
    const phases = trainer.messages.flatMap((m) => (m.type === 'phase' ? [m.phase] : []));
    expect(phases.slice(0, 3)).toEqual(['loading', 'compiling', 'training']);
    const spooled = trainer.messages.filter((m) => m.type === 'spooled').at(-1);
    expect(spooled).toEqual({ type: 'spooled', bytes: statSync(job.spoolFile).size, step: job.steps });
    expect(existsSync(job.checkpointFile)).toBe(false);
  });

  it('asked to stop, saves and ends well; a second process joins on bit by bit', async () => {
    const job = longJob();
    const first = start(job);
    await first.until((m) => m.type === 'spooled');
    first.process.stdin!.write('{"type":"stop"}\n');
    const { code, errors } = await first.ended;
    expect(code, errors).toBe(0);
    const stopped = readSpool(job.spoolFile).lines.at(-1)!;
    expect(stopped).toMatchObject({ event: 'stopped', reason: 'asked' });
    const at = 'step' in stopped ? stopped.step : NaN;
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(job.steps);
    expect(existsSync(job.checkpointFile)).toBe(true);

    // The second one is stopped by the end of its input, as when its lab dies.
    const second = start(job);
    await second.until((m) => m.type === 'phase' && m.phase === 'training');
    second.process.stdin!.end();
    expect((await second.ended).code).toBe(0);
    await finish(job);
    const starts = readSpool(job.spoolFile).lines.filter((line) => line.event === 'start');
    expect(starts.map((line) => line.step).slice(0, 2)).toEqual([0, at]);
    expect(starts.length).toBe(3);
    await expectSameCurves(job);
    expect(existsSync(job.checkpointFile)).toBe(false);
  });

  it('killed at random instants and started again, loses nothing', async () => {
    const job = longJob({ checkpointSeconds: 0.03 });
    const delays: number[] = [];
    for (let kill = 0; kill < 5; kill++) {
      const trainer = start(job);
      const phase = kill === 0 ? 'compiling' : 'training';
      await trainer.until((m) => m.type === 'phase' && m.phase === phase);
      delays.push(Math.random() * 300);
      await wait(delays.at(-1));
      trainer.process.kill('SIGKILL');
      const { signal, errors } = await trainer.ended;
      // A machine in a hurry may finish before the last kill.
      if (signal === null && readSpool(job.spoolFile).lines.at(-1)?.event === 'finished') break;
      expect(signal, errors).toBe('SIGKILL');
    }
    console.log(
      `killed ${delays.map((d) => Math.round(d)).join(', ')} ms into compiling (first) or training`,
    );
    const before = readSpool(job.spoolFile);
    expect(before.count('checkpoint')).toBeGreaterThan(0);
    if (before.lines.at(-1)?.event !== 'finished') await finish(job);
    const resumed = readSpool(job.spoolFile)
      .lines.filter((line) => line.event === 'start')
      .at(-1)!;
    expect(resumed.step).toBeGreaterThan(0);
    await expectSameCurves(job);
    expect(readdirSync(dirname(job.spoolFile))).toEqual(['spool.jsonl']);
  });

  it('refuses data that changed since the experiment was planned', async () => {
    const job = longJob({ dataChecksum: 'other' });
    const { code } = await start(job).ended;
    expect(code).not.toBe(0);
    expect(readSpool(job.spoolFile).lines.at(-1)).toMatchObject({ event: 'stopped', reason: 'error' });
    expect(readFileSync(job.spoolFile, 'utf8')).toContain('workload.data: the data have changed');
  });

  it('refuses the checkpoint of another stack, naming the file', async () => {
    const job = longJob();
    const trainer = start(job);
    await trainer.until((m) => m.type === 'spooled');
    trainer.process.stdin!.end();
    await trainer.ended;
    const other = { ...job, stack: 'another-stack', spoolFile: `${job.spoolFile}.other` };
    expect((await start(other).ended).code).not.toBe(0);
    const text = readFileSync(other.spoolFile, 'utf8');
    expect(text).toContain(`${job.checkpointFile} is the checkpoint of stack a-stack`);
  });

  it.runIf(process.platform === 'linux')('holds its memory flat over 200 chunks', async () => {
    const workload: StackJob['workload'] = {
      kind: 'mlp',
      hidden: [32],
      activation: 'relu',
      data: { source: 'digits' },
    };
    const chunkSteps = 16;
    const steps = 240 * chunkSteps;
    const job = smallJob(newFolder(), {
      workload,
      batchSize: 16,
      learningRates: [0.0003, 0.001, 0.003, 0.01],
      seeds: [0, 1, 2],
      steps,
      marks: Array.from({ length: 24 }, (_, i) => ((i + 1) * steps) / 24),
      evaluationExamples: 500,
      dataChecksum: dataChecksumOf(workload, 500),
      chunkSteps,
    });
    const trainer = start(job);
    const samples: { step: number; megabytes: number }[] = [];
    let seen = 0;
    const sampling = setInterval(() => {
      const spooled = trainer.messages.slice(seen).filter((m) => m.type === 'spooled');
      seen = trainer.messages.length;
      if (spooled.length === 0 || trainer.process.exitCode !== null) return;
      const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${trainer.process.pid}/status`, 'utf8'));
      if (resident !== null)
        samples.push({ step: spooled.at(-1)!.step, megabytes: Number(resident[1]) / 1000 });
    }, 20);
    const { code, errors } = await trainer.ended;
    clearInterval(sampling);
    expect(code, errors).toBe(0);
    const warm = samples.filter((sample) => sample.step >= 30 * chunkSteps);
    console.log(samples.map((s) => `step ${s.step}: ${s.megabytes.toFixed(0)} MB`).join(', '));
    expect(warm.length).toBeGreaterThanOrEqual(3);
    expect(warm.at(-1)!.megabytes - warm[0].megabytes).toBeLessThan(30);
    const finished = readSpool(job.spoolFile).lines.at(-1)!;
    expect(finished.event === 'finished' && finished.peakResidentBytes).toBeLessThan(2e9);
  });
});
