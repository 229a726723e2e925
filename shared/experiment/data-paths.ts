/** The files and folders that a workload's data name. */
import type { WorkloadSpecification } from './specification.ts';

/** Members of `workload.data` that name files or folders. */
export const dataPathFields: readonly string[] = [
  'images',
  'labels',
  'evaluationImages',
  'evaluationLabels',
  'file',
  'evaluationFile',
  'folder',
];

/** The same workload with each path changed. What an external program reads is its own affair. */
export function withDataPaths(
  workload: WorkloadSpecification,
  change: (path: string) => string,
): WorkloadSpecification {
  if (!('data' in workload)) return workload;
  const data = Object.fromEntries(
    Object.entries(workload.data).map(([field, value]: [string, unknown]) => [
      field,
      dataPathFields.includes(field) && typeof value === 'string' ? change(value) : value,
    ]),
  );
  return { ...workload, data } as WorkloadSpecification;
}
