/**
 * Runs what an experiment still misses: reaps what a dead lab left behind, plans stacks for cells without one, trains
 * them in fresh processes, and keeps the store's word on every cell true. What is missing is always computed from the
 * store, so running an experiment again is how it is resumed.
 */
import { existsSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { CellState } from '#shared/experiment/stack.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { planStacks } from '#shared/experiment/plan.ts';
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';
import { trainingOptions } from '#shared/experiment/training-options.ts';
import { endProgram } from '#main/training/external/processes.ts';
import type { StackJob } from '#main/training/protocol.ts';
import { stackCheckpointFile, stackSpoolFile } from '../store/index.ts';
import type {
  Cell,
  ExperimentSummary,
  IngestResult,
  Stack,
  StackState,
  WritableStore,
} from '../store/types.ts';
import { specificationOf } from '../trained.ts';
import type { Calibration } from './measurements.ts';
import { calibrate } from './calibration.ts';
import { DevicePool } from './device-pool.ts';
import { externalWorkforce } from './external-workforce.ts';
import { checkFit, cutNotice } from './memory.ts';
import { outOfMemoryKills } from './out-of-memory.ts';
import { isAlive, reap } from './processes.ts';
import type { Wishes, Workforce } from './settings.ts';
import { cellsPerStack, settingsFor, stackNeed } from './settings.ts';
import type { TrainerExit, TrainerProcess } from './trainer-process.ts';
import { startTrainer } from './trainer-process.ts';

export interface RunOptions {
  readonly workforce: Workforce;
  /** What a person asked for; an external workload says for itself how the machine is shared out otherwise. */
  readonly wishes?: Wishes | undefined;
  readonly checkpointSeconds: number;
  /** Aborting stops cleanly: running stacks checkpoint and end. */
  readonly signal: AbortSignal;
  /** Never more cells in a stack than this, whatever calibration says. */
  readonly maxCellsPerStack?: number | undefined;
  /** Eager is the reference path, for checking the engine. */
  readonly mode?: 'compiled' | 'eager' | undefined;
  onProgress?(progress: RunProgress): void;
  onNotice?(message: string): void;
}

export interface RunProgress {
  readonly cells: number;
  readonly cellsDone: number;
  /** Steps of all cells of this run, done and in all. */
  readonly runSteps: number;
  readonly runStepsDone: number;
  readonly running: readonly { readonly stack: string; readonly batchSize: number; readonly phase: string }[];
  /** Null until there is a rate to judge by. */
  readonly secondsLeft: number | null;
}

export type RunOutcome =
  | { readonly end: 'complete' }
  | { readonly end: 'stopped' }
  /** Paused on request or by the lab itself; the reason is for a person. */
  | { readonly end: 'held'; readonly reason: string }
  /** Everything that could be trained has been; these cells could not. */
  | { readonly end: 'failures'; readonly cells: number; readonly reason: string };

export interface RunResult {
  readonly outcome: RunOutcome;
  /** Seconds this process spent putting curves into the store, beside the training. */
  readonly ingestSeconds: number;
}

/** A failure within this time of the start counts as fast: the machine or the set-up is at fault, not the cell. */
const FAST_FAILURE_SECONDS = 60;
const FAST_FAILURES_BEFORE_HOLD = 3;
/** A trainer that crashes is started again this often without progress in between … */
const CRASHES_BEFORE_FAILURE = 3;
/** … and one that is killed from outside this often: a kill says nothing about the stack. */
const KILLS_BEFORE_FAILURE = 20;
const STOP_PATIENCE_SECONDS = 60;
const REAP_PATIENCE_MILLISECONDS = 3_000;
const INGEST_MILLISECONDS = 250;
const HOLD_POLL_MILLISECONDS = 500;
const MINIMUM_FREE_BYTES = 64 * 1024 * 1024;

/** Where `surge pause`, in another process, leaves its wish. */
export function holdRequestFile(store: { readonly spoolFolder: string }, experimentKey: string): string {
  return join(store.spoolFolder, `hold-${experimentKey}`);
}

/** Ends trainers that a dead lab left running and brings the store up to date with every spool. */
export async function recover(
  store: WritableStore,
  notice: (message: string) => void = () => {},
): Promise<void> {
  for (const experiment of store.experiments()) {
    for (const stack of store.stacks(experiment.id)) {
      if (stack.state !== 'running') continue;
      if (stack.process !== null && isAlive(stack.process)) {
        notice(`ending trainer ${stack.process.pid}, left behind by an earlier run of "${experiment.name}"`);
        await reap(stack.process, REAP_PATIENCE_MILLISECONDS);
      }
      if (experiment.specification?.workload.kind === 'external')
        await endProgram(stack.key, null, REAP_PATIENCE_MILLISECONDS);
      const { ending } = store.ingest(stack.key);
      if (ending !== 'finished')
        store.stackEnded(stack.key, 'interrupted', 'the lab ended while this stack was being trained');
    }
  }
}

export async function runExperiment(
  store: WritableStore,
  experimentId: number,
  options: RunOptions,
): Promise<RunResult> {
  const run = new ExperimentRun(store, experimentId, options);
  const outcome = await run.toTheEnd();
  return { outcome, ingestSeconds: run.ingestMilliseconds / 1000 };
}

class ExperimentRun {
  readonly #store: WritableStore;
  readonly #id: number;
  readonly #key: string;
  /** As it was when the run began: its specification never changes. */
  readonly #experiment: ExperimentSummary;
  readonly #options: RunOptions;
  readonly #workforce: Workforce;
  readonly #devices: DevicePool;
  readonly #running = new Map<
    string,
    { stack: Stack; trainer: TrainerProcess; phase: string; step: number }
  >();
  readonly #fastFailures: string[] = [];
  readonly #told = new Set<string>();
  /** Stacks that somebody ended on purpose: only the next run takes them up again. */
  readonly #leftAlone = new Set<string>();
  readonly #started = performance.now();
  /** Kept here so that progress costs no query: 12,000 cells would be read for every line of a trainer. */
  readonly #work = { cells: 0, cellsDone: 0, runSteps: 0, runStepsDone: 0, runStepsAtStart: 0 };
  #calibration: Calibration | null = null;
  #checksum: string | null = null;
  #hold: string | null = null;
  #failure: { readonly error: unknown } | null = null;
  ingestMilliseconds = 0;

  constructor(store: WritableStore, id: number, options: RunOptions) {
    this.#store = store;
    this.#id = id;
    this.#experiment = experimentOf(store, id);
    this.#key = this.#experiment.key;
    this.#options = options;
    const { specification } = this.#experiment;
    this.#workforce =
      specification?.workload.kind === 'external'
        ? externalWorkforce(specification.workload, options.wishes ?? {})
        : options.workforce;
    this.#devices = new DevicePool(this.#workforce.devices ?? []);
  }

  async toTheEnd(): Promise<RunOutcome> {
    rmSync(holdRequestFile(this.#store, this.#key), { force: true });
    this.#store.hold(this.#id, null);
    try {
      await this.#plan(
        this.#store.trainedCells(this.#id).filter((c) => c.state === 'planned' && c.stack === null),
        Infinity,
      );
    } catch (error) {
      // Ctrl-C on a terminal reaches the measuring process too.
      if (this.#options.signal.aborted) return { end: 'stopped' };
      throw error;
    }
    this.#countWork();
    this.#report();
    const workers = Array.from({ length: this.#workforce.trainers }, () => this.#guardedLane());
    const watch = this.#watchForHold();
    await Promise.all(workers);
    watch.abort();
    if (this.#failure !== null) throw this.#failure.error;
    this.#report();
    const left = this.#store.cells(this.#id).filter((c) => !ended(c.state));
    // A pause or Ctrl-C that came too late has stopped nothing.
    if (left.length === 0) return { end: 'complete' };
    if (this.#hold !== null) {
      this.#store.hold(this.#id, this.#hold);
      return { end: 'held', reason: this.#hold };
    }
    if (this.#options.signal.aborted) return { end: 'stopped' };
    return { end: 'failures', cells: left.length, reason: left[0].reason };
  }

  /** An error of the lab itself (a full disk, a bug) ends the run, but not before every trainer has saved its work. */
  async #guardedLane(): Promise<void> {
    try {
      await this.#lane();
    } catch (error) {
      this.#failure ??= { error };
      this.#stopAll();
    }
  }

  /** One lane: takes the next stack that waits, until none does or the run is to end. */
  async #lane(): Promise<void> {
    for (;;) {
      if (this.#options.signal.aborted || this.#hold !== null || this.#failure !== null) return;
      const stack = this.#nextStack();
      if (stack === null) {
        // Another lane's stack may still come back interrupted or be cut in two.
        if (this.#running.size === 0) return;
        await setTimeout(50);
        continue;
      }
      if (!this.#enoughDisk()) return;
      await this.#train(stack);
    }
  }

  #nextStack(): Stack | null {
    const waiting = this.#store
      .stacks(this.#id)
      .filter((s) => (s.state === 'planned' || s.state === 'interrupted') && !this.#running.has(s.key))
      .filter((s) => !this.#leftAlone.has(s.key));
    return waiting.reduce<Stack | null>(
      (first, s) => (first === null || s.position < first.position ? s : first),
      null,
    );
  }

  #enoughDisk(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#store.file));
    if (bavail * bsize >= MINIMUM_FREE_BYTES) return true;
    this.#hold ??= `the disk with the store has less than ${MINIMUM_FREE_BYTES / 2 ** 20} MB left; nothing was lost: free some space and resume`;
    this.#stopAll();
    return false;
  }

  async #train(stack: Stack): Promise<void> {
    const configuration = specificationOf(this.#experiment);
    const job: StackJob = {
      type: 'job',
      stack: stack.key,
      workload: configuration.workload,
      optimizer: configuration.optimizer,
      ...trainingOptions(configuration),
      batchSize: stack.batchSize,
      learningRates: stack.learningRates,
      seeds: stack.seeds,
      steps: stack.steps,
      marks: stack.marks,
      evaluationExamples: configuration.evaluation.examples,
      recordTrainingLoss: configuration.recordTrainingLoss,
      streams: configuration.streams,
      dataChecksum: this.#dataChecksum(),
      mode: stack.mode,
      threads: stack.threads,
      chunkSteps: stack.chunkSteps,
      spoolFile: stackSpoolFile(this.#store.spoolFolder, stack.key),
      checkpointFile: stackCheckpointFile(this.#store.spoolFolder, stack.key),
      checkpointSeconds: this.#options.checkpointSeconds,
    };
    const logFile = join(this.#store.spoolFolder, `stack-${stack.key}.log`);
    const started = performance.now();
    const killsBefore = outOfMemoryKills();
    let lastIngest = 0;
    const entry = { stack, phase: 'starting', step: stack.stepsDone };
    const devices = this.#takeDevices(configuration.workload);
    const trainer = startTrainer(job, logFile, devices, (message) => {
      if (message.type === 'notice') this.#notice(stack, message.message);
      else if (message.type === 'phase') entry.phase = message.phase;
      else {
        entry.step = message.step;
        if (performance.now() - lastIngest > INGEST_MILLISECONDS) {
          this.#ingestQuietly(stack);
          lastIngest = performance.now();
        }
      }
      this.#report();
    });
    this.#running.set(stack.key, Object.assign(entry, { trainer }));
    if (trainer.identity !== null) this.#store.stackStarted(stack.key, trainer.identity);
    const stop = () => this.#stopOne(trainer);
    this.#options.signal.addEventListener('abort', stop, { once: true });
    const exit = await trainer.exited;
    this.#options.signal.removeEventListener('abort', stop);
    // A trainer that was killed could not end its program.
    if (job.workload.kind === 'external') await endProgram(stack.key, null, REAP_PATIENCE_MILLISECONDS);
    this.#devices.giveBack(devices ?? []);
    const result = this.#ingest(stack);
    this.#running.delete(stack.key);
    await this.#settle(stack, exit, result, (performance.now() - started) / 1000, killsBefore);
    this.#report();
  }

  /** Null where nothing is dealt: the trainer then sees what the lab sees. */
  #takeDevices(workload: WorkloadSpecification): readonly string[] | null {
    if (workload.kind === 'external')
      return workload.gpus === undefined ? null : this.#devices.take(workload.gpus);
    const { devices = [] } = this.#workforce;
    return devices.length === 0 ? null : this.#devices.take(1);
  }

  #ingest(stack: Stack): IngestResult {
    const started = performance.now();
    try {
      return this.#store.ingest(stack.key);
    } finally {
      this.ingestMilliseconds += performance.now() - started;
    }
  }

  /** The trainer keeps spooling whatever the database says, so a busy or full one only delays. */
  #ingestQuietly(stack: Stack): void {
    try {
      this.#ingest(stack);
    } catch (error) {
      this.#notice(stack, `curves wait in the spool: ${(error as Error).message}`);
    }
  }

  /** `killsBefore`: the kernel's out-of-memory kills when the trainer was started. */
  async #settle(
    stack: Stack,
    exit: TrainerExit,
    result: IngestResult,
    seconds: number,
    killsBefore: number | null,
  ): Promise<void> {
    const end = (state: Exclude<StackState, 'planned' | 'running' | 'finished'>, reason: string) =>
      this.#store.stackEnded(stack.key, state, reason);
    switch (result.ending) {
      case 'finished':
        this.#fastFailures.length = 0;
        this.#work.cellsDone += cellsOf(stack);
        this.#work.runStepsDone += cellsOf(stack) * stack.steps;
        return;
      case 'asked':
        end('interrupted', result.message || 'stopped; its checkpoint continues where it was');
        return;
      case 'killed': {
        const kills = outOfMemoryKills();
        if (kills !== null && killsBefore !== null && kills > killsBefore) {
          await this.#splitOrGiveUp(stack, 'the system killed the program because memory ran out');
          return;
        }
        this.#leftAlone.add(stack.key);
        end('interrupted', result.message);
        return;
      }
      case 'disk-full':
        end('interrupted', 'the disk is full');
        this.#hold ??= 'the disk is full; nothing was lost: free some space and resume';
        this.#stopAll();
        return;
      case 'out-of-memory':
        await this.#splitOrGiveUp(stack, result.message);
        return;
      case 'error':
        end('failed', result.message);
        this.#noteFailure(result.message, seconds);
        return;
      case null: {
        // Killed or crashed: it could not say a word.
        const kills = outOfMemoryKills();
        if (exit.signal === 'SIGKILL' && kills !== null && killsBefore !== null && kills > killsBefore) {
          await this.#splitOrGiveUp(stack, 'the system killed the trainer because memory ran out');
          return;
        }
        const progressed = this.#stepsDone(stack) > stack.stepsDone;
        const cause =
          exit.signal === null
            ? `the trainer ended with exit code ${exit.code ?? 'unknown'}${exit.log === '' ? '' : `: ${lastLine(exit.log)}`}`
            : `the trainer was killed (${exit.signal})`;
        const failures = stack.failures + 1;
        const limit = exit.signal === 'SIGKILL' ? KILLS_BEFORE_FAILURE : CRASHES_BEFORE_FAILURE;
        if (progressed || failures < limit || this.#options.signal.aborted) {
          end('interrupted', cause);
          if (exit.signal === null) this.#noteFailure(cause, seconds);
        } else {
          end('failed', `${cause}, ${failures} times without progress`);
          this.#noteFailure(cause, seconds);
        }
      }
    }
  }

  /** A stack that does not fit is planned again at half its size; a single cell that does not fit is a result. */
  async #splitOrGiveUp(stack: Stack, message: string): Promise<void> {
    const cells = cellsOf(stack);
    this.#store.stackEnded(stack.key, 'out-of-memory', message);
    if (cells === 1) return;
    this.#notice(stack, `${cells} cells did not fit in memory; trying ${Math.ceil(cells / 2)} at a time`);
    await this.#plan(
      this.#store.cells(this.#id).filter((c) => c.stack === stack.key),
      Math.ceil(cells / 2),
    );
  }

  #noteFailure(cause: string, seconds: number): void {
    if (seconds > FAST_FAILURE_SECONDS) return;
    this.#fastFailures.push(cause);
    const recent = this.#fastFailures.slice(-FAST_FAILURES_BEFORE_HOLD);
    if (recent.length < FAST_FAILURES_BEFORE_HOLD || new Set(recent).size > 1) return;
    this.#hold ??= `${recent.length} stacks failed at once for the same reason: ${cause}`;
    this.#stopAll();
  }

  async #plan(missing: readonly Cell[], limit: number): Promise<void> {
    if (missing.length === 0) return;
    const specification = specificationOf(this.#experiment);
    const grid = expandGrid(specification);
    const workforce = this.#workforce;
    const { maxCellsPerStack = Infinity, mode } = this.#options;
    if (specification.workload.kind === 'external') {
      const plans = planStacks({
        grid,
        missing: missing.map((c) => c.configuration),
        cellsPerStack: () => 1,
        order: specification.order,
      });
      const settings = { threads: workforce.threads, chunkSteps: 1, mode: 'eager' as const };
      this.#store.planStacks(
        this.#id,
        plans.map((plan) => ({ plan, settings })),
      );
      return;
    }
    this.#calibration ??= await calibrate(specification, grid, workforce);
    const calibration = this.#calibration;
    const batchSizes = grid.batchSizes.filter((b) => missing.some((c) => c.configuration.batchSize === b));
    checkFit(specification, batchSizes, calibration, workforce);
    const sizes = new Map(
      batchSizes.map((batchSize) => {
        const cells = missing.filter((c) => c.configuration.batchSize === batchSize).length;
        const need = stackNeed(specification, grid, batchSize, cells);
        const wanted = cellsPerStack(calibration, need, { ...workforce, memoryBytes: undefined });
        const size = Math.min(limit, maxCellsPerStack, cellsPerStack(calibration, need, workforce));
        if (size < Math.min(limit, maxCellsPerStack, wanted, cells))
          this.#tell(cutNotice(calibration, need, { size, wanted: Math.min(wanted, cells) }, workforce));
        return [batchSize, size];
      }),
    );
    const sizeOf = (batchSize: number) => sizes.get(batchSize)!;
    const plans = planStacks({
      grid,
      missing: missing.map((c) => c.configuration),
      cellsPerStack: sizeOf,
      order: specification.order,
    });
    this.#store.planStacks(
      this.#id,
      plans.map((plan) => {
        const cells = plan.learningRates.length * plan.seeds.length;
        const settings = settingsFor(calibration, plan.batchSize, cells, workforce.threads);
        return { plan, settings: mode === undefined ? settings : { ...settings, mode } };
      }),
    );
  }

  /** The same for every cell, and read once: an experiment may have many thousands of them. */
  #dataChecksum(): string {
    return (this.#checksum ??= this.#store.trainedCells(this.#id)[0].configuration.dataChecksum);
  }

  #watchForHold(): AbortController {
    const controller = new AbortController();
    const file = holdRequestFile(this.#store, this.#key);
    const timer = setInterval(() => {
      if (!existsSync(file)) return;
      this.#hold ??= 'paused on request';
      this.#stopAll();
    }, HOLD_POLL_MILLISECONDS);
    controller.signal.addEventListener('abort', () => clearInterval(timer));
    return controller;
  }

  #stopAll(): void {
    for (const { trainer } of this.#running.values()) this.#stopOne(trainer);
  }

  #stopOne(trainer: TrainerProcess): void {
    trainer.stop();
    const timer = globalThis.setTimeout(() => trainer.kill(), STOP_PATIENCE_SECONDS * 1000);
    void trainer.exited.then(() => clearTimeout(timer));
  }

  #notice(stack: Stack, message: string): void {
    this.#tell(`batch size ${stack.batchSize}: ${message}`, stack, message);
  }

  #tell(text: string, stack: Stack | null = null, message = text): void {
    this.#store.addEvent({ experiment: this.#id, stack: stack?.key ?? null, kind: 'notice', message });
    // Each stack has it among its events; a person needs it once.
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#options.onNotice?.(text);
  }

  #stepsDone(stack: Stack): number {
    return this.#store.stacks(this.#id).find((s) => s.key === stack.key)?.stepsDone ?? 0;
  }

  #countWork(): void {
    const cells = this.#store.cells(this.#id);
    const done = cells.filter((c) => ended(c.state));
    const work = this.#work;
    work.cells = cells.length;
    work.cellsDone = done.length;
    work.runSteps = runSteps(cells);
    work.runStepsDone = runSteps(done);
    work.runStepsAtStart = work.runStepsDone;
    for (const stack of this.#store.stacks(this.#id))
      if (stack.state === 'interrupted') work.runStepsAtStart += cellsOf(stack) * stack.stepsDone;
  }

  #report(): void {
    const { cells, cellsDone, runSteps, runStepsDone, runStepsAtStart } = this.#work;
    const running = [...this.#running.values()];
    const done = running.reduce((sum, r) => sum + cellsOf(r.stack) * r.step, runStepsDone);
    const rate = (done - runStepsAtStart) / ((performance.now() - this.#started) / 1000);
    this.#options.onProgress?.({
      cells,
      cellsDone,
      runSteps,
      runStepsDone: done,
      running: running.map(({ stack, phase }) => ({ stack: stack.key, batchSize: stack.batchSize, phase })),
      secondsLeft: rate > 0 ? (runSteps - done) / rate : null,
    });
  }
}

function experimentOf(store: WritableStore, id: number): ExperimentSummary {
  // By id through the list: names and keys may be ambiguous, ids are not.
  const found = store.experiments().find((e) => e.id === id);
  if (found === undefined) throw new Error(`the store has no experiment with row number ${id}`);
  return found;
}

function ended(state: CellState): boolean {
  return state === 'done' || state === 'diverged';
}

function runSteps(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.configuration.steps, 0);
}

function cellsOf(stack: Stack): number {
  return stack.learningRates.length * stack.seeds.length;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
