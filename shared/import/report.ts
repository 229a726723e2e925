/** What an import read, kept and left out, with line numbers. */

/** Line numbers kept of each reason; the count goes on. */
const LINES_KEPT = 20;

export interface Tally {
  readonly reason: string;
  readonly count: number;
  /** The first lines concerned. */
  readonly lines: readonly number[];
}

export interface DuplicateRow {
  readonly line: number;
  /** Line of the row that was kept. */
  readonly firstLine: number;
  readonly what: string;
  /** Both rows say the same. */
  readonly identical: boolean;
}

export interface ImportReport {
  readonly rowsRead: number;
  readonly rowsKept: number;
  readonly rowsDropped: number;
  /** Rows that were left out, by reason, most frequent first. */
  readonly dropped: readonly Tally[];
  /** Failed cells by the label of the rule; they are kept as failed. */
  readonly failed: readonly Tally[];
  /** The first duplicates, and how many there are. */
  readonly duplicates: readonly DuplicateRow[];
  readonly duplicateCount: number;
  /** Things a reader should know that stop nothing. */
  readonly notes: readonly string[];
}

/** Counts reasons and keeps the first lines of each. */
export class TallySheet {
  readonly #entries = new Map<string, { count: number; lines: number[] }>();
  #total = 0;

  add(reason: string, line: number): void {
    this.#total++;
    const entry = this.#entries.get(reason);
    if (entry === undefined) {
      this.#entries.set(reason, { count: 1, lines: [line] });
    } else {
      entry.count++;
      if (entry.lines.length < LINES_KEPT) entry.lines.push(line);
    }
  }

  get total(): number {
    return this.#total;
  }

  list(): Tally[] {
    return [...this.#entries]
      .map(([reason, entry]) => ({ reason, ...entry }))
      .sort((a, b) => b.count - a.count || a.lines[0] - b.lines[0]);
  }
}

function lineList(lines: readonly number[], count: number): string {
  const shown = lines.slice(0, 5).join(', ');
  const more = count > 5 ? ` and ${count - 5} more` : '';
  return `${count === 1 ? 'line' : 'lines'} ${shown}${more}`;
}

/** The report as lines of plain text. */
export function describeReport(report: ImportReport): string[] {
  return [
    `${report.rowsRead} rows read, ${report.rowsKept} kept, ${report.rowsDropped} dropped.`,
    ...report.dropped.map(
      (tally) => `Dropped ${tally.count}: ${tally.reason} (${lineList(tally.lines, tally.count)}).`,
    ),
    ...report.failed.map(
      (tally) => `Failed ${tally.count}: ${tally.reason} (${lineList(tally.lines, tally.count)}).`,
    ),
    ...report.duplicates.map(
      (row) =>
        `Duplicate: line ${row.line} repeats ${row.what} of line ${row.firstLine}${row.identical ? ' with the same numbers' : ' with other numbers; the first is kept'}.`,
    ),
    ...(report.duplicateCount > report.duplicates.length
      ? [`And ${report.duplicateCount - report.duplicates.length} more duplicates.`]
      : []),
    ...report.notes,
  ];
}
