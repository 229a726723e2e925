/** Printing: data to standard output, everything else to standard error, so that output can be piped. */
import type { RunProgress } from '#main/lab/scheduler/run-experiment.ts';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** One result as itself, those of the families of an import as a list. */
export function printResults(
  results: readonly { readonly json: unknown; readonly show: () => void }[],
  json: boolean,
): void {
  if (!json) for (const { show } of results) show();
  else printJson(results.length === 1 ? results[0].json : { families: results.map((result) => result.json) });
}

export function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Columns padded to their widest cell; numbers (given as strings) to the right when the heading ends in '>'. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = headings.map((h) => h.endsWith('>'));
  const names = headings.map((h) => h.replace(/>$/, ''));
  const widths = names.map((name, c) => Math.max(name.length, ...rows.map((row) => row[c].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, c) => (right[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c])))
      .join('  ')
      .trimEnd();
  return [line(names), ...rows.map(line)].join('\n');
}

/** '1 thread', '2 threads'. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** Local time with its zone: 2026-03-01 09:05:00 CET. */
export function localTime(epochMilliseconds: number): string {
  // Swedish writes dates as ISO 8601 does.
  return new Date(epochMilliseconds).toLocaleString('sv-SE', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  });
}

/** 3 h 12 min, 4 min 5 s, 12 s. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

export function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

/** Three significant digits, as 3.2e-3: never 0.00. */
export function learningRate(value: number): string {
  return value.toExponential(2).replace('e+', 'e');
}

const PLAIN_MILLISECONDS = 5_000;
const DRAW_MILLISECONDS = 100;
const BAR_WIDTH = 24;

/** A bar that is redrawn on a terminal; elsewhere a plain line every few seconds. */
export function progressPrinter(): { update(progress: RunProgress): void; end(): void } {
  const terminal = process.stderr.isTTY === true;
  let last = 0;
  let drawn = false;
  let lastText = '';
  const text = (p: RunProgress) => {
    const share = p.runSteps === 0 ? 1 : p.runStepsDone / p.runSteps;
    const left = p.secondsLeft === null ? '' : `, ${duration(p.secondsLeft)} left`;
    const now = p.running.map((r) => `B=${r.batchSize} ${r.phase}`).join(', ');
    const bar = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '·');
    return terminal
      ? `${bar} ${(100 * share).toFixed(0)} %  ${p.cellsDone}/${p.cells} cells${left}  ${now}`
      : `${p.cellsDone}/${p.cells} cells, ${(100 * share).toFixed(0)} % of the steps${left}${now === '' ? '' : ` (${now})`}`;
  };
  return {
    update(progress) {
      const now = Date.now();
      if (now - last < (terminal ? DRAW_MILLISECONDS : PLAIN_MILLISECONDS)) return;
      last = now;
      const line = text(progress);
      if (terminal) {
        process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 100) - 1)}`);
        drawn = true;
      } else if (line !== lastText) notice(line);
      lastText = line;
    },
    end() {
      if (drawn) process.stderr.write('\r\x1b[2K');
      drawn = false;
    },
  };
}
