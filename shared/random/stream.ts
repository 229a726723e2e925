/**
 * Named random streams. The numbers of a stream depend on its name, its seed and the counter alone, so nothing consumes
 * anybody else's numbers: adding a layer does not change the data order, resuming needs no saved generator.
 */
import { philox } from './philox.ts';

export interface Stream {
  /** The 32-bit word at `counter` (0 … 2^53−1). */
  uint32(counter: number): number;
  /** In [0, 1), 53 bits, from the words 2·counter and 2·counter + 1. */
  uniform(counter: number): number;
  /** Standard normal (Box–Muller in double precision). */
  normal(counter: number): number;
  /** out[i] = uniform(first + i). */
  fillUniform(out: Float32Array | Float64Array, first: number): void;
  /** out[i] = normal(first + i). */
  fillNormal(out: Float32Array | Float64Array, first: number): void;
  /** A whole number in 0 … bound−1 without bias (bound ≤ 2^32); its own words, apart from those of uint32. */
  below(counter: number, bound: number): number;
  /** A random permutation of 0 … n−1; each `index` gives an independent one. */
  permutation(index: number, n: number): Uint32Array;
}

const WORDS = 4;
const TWO_32 = 0x100000000;
/** Uses of one stream are kept apart by the third counter word. */
const PLAIN = 0;
const NORMAL = 1;
const PERMUTATION = 2;
const BELOW = 3;

/**
 * The stream of a name and a seed; `more` tells substreams apart (a layer, a batch size).
 * @throws RangeError when a seed is not a whole number of 0 … 2^53−1.
 */
export function stream(name: string, seed: number, ...more: readonly number[]): Stream {
  for (const value of [seed, ...more])
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(
        `the seed of stream "${name}" must be a whole number from 0 to 2^53-1, not ${value}`,
      );
  const [key0, key1] = keyOf(name, [seed, ...more]);
  const block = new Uint32Array(WORDS);
  const generate = (index: number, use: number, sub: number) => {
    block[0] = index >>> 0;
    block[1] = Math.floor(index / TWO_32);
    block[2] = use;
    block[3] = sub;
    philox(block, key0, key1);
  };
  const uint32 = (counter: number) => {
    generate(Math.floor(counter / WORDS), PLAIN, 0);
    return block[counter % WORDS];
  };
  /** 53 random bits from two words. */
  const fraction = (high: number, low: number) => ((high >>> 5) * 0x4000000 + (low >>> 6)) / 2 ** 53;
  const uniform = (counter: number) => {
    generate(Math.floor(counter / 2), PLAIN, 0);
    const word = (counter % 2) * 2;
    return fraction(block[word], block[word + 1]);
  };
  /** Normals 2·pair and 2·pair + 1 come from one block. */
  const normals = (pair: number): [number, number] => {
    generate(pair, NORMAL, 0);
    // 1 − u lies in (0, 1], so that its logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - fraction(block[0], block[1])));
    const angle = 2 * Math.PI * fraction(block[2], block[3]);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  };
  return {
    uint32,
    uniform,
    normal: (counter) => normals(Math.floor(counter / 2))[counter % 2],
    fillUniform(out, first) {
      for (let i = 0; i < out.length; i++) out[i] = uniform(first + i);
    },
    fillNormal(out, first) {
      for (let i = 0; i < out.length;) {
        const [even, odd] = normals(Math.floor((first + i) / 2));
        if ((first + i) % 2 === 0) out[i++] = even;
        if (i < out.length && (first + i) % 2 === 1) out[i++] = odd;
      }
    },
    below(counter, bound) {
      if (!Number.isInteger(bound) || bound < 1 || bound > TWO_32)
        throw new RangeError(
          `the bound of a random number must be a whole number from 1 to 2^32, not ${bound}`,
        );
      // Words at or above the last whole multiple of the bound would favour small numbers: the next word decides.
      const limit = TWO_32 - (TWO_32 % bound);
      for (let attempt = 0; ; attempt++) {
        if (attempt % WORDS === 0) generate(counter, BELOW, attempt / WORDS);
        const word = block[attempt % WORDS];
        if (word < limit) return word % bound;
      }
    },
    permutation(index, n) {
      const order = Uint32Array.from({ length: n }, (_, i) => i);
      let draws = 0;
      // Fisher–Yates; `below` rejects the few words that would favour small numbers.
      const below = (bound: number) => {
        const limit = TWO_32 - (TWO_32 % bound);
        for (;;) {
          if (draws % WORDS === 0) generate(Math.floor(draws / WORDS), PERMUTATION, index);
          const word = block[draws++ % WORDS];
          if (word < limit) return word % bound;
        }
      };
      for (let i = n - 1; i > 0; i--) {
        const j = below(i + 1);
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    },
  };
}

/** 64-bit FNV-1a of the name and the seeds, as two words, each finished by a 32-bit mixer (MurmurHash3's). */
function keyOf(name: string, seeds: readonly number[]): [number, number] {
  const text = new TextEncoder().encode(`${name}\0${seeds.join('\0')}`);
  let hash = 0xcbf29ce484222325n;
  for (const byte of text) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return [mix(Number(hash & 0xffffffffn)), mix(Number(hash >> 32n))];
}

function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
