/** The lab through the bridge of the desktop shell. It is in the same program, so the connection never breaks. */
import type { LabBridge } from '#shared/api/bridge.ts';
import type { LabClient } from '#shared/api/client.ts';
import type { CallName, CallResult, EventName, EventPayload } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';

type Listener = (payload: unknown) => void;

export class BridgeClient implements LabClient {
  readonly #bridge: LabBridge;
  readonly #listeners = new Map<string, Set<Listener>>();
  #isListening = false;

  constructor(bridge: LabBridge) {
    this.#bridge = bridge;
  }

  async call<Name extends CallName>(name: Name, ...argument: readonly unknown[]): Promise<CallResult<Name>> {
    const outcome = await this.#bridge.call(name, argument[0]);
    if (outcome.ok) return outcome.result as CallResult<Name>;
    const { code, message, path } = outcome.error;
    throw new ApiError(code, message, path);
  }

  on<Name extends EventName>(name: Name, listener: (payload: EventPayload<Name>) => void): () => void {
    const heard: Listener = (payload) => listener(payload as EventPayload<Name>);
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(heard));
    this.#listen();
    return () => set.delete(heard);
  }

  onConnection(): () => void {
    return () => undefined;
  }

  /** Once: whatever crosses the bridge is copied for every listener. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#bridge.onNews(({ name, payload }) => {
      for (const listener of this.#listeners.get(name) ?? []) listener(payload);
    });
  }
}
