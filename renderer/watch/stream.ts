/**
 * Streams of deltas shared between the views of one window: opened once for an experiment and metric, closed a moment
 * after the last view has gone, opened again with its cursor when the connection is back.
 */
import type { LabClient } from '#shared/api/client.ts';
import type { WatchDelta, WatchSnapshot } from '#shared/api/types.ts';
import type { Metric } from '#shared/experiment/stack.ts';
import { LiveCurves } from './model/live-curves.ts';

export interface StreamListener {
  /** Everything anew. */
  onSnapshot(live: LiveCurves): void;
  /** Written into the curves already. */
  onDelta(delta: WatchDelta): void;
  onError(error: unknown): void;
}

/** Going from one page to another must not close and open the stream. */
const CLOSE_AFTER_MS = 2_000;

class Stream {
  readonly #client: LabClient;
  readonly #experiment: string;
  readonly #metric: Metric;
  readonly #listeners = new Set<StreamListener>();
  readonly #ends: (() => void)[];
  #live: LiveCurves | null = null;
  /** Deltas that arrive while a snapshot is on its way. */
  #early: WatchDelta[] = [];
  #isOpening = false;

  constructor(client: LabClient, experiment: string, metric: Metric) {
    this.#client = client;
    this.#experiment = experiment;
    this.#metric = metric;
    this.#ends = [
      client.on('watch.delta', (delta) => {
        if (delta.experiment === experiment && delta.metric === metric) this.#take(delta);
      }),
      client.onConnection((state) => {
        if (state === 'open') void this.#open(true);
      }),
    ];
    void this.#open(false);
  }

  add(listener: StreamListener): void {
    this.#listeners.add(listener);
    if (this.#live !== null) listener.onSnapshot(this.#live);
  }

  /** Whether nobody listens any more. */
  remove(listener: StreamListener): boolean {
    this.#listeners.delete(listener);
    return this.#listeners.size === 0;
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }

  async end(): Promise<void> {
    for (const end of this.#ends) end();
    this.#live = null;
    this.#early = [];
    try {
      await this.#client.call('watch.close', { experiment: this.#experiment, metric: this.#metric });
    } catch {
      // A lost connection has closed it already.
    }
  }

  async #open(again: boolean): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    const known = again && this.#live !== null ? { cursor: this.#live.cursor } : {};
    try {
      const snapshot = await this.#client.call('watch.open', {
        experiment: this.#experiment,
        metric: this.#metric,
        ...known,
      });
      if (snapshot !== null) this.#show(snapshot);
      const early = this.#early;
      this.#early = [];
      this.#isOpening = false;
      for (const delta of early) this.#take(delta);
    } catch (error) {
      this.#isOpening = false;
      for (const listener of this.#listeners) listener.onError(error);
    }
  }

  #show(snapshot: WatchSnapshot): void {
    this.#live = new LiveCurves(snapshot);
    for (const listener of this.#listeners) listener.onSnapshot(this.#live);
  }

  #take(delta: WatchDelta): void {
    if (this.#live === null || this.#isOpening) {
      this.#early.push(delta);
      return;
    }
    const outcome = this.#live.apply(delta);
    if (outcome === 'gap') void this.#open(true);
    if (outcome === 'applied') for (const listener of this.#listeners) listener.onDelta(delta);
  }
}

const streams = new WeakMap<LabClient, Map<string, Stream>>();

/** Returns the function that ends listening. */
export function listen(
  client: LabClient,
  experiment: string,
  metric: Metric,
  listener: StreamListener,
): () => void {
  const known = streams.get(client) ?? new Map<string, Stream>();
  streams.set(client, known);
  const name = `${experiment}/${metric}`;
  const stream = known.get(name) ?? new Stream(client, experiment, metric);
  known.set(name, stream);
  stream.add(listener);
  return () => {
    if (!stream.remove(listener)) return;
    setTimeout(() => {
      if (!stream.isIdle || known.get(name) !== stream) return;
      known.delete(name);
      void stream.end();
    }, CLOSE_AFTER_MS);
  };
}
