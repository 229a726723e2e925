/** Laws of noisy quadratics named by their edge. */
import type { Figure } from '#shared/figure/figure.ts';
import { simulateProblem, theoryInput, type TheoryProblem } from '#shared/figure/from-theory.ts';
import { theoryFigure } from '#shared/figure/theory-figure.ts';
import { presetQuadratic } from '#shared/theory/examine.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { COLUMN, FULL, NAME } from './sizes.ts';
import { powers } from './synthetic.ts';

const DRAWS = 60;
const sign = { kind: 'sign' } as const;
const peak: TheoryProblem = { name: NAME, quadratic: presetQuadratic('peak'), optimizer: sign };

interface Case {
  readonly problem: TheoryProblem;
  readonly draws?: number | null;
  readonly width?: number;
}

const cases: Record<string, Case> = {
  ordinary: { problem: peak },
  'one column': { problem: peak, width: COLUMN },
  'not simulated': { problem: peak, draws: null },
  'no peak': { problem: { ...peak, quadratic: presetQuadratic('no-peak') } },
  'small-batch law without a peak': { problem: { ...peak, quadratic: presetQuadratic('diagonal') } },
  sgd: { problem: { ...peak, optimizer: { kind: 'sgd' } } },
  adam: {
    problem: { ...peak, optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.95 }, batchSizes: powers(4, 6) },
    draws: 8,
  },
  'one batch': { problem: { ...peak, batchSizes: [256] } },
  'twelve decades': {
    problem: { ...peak, batchSizes: Array.from({ length: 13 }, (_, i) => 10 ** (i - 3)) },
  },
  'three decades': { problem: { ...peak, batchSizes: [10, 100, 1000, 10_000] } },
  'sixty batches': { problem: { ...peak, batchSizes: Array.from({ length: 60 }, (_, i) => 16 * (i + 1)) } },
  'no finite optimum': {
    problem: {
      ...peak,
      quadratic: noisyQuadratic({
        mu: [0.02, 0.03],
        sigma: [1, 1],
        hessian: [
          [-1, 0],
          [0, -2],
        ],
      }),
    },
    draws: 20,
  },
  'noise scale beyond the axis': {
    problem: { ...peak, batchSizes: powers(1, 6) },
  },
  empty: { problem: { ...peak, batchSizes: [] }, draws: null },
};

export const theoryCases: ReadonlyMap<string, () => Figure> = new Map(
  Object.entries(cases).map(([edge, { problem, draws = DRAWS, width = FULL }]) => [
    `theory, ${edge}`,
    () => {
      const simulated = draws === null ? [] : simulateProblem(problem, draws);
      return theoryFigure(theoryInput(problem, simulated, draws), { width });
    },
  ]),
);
