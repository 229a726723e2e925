import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microBatchesOf } from '#shared/experiment/training-options.ts';
import { parseSpecification } from '#shared/experiment/validate.ts';
import { smallInput } from './specifications.ts';

describe('micro-batches', () => {
  it('are equal parts, as large as the limit allows', () => {
    expect(microBatchesOf(512, 128)).toEqual({ count: 4, size: 128 });
    expect(microBatchesOf(12, 5)).toEqual({ count: 3, size: 4 });
    expect(microBatchesOf(13, 5)).toEqual({ count: 13, size: 1 });
    expect(microBatchesOf(5, 5)).toEqual({ count: 1, size: 5 });
    expect(microBatchesOf(5, undefined)).toEqual({ count: 1, size: 5 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 5000 }),
        (batchSize, limit) => {
          const { count, size } = microBatchesOf(batchSize, limit);
          expect(count * size).toBe(batchSize);
          expect(size).toBeLessThanOrEqual(limit);
          for (let larger = size + 1; larger <= Math.min(limit, batchSize); larger++)
            expect(batchSize % larger).not.toBe(0);
        },
      ),
    );
  });

  const check = (change: object) => {
    const parsed = parseSpecification({ ...smallInput, ...change });
    return parsed.ok
      ? parsed.warnings
      : parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  it('are refused where parts would not give what the whole minibatch gives', () => {
    const told = (workload: object) => check({ workload, microBatch: 2 });
    expect(told({ kind: 'mlp' })).toEqual([]);
    expect(told({ kind: 'gpt' })).toEqual([]);
    expect(told({ kind: 'moe', balance: 0 })).toEqual([]);
    expect(told({ kind: 'moe' })).toEqual([
      'microBatch: is not for a load-balancing loss, which is about the whole minibatch: set workload.balance to 0, or leave this out',
    ]);
    expect(told({ kind: 'resnet18' })[0]).toContain('microBatch: is not for resnet18: batch norm');
    expect(told({ kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] })[0]).toContain(
      'microBatch: is not for the noisy quadratic',
    );
  });

  it('that are much smaller than allowed are told', () => {
    expect(check({ batchSizes: { list: [16, 26, 31] }, microBatch: 8 })).toEqual([
      'microBatch: batch size 31 is taken in 31 parts of 1, since it has no larger divisor up to 8',
    ]);
    expect(check({ microBatch: 1.5 })).toEqual(['microBatch: must be a whole number, not 1.5']);
  });
});
