import type { CallArgument, CallName, CallResult, EventName, EventPayload } from './contract.ts';

type Rest<Name extends CallName> = undefined extends CallArgument<Name> ? [] : [argument: CallArgument<Name>];

/** The lab as a window sees it, whatever carries it. */
export interface LabClient {
  /** Rejects with ApiError. */
  call<Name extends CallName>(name: Name, ...argument: Rest<Name>): Promise<CallResult<Name>>;
  /** Returns the function that ends the subscription. */
  on<Name extends EventName>(name: Name, listener: (payload: EventPayload<Name>) => void): () => void;
  /** 'open' or 'lost' (reconnecting). After 'lost' → 'open', windows open their watches again, with their cursor. */
  onConnection(listener: (state: 'open' | 'lost') => void): () => void;
}
