/** Experiment files: YAML 1.2 (of which JSON is a part) to a specification, with the place of every problem. */
import { isNode, LineCounter, parseDocument, stringify } from 'yaml';
import type { Document } from 'yaml';
import type { Problem } from './axis.ts';
import type { Specification } from './specification.ts';
import { parseSpecification } from './validate.ts';

export interface FileProblem {
  /** 1-based; null where the problem has no place, as in an empty file. */
  readonly line: number | null;
  readonly column: number | null;
  /** The field as it would be written: learningRates.log.from; '' for the file as a whole. */
  readonly field: string;
  readonly message: string;
}

export type ParsedFile =
  | { readonly ok: true; readonly specification: Specification; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Nobody writes a specification of this size by hand; a data file was given by mistake. */
const MAX_CHARACTERS = 4_000_000;
/** Aliases can make a small file expand without bound. */
const MAX_ALIASES = 100;

export function parseExperimentFile(text: string): ParsedFile {
  const whole = (message: string): ParsedFile => ({
    ok: false,
    problems: [{ line: null, column: null, field: '', message }],
  });
  const source = text.replace(/^\uFEFF/, '');
  if (source.trim() === '') return whole('the file is empty');
  if (source.length > MAX_CHARACTERS) return whole('the file is too large for an experiment file');
  if (source.includes('\0')) return whole('the file is binary, not YAML or JSON text');
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, version: '1.2', prettyErrors: false });
  if (document.errors.length > 0)
    return {
      ok: false,
      problems: document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { line, column: col, field: '', message: plain(error.code, error.message) };
      }),
    };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return whole((error as Error).message);
  }
  const parsed = parseSpecification(value);
  if (parsed.ok) return parsed;
  return { ok: false, problems: parsed.problems.map((problem) => located(problem, document, lines)) };
}

/** A file that parses to the same specification. */
export function specificationToYaml(specification: Specification): string {
  return stringify(specification, { version: '1.2', lineWidth: 110 });
}

function plain(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'the same field is given twice';
  if (code === 'TAB_AS_INDENT') return 'tabs cannot indent YAML; use spaces';
  if (code === 'MULTIPLE_DOCS') return 'the file holds several documents (---); one experiment a file';
  return message;
}

function located(problem: Problem, document: Document, lines: LineCounter): FileProblem {
  const field = problem.path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
  // A missing field has no place of its own: its nearest parent has.
  for (let depth = problem.path.length; depth >= 0; depth--) {
    const found = depth === 0 ? document.contents : document.getIn(problem.path.slice(0, depth), true);
    if (isNode(found) && found.range) {
      const { line, col } = lines.linePos(found.range[0]);
      return { line, column: col, field, message: problem.message };
    }
  }
  return { line: null, column: null, field, message: problem.message };
}
