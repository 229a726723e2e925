/** CSV exports of a Weights & Biases chart: a step column, and for each run "RUN - metric", with __MIN and __MAX beside. */
import type { Table, TableRow } from './delimited.ts';
import type { ImportMapping } from './mapping.ts';
import { runPattern } from './run-pattern.ts';
import { ImportError } from './text.ts';

const SEPARATOR = ' - ';

interface Series {
  readonly column: string;
  readonly values: ReadonlyMap<string, string>;
}

/** Metrics of the run columns, most frequent first. */
function metricsOf(columns: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const column of columns) {
    const at = column.lastIndexOf(SEPARATOR);
    if (at === -1) continue;
    const metric = column.slice(at + SEPARATOR.length);
    counts.set(metric, (counts.get(metric) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([metric]) => metric);
}

/**
 * One row a run and step. Empty fields are steps at which a run logged nothing: no row. Columns: run, step, loss and
 * those of the pattern. The __MIN and __MAX columns (the range within one bin of the chart) are left out.
 * @throws ImportError without the step column, without a metric that can be told, or when no run's name has the pattern.
 */
export function readWandbChart(wide: Table, { runs }: ImportMapping): Table {
  const columns = (wide.columns ?? []).filter((column) => !/__(MIN|MAX)$/.test(column));
  if (!columns.includes(runs.step))
    throw new ImportError(
      `The chart has no column "${runs.step}": name its horizontal axis in runs.step. Its columns are ${columns
        .slice(0, 5)
        .map((name) => `"${name}"`)
        .join(', ')}.`,
    );
  const metrics = metricsOf(columns);
  const metric = runs.metric ?? (metrics.length === 1 ? metrics[0] : undefined);
  if (metric === undefined || !metrics.includes(metric))
    throw new ImportError(
      metrics.length === 0
        ? 'No column is called "RUN - metric": this is no chart export of Weights & Biases.'
        : `Choose the metric that is the loss: the runs have ${metrics.map((name) => `"${name}"`).join(', ')}.`,
    );
  if (runs.pattern === undefined)
    throw new ImportError('A chart names its runs only: give the pattern by which their names are read.');
  const pattern = runPattern(runs.pattern);
  const series: Series[] = [];
  const strangers: string[] = [];
  for (const column of columns) {
    if (!column.endsWith(`${SEPARATOR}${metric}`)) continue;
    const run = column.slice(0, -SEPARATOR.length - metric.length);
    const settings = pattern.match(run);
    if (settings === null) strangers.push(run);
    else series.push({ column, values: new Map([...settings, ['run', run]]) });
  }
  if (series.length === 0)
    throw new ImportError(`No run's name has the pattern "${runs.pattern}"; the first is "${strangers[0]}".`);
  async function* rows(): AsyncGenerator<TableRow> {
    for await (const row of wide.rows) {
      if (row.fault !== undefined) {
        yield row;
        continue;
      }
      const step = row.value(runs.step);
      for (const { column, values } of series) {
        const loss = row.value(column);
        if (loss === undefined || loss.trim() === '') continue;
        yield {
          line: row.line,
          value: (name) => (name === 'loss' ? loss : name === 'step' ? step : values.get(name)),
        };
      }
    }
  }
  return {
    columns: ['run', 'step', 'loss', ...pattern.columns],
    rows: rows(),
    notes: () =>
      strangers.length === 0
        ? []
        : [
            `${strangers.length} runs were left out, since their names do not have the pattern: ${strangers.slice(0, 3).join(', ')}${strangers.length > 3 ? ', …' : ''}.`,
          ],
  };
}
