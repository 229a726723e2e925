/**
 * Copies of data files on a node's own disk. `SURGE_STAGED_DATA` names a JSON object from the path in the experiment to
 * the path of its copy; cells keep the identity and the checksum of their data, whatever place it is read from.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { withDataPaths } from '#shared/experiment/data-paths.ts';
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';

export const STAGED_DATA = 'SURGE_STAGED_DATA';

const copiesSchema = z.record(z.string(), z.string());

export function stagedWorkload(
  workload: WorkloadSpecification,
  map = process.env[STAGED_DATA],
): WorkloadSpecification {
  if (map === undefined || map === '') return workload;
  const copies = copiesSchema.parse(JSON.parse(readFileSync(map, 'utf8')));
  return withDataPaths(workload, (path) => copies[path] ?? path);
}
