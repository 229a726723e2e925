import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { GoldenEntry } from '../../support/golden.ts';
import { expectGolden, goldenDifferences, groupOf, readGolden } from '../../support/golden.ts';
import { describeWithReference } from '../../support/reference.ts';
import { CHECKED_ELSEWHERE, goldenCheckers } from './golden-checkers.ts';

describeWithReference('golden values of the theory', (folder) => {
  const entries = readGolden(folder);
  const here = entries.filter((entry) => !(groupOf(entry.id) in CHECKED_ELSEWHERE));
  const keyOf = (entry: GoldenEntry) => `${groupOf(entry.id)}/${entry.kind}`;

  it.each(here)('$id', (entry) => {
    const checker = goldenCheckers[keyOf(entry)];
    expect(checker, `no checker for ${entry.id} of kind ${entry.kind}`).toBeDefined();
    expectGolden(checker(entry.inputs as never, entry), entry.expected, entry);
  });

  it('has an entry for every checker, and ids are unique', () => {
    expect(Object.keys(goldenCheckers).filter((key) => !here.some((entry) => keyOf(entry) === key))).toEqual(
      [],
    );
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(entries.length);
    expect(entries.length).toBeGreaterThan(0);
  });

  it('knows who checks the other groups', () => {
    const pending: string[] = [];
    for (const [group, path] of Object.entries(CHECKED_ELSEWHERE)) {
      const ids = entries.map((entry) => entry.id).filter((id) => groupOf(id) === group);
      expect(ids.length).toBeGreaterThan(0);
      const file = new URL(`../../../${path}`, import.meta.url);
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      // Either the file takes the whole group, or it names each entry.
      if (text.includes(`startsWith('${group}.')`)) continue;
      pending.push(...ids.filter((id) => !text.includes(`'${id}'`)).map((id) => `${id} (${path})`));
    }
    expect(pending).toEqual([]);
  });

  it('notices a number that is off, a missing field, a null and a zero', () => {
    for (const entry of here) {
      const shaken = (value: unknown): unknown => {
        if (typeof value === 'number') return value === 0 ? 1e-3 : value * (1 + 1e-3);
        if (value === null) return 0;
        if (typeof value === 'boolean') return !value;
        if (typeof value === 'string') return `${value}?`;
        if (Array.isArray(value)) return value.map(shaken);
        return Object.fromEntries(
          Object.entries(value as object).map(([name, inner]) => [name, shaken(inner)]),
        );
      };
      expect(goldenDifferences(entry.expected, entry.expected, entry)).toEqual([]);
      for (const [field, value] of Object.entries(entry.expected)) {
        if (Array.isArray(value) && value.length === 0) continue;
        const wrong = { ...entry.expected, [field]: shaken(value) };
        expect(goldenDifferences(wrong, entry.expected, entry), `${entry.id}.${field}`).toHaveLength(1);
        const missing = Object.fromEntries(Object.entries(entry.expected).filter(([name]) => name !== field));
        expect(goldenDifferences(missing, entry.expected, entry), `${entry.id}.${field}`).toHaveLength(1);
      }
    }
  });
});
