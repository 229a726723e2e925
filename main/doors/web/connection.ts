/** One window's socket: calls in, answers and news out, never more on the way than the window takes. */
import type { WebSocket } from 'ws';
import { decodeFrame, encodeFrame, FrameError } from '#shared/api/codec.ts';
import type { LabMessage } from '#shared/api/messages.ts';
import { callMessageSchema } from '#shared/api/messages.ts';
import { dispatch, type Handlers } from '#main/lab/api/dispatch.ts';
import { createHandlers } from '#main/lab/api/handlers.ts';
import type { Session } from '#main/lab/api/session.ts';
import type { Lab } from '#main/lab/lab.ts';

/** News wait (and merge) while more than this is on its way to the window. */
const NEWS_BYTES = 1 << 20;
/** Calls wait while more than this is on its way: an answer can be 50 MB. */
const CALL_BYTES = 64 << 20;
/** Changes while training come in bursts; a window needs no more pictures a second than this. */
const NEWS_MILLISECONDS = 80;
const DRAIN_MILLISECONDS = 20;
const PING_MILLISECONDS = 15_000;
const MOST_CALLS = 256;

/** RFC 6455, section 7.4.1. */
const closeCodes = { unsupported: 1003, invalid: 1007, policy: 1008, goingAway: 1001 } as const;

export class Connection {
  readonly #socket: WebSocket;
  readonly #lab: Lab;
  readonly #session: Session;
  readonly #handlers: Handlers;
  readonly #ping: NodeJS.Timeout;
  #isAlive = true;
  #calls = 0;
  #newsTimer: NodeJS.Timeout | null = null;
  #drainTimer: NodeJS.Timeout | null = null;

  constructor(socket: WebSocket, lab: Lab) {
    this.#socket = socket;
    this.#lab = lab;
    this.#session = lab.openSession(() => this.#newsSoon());
    this.#handlers = createHandlers(lab, this.#session);
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer, isBinary: boolean) => void this.#receive(data, isBinary));
    socket.on('pong', () => (this.#isAlive = true));
    // The close event follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end());
    this.#ping = setInterval(() => {
      if (!this.#isAlive) return socket.terminate();
      this.#isAlive = false;
      socket.ping();
    }, PING_MILLISECONDS);
  }

  close(): void {
    this.#socket.close(closeCodes.goingAway, 'the lab ends');
  }

  #end(): void {
    clearInterval(this.#ping);
    if (this.#newsTimer !== null) clearTimeout(this.#newsTimer);
    if (this.#drainTimer !== null) clearInterval(this.#drainTimer);
    this.#lab.closeSession(this.#session);
  }

  async #receive(data: Buffer, isBinary: boolean): Promise<void> {
    if (!isBinary) return this.#socket.close(closeCodes.unsupported, 'messages are binary');
    let message: unknown;
    try {
      message = decodeFrame(data);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return this.#socket.close(closeCodes.invalid, error.message);
    }
    const call = callMessageSchema.safeParse(message);
    if (!call.success) return this.#socket.close(closeCodes.policy, 'this is no call');
    const { id, name, argument } = call.data;
    if (this.#calls >= MOST_CALLS) return this.#socket.close(closeCodes.policy, 'too many calls at once');
    this.#calls++;
    const outcome = await dispatch(this.#handlers, name, argument, {
      storeFile: this.#lab.options.file,
      onFault: (what, error) => this.#lab.options.onFault?.(what, error),
    });
    this.#calls--;
    // Encoded at once: arrays of an answer may be live ones.
    this.#send(
      outcome.ok
        ? { type: 'result', id, result: outcome.result }
        : { type: 'error', id, error: outcome.error },
    );
    this.#watchBuffer();
  }

  #send(message: LabMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeFrame(message));
  }

  #newsSoon(): void {
    this.#newsTimer ??= setTimeout(() => {
      this.#newsTimer = null;
      this.#sendNews();
    }, NEWS_MILLISECONDS);
  }

  #sendNews(): void {
    while (this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount < NEWS_BYTES) {
      const news = this.#session.take();
      if (news === null) return;
      this.#send({ type: 'event', ...news });
    }
    this.#watchBuffer();
  }

  /** While a window does not keep up, its calls stay in the kernel and its news stay merged. */
  #watchBuffer(): void {
    if (this.#socket.bufferedAmount >= CALL_BYTES) this.#socket.pause();
    if (this.#drainTimer !== null || this.#socket.bufferedAmount < NEWS_BYTES) return;
    this.#drainTimer = setInterval(() => {
      if (this.#socket.bufferedAmount < CALL_BYTES && this.#socket.isPaused) this.#socket.resume();
      if (this.#socket.bufferedAmount >= NEWS_BYTES) return;
      clearInterval(this.#drainTimer!);
      this.#drainTimer = null;
      this.#sendNews();
    }, DRAIN_MILLISECONDS);
  }
}
