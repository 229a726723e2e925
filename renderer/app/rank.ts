/**
 * Entries in which every word of `query` occurs, best first: at the start, then at the start of a word, then inside;
 * ties keep their order. All entries for an empty query.
 */
export function rank<Entry>(
  query: string,
  entries: readonly Entry[],
  textOf: (entry: Entry) => string,
): readonly Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return entries;
  return entries
    .map((entry) => ({ entry, scores: words.map((word) => score(textOf(entry).toLowerCase(), word)) }))
    .filter(({ scores }) => !scores.includes(0))
    .map(({ entry, scores }) => ({ entry, total: scores.reduce((sum, one) => sum + one, 0) }))
    .sort((a, b) => b.total - a.total)
    .map(({ entry }) => entry);
}

function score(text: string, word: string): number {
  if (text.startsWith(word)) return 3;
  const place = text.indexOf(word);
  if (place === -1) return 0;
  return /[\p{L}\p{N}]/u.test(text[place - 1]) ? 1 : 2;
}
