import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, FrameError } from '#shared/api/codec.ts';

const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 0));
const typedArray = fc.oneof(
  fc.float64Array(),
  fc.float64Array({ minLength: 256, maxLength: 300 }),
  fc.float32Array({ minLength: 256, maxLength: 300 }).map((values) => new Float64Array(values)),
  fc.float32Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.uint16Array(),
  fc.uint8Array(),
);
const { message } = fc.letrec<{ message: unknown }>((tie) => ({
  message: fc.oneof(
    { depthSize: 'medium' },
    number,
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    typedArray,
    fc.array(tie('message'), { maxLength: 6 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('$', '__proto__', 'constructor', 'length')),
      tie('message'),
      { maxKeys: 6, noNullPrototype: true },
    ),
  ),
}));

describe('frames', () => {
  it('carry every message there and back exactly, at any alignment', () => {
    fc.assert(
      fc.property(message, fc.integer({ min: 0, max: 9 }), fc.boolean(), (value, shift, isBuffer) => {
        const frame = encodeFrame(value);
        // What sockets and pipes bring is a Buffer, whose slices are views.
        const moved = isBuffer ? Buffer.alloc(frame.length + shift) : new Uint8Array(frame.length + shift);
        moved.set(frame, shift);
        // Unlike vitest's, this equality is not misled by a member called constructor.
        deepStrictEqual(decodeFrame(moved.subarray(shift)), value);
      }),
      { numRuns: 3_000 },
    );
  });

  it('keep every bit of values that are not single precision, and halve those that are', () => {
    const exact = Float64Array.from({ length: 1_000 }, (_, i) => 1 / (i + 3));
    const single = Float64Array.from(exact, Math.fround);
    expect(decodeFrame(encodeFrame(exact))).toStrictEqual(exact);
    expect(decodeFrame(encodeFrame(single))).toStrictEqual(single);
    expect(encodeFrame(single).length).toBeLessThan(0.6 * encodeFrame(exact).length);
  });

  it('give no object another prototype', () => {
    const decoded = decodeFrame(encodeFrame(JSON.parse('{"__proto__":{"admin":true}}'))) as object;
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect('admin' in decoded).toBe(false);
  });

  it('refuse what cannot be sent, in words', () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    for (const wrong of [
      () => 1,
      Symbol('s'),
      1n,
      new Date(),
      new Map(),
      cyclic,
      { deep: { er: new Set() } },
    ])
      expect(() => encodeFrame(wrong)).toThrow(FrameError);
  });

  it('are refused when they are anything else, and never read outside of themselves', () => {
    const frame = encodeFrame({ a: new Float64Array([1, 2, 3]), b: 'text', c: NaN });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          // One bit of a good frame turned, or its end cut off.
          fc.tuple(fc.nat(frame.length - 1), fc.nat(7)).map(([at, bit]) => {
            const changed = frame.slice();
            changed[at] ^= 1 << bit;
            return changed;
          }),
          fc.nat(frame.length - 1).map((length) => frame.slice(0, length)),
        ),
        (bytes) => {
          try {
            decodeFrame(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(FrameError);
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('do not follow hostile headers', () => {
    const withHeader = (text: string) => {
      const header = new TextEncoder().encode(text.padEnd(Math.ceil((text.length + 4) / 8) * 8 - 4));
      const bytes = new Uint8Array(4 + header.length + 8);
      new DataView(bytes.buffer).setUint32(0, header.length, true);
      bytes.set(header, 4);
      return bytes;
    };
    const hostile = [
      '{"$":["f64",0,2]}',
      '{"$":["f64",8,1]}',
      '{"$":["f64",-8,1]}',
      '{"$":["f64",4,1]}',
      '{"$":["f64",0,9007199254740991]}',
      '{"$":["f64as32",0,3]}',
      '{"$":["constructor",0,1]}',
      '{"$":["f64"]}',
      '{"$":"nothing"}',
      '{"$":"NaN","more":1}',
      '{"$":5}',
      `${'['.repeat(100)}${']'.repeat(100)}`,
      `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
    ];
    for (const text of hostile)
      expect(() => decodeFrame(withHeader(text)), text.slice(0, 40)).toThrow(FrameError);
    expect(decodeFrame(withHeader('{"$":["f64",0,1]}'))).toStrictEqual(new Float64Array(1));
  });
});
