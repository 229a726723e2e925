/** An experiment watched over a connection, as the window's pages do: opened again after a gap and after a lost connection. */
import { expect, vi } from 'vitest';
import type { WatchDelta, WatchSnapshot } from '#shared/api/types.ts';
import { WatchedCurves } from '#main/lab/api/watched-curves.ts';
import type { ReadableStore } from '#main/lab/store/types.ts';
import type { WebClient } from '#renderer/client/web-client.ts';
import { LiveCurves } from '#renderer/watch/model/live-curves.ts';

export class Watching {
  live: LiveCurves | null = null;
  snapshots = 0;
  deltas = 0;
  readonly #client: WebClient;
  readonly #experiment: string;

  constructor(client: WebClient, experiment: string) {
    this.#client = client;
    this.#experiment = experiment;
    client.on('watch.delta', (delta) => void this.#take(delta));
    client.onConnection((state) => {
      if (state === 'open') void this.open();
    });
  }

  async open(): Promise<void> {
    const snapshot = await this.#client.call('watch.open', {
      experiment: this.#experiment,
      metric: 'evaluationLoss',
      ...(this.live === null ? {} : { cursor: this.live.cursor }),
    });
    if (snapshot === null) return;
    this.snapshots++;
    this.live = new LiveCurves(snapshot);
  }

  async #take(delta: WatchDelta): Promise<void> {
    this.deltas++;
    if (this.live?.apply(delta) === 'gap') await this.open();
  }
}

/** What the store itself says now. */
export function truth(store: ReadableStore, key: string): WatchSnapshot {
  return new WatchedCurves(store, store.experiment(key), 'evaluationLoss').snapshot();
}

/** Waits until the window has what the store has now; then every value must be the same. */
export async function expectEqual(watching: Watching, store: ReadableStore, key: string): Promise<void> {
  const now = truth(store, key);
  await vi.waitFor(
    () => {
      expect(watching.live?.curves.recorded).toEqual(now.recorded);
      expect(watching.live?.states).toEqual(now.states);
    },
    { timeout: 60_000 },
  );
  expect(watching.live?.curves.values).toEqual(now.values);
}
