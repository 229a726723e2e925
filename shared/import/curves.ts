/** Imported cells as the dense grid that every analysis of curves takes. */
import type { CurveSet } from '../analysis/curves.ts';
import type { FamilyAnalysis, ImportedCell, ImportedFamily } from './sweep.ts';

/** Whether a family has curves on a grid of learning rates, so that all analyses of curves apply. */
export function hasGridCurves(analyses: readonly FamilyAnalysis[]): boolean {
  return (['migration', 'three-point optimum'] as const).every((name) =>
    analyses.some(({ analysis, possible }) => analysis === name && possible),
  );
}

/** Seeds are names in other people's files: whole numbers stay what they are, other names are counted. */
export function seedNumbers(seeds: readonly string[]): Map<string, number> {
  const whole = seeds.every((seed) => /^\d{1,9}$/.test(seed));
  return new Map(seeds.map((seed, index) => [seed, whole ? Number(seed) : index]));
}

interface Points {
  readonly steps: readonly number[];
  readonly losses: readonly number[];
  /** Infinity when the run did not fail. */
  readonly divergedAt: number;
}

/** The points of a cell that count: after step 0, which no ratio of steps can have, and before its failure. */
function pointsOf(cell: ImportedCell): Points {
  const { curve, step, loss } = cell;
  const all = curve ?? {
    steps: Float64Array.from(step === null ? [] : [step]),
    losses: Float64Array.of(loss ?? NaN),
  };
  const divergedAt = cell.failure === null ? Infinity : Math.max(cell.failureStep ?? 0, Number.MIN_VALUE);
  const used = Array.from(all.steps, (_, i) => i).filter(
    (i) => all.steps[i] > 0 && all.steps[i] < divergedAt,
  );
  return { steps: used.map((i) => all.steps[i]), losses: used.map((i) => all.losses[i]), divergedAt };
}

/** Steps at which every run of a batch size that is still going has a value. */
function commonMarks(cells: readonly Points[]): number[] {
  const having = new Map<number, number>();
  const ends: number[] = [];
  for (const { steps } of cells) {
    for (const step of steps) having.set(step, (having.get(step) ?? 0) + 1);
    if (steps.length > 0) ends.push(steps[steps.length - 1]);
  }
  ends.sort((a, b) => a - b);
  let ended = 0;
  return [...having.keys()]
    .sort((a, b) => a - b)
    .filter((step) => {
      while (ends[ended] < step) ended++;
      return having.get(step) === ends.length - ended;
    });
}

function emptyCurves(family: ImportedFamily, marks: readonly (readonly number[])[]): CurveSet {
  const numbers = seedNumbers(family.seeds);
  const seeds = [...numbers.values()];
  const cells = family.batchSizes.length * family.learningRates.length * seeds.length;
  const stride = marks.reduce((most, list) => Math.max(most, list.length), 0);
  return {
    batchSizes: family.batchSizes,
    learningRates: family.learningRates,
    seeds,
    marks,
    stride,
    values: new Float64Array(cells * stride).fill(NaN),
    recorded: new Uint32Array(cells),
    divergedAt: new Float64Array(cells).fill(Infinity),
  };
}

/** Calls back with the index of each cell that has a learning rate. */
function eachCell(
  family: ImportedFamily,
  use: (cell: ImportedCell, index: number, batch: number) => void,
): void {
  const place = (values: readonly unknown[]) => new Map(values.map((value, index) => [value, index]));
  const [batches, rates, seeds] = [family.batchSizes, family.learningRates, family.seeds].map(place);
  for (const cell of family.cells) {
    const rate = rates.get(cell.learningRate);
    if (rate === undefined) continue;
    const batch = batches.get(cell.batchSize)!;
    const index = (batch * family.learningRates.length + rate) * family.seeds.length + seeds.get(cell.seed)!;
    use(cell, index, batch);
  }
}

/**
 * The curves of a family. The marks of a batch size are the steps at which all of its runs that have not ended or failed
 * have a value; a run that failed has diverged from the step at which the file says so (from the first, when it says no
 * step). Values are kept exactly.
 */
export function curvesOfFamily(family: ImportedFamily): CurveSet {
  const points = new Map(family.cells.map((cell) => [cell, pointsOf(cell)]));
  const marks = family.batchSizes.map((batchSize) =>
    commonMarks(family.cells.filter((cell) => cell.batchSize === batchSize).map((cell) => points.get(cell)!)),
  );
  const curves = emptyCurves(family, marks);
  const wanted = marks.map((list) => new Set(list));
  eachCell(family, (cell, index, batch) => {
    const { steps, losses, divergedAt } = points.get(cell)!;
    let recorded = 0;
    steps.forEach((step, i) => {
      if (wanted[batch].has(step)) curves.values[index * curves.stride + recorded++] = losses[i];
    });
    curves.recorded[index] = recorded;
    curves.divergedAt[index] = divergedAt;
  });
  return curves;
}

/**
 * The last loss of every cell as the only mark, numbered 1: for files without curves, whose runs may have any number of
 * steps. Failed cells have diverged.
 */
export function finalLosses(family: ImportedFamily): CurveSet {
  const curves = emptyCurves(
    family,
    family.batchSizes.map(() => [1]),
  );
  eachCell(family, ({ loss, failure }, index) => {
    if (loss === null) return;
    curves.values[index] = loss;
    curves.recorded[index] = 1;
    if (failure !== null) curves.divergedAt[index] = 1;
  });
  return curves;
}
