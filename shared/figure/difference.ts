/** What changed in the numbers of a figure: the tables that it drew before and now, number by number. */
import { splitFields } from '../import/delimited.ts';

export interface NumberChange {
  /** Which row: "optimum, batch size 8". */
  readonly what: string;
  /** Which of its numbers: "learning rate". */
  readonly column: string;
  /** As the tables have it: '' where there is none. */
  readonly before: string;
  readonly after: string;
}

export interface FigureDifference {
  /** In the order of the table, at most `MOST_LISTED`. */
  readonly changes: readonly NumberChange[];
  readonly changed: number;
  /** Rows that only one of the tables has. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Rows with the same numbers as before. */
  readonly unchanged: number;
}

/** More would not be read; the counts are of all. */
export const MOST_LISTED = 200;

/** Points of fitted curves change with every refit, and their parameters say it better. */
const CURVE = 'law';
/** Columns that say which row it is wherever they stand. */
const NAMING = new Set(['panel', 'state', 'element', 'law', 'rung', 'experiment', 'schedule', 'step', 'target_loss', 'steps', 'samples', 'epoch']); // prettier-ignore
/** Elements whose place on the axis of batch sizes is a result. */
const MEASURED_BATCH = /peak|noise scale|regime|level|eps_max/;
/** Elements at learning rates of the grid; elsewhere a learning rate is a result. */
const AT_GRID_RATE = new Set(['mean', 'cell', 'curve', 'diverged']);
/** Bars of a histogram are named by their sides. */
const BAR_SIDES = ['batch_size_low', 'batch_size_high'];

interface Row {
  readonly name: string;
  /** Column and text of what the row says. */
  readonly values: ReadonlyMap<string, string>;
}

/** Both as `toCsv` writes them. */
export function figureDifference(before: string, after: string): FigureDifference {
  const [old, now] = [rowsOf(before), rowsOf(after)];
  const changes: NumberChange[] = [];
  let unchanged = 0;
  for (const [key, { name, values }] of now) {
    const known = old.get(key);
    if (known === undefined) continue;
    const columns = [...new Set([...known.values.keys(), ...values.keys()])];
    const different = columns
      .map((column) => ({
        what: name,
        column: words(column),
        before: known.values.get(column) ?? '',
        after: values.get(column) ?? '',
      }))
      .filter((one) => one.before !== one.after);
    if (different.length === 0) unchanged++;
    changes.push(...different);
  }
  const only = (these: ReadonlyMap<string, Row>, those: ReadonlyMap<string, Row>) =>
    [...these].filter(([key]) => !those.has(key)).map(([, { name }]) => name);
  return {
    changes: changes.slice(0, MOST_LISTED),
    changed: changes.length,
    added: only(now, old),
    removed: only(old, now),
    unchanged,
  };
}

/** Rows by their names; rows of one name are numbered. */
function rowsOf(csv: string): ReadonlyMap<string, Row> {
  const [header, ...lines] = csv.trimEnd() === '' ? [''] : recordsOf(csv);
  const columns = splitFields(header, ',');
  const rows = new Map<string, Row>();
  const seen = new Map<string, number>();
  for (const line of lines) {
    const fields = splitFields(line, ',');
    const element = fields[columns.indexOf('element')] ?? '';
    if (element === CURVE) continue;
    const isName = (column: string) =>
      (NAMING.has(column) && !(column === 'steps' && element === 'steps')) ||
      (column === 'batch_size' && !MEASURED_BATCH.test(element)) ||
      (column === 'learning_rate' && (AT_GRID_RATE.has(element) || columns.includes('state'))) ||
      (BAR_SIDES.includes(column) && element === 'histogram');
    const cells = columns.map((column, i) => [column, fields[i] ?? ''] as const);
    const name = cells
      .filter(([column, value]) => value !== '' && isName(column))
      .map(([column, value]) =>
        ['panel', 'state', 'element', 'law', 'rung', 'experiment', 'schedule'].includes(column)
          ? value
          : `${words(column)} ${value}`,
      )
      .join(', ');
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    rows.set(`${name} ${count}`, { name, values: new Map(cells.filter(([column]) => !isName(column))) });
  }
  return rows;
}

/** Records end at line feeds outside of quotes. */
function recordsOf(csv: string): string[] {
  const records: string[] = [];
  let pending = '';
  for (const line of csv.trimEnd().split('\n')) {
    pending = pending === '' ? line : `${pending}\n${line}`;
    if ((pending.match(/"/g)?.length ?? 0) % 2 === 1) continue;
    records.push(pending);
    pending = '';
  }
  return pending === '' ? records : [...records, pending];
}

const words = (column: string) => column.replaceAll('_', ' ');
