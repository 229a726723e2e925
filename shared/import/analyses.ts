import type { FamilyAnalysis, ImportedFamily } from './sweep.ts';

/** Largest relative difference of tokens between cells that still counts as one token budget. */
const SAME_BUDGET = 0.01;

type Grid = Omit<ImportedFamily, 'analyses'>;

function can(analysis: FamilyAnalysis['analysis'], problem: string | null, reason: string): FamilyAnalysis {
  return { analysis, possible: problem === null, reason: problem ?? reason };
}

/** What the columns and the grid of a family allow, each with a reason. */
export function possibleAnalyses(family: Grid): FamilyAnalysis[] {
  const { cells, batchSizes, learningRates, seeds } = family;
  const ratesOf = new Map<number, Set<number>>();
  for (const cell of cells) {
    if (cell.learningRate === null || cell.loss === null || cell.failure !== null) continue;
    const rates = ratesOf.get(cell.batchSize) ?? new Set();
    ratesOf.set(cell.batchSize, rates.add(cell.learningRate));
  }
  const enough = [...ratesOf.values()].filter((rates) => rates.size >= 3).length;
  let ridge: string | null = null;
  if (learningRates.length === 0) ridge = 'there is no learning-rate column';
  else if (enough < 3) ridge = `only ${enough} batch sizes have three learning rates that did not fail`;

  // On a grid a learning rate is met at several batch sizes; a random search meets each only once.
  const perRate =
    learningRates.length === 0 ? 0 : cells.length / learningRates.length / Math.max(1, seeds.length);
  const irregular = batchSizes.length >= 2 && perRate < 1.5;
  const withCurves = cells.filter((cell) => cell.curve !== null).length;
  const targets = cells.filter((cell) => cell.stepsToTarget !== null).length;
  const tokens = cells.map((cell) => cell.tokens).filter((value): value is number => value !== null);
  const lowest = tokens.reduce((a, b) => Math.min(a, b), Infinity);
  const highest = tokens.reduce((a, b) => Math.max(a, b), -Infinity);
  let budget: string | null = null;
  if (tokens.length === 0) budget = 'there is no tokens column';
  else if (highest > lowest * (1 + SAME_BUDGET))
    budget = `tokens differ between cells (${lowest} to ${highest})`;
  let examples: string | null = null;
  if (targets === 0 && withCurves === 0) examples = 'there are neither curves nor steps to a target';
  else if (targets > 0 && targets < 3) examples = 'fewer than three batch sizes reach the target';

  return [
    can('ridge', ridge, `${enough} batch sizes have three learning rates or more`),
    can(
      'three-point optimum',
      ridge ?? (irregular ? 'learning rates are not on a grid: use the smooth optimum' : null),
      'learning rates are on a grid',
    ),
    can('smooth optimum', ridge, 'a smooth fit over the learning rates of each batch size'),
    can(
      'migration',
      ridge ?? (withCurves === 0 ? 'there is one value a cell, no curve' : null),
      `${withCurves} cells have a curve`,
    ),
    can('seed intervals', seeds.length < 2 ? 'there is one seed' : null, `${seeds.length} seeds`),
    can('steps and examples', examples, targets > 0 ? `${targets} steps to the target` : 'from the curves'),
    can('equal tokens', budget, 'all cells have the same tokens: the ridge is one at equal tokens'),
  ];
}
