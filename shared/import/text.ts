/**
 * Lines of a text that arrives in chunks of any size: CR, LF and CRLF line ends, byte-order mark removed, line numbers
 * from 1. Memory is one chunk and one line, whatever the size of the file.
 */

/** A chunk source: a file stream decoded as UTF-8, or any list of strings. */
export type TextChunks = AsyncIterable<string> | Iterable<string>;

export interface TextLine {
  readonly line: number;
  readonly text: string;
}

/** A fault that stops an import; the message names the line and says what to do. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
  readonly line: number | null;
  constructor(message: string, line: number | null = null) {
    super(line === null ? message : `Line ${line}: ${message}`);
    this.line = line;
  }
}

/** Longer lines are no table of a sweep; the limit keeps a file without line ends from filling the memory. */
const LONGEST_LINE = 16 * 1024 * 1024;
/** Control characters that no text table has (tab, line feed, carriage return and form feed are allowed), and U+FFFD. */

const JUNK = /[\u0000-\u0008\u000b\u000e-\u001f\ufffd]/g;

/** Stops at the first NUL, or when one character in ten of a chunk is no text. */
function refuseJunk(chunk: string, line: number): void {
  const junk = chunk.match(JUNK);
  if (junk === null) return;
  if (chunk.includes('\u0000') || junk.length > chunk.length / 10) {
    const before = chunk.slice(0, chunk.search(JUNK)).split(/\r\n|\n|\r/).length - 1;
    throw new ImportError(
      'this is not a text file. Export the sweep as CSV, TSV or JSON Lines (UTF-8).',
      line + before,
    );
  }
}

/** Splits chunks into lines. A last line without a line end counts; an empty file has none. */
export async function* splitLines(chunks: TextChunks): AsyncGenerator<TextLine> {
  let rest = '';
  let line = 1;
  let first = true;
  for await (let chunk of chunks) {
    if (chunk.length === 0) continue;
    if (first) {
      first = false;
      if (chunk.startsWith('\ufeff')) chunk = chunk.slice(1);
    }
    refuseJunk(chunk, line);
    // A CR at the very end may be half of a CRLF: it waits for the next chunk.
    const text = rest + chunk;
    const held = text.endsWith('\r') ? 1 : 0;
    const parts = text.slice(0, text.length - held).split(/\r\n|\n|\r/);
    rest = parts.pop() + (held === 1 ? '\r' : '');
    for (const part of parts) yield { line: line++, text: part };
    if (rest.length > LONGEST_LINE) {
      throw new ImportError(
        `longer than ${LONGEST_LINE} characters. Is this a table with one row a line?`,
        line,
      );
    }
  }
  if (rest.length > 0) yield { line, text: rest.endsWith('\r') ? rest.slice(0, -1) : rest };
}
