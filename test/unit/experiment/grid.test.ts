import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid, gridProblems, gridWarnings, MAX_CELLS } from '#shared/experiment/grid.ts';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { specification, specifications } from './specifications.ts';

const problems = (change: Partial<SpecificationInput>) =>
  gridProblems(specification(change)).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('steps', () => {
  it('are the same for every batch size when the length is in steps', () => {
    const grid = expandGrid(specification({ length: { steps: 77 } }));
    expect(grid.batchSizes.map((b) => grid.stepsFor(b))).toEqual([77, 77, 77]);
  });

  it('cover the samples when the length is in samples', () => {
    const grid = expandGrid(specification({ length: { samples: 33 } }));
    expect(grid.batchSizes.map((b) => grid.stepsFor(b))).toEqual([33, 9, 3]);
    expect(grid.batchSizes.map((b) => grid.marksFor(b).at(-1))).toEqual([33, 9, 3]);
  });
});

describe('marks', () => {
  it('join geometric ones, a list, a dense window and the last step', () => {
    const grid = expandGrid(
      specification({
        length: { steps: 60 },
        marks: { list: [7, 3, 7, 50], dense: { from: 30, to: 40, every: 5 } },
      }),
    );
    expect(grid.marksFor(1)).toEqual([1, 2, 3, 5, 7, 10, 20, 30, 35, 40, 50, 60]);
  });

  it('are the last step alone when nothing else is asked for', () => {
    const grid = expandGrid(specification({ marks: { geometricPerDecade: 0 } }));
    expect(grid.marksFor(4)).toEqual([20]);
  });

  it('beyond the length are left out with a warning', () => {
    const beyond = specification({ marks: { list: [5, 30, 40], dense: { from: 10, to: 25, every: 5 } } });
    expect(gridProblems(beyond)).toEqual([]);
    expect(expandGrid(beyond).marksFor(1)).toEqual([1, 2, 5, 10, 15, 20]);
    expect(gridWarnings(beyond)).toEqual([
      'marks.list: 2 steps (30 and above) lie beyond the last step (20) and are left out',
      'marks.dense: the window ends at the last step (20), not at 25',
    ]);
  });

  it('that some batch size reaches are no reason to warn', () => {
    expect(gridWarnings(specification({ length: { samples: 64 }, marks: { list: [60] } }))).toEqual([]);
    expect(gridWarnings(specification({ length: { samples: 64 }, marks: { list: [65] } }))).toEqual([
      'marks.list: step 65 lies beyond the last step (64) and is left out',
    ]);
  });

  it('in a window wholly beyond the length are told as such', () => {
    expect(gridWarnings(specification({ marks: { dense: { from: 30, to: 40, every: 1 } } }))).toEqual([
      'marks.dense: the window lies beyond the last step (20) and is left out',
    ]);
  });
});

describe('grids that cannot be run', () => {
  it.each<[string, Partial<SpecificationInput>, RegExp]>([
    [
      'too many cells, told at the largest factor',
      { learningRates: { log: { from: 1e-4, to: 1, count: 300 } }, seeds: 2000 },
      /^seeds: the grid has 1,800,000 cells \(300 learning rates × 3 batch sizes × 2,000 seeds\); at most 1,000,000/,
    ],
    ['a repeated seed', { seeds: [4, 0, 4] }, /^seeds\.2: seed 4 is listed twice$/],
    [
      'more steps than can be run',
      { length: { samples: 4e9 } },
      /^length\.samples: gives 4,000,000,000 steps at batch size 1; at most 1,000,000,000/,
    ],
    [
      'more samples than can be counted',
      { length: { steps: 1e9 }, batchSizes: { list: [2 ** 40] } },
      /^length\.steps: times batch size 1099511627776 is more samples than can be counted/,
    ],
    [
      'a window upside down',
      { marks: { dense: { from: 9, to: 3, every: 1 } } },
      /^marks\.dense\.from: must not be above to \(from is 9, to is 3\)$/,
    ],
    [
      'a window of a billion marks',
      { marks: { dense: { from: 1, to: 1e9, every: 1 } } },
      /^marks\.dense\.every: gives 1,000,000,000 marks; at most 100,000/,
    ],
  ])('%s', (_, change, message) => {
    const found = problems(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
    expect(() => expandGrid(specification(change))).toThrow(found[0]);
  });

  it('are refused exactly above the limit', () => {
    const seeds = MAX_CELLS / 100 / 10;
    const axes = {
      learningRates: { log: { from: 1e-4, to: 1, count: 100 } },
      batchSizes: { linear: { from: 1, to: 10, step: 1 } },
    };
    expect(problems({ ...axes, seeds })).toEqual([]);
    expect(problems({ ...axes, seeds: seeds + 1 })).toHaveLength(1);
  });
});

it('warns when an optimum cannot be located', () => {
  expect(gridWarnings(specification({ learningRates: { list: [0.1, 0.2] } }))).toEqual([
    'learningRates: an optimum needs at least 3 learning rates, here are two',
  ]);
});

describe('cells', () => {
  it('are in grid order, each with its own steps and marks', () => {
    const small = specification({ length: { samples: 32 }, seeds: [9, 3] });
    const grid = expandGrid(small);
    const cells = cellConfigurations(small, grid, 'checksum');
    expect(cells).toHaveLength(30);
    expect(cells.map((c) => c.batchSize)).toEqual([1, 4, 16].flatMap((b) => Array<number>(10).fill(b)));
    expect(cells.slice(0, 4).map((c) => [c.learningRate, c.seed])).toEqual([
      [1e-3, 9],
      [1e-3, 3],
      [0.00316227766017, 9],
      [0.00316227766017, 3],
    ]);
    expect(cells[29]).toEqual({
      workload: small.workload,
      optimizer: { kind: 'sign' },
      batchSize: 16,
      learningRate: 0.1,
      seed: 3,
      steps: 2,
      marks: [1, 2],
      evaluationExamples: 2000,
      recordTrainingLoss: true,
      streams: 'common',
      dataChecksum: 'checksum',
    });
  });

  it('are as many as the grid says, without repetition, for every specification', () => {
    fc.assert(
      fc.property(
        specifications.filter((s) => gridProblems(s).length === 0 && expandGrid(s).cells <= 5_000),
        (any) => {
          const grid = expandGrid(any);
          const cells = cellConfigurations(any, grid, '');
          expect(cells).toHaveLength(grid.cells);
          expect(new Set(cells.map((c) => [c.batchSize, c.learningRate, c.seed].join())).size).toBe(
            grid.cells,
          );
          for (const batchSize of grid.batchSizes) {
            const [marks, steps] = [grid.marksFor(batchSize), grid.stepsFor(batchSize)];
            expect(marks.at(-1)).toBe(steps);
            expect(marks).toEqual([...new Set(marks)].sort((a, b) => a - b));
            if ('samples' in any.length) {
              expect(steps * batchSize).toBeGreaterThanOrEqual(any.length.samples);
              expect((steps - 1) * batchSize).toBeLessThan(any.length.samples);
            }
          }
        },
      ),
    );
  });
});
