/** The grid of an experiment: every batch size × learning rate × seed, with the steps and marks of each batch size. */
import { axisValues, geometricMarks } from './axis.ts';
import type { Problem } from './axis.ts';
import type { Specification } from './specification.ts';

export interface Grid {
  /** Ascending. */
  readonly batchSizes: readonly number[];
  /** Ascending. */
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  /** Steps that a cell of this batch size trains: the length itself, or ceil(samples / B). */
  stepsFor(batchSize: number): number;
  /** Steps at which its cells are evaluated, ascending; the last step always is one. */
  marksFor(batchSize: number): readonly number[];
  readonly cells: number;
}

/** Bigger grids are refused: nobody waits for them, and an exponent was probably mistyped. */
export const MAX_CELLS = 1_000_000;

/** Problems of the specification's axes and their product; empty for a grid that can be run. */
export function gridProblems(specification: Specification): Problem[] {
  const rates = axisValues(specification.learningRates, 'learningRates');
  const sizes = axisValues(specification.batchSizes, 'batchSizes');
  const problems = [...rates.problems, ...sizes.problems];
  const seeds = seedList(specification);
  if (new Set(seeds).size < seeds.length)
    problems.push({ path: ['seeds'], message: 'the same seed is listed twice' });
  const cells = rates.values.length * sizes.values.length * seeds.length;
  if (cells > MAX_CELLS)
    problems.push({
      path: ['learningRates'],
      message: `the grid has ${cells.toLocaleString('en-US')} cells (${rates.values.length} learning rates × ${sizes.values.length} batch sizes × ${seeds.length} seeds); at most ${MAX_CELLS.toLocaleString('en-US')} are allowed`,
    });
  return problems;
}

/** Throws when the specification has grid problems; parseSpecification reports them first. */
export function expandGrid(specification: Specification): Grid {
  const problems = gridProblems(specification);
  if (problems.length > 0) throw new Error(`${problems[0].path.join('.')}: ${problems[0].message}`);
  const learningRates = axisValues(specification.learningRates, 'learningRates').values;
  const batchSizes = axisValues(specification.batchSizes, 'batchSizes').values;
  const seeds = seedList(specification);
  const { length } = specification;
  const stepsFor = (batchSize: number) =>
    'steps' in length ? length.steps : Math.ceil(length.samples / batchSize);
  return {
    batchSizes,
    learningRates,
    seeds,
    stepsFor,
    marksFor: (batchSize) => marksOf(specification.marks, stepsFor(batchSize)),
    cells: learningRates.length * batchSizes.length * seeds.length,
  };
}

/** Explicit marks that lie beyond the length, as warnings: they are left out. */
export function markWarnings(specification: Specification): string[] {
  const grid = expandGrid(specification);
  const longest = Math.max(...grid.batchSizes.map((b) => grid.stepsFor(b)));
  const beyond = specification.marks.list.filter((m) => m > longest);
  const warnings = beyond.map(
    (m) => `marks.list: step ${m} lies beyond the last step (${longest}) and is left out`,
  );
  const { dense } = specification.marks;
  if (dense !== undefined && dense.to > longest)
    warnings.push(`marks.dense: the window ends at the last step (${longest}), not at ${dense.to}`);
  return warnings;
}

function seedList(specification: Specification): readonly number[] {
  const { seeds } = specification;
  return typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i) : seeds;
}

function marksOf(marks: Specification['marks'], steps: number): number[] {
  const all = new Set([...geometricMarks(marks.geometricPerDecade, steps), ...marks.list, steps]);
  const { dense } = marks;
  if (dense !== undefined)
    for (let m = dense.from; m <= Math.min(dense.to, steps); m += dense.every) all.add(m);
  return [...all].filter((m) => m <= steps).sort((a, b) => a - b);
}
