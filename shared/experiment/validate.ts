/** The door of every specification: zod, then what one field says about another. */
import type { z } from 'zod';
import type { Problem } from './axis.ts';
import { gridProblems, markWarnings } from './grid.ts';
import type { Specification } from './specification.ts';
import { specificationSchema } from './specification.ts';

export type Parsed =
  | { readonly ok: true; readonly specification: Specification; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function parseSpecification(value: unknown): Parsed {
  const result = specificationSchema.safeParse(value);
  if (!result.success)
    return { ok: false, problems: result.error.issues.flatMap((issue) => explain(issue, value)) };
  const problems = [...workloadProblems(result.data), ...gridProblems(result.data)];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, specification: result.data, warnings: markWarnings(result.data) };
}

function workloadProblems({ workload }: Specification): Problem[] {
  if (workload.kind !== 'quadratic') {
    const { data } = workload;
    if (
      data.source === 'idx' &&
      (data.evaluationImages === undefined) !== (data.evaluationLabels === undefined)
    )
      return [
        {
          path: ['workload', 'data'],
          message: 'give evaluationImages and evaluationLabels together, or neither',
        },
      ];
    return [];
  }
  const problems: Problem[] = [];
  const n = workload.mu.length;
  const expect = (field: 'sigma' | 'start' | 'hessian', length: number) => {
    if (length !== n)
      problems.push({ path: ['workload', field], message: `has ${length} entries where mu has ${n}` });
  };
  expect('sigma', workload.sigma.length);
  expect('hessian', workload.hessian.length);
  if (workload.start !== undefined) expect('start', workload.start.length);
  workload.hessian.forEach((row, i) => {
    if (row.length !== n)
      problems.push({
        path: ['workload', 'hessian', i],
        message: `has ${row.length} entries where mu has ${n}`,
      });
  });
  if (problems.length > 0) return problems;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++)
      if (Math.abs(workload.hessian[i][j] - workload.hessian[j][i]) > 1e-9 * Math.abs(workload.hessian[i][j]))
        return [
          {
            path: ['workload', 'hessian', i, j],
            message: `the Hessian must be symmetric, but entry (${i}, ${j}) is ${workload.hessian[i][j]} and (${j}, ${i}) is ${workload.hessian[j][i]}`,
          },
        ];
  return problems;
}

/** A zod issue as problems in plain words. Branches of a union are tried: the one that fits best explains itself. */
function explain(issue: z.core.$ZodIssue, root: unknown): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  const value = at(root, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `is not a known field${suggestion(key, knownKeys(path))}`,
      }));
    case 'invalid_type':
      return [
        {
          path,
          message:
            value === undefined ? 'is missing' : `must be ${article(issue.expected)}, not ${shown(value)}`,
        },
      ];
    case 'invalid_union': {
      if (issue.errors.length === 0)
        return [{ path, message: `${shown(value)} is not one of the known kinds` }];
      // Fewest complaints, and complaints about values before complaints about missing or unknown fields.
      const cost = (issues: readonly z.core.$ZodIssue[]) =>
        issues.reduce(
          (sum, i) =>
            sum +
            (i.code === 'unrecognized_keys' || at(value, i.path as (string | number)[]) === undefined
              ? 3
              : 1),
          0,
        );
      const best = [...issue.errors].sort((a, b) => cost(a) - cost(b))[0];
      return best.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, root));
    }
    case 'invalid_value':
      return [
        { path, message: `must be one of ${issue.values.map(String).join(', ')}, not ${shown(value)}` },
      ];
    case 'too_small':
      return [{ path, message: tooSmall(issue, value) }];
    case 'too_big':
      return [
        {
          path,
          message:
            issue.origin === 'number' || issue.origin === 'int'
              ? `must be ${issue.inclusive === true ? 'at most' : 'below'} ${issue.maximum} (got ${shown(value)})`
              : `has too many entries or characters (at most ${issue.maximum})`,
        },
      ];
    default:
      return [{ path, message: issue.message }];
  }
}

function tooSmall(issue: z.core.$ZodIssueTooSmall, value: unknown): string {
  if (issue.origin === 'array') return 'must have at least one entry';
  if (issue.origin === 'string') return 'must not be empty';
  const got = `(got ${shown(value)})`;
  if (Number(issue.minimum) === 0 && issue.inclusive !== true)
    return value === 0
      ? `must be above zero ${got}; zero cannot be placed on this axis`
      : `must be above zero ${got}`;
  return `must be ${issue.inclusive === true ? 'at least' : 'above'} ${issue.minimum} ${got}`;
}

function article(expected: string): string {
  const words: Record<string, string> = {
    number: 'a number',
    int: 'a whole number',
    string: 'text',
    array: 'a list',
    object: 'a group of fields',
    boolean: 'true or false',
    nan: 'not a number',
  };
  return words[expected] ?? expected;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `the text "${value.slice(0, 60)}"`;
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  if (typeof value === 'object') return 'a group of fields';
  return String(value);
}

function at(root: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value === null || typeof value !== 'object'
        ? undefined
        : (value as Record<string | number, unknown>)[key],
    root,
  );
}

/** Field names by the first part of the path, for "did you mean". */
const fields: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(specificationSchema.shape),
  learningRates: ['log', 'linear', 'list', 'extra', 'from', 'to', 'count', 'perDecade', 'step'],
  batchSizes: ['log', 'linear', 'list', 'extra', 'from', 'to', 'count', 'perDecade', 'step'],
  marks: ['geometricPerDecade', 'list', 'dense', 'from', 'to', 'every'],
  length: ['steps', 'samples'],
  evaluation: ['examples'],
  optimizer: ['kind', 'momentum', 'beta1', 'beta2', 'epsilon'],
  workload: [
    'kind',
    'hidden',
    'activation',
    'data',
    'mu',
    'sigma',
    'hessian',
    'start',
    'source',
    'images',
    'labels',
    'evaluationImages',
    'evaluationLabels',
  ],
};

function knownKeys(path: readonly (string | number)[]): readonly string[] {
  return fields[String(path[0] ?? '')] ?? [];
}

function suggestion(key: string, known: readonly string[]): string {
  const close = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return close !== undefined && close.distance <= Math.max(2, key.length / 3)
    ? `; did you mean ${close.name}?`
    : '';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
