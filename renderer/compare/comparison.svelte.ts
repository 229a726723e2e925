/** Two to six experiments beside each other under one definition and one scrubber. */
import type { LabClient } from '#shared/api/client.ts';
import type { ExperimentDetail } from '#shared/api/types.ts';
import {
  firstStop,
  nearestStop,
  placeOfStop,
  type ScrubDefinition,
  type ScrubKind,
} from '#renderer/watch/model/stops.ts';
import { WatchSession } from '#renderer/watch/session.svelte.ts';
import { labelsOf } from './settings.ts';
import { sharedStops } from './stops.ts';

export const MOST_COMPARED = 6;

export interface Side {
  readonly key: string;
  readonly detail: ExperimentDetail;
  readonly session: WatchSession;
}

export class Comparison {
  readonly #client: LabClient;
  sides: readonly Side[] = $state.raw([]);
  /** Experiments that were asked for and have no curves to compare, with the reason. */
  left: readonly { readonly name: string; readonly reason: string }[] = $state.raw([]);
  kind: ScrubKind = $state('equal-steps');
  stop = $state(-1);
  readonly labels: readonly string[] = $derived(labelsOf(this.sides.map(({ detail }) => detail)));
  readonly #ready: readonly WatchSession[] = $derived(
    this.sides.flatMap(({ session }) => (session.live === null ? [] : [session])),
  );
  readonly stops: readonly ScrubDefinition[] = $derived(
    sharedStops(
      this.#ready.flatMap(({ live }) => (live === null ? [] : [live.curves])),
      this.kind,
    ),
  );

  constructor(client: LabClient) {
    this.#client = client;
    $effect(() => {
      const { stops, kind } = this;
      if (stops.length === 0) return;
      if (this.stop < 0 || this.stop >= stops.length) this.stop = this.#whereToStart(stops);
      for (const session of this.#ready) session.useStops(kind, stops, this.stop);
    });
  }

  end(): void {
    for (const { session } of this.sides) session.end();
  }

  /** Opens those that are new and closes those that are no longer asked for. */
  async choose(keys: readonly string[]): Promise<void> {
    const wanted = keys.slice(0, MOST_COMPARED);
    for (const { key, session } of this.sides) if (!wanted.includes(key)) session.end();
    const known = this.sides.filter(({ key }) => wanted.includes(key));
    const left: { name: string; reason: string }[] = [];
    const added = await Promise.all(
      wanted
        .filter((key) => !known.some((side) => side.key === key))
        .map(async (key): Promise<Side | null> => {
          const detail = await this.#client.call('experiments.get', { experiment: key });
          const metric = detail.metrics.includes('evaluationLoss') ? 'evaluationLoss' : detail.metrics[0];
          if (!detail.hasCurves || metric === undefined) {
            left.push({ name: detail.name, reason: 'it has no curves over training' });
            return null;
          }
          return { key, detail, session: new WatchSession(this.#client, key, metric) };
        }),
    );
    const all = [...known, ...added.filter((side) => side !== null)];
    this.left = left;
    this.sides = wanted.flatMap((key) => all.filter((side) => side.key === key));
  }

  define(kind: ScrubKind): void {
    if (kind === this.kind) return;
    this.kind = kind;
    this.stop = -1;
  }

  goTo(stop: number): void {
    if (this.stops.length > 0) this.stop = Math.min(this.stops.length - 1, Math.max(0, Math.round(stop)));
  }

  /** The earliest of the stops at which each experiment's own picture is full. */
  #whereToStart(stops: readonly ScrubDefinition[]): number {
    const places = this.#ready.flatMap(({ live }) => {
      if (live === null) return [];
      const first = firstStop(live.curves, stops);
      return first < 0 ? [] : [first];
    });
    if (places.length === 0) return 0;
    const earliest = Math.min(...places);
    return nearestStop(stops, placeOfStop(stops[earliest]));
  }
}
