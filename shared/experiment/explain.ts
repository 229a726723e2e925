/** What zod found, in plain words: each problem names its field, unknown fields get a suggestion. */
import { z } from 'zod';
import type { Problem } from './axis.ts';

type Key = string | number;
type Issue = z.core.$ZodIssue;

/** `root` is the value that was parsed with `schema`. One problem a field, in the order of the issues. */
export function explainIssues(issues: readonly Issue[], root: unknown, schema: z.ZodType): Problem[] {
  const problems = issues.flatMap((issue) => explain(issue, root, schema));
  // Several bounds of one field are one complaint; the last one is the tightest.
  const last = new Map(problems.map((problem) => [JSON.stringify(problem.path), problem]));
  return [...last.values()];
}

function explain(issue: Issue, root: unknown, schema: z.ZodType): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  const value = at(root, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: unknownField(key, value, objectsAt(schema, path)),
        wrongName: true as const,
      }));
    case 'invalid_type':
      return [
        {
          path,
          message:
            value === undefined ? 'is missing' : `must be ${kindOf(issue.expected)}, not ${shown(value)}`,
        },
      ];
    case 'invalid_union':
      return explainUnion(issue, path, value, root, schema);
    case 'invalid_value':
      return [{ path, message: oneOf(issue.values.map(String), value) }];
    case 'too_small':
      return [{ path, message: tooSmall(issue, value) }];
    case 'too_big':
      return [{ path, message: tooBig(issue, value) }];
    default:
      return [{ path, message: issue.message }];
  }
}

function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Key[],
  value: unknown,
  root: unknown,
  schema: z.ZodType,
): Problem[] {
  if (issue.errors.length === 0) {
    // No branch fits, since the field that tells them apart is wrong: the path ends with it.
    const options = 'options' in issue ? (issue.options ?? []) : [];
    return [{ path, message: oneOf(options.map(String), value) }];
  }
  const branches = issue.errors.map((issues) => {
    const mistyped = issues.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0);
    const missing = issues.flatMap((inner) =>
      inner.path.length === 1 && at(value, inner.path as Key[]) === undefined ? [String(inner.path[0])] : [],
    );
    const unknown = issues.flatMap((inner) =>
      inner.code === 'unrecognized_keys' && inner.path.length === 0 ? inner.keys : [],
    );
    return { issues, mistyped, missing, unknown };
  });
  if (value === undefined) return [{ path, message: 'is missing' }];
  const ofThisType = branches.filter((branch) => !branch.mistyped);
  if (ofThisType.length === 0) {
    const expected = branches.map(
      (branch) =>
        branch.issues.flatMap((inner) => (inner.code === 'invalid_type' ? [kindOf(inner.expected)] : []))[0],
    );
    return [{ path, message: `must be ${[...new Set(expected)].join(' or ')}, not ${shown(value)}` }];
  }
  // Branches that ask for different fields: the choice between them is what has to be told.
  const choices = [...new Set(ofThisType.flatMap((branch) => branch.missing))];
  if (ofThisType.length > 1 && ofThisType.every((b) => b.missing.length > 0 && b.unknown.length === 0))
    return [{ path, message: `needs ${choices.join(' or ')}` }];
  const alternatives = [...new Set(ofThisType.flatMap((branch) => branch.unknown))];
  if (
    ofThisType.length > 1 &&
    ofThisType.every((branch) => branch.missing.length === 0 && branch.unknown.length === 1) &&
    alternatives.length > 1
  )
    return [{ path, message: `has ${alternatives.join(' and ')}; give only one of them` }];
  const cost = (branch: (typeof branches)[number]) =>
    branch.issues.length + 2 * (branch.missing.length + branch.unknown.length);
  const best = ofThisType.reduce((least, branch) => (cost(branch) < cost(least) ? branch : least));
  return best.issues.flatMap((inner) =>
    explain({ ...inner, path: [...issue.path, ...inner.path] }, root, schema),
  );
}

function tooSmall(issue: z.core.$ZodIssueTooSmall, value: unknown): string {
  if (issue.origin === 'array') return 'must have at least one entry';
  if (issue.origin === 'string') return 'must not be empty';
  const got = `(got ${shown(value)})`;
  if (Number(issue.minimum) !== 0 || issue.inclusive === true)
    return `must be ${issue.inclusive === true ? 'at least' : 'above'} ${issue.minimum} ${got}`;
  const isRangeEnd = issue.path.includes('log') && value === 0;
  return `must be positive ${got}${isRangeEnd ? '; a logarithmic range cannot contain zero' : ''}`;
}

function tooBig(issue: z.core.$ZodIssueTooBig, value: unknown): string {
  const most = Number(issue.maximum).toLocaleString('en-US');
  if (issue.origin === 'array') return `must have at most ${most} entries`;
  if (issue.origin === 'string') return `must have at most ${most} characters`;
  return `must be ${issue.inclusive === true ? 'at most' : 'below'} ${most} (got ${shown(value)})`;
}

function kindOf(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    number: 'a number',
    int: 'a whole number',
    string: 'text',
    array: 'a list',
    object: 'a group of fields',
    boolean: 'true or false',
  };
  return words[expected] ?? expected;
}

function shown(value: unknown): string {
  if (typeof value === 'string') {
    const text = JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
    const looksNumeric = value.trim() !== '' && Number.isFinite(Number(value));
    return `the text ${text}${looksNumeric ? ' (write the number without quotes)' : ''}`;
  }
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a group of fields';
}

function oneOf(options: readonly string[], value: unknown): string {
  const choice = `one of ${options.join(', ')}`;
  if (value === undefined) return `is missing: ${choice}`;
  return `must be ${choice}, not ${shown(value)}${typeof value === 'string' ? suggestion(value, options) : ''}`;
}

/** `objects` are the shapes that the place allows, one a branch of its union. */
function unknownField(key: string, parent: unknown, objects: readonly z.ZodObject[]): string {
  const fitting = objects.filter((object) => matches(object, parent));
  const here = (fitting.length > 0 ? fitting : objects).flatMap((object) => Object.keys(object.shape));
  const elsewhere = objects.filter((object) => key in object.shape && !fitting.includes(object));
  const kinds = elsewhere.flatMap((object) =>
    discriminators(object).map(([name, text]) => `${name} ${text}`),
  );
  if (kinds.length > 0) return `belongs to ${kinds.join(' or ')} only`;
  return `is not a known field${suggestion(key, here) || `; known are ${[...new Set(here)].join(', ')}`}`;
}

/** Fields of an object that have one allowed text, such as kind: mlp. */
function discriminators(object: z.ZodObject): [string, string][] {
  return Object.entries(object.shape).flatMap(([name, field]) =>
    field instanceof z.ZodLiteral ? [[name, String(field.value as unknown)] as [string, string]] : [],
  );
}

function matches(object: z.ZodObject, value: unknown): boolean {
  return discriminators(object).every(([name, text]) => at(value, [name]) === text);
}

/** The object shapes that a path can lead to. */
function objectsAt(schema: z.core.$ZodType, path: readonly Key[]): z.ZodObject[] {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable
  )
    return objectsAt(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => objectsAt(option, path));
  if (schema instanceof z.ZodObject) {
    if (path.length === 0) return [schema];
    const field = (schema.shape as Readonly<Record<string, z.core.$ZodType>>)[path[0]];
    return field === undefined ? [] : objectsAt(field, path.slice(1));
  }
  if (schema instanceof z.ZodArray && path.length > 0) return objectsAt(schema.element, path.slice(1));
  return [];
}

function at(root: unknown, path: readonly Key[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value !== null && typeof value === 'object' && Object.hasOwn(value, key)
        ? (value as Readonly<Record<Key, unknown>>)[key]
        : undefined,
    root,
  );
}

/** At most this many letters of a name may be wrong. */
const TYPING_ERRORS = 3;
const LONGEST_NAME = 60;

function suggestion(key: string, known: readonly string[]): string {
  if (key.length > LONGEST_NAME) return '';
  const [closest] = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const allowed = Math.min(TYPING_ERRORS, Math.ceil(key.length / 3));
  return closest !== undefined && closest.distance <= allowed ? `; did you mean ${closest.name}?` : '';
}

/** Insertions, deletions, replacements and exchanges of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
