/** One experiment being looked at: its curves, where the scrubber stands, and what is known there. */
import type { Ridge } from '#shared/analysis/ridge.ts';
import type { LabClient } from '#shared/api/client.ts';
import type { WatchDelta } from '#shared/api/types.ts';
import type { Metric } from '#shared/experiment/stack.ts';
import {
  lean,
  type AnalysisAnswer,
  type AnalysisRequest,
  type DrawnLaws,
  type StopRidge,
} from './model/analysis-desk.ts';
import { countStates } from './model/census.ts';
import { withIntervals } from './model/intervals.ts';
import type { LiveCurves } from './model/live-curves.ts';
import { ScrubModel, type StopView } from './model/scrub.ts';
import {
  firstStop,
  nearestStop,
  placeOfStop,
  stopsOf,
  type ScrubDefinition,
  type ScrubKind,
} from './model/stops.ts';
import { listen } from './stream.ts';

/** The scrubber has to stand still for this long before the worker is asked. */
const SETTLED_MS = 90;
/** Answers about other stops are shown this often. */
const ANSWERS_MS = 250;
/** Target losses are laid out anew at most this often while they still fall. */
const LAYOUT_MS = 3_000;

export class WatchSession {
  readonly experiment: string;
  readonly #client: LabClient;
  readonly #ends: (() => void)[] = [];
  readonly #worker: Worker;
  /** Null until the snapshot is there. */
  live: LiveCurves | null = $state.raw(null);
  /** Counts changes of the curves, which change in place. */
  version = $state(0);
  problem: unknown = $state.raw(null);
  kind: ScrubKind = $state('equal-steps');
  stops: readonly ScrubDefinition[] = $state.raw([]);
  stop = $state(-1);
  /** When the first value of each place came, in performance.now(): new ones fade in. [batch][learning rate]. */
  readonly arrivals = new Map<number, number>();
  #model: ScrubModel | null = $state.raw(null);
  /** By stop, with intervals where they are known. */
  #known: ReadonlyMap<number, Ridge> = $state.raw(new Map<number, Ridge>());
  #plain: ReadonlyMap<number, Ridge> = $state.raw(new Map<number, Ridge>());
  /** Where the scrubber stands, with the resamples. */
  #whole: StopRidge | null = $state.raw(null);
  #laws: { readonly stop: number; readonly laws: DrawnLaws } | null = $state.raw(null);
  #question = 0;
  /** The question that the worker has with its stops. */
  #asked = -1;
  readonly #newKnown = new Map<number, Ridge>();
  readonly #newPlain = new Map<number, Ridge>();
  #answerTimer: ReturnType<typeof setTimeout> | null = null;
  #askTimer: ReturnType<typeof setTimeout> | null = null;
  #idle: number | null = null;
  #laidOutAt = -Infinity;
  /** Whether nobody has moved the scrubber yet. */
  #isLeft = true;
  #given: readonly ScrubDefinition[] | null = null;
  /** The curves that the model reads, and those that the worker has. */
  #modelOf: LiveCurves | null = null;
  #loaded: LiveCurves | null = null;

  /** What stands at the scrubber, without intervals; null without any stop. */
  readonly view: StopView | null = $derived.by(() => {
    void this.version;
    const model = this.#model;
    return model === null || this.stop < 0 || this.stop >= this.stops.length ? null : model.at(this.stop);
  });
  /** The ridge there, with the intervals that belong to these very numbers. */
  readonly ridge: Ridge | null = $derived(
    this.view === null ? null : withIntervals(this.view.ridge, this.#known.get(this.stop)),
  );
  /** The ridge there with its resamples; null while they are not known, or stand on other numbers. */
  readonly resampled: Ridge | null = $derived.by(() => {
    const whole = this.#whole;
    if (whole === null || whole.stop !== this.stop || this.ridge === null) return null;
    return withIntervals(this.ridge, whole.ridge).points.every((point, i) => point === whole.ridge.points[i])
      ? whole.ridge
      : null;
  });
  /** Laws fitted there; null while they are not known. */
  readonly laws: DrawnLaws | null = $derived(this.#laws?.stop === this.stop ? this.#laws.laws : null);
  /** Ridges at the stops, in the order of training, as far as they are known. */
  readonly path: readonly { readonly stop: number; readonly ridge: Ridge }[] = $derived(
    this.stops.flatMap((_, stop) => {
      const plain = this.#plain.get(stop) ?? this.#known.get(stop);
      return plain === undefined ? [] : [{ stop, ridge: withIntervals(plain, this.#known.get(stop)) }];
    }),
  );
  readonly counts = $derived.by(() => {
    void this.version;
    return this.live === null ? null : countStates(this.live);
  });

  constructor(client: LabClient, experiment: string, metric: Metric) {
    this.#client = client;
    this.experiment = experiment;
    this.#worker = new Worker(new URL('./model/analysis.worker.ts', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<AnalysisAnswer>) => this.#answer(data);
    this.#ends.push(
      listen(this.#client, experiment, metric, {
        onSnapshot: (live) => this.#show(live),
        onDelta: (delta) => this.#changed(delta),
        onError: (error) => (this.problem = error),
      }),
    );
  }

  end(): void {
    for (const end of this.#ends) end();
    this.#worker.terminate();
    if (this.#askTimer !== null) clearTimeout(this.#askTimer);
    if (this.#answerTimer !== null) clearTimeout(this.#answerTimer);
    if (this.#idle !== null) cancelIdleCallback(this.#idle);
    // The curves are large, and what still points at this session need not go with the page at once.
    this.live = this.#model = this.#modelOf = this.#loaded = null;
  }

  /** The definition of the optimum; the scrubber stays where it makes sense. */
  define(kind: ScrubKind): void {
    if (kind === this.kind) return;
    this.kind = kind;
    if (this.live !== null) this.#layOut(this.live, null);
  }

  /** Stops that somebody else laid out, as for several experiments beside each other. */
  useStops(kind: ScrubKind, stops: readonly ScrubDefinition[], stop: number): void {
    this.#given = stops;
    this.kind = kind;
    if (this.live === null) return;
    if (this.stops !== stops) this.#layOut(this.live, null);
    this.goTo(stop);
  }

  /** Moves the scrubber; beyond the ends it stays there. */
  goTo(stop: number): void {
    if (this.stops.length === 0) return;
    const to = Math.min(this.stops.length - 1, Math.max(0, Math.round(stop)));
    this.#isLeft = false;
    if (to === this.stop) return;
    this.stop = to;
    this.#askSoon();
  }

  #show(live: LiveCurves): void {
    const place = this.live === null || this.stop < 0 ? null : placeOfStop(this.stops[this.stop]);
    this.live = live;
    this.problem = null;
    this.#layOut(live, place);
    // After the first picture: copying the curves to the worker takes a while.
    setTimeout(() => {
      if (this.live !== live) return;
      const { curves, states, metric, cursor } = live;
      this.#send({ kind: 'load', snapshot: { ...curves, states, metric, cursor } });
      this.#loaded = live;
      this.#asked = -1;
      this.#askSoon();
    }, 50);
  }

  #changed(delta: WatchDelta): void {
    const live = this.live;
    if (live === null) return;
    const { curves } = live;
    const now = performance.now();
    for (let i = 0; i < delta.cells.length; i++)
      if (delta.firstMark[i] === 0 && delta.counts[i] > 0) {
        const place = Math.floor(delta.cells[i] / curves.seeds.length);
        if (!this.arrivals.has(place)) this.arrivals.set(place, now);
      }
    // Before the copy is sent, the change is in the copy.
    if (this.#loaded === live) this.#send({ kind: 'delta', delta });
    this.version++;
    // Until somebody takes the scrubber it goes on with the training.
    if (this.#isLeft && this.#given === null && this.kind !== 'equal-loss')
      this.stop = Math.max(this.stop, firstStop(live.curves, this.stops));
    if (this.stop < 0 || (this.kind === 'equal-loss' && now - this.#laidOutAt > LAYOUT_MS))
      this.#layOut(live, this.stop < 0 ? null : placeOfStop(this.stops[this.stop]));
    this.#prepareSoon();
    this.#askSoon();
  }

  #layOut(live: LiveCurves, place: number | null): void {
    this.#laidOutAt = performance.now();
    const stops = this.#given ?? stopsOf(live.curves, this.kind);
    const same =
      stops.length === this.stops.length &&
      stops.every((stop, i) => JSON.stringify(stop) === JSON.stringify(this.stops[i]));
    if (same && this.#model !== null && this.#modelOf === live) {
      this.stops = stops;
      return;
    }
    const before = this.stop;
    this.stops = stops;
    this.#model = new ScrubModel(live, stops);
    this.#modelOf = live;
    // Whoever laid the stops out says where to stand.
    if (this.#given !== null) this.stop = Math.min(before, stops.length - 1);
    else this.stop = place === null ? firstStop(live.curves, stops) : nearestStop(stops, place);
    this.#question++;
    this.#known = new Map();
    this.#plain = new Map();
    this.#newKnown.clear();
    this.#newPlain.clear();
    this.#laws = null;
    this.#whole = null;
    this.version++;
    this.#prepareSoon();
    this.#askSoon();
  }

  #prepareSoon(): void {
    this.#idle ??= requestIdleCallback((deadline) => {
      this.#idle = null;
      const model = this.#model;
      if (model === null || this.stop < 0) return;
      let more = true;
      while (more && deadline.timeRemaining() > 4) more = model.prepare(this.stop);
      if (more) this.#prepareSoon();
    });
  }

  #askSoon(): void {
    if (this.#askTimer !== null) clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => {
      this.#askTimer = null;
      if (this.stop < 0 || this.#loaded !== this.live) return;
      const [question, stop] = [this.#question, this.stop];
      if (this.#asked === question) this.#send({ kind: 'move', question, stop });
      else this.#send({ kind: 'ask', question, stops: this.stops, stop });
      this.#asked = question;
    }, SETTLED_MS);
  }

  #send(request: AnalysisRequest): void {
    this.#worker.postMessage(request);
  }

  #answer(answer: AnalysisAnswer): void {
    if (answer.question !== this.#question) return;
    if (answer.kind === 'laws') {
      if (answer.cursor === this.live?.cursor) this.#laws = { stop: answer.stop, laws: answer.laws };
      return;
    }
    const map = answer.intervals ? this.#newKnown : this.#newPlain;
    for (const { stop, ridge } of answer.ridges) {
      // Only the newest keeps its resamples: those of all stops would fill the memory.
      map.set(stop, lean(ridge));
      if (ridge.points.some((point) => point.resampled.length > 0)) this.#whole = { stop, ridge };
    }
    if (answer.ridges.some(({ stop }) => stop === this.stop)) this.#showAnswers();
    else this.#answerTimer ??= setTimeout(() => this.#showAnswers(), ANSWERS_MS);
  }

  /** Answers come by the dozen; the path is put together anew for several of them at once. */
  #showAnswers(): void {
    if (this.#answerTimer !== null) clearTimeout(this.#answerTimer);
    this.#answerTimer = null;
    if (this.#newKnown.size > 0) this.#known = new Map([...this.#known, ...this.#newKnown]);
    if (this.#newPlain.size > 0) this.#plain = new Map([...this.#plain, ...this.#newPlain]);
    this.#newKnown.clear();
    this.#newPlain.clear();
  }
}
