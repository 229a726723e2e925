import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { expandGrid } from '#shared/experiment/grid.ts';

const folder = fileURLToPath(new URL('../../../resources/experiments/', import.meta.url));
const read = async (name: string) => {
  const { specification, warnings } = await readExperimentFile(`${folder}${name}.yaml`);
  return { specification, warnings, grid: expandGrid(specification) };
};
const range = (from: number, step: number, count: number) =>
  Array.from({ length: count }, (_, i) => from + i * step);
const powersOfTwo = (count: number) => range(0, 1, count).map((i) => 2 ** i);

/** Learning rates, seeds, batch sizes. Table 1 is that of arXiv 2405.14578. */
const examples: Readonly<Record<string, [rates: number, seeds: number, batchSizes: number[]]>> = {
  'digits-sign': [24, 8, powersOfTwo(10)],
  'digits-adam': [24, 8, powersOfTwo(10)],
  'digits-schedule': [13, 3, [8, 16, 32, 64, 128, 256]],
  'quadratic-sign': [31, 32, powersOfTwo(11)],
  'cnn-digits': [3, 1, [32]],
  'gpt-moby-dick': [3, 1, [32]],
  'cnn-ridge': [8, 2, powersOfTwo(8)],
  'resnet18-ridge': [8, 2, [2, 4, 8, 16, 32, 64]],
  'gpt-ridge': [8, 4, powersOfTwo(7)],
  'moe-ridge': [8, 2, powersOfTwo(7)],
  'external-shell': [9, 2, [1, 4, 16, 64, 256]],
  'external-pytorch': [5, 2, [1, 4, 16, 64]],
  'quick-look': [9, 2, [1, 4, 16, 64, 256]],
  'fine-ridge': [25, 16, [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]],
  'paper-table1-cnn-small-batches': [10, 100, range(1, 1, 12)],
  'paper-table1-cnn-large-batches': [10, 100, range(64, 100, 12)],
  'paper-table1-distilgpt2-adam': [10, 30, range(4, 10, 12)],
  'paper-table1-distilgpt2-sign': [10, 30, range(4, 10, 12)],
  'paper-table1-resnet18': [10, 100, [16, 49, 81, 114, 147, 180, 212, 245, 278, 311, 343, 376]],
  'paper-table1-moe': [30, 10, range(192, 1200, 10)],
};

describe('example experiments', () => {
  it('are all tested', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    expect(files.sort()).toEqual(
      Object.keys(examples)
        .map((name) => `${name}.yaml`)
        .sort(),
    );
  });

  it.each(Object.entries(examples))('%s', async (name, [rates, seeds, batchSizes]) => {
    const { grid, warnings } = await read(name);
    expect(warnings).toEqual([]);
    expect(grid.batchSizes).toEqual(batchSizes);
    expect([grid.learningRates.length, grid.seeds.length]).toEqual([rates, seeds]);
    expect(grid.cells).toBe(rates * seeds * batchSizes.length);
  });

  it('have the learning rates of Table 1', async () => {
    const ends = async (name: string) => {
      const { learningRates } = (await read(name)).grid;
      return [learningRates[0], learningRates[1], learningRates.at(-1)];
    };
    expect(await ends('paper-table1-cnn-small-batches')).toEqual([1e-4, 2e-4, 1e-3]);
    expect(await ends('paper-table1-distilgpt2-adam')).toEqual([1e-5, 1.3e-4, 1.09e-3]);
    expect(await ends('paper-table1-distilgpt2-sign')).toEqual([1e-5, 7e-5, 5.5e-4]);
    expect(await ends('paper-table1-resnet18')).toEqual([1e-4, 0.0001764, 7.876e-4]);
    expect(await ends('paper-table1-moe')).toEqual([2e-6, 4e-6, 6e-5]);
  });

  it('have marks close enough in the demo for a target loss to be interpolated', async () => {
    const { grid } = await read('digits-sign');
    const marks = grid.marksFor(1);
    for (const mark of [1, 2, 5, 10, 20, 40, 80, 160]) expect(marks).toContain(mark);
    for (let i = marks.indexOf(5); i < marks.length - 1; i++)
      expect(marks[i + 1] / marks[i]).toBeLessThanOrEqual(1.5);
  });

  it('have the peak of the exact law inside the quadratic grid', async () => {
    const { specification, grid } = await read('quadratic-sign');
    const { workload } = specification;
    if (workload.kind !== 'quadratic') throw new Error('not a quadratic');
    const { mu, sigma, hessian } = workload;
    // Theorem 2 (arXiv 2405.14578, equations 8 to 10), after one step from the origin.
    const optimum = (batchSize: number) => {
      const sure = mu.map((m, i) => erf((Math.sqrt(batchSize / 2) * m) / sigma[i]));
      const gain = mu.reduce((sum, m, i) => sum + m * sure[i], 0);
      const curvature = hessian.flatMap((row, i) => row.map((h, j) => (i === j ? h : h * sure[i] * sure[j])));
      return gain / curvature.reduce((sum, h) => sum + h, 0);
    };
    const fine = range(10, 0.01, 2000);
    const peak = fine.reduce((best, b) => (optimum(b) > optimum(best) ? b : best));
    expect(peak).toBeCloseTo(17.5, 1);
    for (const batchSize of grid.batchSizes) {
      expect(optimum(batchSize)).toBeGreaterThan(3 * grid.learningRates[0]);
      expect(optimum(batchSize)).toBeLessThan(grid.learningRates.at(-1)! / 3);
    }
  });
});

/** By its Maclaurin series, which is enough for the arguments here. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 && n < 500; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
