/** Numbers as they are typed in the form, and back. What is no number stays text, so that the check can say so. */

/** 0.0003 → '3e-4'; the shortest text that reads back as the same number. */
export function numberText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 0.01 || size >= 1e6)
    ? value.toExponential().replace('e+', 'e')
    : String(value);
}

/** '' is undefined: the default, or missing. */
export function parseNumber(text: string): number | string | undefined {
  const plain = text
    .trim()
    .replace(/\u2212/g, '-')
    .replace(/(?<=\d)[\s\u202f_](?=\d{3}(\D|$))/g, '');
  if (plain === '') return undefined;
  const value = Number(plain);
  return Number.isNaN(value) ? text.trim() : value;
}

const EMPTY = 'none';

/** [1, 2, 4] → '1, 2, 4'; [] → 'none'. */
export function numbersText(values: unknown): string {
  if (!Array.isArray(values)) return numberText(values);
  return values.length === 0 ? EMPTY : values.map(numberText).join(', ');
}

/** With commas or blanks between them; 'none' is []. */
export function parseNumbers(text: string): unknown[] | undefined {
  const plain = text.trim().replace(/^\[|\]$/g, '');
  if (plain === '') return undefined;
  if (plain.toLowerCase() === EMPTY) return [];
  return plain
    .split(/[,;\s]+/)
    .filter(Boolean)
    .map(parseNumber);
}

/** What has no form of its own is written as JSON. */
export function jsonText(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

export function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** One row a line. */
export function matrixText(rows: unknown): string {
  return Array.isArray(rows) ? rows.map(numbersText).join('\n') : numberText(rows);
}

export function parseMatrix(text: string): unknown[][] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? undefined : lines.map((line) => parseNumbers(line) ?? []);
}
