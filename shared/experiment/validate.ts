/** The door of every specification: zod, then what one field says about another. */
import type { Problem } from './axis.ts';
import { explainIssues } from './explain.ts';
import { gridProblems, gridWarnings } from './grid.ts';
import type { Specification } from './specification.ts';
import { specificationSchema } from './specification.ts';

export type Parsed =
  | { readonly ok: true; readonly specification: Specification; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Digits that the package `mnist` ships. */
const DIGITS = 10_000;
/** Hessian entries may differ from their mirror images by rounding. */
const SYMMETRY = 1e-9;

/** Never throws: whatever the value is, its problems say which field is wrong and why. */
export function parseSpecification(value: unknown): Parsed {
  const result = specificationSchema.safeParse(value);
  if (!result.success)
    return { ok: false, problems: explainIssues(result.error.issues, value, specificationSchema) };
  const problems = [...workloadProblems(result.data), ...gridProblems(result.data)];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, specification: result.data, warnings: gridWarnings(result.data) };
}

function workloadProblems({ workload, evaluation }: Specification): Problem[] {
  if (workload.kind === 'quadratic') return quadraticProblems(workload);
  const { data } = workload;
  if (data.source === 'digits')
    return evaluation.examples < DIGITS
      ? []
      : [
          {
            path: ['evaluation', 'examples'],
            message: `must be below ${DIGITS.toLocaleString('en-US')}, since there are that many digits and the rest is trained on (got ${evaluation.examples})`,
          },
        ];
  if ((data.evaluationImages === undefined) === (data.evaluationLabels === undefined)) return [];
  const missing = data.evaluationImages === undefined ? 'evaluationImages' : 'evaluationLabels';
  return [
    {
      path: ['workload', 'data', missing],
      message: 'is missing: give evaluationImages and evaluationLabels together, or neither',
    },
  ];
}

function quadraticProblems(workload: Extract<Specification['workload'], { kind: 'quadratic' }>): Problem[] {
  const { mu, sigma, hessian, start } = workload;
  const fields = { sigma, hessian, ...(start === undefined ? {} : { start }) };
  const problems: Problem[] = Object.entries(fields)
    .filter(([, values]) => values.length !== mu.length)
    .map(([field, values]) => ({
      path: ['workload', field],
      message: lengthMessage(values, mu),
    }));
  hessian.forEach((row, i) => {
    if (row.length !== mu.length)
      problems.push({
        path: ['workload', 'hessian', i],
        message: lengthMessage(row, mu),
      });
  });
  if (problems.length > 0) return problems;
  for (let i = 0; i < mu.length; i++)
    for (let j = 0; j < i; j++) {
      const [below, above] = [hessian[i][j], hessian[j][i]];
      if (Math.abs(below - above) > SYMMETRY * Math.max(Math.abs(below), Math.abs(above)))
        return [
          {
            path: ['workload', 'hessian', i, j],
            message: `must equal its mirror image, since a Hessian is symmetric (row ${i + 1}, column ${j + 1} is ${below}; row ${j + 1}, column ${i + 1} is ${above})`,
          },
        ];
    }
  return [];
}

function lengthMessage(values: readonly unknown[], mu: readonly number[]): string {
  return `has ${values.length} ${values.length === 1 ? 'entry' : 'entries'} where mu has ${mu.length}`;
}
