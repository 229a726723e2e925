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
/** As in the specification, where the length is in steps. */
const MAX_STEPS = 1e9;
const MAX_MARKS = 100_000;
/** A parabola needs a neighbour on either side. */
const RATES_FOR_AN_OPTIMUM = 3;

/** Problems of the axes, their product, the length and the marks; empty for a grid that can be run. */
export function gridProblems(specification: Specification): Problem[] {
  const rates = axisValues(specification.learningRates, 'learningRates');
  const sizes = axisValues(specification.batchSizes, 'batchSizes');
  const problems = [...rates.problems, ...sizes.problems, ...seedProblems(specification)];
  if (problems.length > 0) return problems;
  const factors = [
    [rates.values.length, 'learning rates', 'learningRates'],
    [sizes.values.length, 'batch sizes', 'batchSizes'],
    [seedList(specification).length, 'seeds', 'seeds'],
  ] as const;
  const cells = factors.reduce((product, [count]) => product * count, 1);
  if (cells > MAX_CELLS)
    problems.push({
      // The largest factor is where there is most to save.
      path: [factors.reduce((most, factor) => (factor[0] > most[0] ? factor : most))[2]],
      message: `the grid has ${number(cells)} cells (${factors.map(([count, name]) => `${number(count)} ${name}`).join(' × ')}); at most ${number(MAX_CELLS)} are allowed`,
    });
  return [...problems, ...lengthProblems(specification, sizes.values), ...markProblems(specification)];
}

/** Throws when the specification has grid problems; parseSpecification reports them first. */
export function expandGrid(specification: Specification): Grid {
  const problems = gridProblems(specification);
  if (problems.length > 0) throw new Error(`${problems[0].path.join('.')}: ${problems[0].message}`);
  const learningRates = axisValues(specification.learningRates, 'learningRates').values;
  const batchSizes = axisValues(specification.batchSizes, 'batchSizes').values;
  const seeds = seedList(specification);
  const stepsFor = (batchSize: number) => stepsOf(specification, batchSize);
  const marks = new Map<number, readonly number[]>();
  return {
    batchSizes,
    learningRates,
    seeds,
    stepsFor,
    marksFor: (batchSize) => {
      const steps = stepsFor(batchSize);
      const known = marks.get(steps) ?? marksOf(specification.marks, steps);
      marks.set(steps, known);
      return known;
    },
    cells: learningRates.length * batchSizes.length * seeds.length,
  };
}

/** What a grid leaves out or cannot answer, as sentences; of a specification without grid problems. */
export function gridWarnings(specification: Specification): string[] {
  const grid = expandGrid(specification);
  const warnings = [
    ...axisValues(specification.learningRates, 'learningRates').warnings,
    ...axisValues(specification.batchSizes, 'batchSizes').warnings,
  ];
  if (grid.learningRates.length < RATES_FOR_AN_OPTIMUM)
    warnings.push(
      `learningRates: an optimum needs at least ${RATES_FOR_AN_OPTIMUM} learning rates, here ${grid.learningRates.length === 1 ? 'is one' : 'are two'}`,
    );
  // The smallest batch trains the most steps.
  const longest = grid.stepsFor(grid.batchSizes[0]);
  const beyond = specification.marks.list.filter((m) => m > longest);
  if (beyond.length > 0)
    warnings.push(
      `marks.list: ${beyond.length === 1 ? `step ${beyond[0]} lies` : `${beyond.length} steps (${Math.min(...beyond)} and above) lie`} beyond the last step (${longest}) and ${beyond.length === 1 ? 'is' : 'are'} left out`,
    );
  const { dense } = specification.marks;
  if (dense !== undefined && dense.to > longest)
    warnings.push(
      dense.from > longest
        ? `marks.dense: the window lies beyond the last step (${longest}) and is left out`
        : `marks.dense: the window ends at the last step (${longest}), not at ${dense.to}`,
    );
  return warnings;
}

function seedProblems(specification: Specification): Problem[] {
  const { seeds } = specification;
  if (typeof seeds === 'number') return [];
  const known = new Set<number>();
  return seeds.flatMap((seed, i) => {
    const repeats = known.has(seed);
    known.add(seed);
    return repeats ? [{ path: ['seeds', i], message: `seed ${seed} is listed twice` }] : [];
  });
}

function lengthProblems(specification: Specification, batchSizes: readonly number[]): Problem[] {
  const field = 'steps' in specification.length ? 'steps' : 'samples';
  const path = ['length', field];
  const [smallest, largest] = [batchSizes[0], batchSizes[batchSizes.length - 1]];
  const steps = stepsOf(specification, smallest);
  if (steps > MAX_STEPS)
    return [
      {
        path,
        message: `gives ${number(steps)} steps at batch size ${smallest}; at most ${number(MAX_STEPS)} are allowed`,
      },
    ];
  // Step s of batch size B takes stream positions s·B … s·B + B − 1, which must be exact.
  if (stepsOf(specification, largest) * largest > Number.MAX_SAFE_INTEGER)
    return [
      { path, message: `times batch size ${largest} is more samples than can be counted exactly (2^53)` },
    ];
  return [];
}

function markProblems({ marks }: Specification): Problem[] {
  const { dense } = marks;
  if (dense === undefined) return [];
  if (dense.from > dense.to)
    return [
      {
        path: ['marks', 'dense', 'from'],
        message: `must not be above to (from is ${dense.from}, to is ${dense.to})`,
      },
    ];
  const count = Math.floor((dense.to - dense.from) / dense.every) + 1;
  if (count > MAX_MARKS)
    return [
      {
        path: ['marks', 'dense', 'every'],
        message: `gives ${number(count)} marks; at most ${number(MAX_MARKS)} are allowed`,
      },
    ];
  return [];
}

function stepsOf({ length }: Specification, batchSize: number): number {
  return 'steps' in length ? length.steps : Math.ceil(length.samples / batchSize);
}

function seedList({ seeds }: Specification): readonly number[] {
  return typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i) : seeds;
}

function marksOf(marks: Specification['marks'], steps: number): number[] {
  const all = new Set([...geometricMarks(marks.geometricPerDecade, steps), ...marks.list, steps]);
  const { dense } = marks;
  if (dense !== undefined)
    for (let m = dense.from; m <= Math.min(dense.to, steps); m += dense.every) all.add(m);
  return [...all].filter((m) => m <= steps).sort((a, b) => a - b);
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
