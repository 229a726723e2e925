import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { Grid } from '#shared/experiment/grid.ts';
import { coarseToFine } from '#shared/experiment/order.ts';
import { planStacks } from '#shared/experiment/plan.ts';
import type { MissingCell } from '#shared/experiment/plan.ts';
import type { StackPlan } from '#shared/experiment/stack.ts';
import { specification } from './specifications.ts';

function gridOf(learningRates: number, batchSizes: number, seeds: number): Grid {
  return expandGrid(
    specification({
      learningRates:
        learningRates === 1 ? { list: [0.01] } : { log: { from: 1e-4, to: 1, count: learningRates } },
      batchSizes: { list: Array.from({ length: batchSizes }, (_, i) => 2 ** i) },
      seeds,
    }),
  );
}

function allCells({ batchSizes, learningRates, seeds }: Grid): MissingCell[] {
  return batchSizes.flatMap((batchSize) =>
    learningRates.flatMap((learningRate) => seeds.map((seed) => ({ batchSize, learningRate, seed }))),
  );
}

const cellsOf = ({ batchSize, learningRates, seeds }: StackPlan): MissingCell[] =>
  seeds.flatMap((seed) => learningRates.map((learningRate) => ({ batchSize, learningRate, seed })));
const keys = (cells: readonly MissingCell[]) =>
  cells.map((c) => `${c.batchSize} ${c.learningRate} ${c.seed}`).sort();

describe('coarse to fine', () => {
  it('takes the ends, the middle, the quarters', () => {
    expect(coarseToFine(9)).toEqual([0, 8, 4, 2, 6, 1, 3, 5, 7]);
    expect(coarseToFine(0)).toEqual([]);
    expect(coarseToFine(1)).toEqual([0]);
    expect(coarseToFine(2)).toEqual([0, 1]);
  });

  it('takes every index once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3000 }), (n) => {
        expect([...coarseToFine(n)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  it('leaves no large gap, whenever it is stopped', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, share) => {
          const taken = Math.max(2, Math.round(share * n));
          const seen = coarseToFine(n)
            .slice(0, taken)
            .sort((a, b) => a - b);
          const gaps = seen.slice(1).map((index, i) => index - seen[i]);
          // Halving: with k gaps closed, the widest is at most twice an even share, and one for rounding.
          expect(Math.max(...gaps)).toBeLessThanOrEqual((2 * (n - 1)) / (taken - 1) + 1);
        },
      ),
    );
  });
});

describe('stacks', () => {
  it('hold each missing cell once and no other, within the limit, as rectangles of one batch size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 130 }), fc.constant(Infinity)), {
          minLength: 6,
          maxLength: 6,
        }),
        fc.constantFrom('coarse-to-fine' as const, 'nested' as const),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (rates, sizes, seeds, limits, order, share, chance) => {
          const grid = gridOf(rates, sizes, seeds);
          const missing = allCells(grid).filter(() => chance.next().value < share);
          const limit = (batchSize: number) => limits[Math.log2(batchSize)];
          const request = { grid, missing, cellsPerStack: limit, order };
          const stacks = planStacks(request);
          expect(keys(stacks.flatMap(cellsOf))).toEqual(keys(missing));
          for (const stack of stacks) {
            expect(stack.learningRates.length * stack.seeds.length).toBeLessThanOrEqual(
              limit(stack.batchSize),
            );
            expect(stack.learningRates).toEqual([...stack.learningRates].sort((a, b) => a - b));
            expect(stack.steps).toBe(grid.stepsFor(stack.batchSize));
            expect(stack.marks).toEqual(grid.marksFor(stack.batchSize));
          }
          // The plan depends on what is missing, not on the order in which it is told.
          expect(planStacks({ ...request, missing: [...missing].reverse() })).toEqual(stacks);
        },
      ),
    );
  });

  it('are one a batch size when everything fits', () => {
    const grid = gridOf(24, 10, 8);
    const stacks = planStacks({
      grid,
      missing: allCells(grid),
      cellsPerStack: () => Infinity,
      order: 'coarse-to-fine',
    });
    expect(stacks.map((s) => s.batchSize)).toEqual([1, 512, 16, 4, 64, 2, 8, 32, 128, 256]);
    expect(stacks.every((s) => s.learningRates.length === 24 && s.seeds.length === 8)).toBe(true);
  });

  it('keep all seeds of a learning rate together where they fit', () => {
    const grid = gridOf(24, 3, 8);
    const stacks = planStacks({
      grid,
      missing: allCells(grid),
      cellsPerStack: () => 50,
      order: 'coarse-to-fine',
    });
    expect(stacks).toHaveLength(3 * 4);
    expect(stacks.every((s) => s.seeds.length === 8 && s.learningRates.length === 6)).toBe(true);
    expect(stacks[0].learningRates).toEqual(grid.learningRates.filter((_, i) => i % 4 === 0));
  });

  it('split seeds evenly where they do not fit', () => {
    const grid = gridOf(2, 1, 8);
    const stacks = planStacks({ grid, missing: allCells(grid), cellsPerStack: () => 5, order: 'nested' });
    expect(stacks.map((s) => [s.learningRates.length, s.seeds.join()])).toEqual([
      [1, '0,1,2,3'],
      [1, '0,1,2,3'],
      [1, '4,5,6,7'],
      [1, '4,5,6,7'],
    ]);
  });

  it('are single cells at limit 1, and at limits that make no sense', () => {
    const grid = gridOf(3, 2, 2);
    for (const limit of [1, 0, -5, NaN, 1.9])
      expect(
        planStacks({ grid, missing: allCells(grid), cellsPerStack: () => limit, order: 'coarse-to-fine' }),
      ).toHaveLength(12);
  });

  it('are none when nothing is missing', () => {
    expect(
      planStacks({ grid: gridOf(3, 2, 2), missing: [], cellsPerStack: () => 9, order: 'coarse-to-fine' }),
    ).toEqual([]);
  });

  it('refuse a cell that is not on the grid', () => {
    expect(() =>
      planStacks({
        grid: gridOf(3, 2, 2),
        missing: [{ batchSize: 3, learningRate: 0.01, seed: 0 }],
        cellsPerStack: () => 9,
        order: 'nested',
      }),
    ).toThrow('batch size 3 is not on the grid');
  });

  it('go batch by batch and up the learning rates in nested order', () => {
    const grid = gridOf(4, 3, 1);
    const stacks = planStacks({ grid, missing: allCells(grid), cellsPerStack: () => 2, order: 'nested' });
    expect(stacks.map((s) => s.batchSize)).toEqual([1, 1, 2, 2, 4, 4]);
    expect(stacks.flatMap((s) => s.learningRates)).toEqual([1, 2, 3].flatMap(() => grid.learningRates));
  });
});

describe('the shape is readable after a fifth of the stacks', () => {
  it.each<[string, [number, number, number], number]>([
    ['the demo', [24, 10, 8], 48],
    ['the demo, small stacks', [24, 10, 8], 16],
    ['a grid with many seeds, which are split', [10, 12, 100], 48],
    ['a grid in single cells', [15, 11, 1], 1],
  ])('%s', (_, [rates, sizes, seeds], limit) => {
    const grid = gridOf(rates, sizes, seeds);
    const stacks = planStacks({
      grid,
      missing: allCells(grid),
      cellsPerStack: () => limit,
      order: 'coarse-to-fine',
    });
    const early = stacks.slice(0, Math.ceil(stacks.length / 5)).flatMap(cellsOf);
    const batches = grid.batchSizes.map((b) => early.some((c) => c.batchSize === b));
    // At every batch size or at a neighbour of it …
    batches.forEach((_, i) => expect(batches.slice(Math.max(0, i - 1), i + 2)).toContain(true));
    // … there are learning rates in each third of the axis.
    grid.batchSizes.forEach((batchSize, i) => {
      const covered = new Set(
        early
          .filter((c) => Math.abs(grid.batchSizes.indexOf(c.batchSize) - i) <= 1)
          .map((c) => Math.floor((3 * grid.learningRates.indexOf(c.learningRate)) / rates)),
      );
      expect([batchSize, covered.size]).toEqual([batchSize, 3]);
    });
  });
});
