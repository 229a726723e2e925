/** Plays the stops of a session one after the other, at an even pace whatever a frame costs. */

/** What can be scrubbed. */
export interface Scrubbed {
  readonly stops: readonly unknown[];
  readonly stop: number;
  goTo(stop: number): void;
}

export class StopPlayer {
  readonly #session: () => Scrubbed | null;
  isPlaying = $state(false);
  /** Stops a second. */
  speed = $state(5);
  #frame = 0;

  constructor(session: () => Scrubbed | null) {
    this.#session = session;
  }

  /** From the start again when it stands at the end. */
  toggle(): void {
    if (this.isPlaying) {
      this.stop();
      return;
    }
    const session = this.#session();
    if (session === null || session.stops.length < 2) return;
    if (session.stop >= session.stops.length - 1) session.goTo(0);
    this.isPlaying = true;
    let before = performance.now();
    let share = 0;
    const next = (now: number) => {
      const at = this.#session();
      if (!this.isPlaying || at === null) return;
      share += ((now - before) / 1000) * this.speed;
      before = now;
      if (share >= 1) {
        const stops = Math.floor(share);
        share -= stops;
        at.goTo(at.stop + stops);
        if (at.stop >= at.stops.length - 1) {
          this.stop();
          return;
        }
      }
      this.#frame = requestAnimationFrame(next);
    };
    this.#frame = requestAnimationFrame(next);
  }

  stop(): void {
    this.isPlaying = false;
    cancelAnimationFrame(this.#frame);
  }
}
