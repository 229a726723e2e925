import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExampleOrder, stream } from '#shared/random/index.ts';
import { philox } from '#shared/random/philox.ts';

describe('philox', () => {
  // Known answers published with the Random123 library (philox4x32, 10 rounds).
  test.each([
    { counter: [0, 0, 0, 0], key: [0, 0], expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])('gives the published words for counter $counter', ({ counter, key, expected }) => {
    const block = Uint32Array.from(counter);
    philox(block, key[0], key[1]);
    expect([...block]).toEqual(expected);
  });
});

describe('streams', () => {
  test('bulk fills equal random access, from any counter on', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 0, max: 40 }), (first, length) => {
        const s = stream('test', 7);
        const normals = new Float64Array(length);
        const uniforms = new Float64Array(length);
        s.fillNormal(normals, first);
        s.fillUniform(uniforms, first);
        expect([...normals]).toEqual(Array.from({ length }, (_, i) => s.normal(first + i)));
        expect([...uniforms]).toEqual(Array.from({ length }, (_, i) => s.uniform(first + i)));
      }),
    );
  });

  test('counters beyond 32 bits are distinct', () => {
    const s = stream('test', 7);
    const counters = [0, 1, 2 ** 32, 2 ** 33, 2 ** 34, 2 ** 40, 2 ** 52, 2 ** 53 - 1];
    expect(new Set(counters.map((c) => s.uint32(c))).size).toBe(counters.length);
    expect(new Set(counters.map((c) => s.normal(c))).size).toBe(counters.length);
  });

  test.each([
    ['another name', stream('a', 0), stream('b', 0)],
    ['another seed', stream('a', 0), stream('a', 1)],
    ['neighbouring seeds', stream('a', 12345), stream('a', 12346)],
  ])('%s is uncorrelated', (_, one, other) => {
    const n = 100_000;
    const x = new Float64Array(n);
    const y = new Float64Array(n);
    one.fillNormal(x, 0);
    other.fillNormal(y, 0);
    const correlation = x.reduce((sum, value, i) => sum + value * y[i], 0) / n;
    // Four standard errors.
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(n));
  });

  test('moments of the normal and the uniform, within four standard errors', () => {
    const n = 400_000;
    const values = new Float64Array(n);
    stream('moments', 3).fillNormal(values, 0);
    const moment = (k: number) => values.reduce((sum, v) => sum + v ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    stream('moments', 3).fillUniform(values, 0);
    expect(Math.abs(moment(1) - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(values.every((v) => v >= 0 && v < 1)).toBe(true);
  });

  test('the uniform fills sixteen bins evenly (chi-square, 15 degrees of freedom, p > 0.001)', () => {
    const n = 160_000;
    const values = new Float64Array(n);
    stream('bins', 1).fillUniform(values, 0);
    const bins = new Float64Array(16);
    for (const v of values) bins[Math.floor(v * 16)]++;
    const chiSquare = bins.reduce((sum, count) => sum + (count - n / 16) ** 2 / (n / 16), 0);
    expect(chiSquare).toBeLessThan(37.7);
  });

  test.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('refuses the seed %d', (seed) => {
    expect(() => stream('test', seed)).toThrow(/seed of stream "test"/);
    expect(() => stream('test', 0, seed)).toThrow(/seed of stream "test"/);
  });

  test('substreams have numbers of their own', () => {
    const first = [stream('a', 1), stream('a', 1, 0), stream('a', 1, 1), stream('a', 11), stream('a1', 1)];
    expect(new Set(first.map((s) => s.uint32(0))).size).toBe(first.length);
  });

  // A change here changes every stored run: initial weights and data order would no longer be reproducible.
  test('keeps its numbers from version to version', () => {
    const s = stream('golden', 42);
    expect([0, 1, 4, 2 ** 40].map((c) => s.uint32(c))).toEqual([
      3741233619, 466288163, 4154985142, 3453850925,
    ]);
  });

  test.each([1, 2, 3, 7, 1000])(
    'numbers below %d are whole, in range, even and at random access',
    (bound) => {
      const s = stream('below', 5);
      const n = 20_000;
      const draws = Array.from({ length: n }, (_, counter) => s.below(counter, bound));
      expect(draws.every((d) => Number.isInteger(d) && d >= 0 && d < bound)).toBe(true);
      const mean = draws.reduce((sum, d) => sum + d, 0) / n;
      const deviation = Math.sqrt((bound ** 2 - 1) / 12 / n);
      expect(Math.abs(mean - (bound - 1) / 2)).toBeLessThanOrEqual(4 * deviation);
      expect(s.below(17, bound)).toBe(draws[17]);
    },
  );

  test('numbers below a bound just above 2^31 are not biased towards small ones', () => {
    const s = stream('below', 6);
    const bound = 3 * 2 ** 30;
    const n = 20_000;
    let low = 0;
    // Without rejection the lowest third would come up in half of the draws.
    for (let counter = 0; counter < n; counter++) if (s.below(counter, bound) < 2 ** 30) low++;
    expect(Math.abs(low / n - 1 / 3)).toBeLessThan(4 * Math.sqrt(2 / 9 / n));
    for (const wrong of [0, -1, 1.5, Number.NaN, 2 ** 33]) expect(() => s.below(0, wrong)).toThrow(/bound/);
  });
});

describe('permutations', () => {
  test('hold every index once, and differ between indices', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.nat(1000), (n, index) => {
        const order = stream('p', 1).permutation(index, n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
    expect([...stream('p', 1).permutation(0, 50)]).not.toEqual([...stream('p', 1).permutation(1, 50)]);
  });

  test('every place is equally likely for the first element (chi-square, 4 degrees of freedom, p > 0.001)', () => {
    const counts = new Float64Array(5);
    const s = stream('p', 9);
    for (let i = 0; i < 5000; i++) counts[s.permutation(i, 5).indexOf(0)]++;
    expect(counts.reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0)).toBeLessThan(18.5);
  });
});

describe('the order of examples', () => {
  test('is the same whatever the batch size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 17 }), fc.integer({ min: 1, max: 40 }), (examples, batchSize) => {
        const total = batchSize * 5;
        const whole = new Int32Array(total);
        new ExampleOrder(4, examples).fill(whole, 0, 0, total);
        const inSteps = new Int32Array(total);
        const order = new ExampleOrder(4, examples);
        for (let s = 0; s < 5; s++) order.fill(inSteps, s * batchSize, s * batchSize, batchSize);
        expect(inSteps).toEqual(whole);
      }),
    );
  });

  test('shows every example once an epoch, in another order each time', () => {
    const out = new Int32Array(30);
    new ExampleOrder(0, 10).fill(out, 0, 0, 30);
    const epochs = [out.subarray(0, 10), out.subarray(10, 20), out.subarray(20, 30)].map((e) => [...e]);
    for (const epoch of epochs)
      expect([...epoch].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  test('takes a fresh subset each epoch, without repetition in it, the same wherever it resumes', () => {
    const out = new Int32Array(12 * 200);
    new ExampleOrder(3, 50, 12).fill(out, 0, 0, out.length);
    const epochs = Array.from({ length: 200 }, (_, e) => [...out.subarray(12 * e, 12 * (e + 1))]);
    for (const epoch of epochs) {
      expect(new Set(epoch).size).toBe(12);
      expect(epoch.every((example) => example >= 0 && example < 50)).toBe(true);
    }
    expect([...epochs[0]].sort()).not.toEqual([...epochs[1]].sort());
    // Each example is drawn about 200·12/50 = 48 times; 49 degrees of freedom, p > 0.001.
    const counts = Array.from({ length: 50 }, (_, i) => out.filter((example) => example === i).length);
    const spread = 48 * (1 - 12 / 50);
    expect(counts.reduce((sum, c) => sum + (c - 48) ** 2 / spread, 0)).toBeLessThan(86);
    const part = new Int32Array(30);
    new ExampleOrder(3, 50, 12).fill(part, 0, 137, 30);
    expect(part).toEqual(out.subarray(137, 167));
    const all = new Int32Array(100);
    new ExampleOrder(3, 50, 50).fill(all, 0, 0, 100);
    const plain = new Int32Array(100);
    new ExampleOrder(3, 50).fill(plain, 0, 0, 100);
    expect(all).toEqual(plain);
    for (const subset of [0, 51, 1.5]) expect(() => new ExampleOrder(3, 50, subset)).toThrow(RangeError);
  });

  test('needs an example', () => {
    for (const examples of [0, -1, 1.5, Number.NaN])
      expect(() => new ExampleOrder(0, examples)).toThrow(RangeError);
  });

  test('resumes anywhere', () => {
    const whole = new Int32Array(100);
    new ExampleOrder(2, 7).fill(whole, 0, 0, 100);
    const part = new Int32Array(20);
    new ExampleOrder(2, 7).fill(part, 0, 61, 20);
    expect(part).toEqual(whole.subarray(61, 81));
  });
});
