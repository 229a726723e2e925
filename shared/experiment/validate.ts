/** The door of every specification: zod, then what one field says about another. */
import type { Problem } from './axis.ts';
import { explainIssues } from './explain.ts';
import { externalWarnings } from './external-problems.ts';
import { gridProblems, gridWarnings } from './grid.ts';
import type { Specification } from './specification.ts';
import { specificationSchema } from './specification.ts';
import { trainingProblems, trainingWarnings } from './training-problems.ts';
import { workloadProblems } from './workload-problems.ts';

export type Parsed =
  | { readonly ok: true; readonly specification: Specification; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Never throws: whatever the value is, its problems say which field is wrong and why. */
export function parseSpecification(value: unknown): Parsed {
  const result = specificationSchema.safeParse(value);
  if (!result.success)
    return { ok: false, problems: explainIssues(result.error.issues, value, specificationSchema) };
  const problems = [
    ...workloadProblems(result.data),
    ...gridProblems(result.data),
    ...trainingProblems(result.data),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const { workload } = result.data;
  const warnings = [
    ...(workload.kind === 'external' ? externalWarnings(workload) : []),
    ...gridWarnings(result.data),
    ...trainingWarnings(result.data),
  ];
  return { ok: true, specification: result.data, warnings };
}
