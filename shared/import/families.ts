import { parseNumber } from './numbers.ts';
import type { ImportedCell, ImportedFamily } from './sweep.ts';

const SUFFIX: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, b: 1e9, g: 1e9, t: 1e12 };

/** Size that a name such as "85M" or "1.2B" stands for, or null. */
export function namedSize(text: string): number | null {
  const match = /^([\d.]+(?:e[+-]?\d+)?)\s*([kmbgt])?$/i.exec(text.trim());
  if (match === null) return null;
  const value = Number(match[1]);
  return Number.isFinite(value)
    ? value * (match[2] === undefined ? 1 : SUFFIX[match[2].toLowerCase()])
    : null;
}

/** Orders names by the size they stand for ("85M" before "1.2B"), other text alphabetically after them. */
export function compareNames(a: string, b: string): number {
  const sizeA = namedSize(a);
  const sizeB = namedSize(b);
  if (sizeA !== null && sizeB !== null) return sizeA - sizeB;
  if (sizeA !== null) return -1;
  if (sizeB !== null) return 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One spelling for numbers that are written in several ways ("4e9", "4000000000"); text is only trimmed. */
export function canonicalName(text: string, decimalComma: boolean): string {
  const parsed = parseNumber(text, decimalComma);
  return parsed.kind === 'number' ? String(parsed.value) : text.trim();
}

/** The axes of a family, ascending. */
export function familyAxes(
  cells: readonly ImportedCell[],
): Pick<ImportedFamily, 'batchSizes' | 'learningRates' | 'seeds'> {
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  return {
    batchSizes: ascending(cells.map((cell) => cell.batchSize)),
    learningRates: ascending(
      cells.map((cell) => cell.learningRate).filter((rate): rate is number => rate !== null),
    ),
    seeds: [...new Set(cells.map((cell) => cell.seed))].sort(compareNames),
  };
}

/**
 * Groups values that lie within a relative tolerance of the smallest of their group. Returns for each value the one
 * that stands for its group: the most frequent, the smaller one at a tie.
 */
export function groupValues(counts: ReadonlyMap<number, number>, tolerance: number): Map<number, number> {
  const representative = new Map<number, number>();
  let group: number[] = [];
  const close = () => {
    let best = group[0];
    for (const value of group) if (counts.get(value)! > counts.get(best)!) best = value;
    for (const value of group) representative.set(value, best);
  };
  for (const value of [...counts.keys()].sort((a, b) => a - b)) {
    if (group.length > 0 && value > group[0] * (1 + tolerance)) {
      close();
      group = [];
    }
    group.push(value);
  }
  if (group.length > 0) close();
  return representative;
}
