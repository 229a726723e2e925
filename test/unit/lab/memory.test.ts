/** How much memory stacks need, and what is said where it is not there. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFit, cutNotice } from '#main/lab/scheduler/memory.ts';
import { leastFreeBytes } from '#main/lab/scheduler/device-pool.ts';
import { mostCells, trainerBytes, type MemoryModel, type StackShape } from '#main/training/memory/need.ts';
import { specificationSchema } from '#shared/experiment/specification.ts';

const model: MemoryModel = {
  onDevice: false,
  processBytes: 500e6,
  dataBytes: 30e6,
  stateBytesPerCell: 1e6,
  inputs: [8, 0, 0, 4, 0],
  operations: 500,
  single: [[0, 4e6, 0, 1e4, 3e6]],
  several: [
    [0, 4e6, 0, 1e4, 3e6],
    [0, 9e6, 1e5, 1e4, 2e6],
  ],
  evaluation: { bytesPerExample: 1e4, bytesPerCellExample: 2e6, examples: 500, examplesOfTile: 160 },
};
const specification = (workload: object, more: object = {}) =>
  specificationSchema.parse({
    name: 'memory',
    workload,
    optimizer: { kind: 'adam' },
    learningRates: { list: [0.01] },
    batchSizes: { list: [1] },
    length: { steps: 10 },
    ...more,
  });

describe('memory of a trainer', () => {
  const shapes = fc
    .record({
      groups: fc.integer({ min: 1, max: 20 }),
      perGroup: fc.integer({ min: 1, max: 50 }),
      examples: fc.integer({ min: 1, max: 5000 }),
    })
    .map(({ groups, perGroup, examples }): StackShape => ({ groups, cells: groups * perGroup, examples }));

  test('grows with cells and examples, and is never below what lies there anyway', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const bytes = trainerBytes(model, shape);
        expect(bytes).toBeGreaterThan(model.processBytes + model.dataBytes + shape.cells * 1e6);
        const more = { ...shape, cells: shape.cells + shape.groups };
        expect(trainerBytes(model, more)).toBeGreaterThan(bytes);
        expect(trainerBytes(model, { ...shape, examples: shape.examples + 1 })).toBeGreaterThanOrEqual(bytes);
      }),
    );
  });

  test('the most cells fit, and one more does not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 1e9, max: 1e11, noNaN: true }),
        (examples, limit) => {
          const groupsOf = (cells: number) => Math.min(cells, 4);
          const most = mostCells(model, { examples, groupsOf }, 10_000, limit);
          const bytes = (cells: number) => trainerBytes(model, { cells, groups: groupsOf(cells), examples });
          if (most > 0) expect(bytes(most)).toBeLessThanOrEqual(limit);
          if (most < 10_000) expect(bytes(most + 1)).toBeGreaterThan(limit);
        },
      ),
    );
  });
});

describe('a cell that does not fit', () => {
  const limit = { memoryBytes: 2e9 };
  const check = (workload: object, batchSizes: number[], more: object = {}) =>
    checkFit(specification(workload, more), batchSizes, { memory: model }, limit);

  test('is told with what it needs, what there is and a micro-batch that fits', () => {
    expect(() => check({ kind: 'cnn' }, [64])).not.toThrow();
    // Divisors of 1,000: 250 examples take 0.5 GB beside what is there anyway, 500 take a whole one.
    expect(() => check({ kind: 'cnn' }, [64, 1000])).toThrow(
      /^batch size 1000: one cell needs about 3\.\d+ GB of memory, but a trainer has 2 GB here; set microBatch: 250, or/,
    );
    expect(() => check({ kind: 'cnn' }, [1000], { microBatch: 250 })).not.toThrow();
    expect(() => check({ kind: 'cnn' }, [1000], { microBatch: 500 })).toThrow('batch size 1000: ');
  });

  test('is told otherwise where parts of a minibatch are not allowed, or nothing helps', () => {
    expect(() => check({ kind: 'resnet18' }, [1000])).toThrow('leave out batch sizes above about 250, or');
    expect(() =>
      checkFit(specification({ kind: 'cnn' }), [10], { memory: model }, { memoryBytes: 1e8 }),
    ).toThrow('but a trainer has 0.1 GB here; use a smaller model');
  });

  test('does not stand in the way where the memory is not known', () => {
    expect(() =>
      checkFit(specification({ kind: 'cnn' }), [1e9], { memory: model }, { memoryBytes: undefined }),
    ).not.toThrow();
  });
});

test('a smaller stack is told with the reason', () => {
  const need = { batchSize: 64, examples: 64, groups: 2, steps: 10, marks: 2, cells: 48 };
  expect(cutNotice({ memory: model }, need, { size: 10, wanted: 48 }, { memoryBytes: 3e9 })).toMatch(
    /^batch size 64: 10 cells at a time, since 48 would need about \d+(\.\d+)? GB of memory and a trainer has 3 GB here$/,
  );
});

test('free memory of GPUs is that of the fullest', () => {
  expect(leastFreeBytes('81000\n 512\n40000\n')).toBe(512 * 2 ** 20);
  expect(leastFreeBytes('[N/A]\n')).toBeNull();
  expect(leastFreeBytes('')).toBeNull();
});
