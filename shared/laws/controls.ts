/** Negative controls: how often would the pipeline announce a surge that is not there? */
import { randomNormal } from 'd3';
import { fitLaws } from './fit.ts';
import type { RidgePoint } from './fit.ts';
import { wilsonInterval } from './intervals.ts';
import { evaluateLaw, LAW_NAMES } from './laws.ts';
import type { LawName, LawParameters } from './laws.ts';
import type { ScanCache } from './solver.ts';
import { DECISIVE_AICC, gridFactor, judgeRidge } from './verdict.ts';
import type { Verdict } from './verdict.ts';

export interface AnnounceRateInput {
  readonly truth: { readonly law: LawName; readonly parameters: LawParameters };
  readonly batchSizes: readonly number[];
  /** Standard deviation of ln optimal LR: one for all batch sizes, or one each. */
  readonly noise: number | readonly number[];
  /** The sweep's learning rates: optima outside are cut to its ends. */
  readonly learningRates?: readonly number[];
  /** Optima are read off the grid itself (nearest learning rate) rather than refined between its points. */
  readonly snapToGrid?: boolean;
  /** Ridges to simulate. */
  readonly count: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly laws?: readonly LawName[];
  /**
   * Resamples of each simulated ridge, drawn around it with the same noise, for a verdict by bootstrap as a real sweep has
   * it; 0 or absent: the verdict has none.
   */
  readonly resamples?: number;
}

export interface AnnounceRate {
  readonly simulated: number;
  /** Ridges on which the verdict announced a surge, their share and its 95 % interval. */
  readonly announced: number;
  readonly rate: number;
  readonly interval: readonly [number, number];
  /** How often each law was named; undecided ridges count as 'undecided'. */
  readonly named: Readonly<Record<LawName | 'undecided', number>>;
  readonly sentence: string;
}

/** Simulates ridges from a known law with the sweep's own noise and grid and counts the surges announced. */
export function announceRate(input: AnnounceRateInput): AnnounceRate {
  const normal = randomNormal.source(input.random)(0, 1);
  const cache: ScanCache = new Map();
  const grid = input.learningRates === undefined ? null : [...input.learningRates].sort((a, b) => a - b);
  const factor = grid === null ? null : gridFactor(grid);
  const named: Record<LawName | 'undecided', number> = {
    surge: 0,
    alpha1: 0,
    alpha_half: 0,
    alpha_free: 0,
    power: 0,
    constant: 0,
    mean_field: 0,
    undecided: 0,
  };
  const deviationAt = (b: number) => (typeof input.noise === 'number' ? input.noise : (input.noise[b] ?? 0));
  let announced = 0;
  for (let i = 0; i < input.count; i++) {
    const points = input.batchSizes.map((batchSize, b) => {
      const truth = evaluateLaw(input.truth.law, input.truth.parameters, batchSize);
      let learningRate = truth * Math.exp(deviationAt(b) * normal());
      if (grid !== null) {
        learningRate = Math.min(Math.max(learningRate, grid[0]), grid.at(-1)!);
        if (input.snapToGrid === true) learningRate = nearest(grid, learningRate);
      }
      return { batchSize, learningRate };
    });
    const fits = fitLaws(points, { cache, ...(input.laws === undefined ? {} : { laws: input.laws }) });
    const resamples = Array.from({ length: input.resamples ?? 0 }, () =>
      points.map(({ learningRate }, b) => learningRate * Math.exp(deviationAt(b) * normal())),
    );
    const verdict = judgeRidge(fits, {
      ...(factor === null ? {} : { gridFactor: factor }),
      ...(resamples.length === 0 ? {} : { resamples }),
    });
    if (verdict.surge) announced++;
    named[verdict.law ?? 'undecided']++;
  }
  const interval = wilsonInterval(announced, input.count);
  const rate = input.count === 0 ? 0 : announced / input.count;
  return {
    simulated: input.count,
    announced,
    rate,
    interval,
    named,
    sentence: `Of ${input.count} ridges simulated from ${input.truth.law}, ${announced} were called a surge.`,
  };
}

/** Grid value nearest in ln. */
function nearest(grid: readonly number[], value: number): number {
  return grid.reduce((a, b) => (Math.abs(Math.log(b / value)) < Math.abs(Math.log(a / value)) ? b : a));
}

export interface PermutationResult {
  readonly law: LawName;
  /** AICc of the constant minus that of the law, on the real ridge. */
  readonly gain: number;
  /** Share of permuted ridges on which the law beats the constant decisively. */
  readonly chanceRate: number;
  /** (1 + permutations that fit the law at least as well) / (1 + permutations). */
  readonly pValue: number;
}

/** Batch labels permuted within the sweep: a law may beat the constant only at the chance rate. */
export function permutationControl(
  points: readonly RidgePoint[],
  options: { count: number; random: () => number; laws?: readonly LawName[] },
): PermutationResult[] {
  const cache: ScanCache = new Map();
  const laws = [...new Set<LawName>(['constant', ...(options.laws ?? LAW_NAMES)])];
  const gains = (ridge: readonly RidgePoint[]) => {
    const { fits } = fitLaws(ridge, { cache, laws, leaveOneOut: false });
    const constant = fits.find((fit) => fit.law === 'constant');
    return new Map(fits.map((fit) => [fit.law, constant === undefined ? 0 : constant.aicc - fit.aicc]));
  };
  const observed = gains(points);
  const tally = new Map<LawName, { asGood: number; decisive: number }>();
  for (let i = 0; i < options.count; i++) {
    // Fisher-Yates on the learning rates (with their weights), batch sizes staying in place.
    const order = points.map((_, index) => index);
    for (let j = order.length - 1; j > 0; j--) {
      const other = Math.floor(options.random() * (j + 1));
      [order[j], order[other]] = [order[other], order[j]];
    }
    const permuted = points.map((point, index) => ({
      ...points[order[index]],
      batchSize: point.batchSize,
    }));
    for (const [law, gain] of gains(permuted)) {
      const entry = tally.get(law) ?? { asGood: 0, decisive: 0 };
      if (gain >= (observed.get(law) ?? 0) - 1e-9) entry.asGood++;
      if (gain > DECISIVE_AICC) entry.decisive++;
      tally.set(law, entry);
    }
  }
  return [...observed]
    .filter(([law]) => law !== 'constant')
    .map(([law, gain]) => {
      const entry = tally.get(law) ?? { asGood: 0, decisive: 0 };
      return {
        law,
        gain,
        chanceRate: options.count === 0 ? 0 : entry.decisive / options.count,
        pValue: (1 + entry.asGood) / (1 + options.count),
      };
    });
}

export interface BudgetControl {
  /** True when a fall is seen at equal tokens (or samples) but not at equal steps. */
  readonly onlyAtEqualTokens: boolean;
  readonly sentence: string;
}

/** The same grid scored at equal steps and at equal tokens: a fall that shows only at equal tokens is not the surge. */
export function budgetControl(equalSteps: Verdict, equalTokens: Verdict): BudgetControl {
  const falls = (verdict: Verdict) => verdict.fall?.beyondError === true;
  const steps = falls(equalSteps);
  const tokens = falls(equalTokens);
  const onlyAtEqualTokens = tokens && !steps;
  let sentence = 'No fall at large batch sizes is beyond error, at equal steps or at equal tokens.';
  if (onlyAtEqualTokens) sentence = 'The fall shows only at equal tokens: it is not the surge.';
  else if (tokens && steps) sentence = 'The fall shows at equal steps and at equal tokens.';
  else if (steps) sentence = 'The fall shows at equal steps, and not at equal tokens.';
  return { onlyAtEqualTokens, sentence };
}
