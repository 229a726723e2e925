/**
 * What the worker does beside the window: intervals, laws and the path of the peak, in pieces small enough that a new
 * question or new data never wait long. The piece that a reader sees first comes first.
 */
import { resampling } from '#shared/analysis/resampling.ts';
import type { Resampling } from '#shared/analysis/resampling.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { ridgesOf } from '#shared/analysis/ridge.ts';
import type { WatchDelta, WatchSnapshot } from '#shared/api/types.ts';
import { ridgeInput } from '#shared/figure/from-protocol.ts';
import type { RidgeInput } from '#shared/figure/ridge-figure.ts';
import { lawsOfRidge } from '#shared/protocol/ridge-laws.ts';
import { LiveCurves } from './live-curves.ts';
import type { ScrubDefinition } from './stops.ts';

/** The laws fitted to a ridge, as the ridge figure draws them. */
export type DrawnLaws = Pick<RidgeInput, 'laws' | 'bNoise' | 'verdict'>;

export type AnalysisRequest =
  | { readonly kind: 'load'; readonly snapshot: WatchSnapshot }
  | { readonly kind: 'delta'; readonly delta: WatchDelta }
  | {
      readonly kind: 'ask';
      /** Comes back with every answer: answers to an older question are dropped by it. */
      readonly question: number;
      readonly stops: readonly ScrubDefinition[];
      readonly stop: number;
    }
  | { readonly kind: 'move'; readonly question: number; readonly stop: number };

export interface StopRidge {
  readonly stop: number;
  /** With the resampled values where the scrubber stands, without them elsewhere. */
  readonly ridge: Ridge;
}

export type AnalysisAnswer = {
  readonly question: number;
  /** Of the data it was computed from. */
  readonly cursor: number;
} & (
  | { readonly kind: 'ridges'; readonly intervals: boolean; readonly ridges: readonly StopRidge[] }
  | { readonly kind: 'laws'; readonly stop: number; readonly laws: DrawnLaws }
);

/** Stops resampled in one piece. */
const PIECE = 16;
/** Stops without resamples in one piece. */
const PLAIN_PIECE = 128;

type Question = Extract<AnalysisRequest, { kind: 'ask' }>;

export class AnalysisDesk {
  #live: LiveCurves | null = null;
  #bootstrap: Resampling = resampling(1, 0);
  #plain: Resampling = resampling(1, 0);
  #question: Question | null = null;
  /** Cursor at which each stop was last computed, without and with intervals; -1 never. */
  #plainAt = new Float64Array(0);
  #intervalsAt = new Float64Array(0);
  #lawsAt: { stop: number; cursor: number } | null = null;
  #kept: Ridge | null = null;

  take(request: AnalysisRequest): void {
    switch (request.kind) {
      case 'load':
        this.#live = new LiveCurves(request.snapshot);
        this.#bootstrap = resampling(request.snapshot.seeds.length);
        this.#plain = resampling(request.snapshot.seeds.length, 0);
        this.#forget();
        return;
      case 'delta':
        this.#live?.apply(request.delta);
        return;
      case 'ask': {
        const before = this.#question;
        this.#question = request;
        this.#lawsAt = null;
        if (before === null || before.question !== request.question) this.#forget();
        else if (before.stop !== request.stop) this.#kept = null;
        return;
      }
      case 'move':
        if (this.#question?.question === request.question)
          this.take({ ...this.#question, stop: request.stop });
    }
  }

  /** Does the most wanted piece of work; null when there is nothing to do. */
  next(): AnalysisAnswer | null {
    const [live, question] = [this.#live, this.#question];
    if (live === null || question === null || question.stops.length === 0) return null;
    const { cursor } = live;
    const { stop } = question;
    const tag = { question: question.question, cursor };
    if (this.#intervalsAt[stop] !== cursor) {
      const [ridge] = ridgesOf(live.curves, [question.stops[stop]], { bootstrap: this.#bootstrap });
      this.#kept = ridge;
      this.#intervalsAt[stop] = cursor;
      return { ...tag, kind: 'ridges', intervals: true, ridges: [{ stop, ridge }] };
    }
    const plain = pick(this.#plainAt, cursor, PLAIN_PIECE);
    if (plain.length > 0) return this.#ridges(live, question, plain, false);
    if (this.#lawsAt?.stop !== stop || this.#lawsAt.cursor !== cursor) {
      this.#kept ??= ridgesOf(live.curves, [question.stops[stop]], { bootstrap: this.#bootstrap })[0];
      this.#lawsAt = { stop, cursor };
      const fitted = lawsOfRidge(this.#kept, live.curves.learningRates);
      const { laws, bNoise, verdict } = ridgeInput(this.#kept, fitted, { name: '', plannedSeeds: 0 });
      return { ...tag, kind: 'laws', stop, laws: { laws, bNoise, verdict } };
    }
    const wanted = pick(this.#intervalsAt, cursor, PIECE);
    return wanted.length > 0 ? this.#ridges(live, question, wanted, true) : null;
  }

  #ridges(
    live: LiveCurves,
    question: Question,
    wanted: readonly number[],
    intervals: boolean,
  ): AnalysisAnswer {
    const ridges = ridgesOf(
      live.curves,
      wanted.map((stop) => question.stops[stop]),
      { bootstrap: intervals ? this.#bootstrap : this.#plain, keepResampled: false },
    );
    for (const stop of wanted) (intervals ? this.#intervalsAt : this.#plainAt)[stop] = live.cursor;
    return {
      question: question.question,
      cursor: live.cursor,
      kind: 'ridges',
      intervals,
      ridges: wanted.map((stop, i) => ({ stop, ridge: ridges[i] })),
    };
  }

  #forget(): void {
    const count = this.#question?.stops.length ?? 0;
    this.#plainAt = new Float64Array(count).fill(-1);
    this.#intervalsAt = new Float64Array(count).fill(-1);
    this.#lawsAt = null;
    this.#kept = null;
  }
}

/** Without the resampled values. */
export function lean(ridge: Ridge): Ridge {
  if (ridge.points.every((point) => point.resampled.length === 0)) return ridge;
  return { ...ridge, points: ridge.points.map((point) => ({ ...point, resampled: new Float64Array(0) })) };
}

/** Up to `count` stops not computed at this cursor, spread over all of them: every 64th first, then the ones between. */
function pick(computedAt: Float64Array, cursor: number, count: number): number[] {
  const picked: number[] = [];
  for (let stride = 64; stride >= 1 && picked.length < count; stride /= 2)
    for (let stop = 0; stop < computedAt.length && picked.length < count; stop += stride)
      if (computedAt[stop] !== cursor && !picked.includes(stop)) picked.push(stop);
  return picked;
}
