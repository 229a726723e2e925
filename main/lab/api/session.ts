/**
 * One window's view of the lab: its watches, and the news that wait for it. News never queue up: each kind is merged
 * with what waits already, so that a window that does not keep up gets fewer and larger pieces.
 */
import type { Metric } from '#shared/experiment/stack.ts';
import type { LabNews } from '#shared/api/messages.ts';
import type { Job, LabSettings, QueueState, WatchSnapshot } from '#shared/api/types.ts';
import type { WatchedCurves } from './watched-curves.ts';

/** Where watched curves come from; they live as long as somebody watches, and a while longer. */
export interface CurveWatcher {
  acquire(experiment: string, metric: Metric): WatchedCurves;
  release(experiment: string, metric: Metric): void;
}

interface Watch {
  curves: WatchedCurves;
  readonly metric: Metric;
  /** The window knows everything up to here. */
  sent: number;
}

/** Each of them is 48 MB at 12,000 cells × 500 marks. */
const MOST_WATCHES = 16;

export class Session {
  readonly #watcher: CurveWatcher;
  readonly #wake: () => void;
  readonly #watches = new Map<string, Watch>();
  readonly #experiments = new Set<string>();
  readonly #jobs = new Map<string, Job>();
  #queue: QueueState | null = null;
  #settings: LabSettings | null = null;

  /** `wake` is called when there is something to take; it may be called often. */
  constructor(watcher: CurveWatcher, wake: () => void) {
    this.#watcher = watcher;
    this.#wake = wake;
  }

  /** Null when the cursor is still known: the difference is among the news then. */
  openWatch(experiment: string, metric: Metric, cursor: number | undefined): WatchSnapshot | null {
    const key = `${experiment} ${metric}`;
    let watch = this.#watches.get(key);
    if (watch === undefined) {
      watch = { curves: this.#watcher.acquire(experiment, metric), metric, sent: 0 };
      this.#watches.set(key, watch);
      for (const [oldest, { metric: its }] of this.#watches) {
        if (this.#watches.size <= MOST_WATCHES) break;
        this.closeWatch(oldest.split(' ')[0], its);
      }
    }
    if (cursor !== undefined && watch.curves.knows(cursor)) {
      watch.sent = cursor;
      if (cursor !== watch.curves.cursor) this.#wake();
      return null;
    }
    watch.sent = watch.curves.cursor;
    return watch.curves.snapshot();
  }

  closeWatch(experiment: string, metric: Metric): void {
    if (this.#watches.delete(`${experiment} ${metric}`)) this.#watcher.release(experiment, metric);
  }

  experimentsChanged(keys: readonly string[]): void {
    for (const key of keys) this.#experiments.add(key);
    this.#wake();
  }

  queueChanged(queue: QueueState): void {
    this.#queue = queue;
    this.#wake();
  }

  jobChanged(job: Job): void {
    this.#jobs.set(job.id, job);
    this.#wake();
  }

  settingsChanged(settings: LabSettings): void {
    this.#settings = settings;
    this.#wake();
  }

  curvesChanged(curves: WatchedCurves): void {
    for (const watch of this.#watches.values()) if (watch.curves === curves) this.#wake();
  }

  /** Another store, or the same anew: what was watched is watched there, from a new snapshot on. */
  storeReplaced(): void {
    for (const [key, watch] of this.#watches) {
      try {
        watch.curves = this.#watcher.acquire(key.split(' ')[0], watch.metric);
        watch.sent = 0;
      } catch {
        // Its experiment is not in this store; the list of experiments says so.
        this.#watches.delete(key);
      }
    }
    this.#wake();
  }

  /** The next piece of news, merged with all of its kind; null when there is none. */
  take(): LabNews | null {
    if (this.#queue !== null) {
      const payload = this.#queue;
      this.#queue = null;
      return { name: 'queue.changed', payload };
    }
    if (this.#experiments.size > 0) {
      const payload = { experiments: [...this.#experiments] };
      this.#experiments.clear();
      return { name: 'experiments.changed', payload };
    }
    for (const [id, payload] of this.#jobs) {
      this.#jobs.delete(id);
      return { name: 'job.changed', payload };
    }
    if (this.#settings !== null) {
      const payload = this.#settings;
      this.#settings = null;
      return { name: 'settings.changed', payload };
    }
    for (const watch of this.#watches.values()) {
      if (watch.sent === watch.curves.cursor) continue;
      const payload = watch.curves.since(watch.sent);
      watch.sent = watch.curves.cursor;
      return { name: 'watch.delta', payload };
    }
    return null;
  }

  close(): void {
    for (const [key, { metric }] of this.#watches) this.closeWatch(key.split(' ')[0], metric);
  }
}
