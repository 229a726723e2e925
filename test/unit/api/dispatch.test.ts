import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { calls, type CallName } from '#shared/api/contract.ts';
import { decodeFrame, encodeFrame } from '#shared/api/codec.ts';
import { ApiError } from '#shared/api/errors.ts';
import { dispatch, type Handlers, type Outcome } from '#main/lab/api/dispatch.ts';
import { StoreError } from '#main/lab/store/index.ts';
import { goodArguments, spoiledCall } from '../../support/calls.ts';

const names = Object.keys(calls) as CallName[];
const options = { storeFile: '/somewhere/lab.surge' };

/** Handlers that only note that they were reached. */
function watchedHandlers(answer: () => unknown = () => null) {
  const reached = vi.fn<(name: string, argument: unknown) => unknown>();
  const handlers = Object.fromEntries(
    names.map((name) => [
      name,
      (argument: unknown) => {
        reached(name, argument);
        return answer();
      },
    ]),
  );
  return { handlers: handlers as unknown as Handlers, reached };
}

function codeOf(outcome: Outcome): string {
  return outcome.ok ? 'ok' : outcome.error.code;
}

describe('the door', () => {
  it('lets a good argument of every call through, as it is after its journey in a frame', async () => {
    const { handlers, reached } = watchedHandlers();
    for (const name of names) {
      const argument = decodeFrame(encodeFrame(goodArguments[name]));
      expect(codeOf(await dispatch(handlers, name, argument, options)), name).toBe('ok');
    }
    expect(reached).toHaveBeenCalledTimes(names.length);
  });

  it('lets nothing through in which one thing is of the wrong kind, missing or too much', async () => {
    const { handlers, reached } = watchedHandlers();
    await fc.assert(
      fc.asyncProperty(spoiledCall, async ({ name, argument }) => {
        const outcome = await dispatch(handlers, name, argument, options);
        expect(codeOf(outcome)).toBe('bad-argument');
        expect(reached).not.toHaveBeenCalled();
      }),
      { numRuns: 10_000 },
    );
  });

  it('answers whatever comes instead of a call, and never throws', async () => {
    const { handlers, reached } = watchedHandlers();
    const anything = fc.anything({ withTypedArray: true, withDate: false, withBigInt: false });
    const anyName = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', ...names));
    await fc.assert(
      fc.asyncProperty(anyName, anything, async (name, argument) => {
        reached.mockClear();
        const outcome = await dispatch(handlers, name, argument, options);
        // What reaches a handler is what the schema says, no more.
        for (const [its, given] of reached.mock.calls)
          expect(calls[its as CallName].argument.safeParse(given).success).toBe(true);
        if (!names.includes(name as CallName)) expect(codeOf(outcome)).toBe('bad-argument');
      }),
      { numRuns: 5_000 },
    );
  });

  it('says which argument is wrong', async () => {
    const { handlers } = watchedHandlers();
    const outcome = await dispatch(
      handlers,
      'cells.trainingLoss',
      { experiment: 'abcd', cells: [1, 'x'] },
      options,
    );
    expect(outcome).toMatchObject({ ok: false, error: { code: 'bad-argument', path: 'cells.1' } });
  });

  it('tells errors of store, lab and faults apart, and reports only faults', async () => {
    const faults = vi.fn();
    const failing = async (error: Error) => {
      const { handlers } = watchedHandlers(() => {
        throw error;
      });
      return codeOf(await dispatch(handlers, 'lab.about', undefined, { ...options, onFault: faults }));
    };
    expect(await failing(new StoreError('unknown-experiment', 'gone'))).toBe('not-found');
    expect(await failing(new StoreError('disk-full', 'full'))).toBe('disk-full');
    expect(await failing(new ApiError('not-possible', 'no'))).toBe('not-possible');
    expect(await failing(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('disk-full');
    expect(await failing(Object.assign(new Error('x'), { code: 'EROFS' }))).toBe('read-only');
    expect(faults).not.toHaveBeenCalled();
    expect(await failing(new TypeError('a bug'))).toBe('internal');
    expect(faults).toHaveBeenCalledOnce();
  });
});
