import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, cellKey, newExperimentKey, newStackKey } from '#main/lab/identity.ts';
import { cellConfigurations } from '../../support/store.ts';

describe('canonical JSON', () => {
  it('sorts keys, leaves out undefined and makes -0 zero', () => {
    expect(canonicalJson({ b: [-0, 1e-7, 'é"'], a: { d: undefined, c: null } })).toBe(
      '{"a":{"c":null},"b":[0,1e-7,"é\\""]}',
    );
  });

  it.each([NaN, Infinity, -Infinity])('refuses %s, which JSON would turn into null', (value) => {
    expect(() => canonicalJson({ value })).toThrow(TypeError);
  });

  it('does not depend on the order in which members were written, and parses back to the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });
});

describe('cell keys', () => {
  const [first, second] = cellConfigurations();

  it('are 64 hexadecimal digits, stable between releases', () => {
    expect(cellKey(first)).toBe('fd762cb503b3b40e25017fa421ce0d42bee69c4dc8c4dc9aedb9d5b883fe73ee');
  });

  it('differ when any member differs, and ignore the order of members', () => {
    expect(cellKey(first)).not.toBe(cellKey(second));
    expect(cellKey({ ...first, learningRate: 0.1 + 2 ** -56 })).not.toBe(cellKey(first));
    const reversed = Object.fromEntries(Object.entries(first).reverse()) as unknown as NonNullable<
      typeof first
    >;
    expect(cellKey(reversed)).toBe(cellKey(first));
  });

  it('are the same with a memo', () => {
    const memo = new WeakMap<object, string>();
    for (const cell of cellConfigurations()) expect(cellKey(cell, memo)).toBe(cellKey(cell));
  });
});

describe('short keys', () => {
  it('have only characters that can be read aloud, and do not repeat', () => {
    const keys = Array.from({ length: 500 }, newExperimentKey);
    expect(new Set(keys).size).toBe(500);
    for (const key of keys) expect(key).toMatch(/^[0-9a-hjkmnp-tv-z]{8}$/);
    expect(newStackKey()).toMatch(/^[0-9a-hjkmnp-tv-z]{16}$/);
  });
});
