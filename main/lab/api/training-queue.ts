/** Experiments that are to be trained, one at a time, in the order of asking. */
import { setTimeout } from 'node:timers/promises';
import type { QueueState } from '#shared/api/types.ts';
import { ApiError } from '#shared/api/errors.ts';
import { runExperiment, type RunOptions, type RunProgress } from '../scheduler/run-experiment.ts';
import type { ExperimentSummary, WritableStore } from '../store/types.ts';
import { toApiError } from './api-errors.ts';

const PAUSED = 'paused on request';

export interface QueueHost {
  /** Throws ApiError when nothing can be written. */
  writer(): WritableStore;
  runOptions(): Omit<RunOptions, 'signal' | 'onProgress' | 'onNotice'>;
  /** The queue looks different now. */
  queueChanged(): void;
  /** Cells of this experiment have other states now. */
  experimentChanged(key: string): void;
}

interface Current {
  readonly key: string;
  readonly name: string;
  readonly controller: AbortController;
  progress: RunProgress | null;
  isPausing: boolean;
}

export class TrainingQueue {
  readonly #host: QueueHost;
  #waiting: { readonly key: string; readonly name: string }[] = [];
  #current: Current | null = null;
  #pumping: Promise<void> | null = null;
  #isClosing = false;
  /** Why training stopped by itself, for a person; '' when it did not. */
  #problem = '';

  constructor(host: QueueHost) {
    this.#host = host;
  }

  get isTraining(): boolean {
    return this.#current !== null;
  }

  get problem(): string {
    return this.#problem;
  }

  activityOf(key: string): 'running' | 'queued' | null {
    if (this.#current?.key === key) return 'running';
    return this.#waiting.some((entry) => entry.key === key) ? 'queued' : null;
  }

  state(): Pick<QueueState, 'running' | 'waiting'> {
    const { key, name, progress } = this.#current ?? { key: '', name: '', progress: null };
    return {
      running:
        this.#current === null
          ? null
          : {
              experiment: key,
              name,
              cells: progress?.cells ?? 0,
              cellsDone: progress?.cellsDone ?? 0,
              runSteps: progress?.runSteps ?? 0,
              runStepsDone: progress?.runStepsDone ?? 0,
              secondsLeft: progress?.secondsLeft ?? null,
              stacks: progress?.running.map((stack) => ({ ...stack })) ?? [],
            },
      waiting: this.#waiting.map(({ key: experiment, name: its }) => ({ experiment, name: its })),
    };
  }

  start({ key, name }: Pick<ExperimentSummary, 'key' | 'name'>): void {
    if (this.activityOf(key) !== null) return;
    this.#problem = '';
    this.#waiting.push({ key, name });
    this.#changed(key);
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = null;
    });
  }

  /** Returns false when the experiment is neither trained nor waiting here. */
  pause(key: string): boolean {
    if (this.#current?.key === key) {
      this.#current.isPausing = true;
      this.#current.controller.abort();
      this.#changed(key);
      return true;
    }
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((entry) => entry.key !== key);
    if (this.#waiting.length === before) return false;
    this.#changed(key);
    return true;
  }

  /** What is being trained saves a checkpoint; nothing new begins. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#waiting = [];
    this.#current?.controller.abort();
    await this.#pumping;
  }

  #changed(key: string): void {
    this.#host.queueChanged();
    this.#host.experimentChanged(key);
  }

  async #pump(): Promise<void> {
    for (
      let next = this.#waiting.shift();
      next !== undefined && !this.#isClosing;
      next = this.#waiting.shift()
    ) {
      this.#current = { ...next, controller: new AbortController(), progress: null, isPausing: false };
      this.#changed(next.key);
      const goesOn = await this.#train(this.#current);
      this.#current = null;
      this.#changed(next.key);
      if (!goesOn) {
        const left = this.#waiting.splice(0);
        for (const { key } of left) this.#changed(key);
      }
      // Windows see the end of one before the next begins.
      await setTimeout(0);
    }
  }

  /** Returns whether the next one may be tried: not when this one ended for a reason that would meet the others too. */
  async #train(current: Current): Promise<boolean> {
    try {
      const store = this.#host.writer();
      const { id } = store.experiment(current.key);
      const { outcome } = await runExperiment(store, id, {
        ...this.#host.runOptions(),
        signal: current.controller.signal,
        onProgress: (progress) => {
          const { cellsDone = -1 } = current.progress ?? {};
          current.progress = progress;
          if (progress.cellsDone === cellsDone) this.#host.queueChanged();
          else this.#changed(current.key);
        },
      });
      if (outcome.end === 'stopped' && current.isPausing) store.hold(id, PAUSED);
      if (outcome.end !== 'held' || outcome.reason === PAUSED) return true;
      this.#problem = `Training of "${current.name}" is held: ${outcome.reason}`;
      return false;
    } catch (error) {
      const told = error instanceof ApiError ? error : toApiError(error, '');
      this.#problem = `Training of "${current.name}" stopped: ${told.message}`;
      this.#holdQuietly(current, told.message);
      return false;
    }
  }

  /** On a full disk not even the reason can be written down; the queue says it then. */
  #holdQuietly({ key }: Current, reason: string): void {
    try {
      const store = this.#host.writer();
      store.hold(store.experiment(key).id, reason);
    } catch {
      // Said by #problem.
    }
  }
}
