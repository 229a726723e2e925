import type { Specification } from './specification.ts';

/** What the batch sizes of an experiment count. */
export function batchUnitOf({ workload }: Specification): string {
  switch (workload.kind) {
    case 'external':
      return workload.batchUnit;
    case 'gpt':
    case 'moe':
      return `sequences of ${workload.context} tokens`;
    default:
      return 'samples';
  }
}
