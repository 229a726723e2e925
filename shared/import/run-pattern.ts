/** Settings read from the names of runs: "lr={learningRate},bs={batchSize},seed={seed}". */
import { ImportError } from './text.ts';

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`;
/** Placeholders that must hold a number, so that "lr=1e-3-bs=64" is cut where a person would cut it. */
const NUMERIC = new Set(['learningRate', 'batchSize', 'step', 'tokens']);

export interface RunPattern {
  /** Names of the placeholders, in order. */
  readonly columns: readonly string[];
  /** The settings of a run, or null when its name is not of this form. */
  readonly match: (name: string) => ReadonlyMap<string, string> | null;
}

/**
 * Compiles a pattern: {column} takes text up to the next literal (a number for learningRate and batchSize), * takes
 * anything, everything else must be there. The whole name must match, or its end after a slash.
 * @throws ImportError for a pattern without placeholders, a repeated one, or braces that do not close.
 */
export function runPattern(pattern: string): RunPattern {
  const columns: string[] = [];
  let source = '';
  for (const part of pattern.split(/(\{[A-Za-z_]\w*\}|\*)/)) {
    const [, column] = /^\{(\w+)\}$/.exec(part) ?? [];
    if (column !== undefined) {
      if (columns.includes(column)) throw new ImportError(`the pattern "${pattern}" has {${column}} twice.`);
      columns.push(column);
      source += NUMERIC.has(column) ? `(${NUMBER})` : '([^/]+?)';
    } else if (part === '*') source += '.*?';
    else if (/[{}]/.test(part))
      throw new ImportError(
        `the pattern "${pattern}" has a brace that belongs to no {name}. Names are letters, digits and _.`,
      );
    else source += part.replaceAll(/[\\^$.*+?()[\]|/-]/g, '\\$&');
  }
  if (columns.length === 0)
    throw new ImportError(
      `the pattern "${pattern}" reads nothing: write {learningRate}, {batchSize} and {seed} where they stand.`,
    );
  const expression = new RegExp(`(?:^|/)${source}$`);
  return {
    columns,
    match: (name) => {
      const found = expression.exec(name);
      return found === null ? null : new Map(columns.map((column, i) => [column, found[i + 1]]));
    },
  };
}
