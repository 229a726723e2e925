import { ImportError, splitLines } from './text.ts';
import type { TextChunks } from './text.ts';

/** One row of a table, whatever its file format. */
export interface TableRow {
  /** Line of the file on which the row starts, from 1. */
  readonly line: number;
  /** Text of a column: undefined when this row does not have it. */
  readonly value: (column: string) => string | undefined;
  /** What is wrong with the row as a whole, for example a wrong number of fields. */
  readonly fault?: string;
}

export interface Table {
  /** Columns known before the first row (CSV and TSV); null when each row brings its own (JSON Lines). */
  readonly columns: readonly string[] | null;
  readonly rows: AsyncIterable<TableRow>;
  /** What a reader should know, asked for after the last row. */
  readonly notes?: () => readonly string[];
}

export type Delimiter = ',' | '\t' | ';' | '|';

/** Most lines that one quoted field may span. */
const LONGEST_RECORD = 10_000;

/**
 * Fields of one record (RFC 4180): quoted fields may hold the delimiter, line ends and doubled quotes.
 */
export function splitFields(record: string, delimiter: Delimiter): string[] {
  if (!record.includes('"')) return record.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (record[at] === '"') {
      let field = '';
      at++;
      for (;;) {
        const quote = record.indexOf('"', at);
        if (quote === -1) {
          field += record.slice(at);
          at = record.length;
          break;
        }
        field += record.slice(at, quote);
        at = quote + 1;
        if (record[at] !== '"') break;
        field += '"';
        at++;
      }
      const next = record.indexOf(delimiter, at);
      const end = next === -1 ? record.length : next;
      fields.push(field + record.slice(at, end));
      if (next === -1) return fields;
      at = next + 1;
    } else {
      const next = record.indexOf(delimiter, at);
      if (next === -1) {
        fields.push(record.slice(at));
        return fields;
      }
      fields.push(record.slice(at, next));
      at = next + 1;
    }
  }
}

/** Delimiter of a header line: the candidate that occurs most often outside quotes; null when none occurs. */
export function detectDelimiter(header: string): Delimiter | null {
  const plain = header.replaceAll(/"[^"]*"/g, '');
  let best: Delimiter | null = null;
  let most = 0;
  for (const candidate of ['\t', ';', ',', '|'] as const) {
    const count = plain.split(candidate).length - 1;
    if (count > most) {
      most = count;
      best = candidate;
    }
  }
  return best;
}

/** A quote that opens a field and is not closed on this line. */
function isOpen(record: string, delimiter: Delimiter): boolean {
  if (!record.includes('"')) return false;
  let quoted = false;
  for (let i = 0; i < record.length; i++) {
    if (record[i] !== '"') continue;
    if (quoted) {
      if (record[i + 1] === '"') i++;
      else quoted = false;
    } else if (i === 0 || record[i - 1] === delimiter) {
      quoted = true;
    }
  }
  return quoted;
}

/** Records with the line on which they start; blank lines are skipped. */
async function* records(
  chunks: TextChunks,
  delimiter: Delimiter | undefined,
): AsyncGenerator<{ line: number; fields: string[]; delimiter: Delimiter }> {
  let chosen = delimiter;
  let open: { line: number; text: string; lines: number } | null = null;
  for await (const { line, text } of splitLines(chunks)) {
    if (open === null && text.trim() === '') continue;
    if (chosen === undefined) {
      const found = detectDelimiter(text);
      if (found === null) {
        throw new ImportError(
          'only one column. A sweep needs columns for learning rate, batch size and loss, separated by a comma, tab, semicolon or bar.',
          line,
        );
      }
      chosen = found;
    }
    const record: string = open === null ? text : `${open.text}\n${text}`;
    const start: number = open === null ? line : open.line;
    const lines: number = open === null ? 1 : open.lines + 1;
    if (isOpen(record, chosen)) {
      if (lines >= LONGEST_RECORD) throw new ImportError('a quote opens here and is never closed.', start);
      open = { line: start, text: record, lines };
      continue;
    }
    open = null;
    yield { line: start, fields: splitFields(record, chosen), delimiter: chosen };
  }
  if (open !== null) throw new ImportError('a quote opens here and is never closed.', open.line);
}

/**
 * Reads a CSV or TSV with one header row. Without `delimiter` it is found from the header.
 * @throws ImportError for an empty file, one column, repeated or empty column names, or a quote that is never closed
 * (the last one while reading rows).
 */
export async function readDelimited(chunks: TextChunks, delimiter?: Delimiter): Promise<Table> {
  const iterator = records(chunks, delimiter);
  const head = await iterator.next();
  if (head.done === true)
    throw new ImportError('The file is empty: a header row with column names is needed.');
  const columns = head.value.fields.map((field) => field.trim());
  if (columns.length < 2) {
    throw new ImportError(
      'only one column. A sweep needs columns for learning rate, batch size and loss; is the delimiter right?',
      head.value.line,
    );
  }
  const index = new Map<string, number>();
  columns.forEach((column, at) => {
    // Spreadsheets leave an unnamed index column: it is there, but cannot be mapped.
    if (column === '') return;
    if (index.has(column)) {
      throw new ImportError(`two columns are called "${column}". Rename one of them.`, head.value.line);
    }
    index.set(column, at);
  });
  async function* rows(): AsyncGenerator<TableRow> {
    for await (const { line, fields } of iterator) {
      const value = (column: string): string | undefined => {
        const at = index.get(column);
        return at === undefined ? undefined : fields[at];
      };
      yield fields.length === columns.length
        ? { line, value }
        : { line, value, fault: `${fields.length} fields where the header has ${columns.length}` };
    }
  }
  return { columns: columns.filter((column) => column !== ''), rows: rows() };
}
