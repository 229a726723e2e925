import { detectDelimiter, splitFields } from '#shared/import/delimited.ts';

/** Enough for the longest header. */
const BYTES = 64 * 1024;

/** The names in the first line of a table; none where it is no table (or packed). */
export async function headerOf(file: Blob): Promise<readonly string[]> {
  const text = await file.slice(0, BYTES).text();
  const [first = ''] = text.replace(/^\uFEFF/, '').split(/\r?\n/, 1);
  if (first.includes('\0') || first.trimStart().startsWith('{')) return [];
  const delimiter = detectDelimiter(first);
  return delimiter === null ? [] : splitFields(first, delimiter).map((name) => name.trim());
}
