import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskedCrc32c, scalarsOf, tensorRecords } from '#shared/import/tensorboard.ts';
import type { TensorRecord } from '#shared/import/tensorboard.ts';
import { encodings, event, eventFile, record, versionEvent } from '../../support/event-files.ts';

async function recordsOf(chunks: Iterable<Uint8Array>): Promise<TensorRecord[]> {
  const found: TensorRecord[] = [];
  for await (const item of tensorRecords(chunks))
    found.push(item.kind === 'record' ? { kind: 'record', data: Uint8Array.from(item.data) } : item);
  return found;
}

const kinds = async (bytes: Uint8Array) => (await recordsOf([bytes])).map(({ kind }) => kind);

describe('the checksum', () => {
  it('is CRC-32C (RFC 3720, B.4), masked', () => {
    const unmask = (masked: number) => {
      const rotated = (masked - 0xa282ead8) >>> 0;
      return ((rotated >>> 17) | (rotated << 15)) >>> 0;
    };
    expect(unmask(maskedCrc32c(new Uint8Array(32)))).toBe(0x8a9136aa);
    expect(unmask(maskedCrc32c(new Uint8Array(32).fill(0xff)))).toBe(0x62a8ab43);
    expect(unmask(maskedCrc32c(Uint8Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e);
  });
});

describe('records', () => {
  it('are found however the bytes are cut', async () => {
    const file = eventFile([
      { tag: 'loss', step: 1, value: 2 },
      { tag: 'loss', step: 2, value: 1.5 },
    ]);
    const whole = await recordsOf([file]);
    expect(whole.map(({ kind }) => kind)).toEqual(['record', 'record', 'record']);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(file.length), { maxLength: 12 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), file.length];
        const chunks = places.slice(1).map((end, i) => file.subarray(places[i], end));
        expect(await recordsOf(chunks)).toEqual(whole);
      }),
    );
  });

  it('that are cut off at the end are truncated, wherever the cut is; none are invented', async () => {
    const file = Buffer.concat([record(versionEvent), record(event({ tag: 'loss', step: 1, value: 2 }))]);
    const first = record(versionEvent).length;
    for (let size = 1; size < file.length; size++) {
      const expected = [...(size >= first ? ['record'] : []), ...(size === first ? [] : ['truncated'])];
      expect(await kinds(file.subarray(0, size)), `${size} bytes`).toEqual(expected);
    }
    expect(await kinds(file.subarray(0, 0))).toEqual([]);
  });

  it('with a wrong checksum are told, and those behind are read', async () => {
    const parts = [1, 2, 3].map((step) => record(event({ tag: 'loss', step, value: 1 })));
    const damaged = Buffer.from(parts[1]);
    damaged[20] ^= 1;
    expect(await kinds(Buffer.concat([parts[0], damaged, parts[2]]))).toEqual([
      'record',
      'damaged',
      'record',
    ]);
    const lost = Buffer.from(parts[1]);
    lost[3] ^= 1;
    expect(await kinds(Buffer.concat([parts[0], lost, parts[2]]))).toEqual(['record', 'lost']);
    expect(await kinds(Buffer.from('this is a text file and no event file'))).toEqual(['lost']);
  });
});

describe('events', () => {
  it.each(Object.keys(encodings) as (keyof typeof encodings)[])(
    'are read in the encoding "%s"',
    (encoding) => {
      const scalars = scalarsOf(event({ tag: 'train/loss', step: 7, value: 3, encoding }));
      expect(scalars).toEqual(
        encoding === 'pair' ? [] : [{ tag: 'train/loss', step: 7, wallTime: 1_700_000_007, value: 3 }],
      );
    },
  );

  it('keep large and negative steps, negative integers and values that are not finite', () => {
    const one = (input: Parameters<typeof event>[0]) => scalarsOf(event(input))?.[0];
    expect(one({ tag: 'a', step: 3e12, value: 0.5 })).toMatchObject({ step: 3e12, value: 0.5 });
    expect(one({ tag: 'a', step: -1, value: 0.5 })).toMatchObject({ step: -1 });
    expect(one({ tag: 'a', step: 1, value: -4, encoding: 'integers' })).toMatchObject({ value: -4 });
    expect(one({ tag: 'a', step: 1, value: NaN })?.value).toBeNaN();
    expect(one({ tag: 'a', step: 1, value: Infinity, encoding: 'doubles' })?.value).toBe(Infinity);
  });

  it('without a scalar have none; bytes that are no event are null, never an exception', () => {
    expect(scalarsOf(versionEvent)).toEqual([]);
    expect(scalarsOf(Uint8Array.of(0x2a, 0x7f, 1))).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const scalars = scalarsOf(bytes);
        expect(scalars === null || Array.isArray(scalars)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
