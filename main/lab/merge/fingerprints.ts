import { createHash } from 'node:crypto';
import { metrics } from '#shared/experiment/stack.ts';
import type { ReadableStore, Stack } from '../store/types.ts';

/**
 * For each cell (column) of a stack the SHA-256 of its curves, bit by bit, NaN payloads included: equal texts mean equal
 * results.
 */
export function resultFingerprints(store: ReadableStore, stack: Stack): string[] {
  const cells = stack.learningRates.length * stack.seeds.length;
  const hashes = Array.from({ length: cells }, () => createHash('sha256'));
  for (const metric of metrics) {
    for (const hash of hashes) hash.update(metric);
    for (const block of store.points(stack.id, metric, 0))
      for (let cell = 0; cell < cells; cell++) {
        const column = new Float32Array(block.points);
        for (let p = 0; p < block.points; p++) column[p] = block.values[p * cells + cell];
        hashes[cell].update(new Uint8Array(column.buffer));
      }
  }
  return hashes.map((hash) => hash.digest('hex'));
}
