/** The curves that somebody watches, one copy however many windows there are. */
import type { Metric } from '#shared/experiment/stack.ts';
import type { ReadableStore } from '../store/types.ts';
import type { CurveWatcher } from './session.ts';
import { WatchedCurves } from './watched-curves.ts';

/** A window that lost its connection comes back within this time and gets the difference. */
const KEEP_MILLISECONDS = 60_000;

interface Entry {
  readonly curves: WatchedCurves;
  watchers: number;
  idleSince: number;
}

export class Curves implements CurveWatcher {
  readonly #store: () => ReadableStore;
  readonly #isTrainedElsewhere: (experiment: string, stack: string) => boolean;
  readonly #entries = new Map<string, Entry>();

  /** `isTrainedElsewhere`: see WatchedCurves. */
  constructor(
    store: () => ReadableStore,
    isTrainedElsewhere: (experiment: string, stack: string) => boolean,
  ) {
    this.#store = store;
    this.#isTrainedElsewhere = isTrainedElsewhere;
  }

  acquire(experiment: string, metric: Metric): WatchedCurves {
    const key = `${experiment} ${metric}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const store = this.#store();
      const curves = new WatchedCurves(store, store.experiment(experiment), metric, (stack) =>
        this.#isTrainedElsewhere(experiment, stack),
      );
      this.#entries.set(key, (entry = { curves, watchers: 0, idleSince: 0 }));
      // Copies that nobody watches make room for the new one.
      this.#dropIdle(0);
    } else if (entry.watchers === 0) entry.curves.refresh();
    entry.watchers++;
    return entry.curves;
  }

  release(experiment: string, metric: Metric): void {
    const entry = this.#entries.get(`${experiment} ${metric}`);
    if (entry === undefined) return;
    entry.watchers = Math.max(0, entry.watchers - 1);
    entry.idleSince = Date.now();
  }

  /** Brings what is watched up to date; returns what changed. */
  refresh(): WatchedCurves[] {
    this.#dropIdle(KEEP_MILLISECONDS);
    return [...this.#entries.values()]
      .filter(({ watchers, curves }) => watchers > 0 && curves.refresh())
      .map(({ curves }) => curves);
  }

  #dropIdle(keep: number): void {
    for (const [key, { watchers, idleSince }] of this.#entries)
      if (watchers === 0 && idleSince > 0 && Date.now() - idleSince >= keep) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
