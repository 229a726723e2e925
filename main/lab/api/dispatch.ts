/** The one door behind every transport: a call by name, its argument parsed, its outcome as data. */
import type { z } from 'zod';
import { calls, type CallName, type CallResult, type ParsedArgument } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';
import { toApiError } from './api-errors.ts';

/** One handler for every call of the contract; the compiler sees to it that none is missing. */
export type Handlers = {
  readonly [Name in CallName]: (
    argument: ParsedArgument<Name>,
  ) => CallResult<Name> | Promise<CallResult<Name>>;
};

export type Outcome =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly code: ApiError['code']; readonly message: string; readonly path: string };
    };

export interface DispatchOptions {
  readonly storeFile: string;
  /** Told of faults of the lab itself. */
  onFault?(name: string, error: unknown): void;
}

/** Never rejects. Whatever the name and the argument are, they come from outside and are checked here. */
export async function dispatch(
  handlers: Handlers,
  name: string,
  argument: unknown,
  options: DispatchOptions,
): Promise<Outcome> {
  try {
    if (!isCall(name)) throw new ApiError('bad-argument', `There is no call "${name.slice(0, 60)}".`);
    const parsed = (calls[name].argument as z.ZodType).safeParse(argument);
    if (!parsed.success) throw badArgument(parsed.error);
    // The parsed argument is that of this very call, which the compiler cannot follow through the table.
    const handler = handlers[name] as (argument: unknown) => unknown;
    return { ok: true, result: await handler(parsed.data) };
  } catch (error) {
    const told = toApiError(error, options.storeFile);
    if (told.code === 'internal') options.onFault?.(name, error);
    return { ok: false, error: { code: told.code, message: told.message, path: told.path } };
  }
}

function isCall(name: string): name is CallName {
  return Object.hasOwn(calls, name);
}

function badArgument(error: z.ZodError): ApiError {
  const [issue] = error.issues;
  const path = issue.path.map(String).join('.');
  return new ApiError('bad-argument', path === '' ? issue.message : `${path}: ${issue.message}`, path);
}
