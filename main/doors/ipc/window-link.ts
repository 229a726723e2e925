/** One window's session: it gets news when it asked for them, and never more than it has dealt with. */
import type { LabNews } from '#shared/api/messages.ts';
import type { Handlers } from '#main/lab/api/dispatch.ts';
import type { Session } from '#main/lab/api/session.ts';
import type { Lab } from '#main/lab/lab.ts';

/** Changes while training come in bursts; a window needs no more pictures a second than this. */
const NEWS_MILLISECONDS = 80;
/** News on their way to a window; what comes beyond waits and merges. */
const MOST_ON_THE_WAY = 8;

export interface LinkOptions {
  readonly lab: Pick<Lab, 'openSession' | 'closeSession'>;
  handlersOf(session: Session): Handlers;
  send(news: LabNews): void;
}

export class WindowLink {
  readonly handlers: Handlers;
  calls = 0;
  readonly #options: LinkOptions;
  readonly #session: Session;
  #isListening = false;
  #onTheWay = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#session = options.lab.openSession(() => this.#soon());
    this.handlers = options.handlersOf(this.#session);
  }

  listen(): void {
    this.#isListening = true;
    this.#soon();
  }

  taken(): void {
    // A page that answers more often than it was told gains nothing.
    this.#onTheWay = Math.max(0, this.#onTheWay - 1);
    this.#soon();
  }

  close(): void {
    this.#isListening = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#options.lab.closeSession(this.#session);
  }

  #soon(): void {
    if (!this.#isListening) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, NEWS_MILLISECONDS);
  }

  #send(): void {
    while (this.#isListening && this.#onTheWay < MOST_ON_THE_WAY) {
      const news = this.#session.take();
      if (news === null) return;
      this.#onTheWay++;
      this.#options.send(news);
    }
  }
}
