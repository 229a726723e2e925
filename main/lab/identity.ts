/** Identities: what makes a cell the same cell, and the short keys of experiments and stacks. */
import { createHash, randomBytes } from 'node:crypto';
import type { CellConfiguration } from '#shared/experiment/stack.ts';

/**
 * JSON with sorted keys and no white space; undefined members are left out and -0 is 0. Equal values give equal text.
 * Throws TypeError for what JSON cannot hold exactly (NaN, infinities, functions). `memo` keeps the text of objects
 * that occur many times (the workload and marks of a whole grid); give it only while nothing changes them.
 */
export function canonicalJson(value: unknown, memo?: WeakMap<object, string>): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no canonical JSON form`);
    return JSON.stringify(value);
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no canonical JSON form`);
  const before = memo?.get(value);
  if (before !== undefined) return before;
  let text: string;
  if (Array.isArray(value)) {
    text = `[${value.map((item) => canonicalJson(item, memo)).join(',')}]`;
  } else {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member, memo)}`);
    text = `{${members.join(',')}}`;
  }
  memo?.set(value, text);
  return text;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Identity of a cell: SHA-256 (hexadecimal) of its canonical configuration. */
export function cellKey(configuration: CellConfiguration, memo?: WeakMap<object, string>): string {
  return sha256(canonicalJson(configuration, memo));
}

/** Crockford's base 32 in lower case: no i, l, o, u, so that keys can be read aloud and typed. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

function randomKey(length: number): string {
  return Array.from(randomBytes(length), (byte) => alphabet[byte & 31]).join('');
}

/** Eight characters, 40 random bits. */
export function newExperimentKey(): string {
  return randomKey(8);
}

/** Sixteen characters, 80 random bits: unique even when stores are merged. */
export function newStackKey(): string {
  return randomKey(16);
}
