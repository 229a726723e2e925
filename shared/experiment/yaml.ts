/** YAML 1.2 (of which JSON is a part) to a checked value, with the place of every problem. */
import { isAlias, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { Problem } from './axis.ts';

export interface FileProblem {
  /** 1-based; null where the problem has no place, as in an empty file. */
  readonly line: number | null;
  readonly column: number | null;
  /** The field as it would be written: learningRates.log.from; '' for the file as a whole. */
  readonly field: string;
  readonly message: string;
}

/** Nobody writes a file of this size by hand; a data file was given by mistake. */
export const MAX_FILE_CHARACTERS = 4_000_000;
/** Aliases can make a small file expand without bound. */
const MAX_ALIASES = 100;
/** After a first error of syntax the rest follows from it more often than not. */
const MAX_SYNTAX_PROBLEMS = 5;

type Checked<T> = (T & { readonly ok: true }) | { readonly ok: false; readonly problems: readonly Problem[] };
type Parsed<T> =
  (T & { readonly ok: true }) | { readonly ok: false; readonly problems: readonly FileProblem[] };

/**
 * Never throws: whatever the text is, its problems say where it is wrong and why. `kind` names what the file should be:
 * "an experiment file"; `check` judges its value.
 */
export function parseYamlFile<T>(
  text: string,
  kind: string,
  check: (value: unknown) => Checked<T>,
): Parsed<T> {
  const source = text.replace(/^\uFEFF/, '');
  if (source.length > MAX_FILE_CHARACTERS)
    return whole(`the file is too large for ${kind} (a data file by mistake?)`);
  if (source.trim() === '') return whole('the file is empty');
  if (isBinary(source)) return whole(`the file is not UTF-8 text; ${kind} is YAML or JSON`);
  const lines = new LineCounter();
  let document: Document.Parsed;
  let value: unknown;
  try {
    document = parseDocument(source, {
      lineCounter: lines,
      version: '1.2',
      prettyErrors: false,
      logLevel: 'error',
    });
    if (document.errors.length > 0)
      return {
        ok: false,
        problems: document.errors.slice(0, MAX_SYNTAX_PROBLEMS).map((error) => ({
          ...placeOf(error.pos[0], lines),
          field: '',
          message: plain(error.code, error.message),
        })),
      };
    if (document.contents === null) return whole('the file is empty');
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return whole(plain('', (error as Error).message));
  }
  const parsed = check(value);
  if (parsed.ok) return parsed;
  return {
    ok: false,
    problems: parsed.problems
      .map((problem) => located(problem, document, lines))
      .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
  };
}

function whole(message: string): { readonly ok: false; readonly problems: readonly FileProblem[] } {
  return { ok: false, problems: [{ line: null, column: null, field: '', message }] };
}

/** Control characters that no text has, or bytes that were not UTF-8. */
function isBinary(source: string): boolean {
  return /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFD]/.test(source);
}

function plain(code: string, message: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'the same field is given twice';
    case 'TAB_AS_INDENT':
      return 'tabs cannot indent YAML; use spaces';
    case 'MULTIPLE_DOCS':
      return 'the file holds several documents (---); give each a file of its own';
    default:
      if (message.includes('call stack')) return 'the file is nested too deeply';
      return `the file cannot be read as YAML or JSON: ${message}`;
  }
}

function placeOf(offset: number, lines: LineCounter): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function located(problem: Problem, document: Document.Parsed, lines: LineCounter): FileProblem {
  const { path, message } = problem;
  const node = nodeAt(document, problem);
  const offset = node?.range?.[0];
  return {
    ...(offset === undefined ? { line: null, column: null } : placeOf(offset, lines)),
    field: fieldName(path),
    message,
  };
}

/** learningRates.list[3] */
function fieldName(path: Problem['path']): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}

/**
 * The value at the path. A group of fields and a field that should not be there are shown by their names, and a missing
 * field by the nearest parent that is there.
 */
function nodeAt(document: Document.Parsed, { path, wrongName }: Problem): Node | null {
  let node: Node | null = document.contents;
  let shown = node;
  for (const [depth, key] of path.entries()) {
    const target: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(target)) {
      const pair = target.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return shown;
      node = isNode(pair.value) ? pair.value : null;
      const byName = !isScalar(node) || (wrongName === true && depth === path.length - 1);
      shown = byName && isNode(pair.key) ? pair.key : node;
    } else {
      const child: unknown = isNode(target) && 'get' in target ? target.get(key, true) : undefined;
      if (!isNode(child)) return shown;
      node = child;
      shown = child;
    }
  }
  return shown;
}
