/** The training loop of one stack: chunks, marks, evaluation, divergence, checkpoints. Knows nothing of processes. */
import type { Metric } from '#shared/experiment/stack.ts';
import type { BuiltStack } from './build-stack.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { StackSession } from './engine/program.ts';
import type { StackJob } from './protocol.ts';
import type { SpoolWriter } from './spool-writer.ts';

export interface TrainingHooks {
  /** Asked between chunks; true means: checkpoint and stop. */
  shouldStop(): boolean;
  phase(phase: 'training' | 'evaluating' | 'saving'): void;
  spooled(step: number): void;
  /** Lets messages in. */
  breathe(): Promise<void>;
}

export interface TrainingOutcome {
  readonly finished: boolean;
  readonly step: number;
  readonly trainMilliseconds: number;
  readonly evaluateMilliseconds: number;
  readonly compileMilliseconds: number;
}

/** Curves reach the spool at least this often. */
const FLUSH_MILLISECONDS = 250;

export async function trainStack(
  job: StackJob,
  stack: BuiltStack,
  session: StackSession,
  spool: SpoolWriter,
  compileMilliseconds: number,
  hooks: TrainingHooks,
  started: (step: number) => void,
): Promise<TrainingOutcome> {
  const cells = stack.program.cells;
  const checkpoint = readCheckpoint(job.checkpointFile, job.stack, stack.program.state);
  const divergedAt =
    checkpoint === null ? new Array<number>(cells).fill(Infinity) : [...checkpoint.divergedAt];
  let step = checkpoint?.step ?? 0;
  const spent = {
    train: checkpoint?.trainMilliseconds ?? 0,
    evaluate: checkpoint?.evaluateMilliseconds ?? 0,
    compile: (checkpoint?.compileMilliseconds ?? 0) + compileMilliseconds,
  };
  session.setState(checkpoint?.state ?? stack.initialState());
  started(step);
  const outcome = (finished: boolean): TrainingOutcome => ({
    finished,
    step,
    trainMilliseconds: spent.train,
    evaluateMilliseconds: spent.evaluate,
    compileMilliseconds: spent.compile,
  });

  const noteDivergence = (values: Float32Array, points: number, firstStep: number) => {
    for (let p = 0; p < points; p++)
      for (let c = 0; c < cells; c++)
        if (divergedAt[c] === Infinity && !Number.isFinite(values[p * cells + c])) {
          divergedAt[c] = firstStep + p;
          spool.write({ event: 'diverged', cell: c, step: firstStep + p });
        }
  };
  const save = () => {
    hooks.phase('saving');
    spool.sync();
    writeCheckpoint(job.checkpointFile, stack.program.state, {
      stack: job.stack,
      step,
      divergedAt,
      trainMilliseconds: spent.train,
      evaluateMilliseconds: spent.evaluate,
      compileMilliseconds: spent.compile,
      state: session.getState(),
    });
    spool.write({ event: 'checkpoint', time: Date.now(), step, file: job.checkpointFile });
    hooks.spooled(step);
  };

  let lastFlush = performance.now();
  let lastSave = performance.now();
  let mark = job.marks.findIndex((m) => m > step);
  while (step < job.steps && divergedAt.includes(Infinity)) {
    if (hooks.shouldStop()) {
      if (step > (checkpoint?.step ?? 0)) save();
      return outcome(false);
    }
    hooks.phase('training');
    const steps = Math.min(session.chunkSteps, job.marks[mark] - step);
    const before = performance.now();
    const losses = session.train({ steps, perStep: stack.inputs(step, steps) });
    spent.train += performance.now() - before;
    if (job.recordTrainingLoss) spool.add('trainingLoss', step, steps, losses);
    noteDivergence(losses, steps, step + 1);
    step += steps;
    if (step === job.marks[mark]) {
      hooks.phase('evaluating');
      const at = performance.now();
      const values = session.evaluate();
      spent.evaluate += performance.now() - at;
      stack.program.evaluationMetrics.forEach((metric, m) => spool.add(metric as Metric, mark, 1, values[m]));
      noteDivergence(values[0], 1, step);
      mark++;
    }
    const now = performance.now();
    if (now - lastFlush > FLUSH_MILLISECONDS) {
      spool.flush();
      hooks.spooled(step);
      lastFlush = now;
    }
    if (now - lastSave > job.checkpointSeconds * 1000 && step < job.steps) {
      save();
      lastSave = performance.now();
    }
    await hooks.breathe();
  }
  return outcome(true);
}
