/**
 * Rows to families of cells. The collector answers only at the end of the file, so an import happens as a whole or not
 * at all; memory is 24 bytes a kept row and one entry a cell, whatever the size of the file.
 */
import { possibleAnalyses } from './analyses.ts';
import { readDelimited } from './delimited.ts';
import type { Table, TableRow } from './delimited.ts';
import { canonicalName, compareNames, familyAxes, groupValues } from './families.ts';
import { readJsonLines } from './jsonl.ts';
import { mappedColumns } from './mapping.ts';
import type { FailureRule, ImportMapping } from './mapping.ts';
import { parseNumber } from './numbers.ts';
import { TallySheet } from './report.ts';
import type { DuplicateRow, ImportReport } from './report.ts';
import type { ImportedCell, ImportedFamily, ImportResult } from './sweep.ts';
import { RowStore } from './row-store.ts';
import { ImportError } from './text.ts';
import { readWandbChart } from './wandb-chart.ts';
import type { TextChunks } from './text.ts';

const DUPLICATES_KEPT = 100;
/** Steps x batch x tokens per unit may differ from the tokens column by rounding. */
const TOKEN_TOLERANCE = 0.01;

/** What only the last step of a cell contributes. */
interface LastPoint {
  readonly line: number;
  readonly step: number | null;
  readonly loss: number | null;
  readonly lossError: number | null;
  readonly stepsToTarget: number | null;
  readonly tokens: number | null;
  /** Label of a threshold that this row crosses; a run is judged by where it ends. */
  readonly failure: string | null;
}

/** One cell while rows come in; its rows are in the row store under its number. */
interface Entry {
  readonly number: number;
  readonly batchSize: number;
  readonly learningRate: number | null;
  readonly seed: string;
  /** Line of its first row. */
  readonly line: number;
  /** The row with the highest step; the first of equals. */
  last: LastPoint;
  /** A mark of failure that any row may carry: a flag, or a number that is not finite. */
  failure: Failure | null;
}

interface Failure {
  readonly label: string;
  readonly step: number;
  readonly line: number;
}

interface FamilyEntries {
  readonly key: Record<string, string>;
  readonly cells: Map<string, Entry>;
}

/**
 * Whether a rule matches a row, null when not; a missing column never matches. A threshold counts at the end of a run
 * only, since every loss starts high; a flag or a number that is not finite counts wherever it is.
 */
function matches(rule: FailureRule, row: TableRow, decimalComma: boolean): 'anywhere' | 'at the end' | null {
  const text = row.value(rule.column);
  if (text === undefined) return null;
  if (rule.equals !== undefined)
    return text.trim().toLowerCase() === rule.equals.toLowerCase() ? 'anywhere' : null;
  const parsed = parseNumber(text, decimalComma);
  if (parsed.kind === 'not-finite') return 'anywhere';
  if (parsed.kind !== 'number') return null;
  const crossed =
    rule.above !== undefined ? parsed.value > rule.above : parsed.value < (rule.below ?? -Infinity);
  return crossed ? 'at the end' : null;
}

class Collector {
  readonly #mapping: ImportMapping;
  readonly #families = new Map<string, FamilyEntries>();
  readonly #dropped = new TallySheet();
  /** Mapped columns that no row has shown so far. */
  readonly #unseen: Set<string>;
  readonly #duplicates: DuplicateRow[] = [];
  #duplicateCount = 0;
  #read = 0;
  readonly #units = new Map<string, number>();
  readonly #notes: string[] = [];
  /** Steps are NaN for files without; values are the loss, or steps to the target where there is no loss. */
  readonly #rows = new RowStore();
  #entries = 0;

  constructor(mapping: ImportMapping) {
    this.#mapping = mapping;
    this.#unseen = new Set(mappedColumns(mapping));
  }

  /** Takes a row, or counts why it cannot be taken. */
  add(row: TableRow): void {
    this.#read++;
    for (const column of this.#unseen) {
      if (row.value(column) !== undefined) this.#unseen.delete(column);
    }
    const problem = row.fault === undefined ? this.#take(row) : `row has ${row.fault}`;
    if (problem !== null) this.#dropped.add(problem, row.line);
  }

  /** A number that must be there, be finite and, if asked, be positive; or the reason why not. */
  #number(row: TableRow, column: string, positive: boolean): number | string {
    const parsed = parseNumber(row.value(column), this.#mapping.decimalComma);
    switch (parsed.kind) {
      case 'empty':
        return `"${column}" is empty`;
      case 'text':
        return /^\d+,\d+$/.test(parsed.text)
          ? `"${column}" has a comma in the number: switch decimalComma on`
          : `"${column}" is not a number`;
      case 'not-finite':
        return `"${column}" is not finite`;
      case 'number':
        return positive && !(parsed.value > 0) ? `"${column}" is not positive` : parsed.value;
    }
  }

  #optional(row: TableRow, column: string | undefined): number | null {
    if (column === undefined) return null;
    const parsed = parseNumber(row.value(column), this.#mapping.decimalComma);
    return parsed.kind === 'number' ? parsed.value : null;
  }

  #unitScale(row: TableRow): number {
    const { unitColumn, scales, scale } = this.#mapping.batch;
    if (unitColumn === undefined) return scale;
    const unit = (row.value(unitColumn) ?? '').trim();
    if (!this.#units.has(unit)) this.#units.set(unit, row.line);
    const known = Object.hasOwn(scales, unit) ? scales[unit] : undefined;
    if (known === undefined && this.#units.size > 1) {
      const list = [...this.#units].map(([name, line]) => `"${name}" (line ${line})`).join(', ');
      throw new ImportError(
        `batch sizes have mixed units: ${list}. Give the scale of each in batch.scales.`,
        row.line,
      );
    }
    return known ?? scale;
  }

  #take(row: TableRow): string | null {
    const { columns, goal, failures, families, decimalComma } = this.#mapping;
    const batch = this.#number(row, columns.batchSize, true);
    if (typeof batch === 'string') return batch;
    const rate = columns.learningRate === undefined ? null : this.#number(row, columns.learningRate, true);
    if (typeof rate === 'string') return rate;
    const step = columns.step === undefined ? null : this.#number(row, columns.step, false);
    if (typeof step === 'string') return step;
    let failure: string | null = null;
    let anywhere = false;
    for (const rule of failures) {
      const match = matches(rule, row, decimalComma);
      if (match === null) continue;
      failure ??= rule.label;
      anywhere ||= match === 'anywhere';
    }
    let loss: number | null = null;
    if (columns.loss !== undefined) {
      const parsed = parseNumber(row.value(columns.loss), decimalComma);
      if (parsed.kind === 'number' || parsed.kind === 'not-finite') {
        loss = goal === 'maximize' ? -parsed.value : parsed.value;
        if (parsed.kind === 'not-finite') {
          failure ??= 'loss not finite';
          anywhere = true;
        }
      } else if (failure === null) {
        const problem = this.#number(row, columns.loss, false);
        return typeof problem === 'string' ? problem : null;
      } else {
        loss = NaN;
      }
    }
    let stepsToTarget: number | null = null;
    if (columns.stepsToTarget !== undefined) {
      const parsed = this.#number(row, columns.stepsToTarget, true);
      if (typeof parsed === 'string' && loss === null && failure === null) return parsed;
      stepsToTarget = typeof parsed === 'number' ? parsed : null;
    }
    const key: Record<string, string> = {};
    for (const column of families) {
      const text = canonicalName(row.value(column) ?? '', decimalComma);
      if (text === '') return `"${column}" is empty`;
      key[column] = text;
    }
    const batchSize = batch * this.#unitScale(row);
    const seed = columns.seed === undefined ? '' : canonicalName(row.value(columns.seed) ?? '', decimalComma);
    const familyId = JSON.stringify(Object.values(key));
    let family = this.#families.get(familyId);
    if (family === undefined) {
      family = { key, cells: new Map() };
      this.#families.set(familyId, family);
    }
    const cellId = `${batchSize} ${rate} ${seed}`;
    const point: LastPoint = {
      line: row.line,
      step,
      loss,
      lossError: this.#optional(row, columns.lossError),
      stepsToTarget,
      tokens: this.#optional(row, columns.tokens),
      failure,
    };
    let entry = family.cells.get(cellId);
    if (entry === undefined) {
      entry = {
        batchSize,
        learningRate: rate,
        seed,
        number: this.#entries++,
        line: row.line,
        last: point,
        failure: null,
      };
      family.cells.set(cellId, entry);
    }
    this.#rows.add(entry.number, row.line, step ?? NaN, loss ?? stepsToTarget ?? NaN);
    if ((step ?? 0) > (entry.last.step ?? 0)) entry.last = point;
    if (failure !== null && anywhere && (entry.failure === null || (step ?? 0) < entry.failure.step)) {
      entry.failure = { label: failure, step: step ?? 0, line: row.line };
    }
    return null;
  }

  /** Rows of one cell by step, each step once; without steps the first row is the cell. */
  #uniquePoints(
    group: readonly Entry[],
    rowsOf: (entry: number) => Uint32Array,
    what: string,
  ): { steps: Float64Array; values: Float64Array } {
    const store = this.#rows;
    const parts = group.map((entry) => rowsOf(entry.number));
    const rows = parts.length === 1 ? parts[0] : Uint32Array.from(parts.flatMap((part) => [...part]));
    // Most files are in order already.
    if (store.areAscending(rows)) return store.points(rows);
    // Rows are numbered in the order of the file.
    rows.sort((a, b) => {
      const [x, y] = [store.step(a), store.step(b)];
      return (Object.is(x, y) ? 0 : x - y) || a - b;
    });
    const steps = new Float64Array(rows.length);
    const values = new Float64Array(rows.length);
    let kept = 0;
    let first: number | null = null;
    for (const row of rows) {
      const step = store.step(row);
      const value = store.value(row);
      if (first !== null && Object.is(step, store.step(first))) {
        this.#duplicateCount++;
        this.#dropped.add('a duplicate', store.line(row));
        if (this.#duplicates.length < DUPLICATES_KEPT) {
          this.#duplicates.push({
            line: store.line(row),
            firstLine: store.line(first),
            what: Number.isNaN(step) ? what : `${what}, step ${step}`,
            identical: Object.is(value, store.value(first)),
          });
        }
        continue;
      }
      first = row;
      steps[kept] = step;
      values[kept] = value;
      kept++;
    }
    return kept === rows.length
      ? { steps, values }
      : { steps: steps.slice(0, kept), values: values.slice(0, kept) };
  }

  #family(
    entries: FamilyEntries,
    rowsOf: (entry: number) => Uint32Array,
    failed: TallySheet,
  ): ImportedFamily {
    const counts = new Map<number, number>();
    for (const { learningRate } of entries.cells.values()) {
      if (learningRate !== null) counts.set(learningRate, (counts.get(learningRate) ?? 0) + 1);
    }
    const grid = groupValues(counts, this.#mapping.learningRateTolerance);
    const label =
      Object.entries(entries.key)
        .map(([column, value]) => `${column} = ${value}`)
        .join(', ') || 'all rows';
    const merged = [...counts.keys()].filter((rate) => grid.get(rate) !== rate);
    if (merged.length > 0) {
      this.#notes.push(
        `${label}: ${merged.length} learning rates were written in two ways (${merged.slice(0, 3).join(', ')}).`,
      );
    }
    const groups = new Map<string, Entry[]>();
    for (const entry of entries.cells.values()) {
      const rate = entry.learningRate === null ? null : grid.get(entry.learningRate)!;
      const id = `${entry.batchSize} ${rate} ${entry.seed}`;
      const group = groups.get(id);
      if (group === undefined) groups.set(id, [entry]);
      else group.push(entry);
    }
    const cells: ImportedCell[] = [];
    for (const group of groups.values()) {
      const [entry] = group;
      const rate = entry.learningRate === null ? null : grid.get(entry.learningRate)!;
      const what = `batch size ${entry.batchSize}, learning rate ${rate ?? 'not given'}`;
      const { steps, values } = this.#uniquePoints(group, rowsOf, what);
      const last = group
        .map((member) => member.last)
        .reduce((x, y) => ((y.step ?? 0) > (x.step ?? 0) || (y.step === x.step && y.line < x.line) ? y : x));
      let failure: Failure | null =
        last.failure === null ? null : { label: last.failure, step: last.step ?? 0, line: last.line };
      for (const member of group) {
        if (member.failure !== null && (failure === null || member.failure.step <= failure.step)) {
          failure = member.failure;
        }
      }
      if (failure !== null) failed.add(failure.label, failure.line);
      cells.push({
        batchSize: entry.batchSize,
        learningRate: rate,
        writtenLearningRate: entry.learningRate,
        seed: entry.seed,
        failure: failure?.label ?? null,
        failureStep: failure === null || last.step === null ? null : failure.step,
        loss: last.loss,
        lossError: last.lossError,
        stepsToTarget: last.stepsToTarget,
        tokens: last.tokens,
        step: last.step,
        curve: steps.length < 2 ? null : { steps, losses: values },
        line: group.reduce((line, member) => Math.min(line, member.line), Infinity),
      });
    }
    cells.sort(
      (a, b) =>
        a.batchSize - b.batchSize ||
        (a.learningRate ?? 0) - (b.learningRate ?? 0) ||
        compareNames(a.seed, b.seed),
    );
    const { batchSizes, learningRates, seeds } = familyAxes(cells);
    const full = batchSizes.length * Math.max(1, learningRates.length) * seeds.length;
    const family = {
      key: entries.key,
      label,
      batchSizes,
      learningRates,
      seeds,
      cells,
      missing: full - cells.length,
    };
    return { ...family, analyses: possibleAnalyses(family) };
  }

  #checkTokens(families: readonly ImportedFamily[]): void {
    const { tokensPerUnit } = this.#mapping.batch;
    if (tokensPerUnit === undefined) return;
    let worst: { deviation: number; line: number } | null = null;
    for (const cell of families.flatMap((family) => family.cells)) {
      const steps = cell.step ?? cell.stepsToTarget;
      if (cell.tokens === null || steps === null) continue;
      const deviation = Math.abs((steps * cell.batchSize * tokensPerUnit) / cell.tokens - 1);
      if (worst === null || deviation > worst.deviation) worst = { deviation, line: cell.line };
    }
    if (worst === null) return;
    const size = `${(worst.deviation * 100).toPrecision(2)} %`;
    this.#notes.push(
      worst.deviation > TOKEN_TOLERANCE
        ? `Steps × batch size × ${tokensPerUnit} differs from the tokens column by up to ${size} (line ${worst.line}): is the unit of the batch size right?`
        : `Steps × batch size × ${tokensPerUnit} equals the tokens column within ${size}.`,
    );
  }

  report(failed: TallySheet = new TallySheet()): ImportReport {
    return {
      rowsRead: this.#read,
      rowsKept: this.#read - this.#dropped.total,
      rowsDropped: this.#dropped.total,
      dropped: this.#dropped.list(),
      failed: failed.list(),
      duplicates: this.#duplicates,
      duplicateCount: this.#duplicateCount,
      notes: this.#notes,
    };
  }

  /** @throws ImportError when no row could be kept. */
  finish(notes: readonly string[] = []): ImportResult {
    const absent = [...this.#unseen];
    if (this.#read === 0) throw new ImportError('The file has a header but no rows.');
    if (absent.length > 0) {
      throw new ImportError(`No row has the column ${absent.map((name) => `"${name}"`).join(', ')}.`);
    }
    if (this.#families.size === 0) {
      const [first] = this.#dropped.list();
      throw new ImportError(
        `None of the ${this.#read} rows can be used; most often ${first.reason}.`,
        first.lines[0],
      );
    }
    const failed = new TallySheet();
    const rowsOf = this.#rows.byOwner(this.#entries);
    const families = [...this.#families.values()].map((entries) => this.#family(entries, rowsOf, failed));
    families.sort((a, b) => {
      for (const column of this.#mapping.families) {
        const order = compareNames(a.key[column], b.key[column]);
        if (order !== 0) return order;
      }
      return 0;
    });
    this.#checkTokens(families);
    this.#notes.push(...notes);
    return {
      ok: true,
      batchUnit: this.#mapping.batch.unit,
      goal: this.#mapping.goal,
      families,
      report: this.report(failed),
    };
  }
}

/** The chunks again, with the first character that is no white space; '' for an empty file. */
async function peek(chunks: TextChunks): Promise<{ first: string; chunks: AsyncIterable<string> }> {
  const iterator =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  const held: string[] = [];
  let first = '';
  while (first === '') {
    const next = await iterator.next();
    if (next.done === true) break;
    held.push(next.value);
    first = next.value
      .replace(/^\ufeff/, '')
      .trimStart()
      .slice(0, 1);
  }
  async function* again(): AsyncGenerator<string> {
    yield* held;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { first, chunks: again() };
}

function refuseAbsent(table: Table, mapping: ImportMapping): void {
  const absent = mappedColumns(mapping).filter((column) => table.columns?.includes(column) === false);
  if (absent.length > 0) {
    throw new ImportError(
      `The file has no column ${absent.map((name) => `"${name}"`).join(', ')}. Its columns are ${(table.columns ?? []).map((name) => `"${name}"`).join(', ')}.`,
    );
  }
}

async function openTable(chunks: TextChunks, mapping: ImportMapping): Promise<Table> {
  const start = await peek(chunks);
  if (start.first === '') throw new ImportError('The file is empty.');
  const format = mapping.format === 'auto' && start.first === '{' ? 'jsonl' : mapping.format;
  if (format === 'jsonl') return readJsonLines(start.chunks);
  const table = await readDelimited(start.chunks, mapping.delimiter ?? (format === 'tsv' ? '\t' : undefined));
  return format === 'wandb-chart' ? readWandbChart(table, mapping) : table;
}

/**
 * Collects the rows of a table. Faults of the file come back as `ok: false` with the report so far; other errors of the
 * source are thrown on.
 */
export async function importTable(
  open: () => Table | Promise<Table>,
  mapping: ImportMapping,
): Promise<ImportResult> {
  const collector = new Collector(mapping);
  try {
    const table = await open();
    refuseAbsent(table, mapping);
    for await (const row of table.rows) collector.add(row);
    return collector.finish(table.notes?.() ?? []);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return { ok: false, message: error.message, line: error.line, report: collector.report() };
  }
}

/** Reads a whole file of text chunks. A dry run is the same call: nothing is written here. */
export function importSweep(chunks: TextChunks, mapping: ImportMapping): Promise<ImportResult> {
  return importTable(() => openTable(chunks, mapping), mapping);
}
