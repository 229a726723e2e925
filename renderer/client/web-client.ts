/** The lab over a WebSocket. A connection that breaks is made again, for as long as the window is open. */
import type { LabClient } from '#shared/api/client.ts';
import { decodeFrame, encodeFrame } from '#shared/api/codec.ts';
import type { CallName, CallResult, EventName, EventPayload } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';
import { labMessageSchema } from '#shared/api/messages.ts';

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ApiError) => void;
}

/** What of a WebSocket is used; Node's and the browser's both have it. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

const OPEN = 1;

export class WebClient implements LabClient {
  readonly #open: () => Socket;
  readonly #pending = new Map<number, Pending>();
  /** Calls made before the first connection stands. */
  #unsent: Uint8Array<ArrayBuffer>[] = [];
  readonly #listeners = new Map<string, Set<(payload: unknown) => void>>();
  readonly #connectionListeners = new Set<(state: 'open' | 'lost') => void>();
  #socket: Socket;
  #nextId = 0;
  #wait = FIRST_WAIT;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #state: 'opening' | 'open' | 'lost' | 'closed' = 'opening';

  /** `open` makes a socket; it is called again whenever one was lost. */
  constructor(open: () => Socket) {
    this.#open = open;
    this.#socket = this.#connect();
  }

  call<Name extends CallName>(name: Name, ...argument: readonly unknown[]): Promise<CallResult<Name>> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#state === 'lost' || this.#state === 'closed') return reject(disconnected());
      const frame = encodeFrame({ type: 'call', id, name, argument: argument[0] });
      this.#pending.set(id, { resolve: (result) => resolve(result as CallResult<Name>), reject });
      if (this.#socket.readyState === OPEN) this.#socket.send(frame);
      else this.#unsent.push(frame);
    });
  }

  on<Name extends EventName>(name: Name, listener: (payload: EventPayload<Name>) => void): () => void {
    const heard = (payload: unknown) => listener(payload as EventPayload<Name>);
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(heard));
    return () => set.delete(heard);
  }

  onConnection(listener: (state: 'open' | 'lost') => void): () => void {
    this.#connectionListeners.add(listener);
    return () => this.#connectionListeners.delete(listener);
  }

  /** For good. */
  close(): void {
    this.#state = 'closed';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket.close();
    this.#failPending();
  }

  #connect(): Socket {
    const socket = this.#open();
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      this.#wait = FIRST_WAIT;
      const before = this.#state;
      if (before === 'closed') return socket.close();
      this.#state = 'open';
      for (const frame of this.#unsent.splice(0)) socket.send(frame);
      if (before === 'lost') this.#tellConnection('open');
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket && data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
    });
    // The close event follows.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', () => {
      if (socket === this.#socket) this.#lose();
    });
    return socket;
  }

  #lose(): void {
    if (this.#state === 'closed') return;
    const isNews = this.#state !== 'lost';
    this.#state = 'lost';
    this.#unsent = [];
    this.#failPending();
    if (isNews) this.#tellConnection('lost');
    // Windows that lost the same lab do not all come back in the same instant.
    const wait = this.#wait * (0.75 + 0.5 * Math.random());
    this.#wait = Math.min(LONGEST_WAIT, 2 * this.#wait);
    this.#timer = setTimeout(() => (this.#socket = this.#connect()), wait);
  }

  #failPending(): void {
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of lost) reject(disconnected());
  }

  #tellConnection(state: 'open' | 'lost'): void {
    for (const listener of this.#connectionListeners) listener(state);
  }

  #receive(frame: Uint8Array): void {
    const message = labMessageSchema.parse(decodeFrame(frame));
    if (message.type === 'event') {
      for (const listener of this.#listeners.get(message.name) ?? []) listener(message.payload);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.type === 'result') pending?.resolve(message.result);
    else pending?.reject(new ApiError(message.error.code, message.error.message, message.error.path));
  }
}

function disconnected(): ApiError {
  return new ApiError(
    'disconnected',
    'The connection to the lab broke. Training goes on without this window; it connects again by itself.',
  );
}
