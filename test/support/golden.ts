/** Reading and comparing the golden values (../shared/golden/theory.json); the passing rule is in its `conventions`. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

export interface GoldenEntry {
  readonly id: string;
  readonly kind: string;
  readonly inputs: { readonly [field: string]: Json };
  readonly expected: { readonly [field: string]: Json };
  readonly rtol: number;
  readonly rtol_by_field?: { readonly [field: string]: number };
  readonly atol?: number;
}

/** Values under the names of `expected`; anything that is not a plain value is refused by the comparison. */
export type GoldenActual = { readonly [field: string]: unknown };

/**
 * Computes what an entry expects from its inputs. `Inputs` is what the checker knows of the entry's inputs; the entries
 * are fixed, so a wrong shape shows at once as a wrong number.
 */
export type GoldenChecker = (inputs: never, entry: GoldenEntry) => GoldenActual;

export function readGolden(folder: string): GoldenEntry[] {
  const file = JSON.parse(readFileSync(`${folder}/golden/theory.json`, 'utf8')) as {
    format: string;
    entries: GoldenEntry[];
  };
  if (file.format !== 'surge-lab-golden/1') throw new Error(`Unknown golden format ${file.format}.`);
  return file.entries;
}

/** Letter of the group, the part of an id before its first dot. */
export function groupOf(id: string): string {
  return id.slice(0, id.indexOf('.'));
}

/** Every field of `expected`, at any depth, must be met by `actual`: |actual − expected| <= rtol·|expected| + atol. */
export function expectGolden(actual: unknown, expected: Json, entry: GoldenEntry): void {
  compare(actual, expected, entry, entry.rtol, entry.id);
}

/** Differences from the golden values, as sentences; for checks that the comparison itself can fail. */
export function goldenDifferences(actual: unknown, expected: Json, entry: GoldenEntry): string[] {
  try {
    expectGolden(actual, expected, entry);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function compare(actual: unknown, expected: Json, entry: GoldenEntry, rtol: number, path: string): void {
  if (typeof expected === 'number') {
    expect(typeof actual, `${path}: expected ${expected}, got ${String(actual)}`).toBe('number');
    const value = actual as number;
    const allowed = rtol * Math.abs(expected) + (entry.atol ?? 0);
    // NaN fails: it is not at most anything.
    expect(
      Math.abs(value - expected) <= allowed,
      `${path}: expected ${expected}, got ${value}, allowed ${allowed}`,
    ).toBe(true);
    return;
  }
  if (expected === null || typeof expected !== 'object') {
    // null is undefined or non-existent, never zero.
    expect(actual, path).toBe(expected);
    return;
  }
  if (isList(expected)) {
    const list = Array.isArray(actual) || ArrayBuffer.isView(actual) ? (actual as ArrayLike<unknown>) : null;
    expect(list, `${path} must be a list`).not.toBeNull();
    expect(list!.length, `${path}: length`).toBe(expected.length);
    expected.forEach((value, i) => compare(list![i], value, entry, rtol, `${path}[${i}]`));
    return;
  }
  expect(typeof actual === 'object' && actual !== null, `${path} must be an object`).toBe(true);
  const fields = actual as Record<string, unknown>;
  for (const [field, value] of Object.entries(expected)) {
    expect(Object.hasOwn(fields, field), `${path}.${field} is not computed`).toBe(true);
    compare(fields[field], value, entry, entry.rtol_by_field?.[field] ?? rtol, `${path}.${field}`);
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
