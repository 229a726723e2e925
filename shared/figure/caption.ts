/** A draft of a figure's caption: what a reader must be told, from what was drawn. */
import { omissionsIn, seedNote, type Caption, type Table } from './figure.ts';
import { toLatex } from './latex.ts';

function sentences({ text, definition, seeds, counts, smoothing }: Caption, table: Table): string[] {
  const omitted = omissionsIn(counts);
  const untouched = smoothing === undefined ? 'smoothed or decimated' : 'decimated';
  return [
    text.trim(),
    `Optimum: ${definition}.`,
    `N = ${drawn(table)}; ${seedNote(seeds)}.`,
    omitted.length === 0
      ? `Nothing is left out; nothing is ${untouched}.`
      : `Left out or limited: ${omitted.join(', ')}. Nothing is ${untouched}.`,
  ].map((sentence) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`));
}

/** Rows by what they are, where the table says it; points of fitted curves are no observations. */
function drawn({ columns, rows }: Table): string {
  if (columns[0] !== 'element') return `${rows.length} values`;
  const elements = new Map<string, number>();
  for (const [element] of rows) elements.set(String(element), (elements.get(String(element)) ?? 0) + 1);
  elements.delete('law');
  return [...elements].map(([element, count]) => `${count} (${element})`).join(', ') || '0';
}

export function captionMarkdown(caption: Caption, table: Table, name: string): string {
  const plain = sentences(caption, table)
    .join(' ')
    .replaceAll(/[\\`*_[\]<>|]/g, (sign) => `\\${sign}`);
  return `**Figure.** ${plain}\n\n<!-- ${name.replaceAll('--', '- -')} -->\n`;
}

/** To be read with \input inside of a figure environment. */
export function captionLatex(caption: Caption, table: Table, name: string): string {
  const text = sentences(caption, table).map((sentence) => toLatex(sentence));
  return `\\caption{${text.join('\n  ')}}\n\\label{fig:${name.replaceAll(/[^a-z0-9-]/gi, '-')}}\n`;
}
