import type { Table, TableRow } from './delimited.ts';
import { splitLines } from './text.ts';
import type { TextChunks } from './text.ts';

/** Python writes NaN and Infinity as bare words; outside strings they become strings here, so that nothing is lost. */
function quoteNonFinite(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (match) =>
    match.startsWith('"') ? match : `"${match}"`,
  );
}

/** Nested members as columns: `config.lr`, list members `curve.0`. */
export function flatten(value: unknown, path: string, into: Map<string, string>): void {
  if (value === null || value === undefined) {
    into.set(path, '');
  } else if (typeof value === 'object') {
    for (const [key, inner] of Object.entries(value))
      flatten(inner, path === '' ? key : `${path}.${key}`, into);
  } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    into.set(path, String(value));
  }
}

/** The object of one line; null when it is none. */
export function parseJsonLine(text: string): object | null {
  try {
    const parsed: unknown = JSON.parse(quoteNonFinite(text));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function parseRow(line: number, text: string): TableRow {
  const values = new Map<string, string>();
  const value = (column: string) => values.get(column);
  let parsed: unknown;
  try {
    parsed = JSON.parse(quoteNonFinite(text));
  } catch (error) {
    return {
      line,
      value,
      fault: `not a JSON object (${error instanceof Error ? error.message : String(error)})`,
    };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return { line, value, fault: 'not a JSON object' };
  }
  flatten(parsed, '', values);
  return { line, value };
}

/** JSON Lines: one object a line; nested members are columns such as `config.lr`, list members `curve.0`. */
export function readJsonLines(chunks: TextChunks): Table {
  async function* rows(): AsyncGenerator<TableRow> {
    for await (const { line, text } of splitLines(chunks)) {
      if (text.trim() !== '') yield parseRow(line, text);
    }
  }
  return { columns: null, rows: rows() };
}
