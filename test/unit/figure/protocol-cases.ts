/** The paper's protocol on small sweeps named by their edge. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { Figure } from '#shared/figure/figure.ts';
import { protocolInput } from '#shared/figure/from-protocol.ts';
import { protocolFigure } from '#shared/figure/protocol-figure.ts';
import { paperProtocol } from '#shared/protocol/paper.ts';
import { COLUMN, FULL, NAME } from './sizes.ts';
import { powers, spaced, syntheticSweep } from './synthetic.ts';

interface Case {
  readonly curves: CurveSet;
  readonly targets: readonly number[];
  readonly moreSteps?: number;
  readonly width?: number;
}

const ordinary = syntheticSweep();
const cases: Record<string, Case> = {
  ordinary: { curves: ordinary, targets: [1] },
  'one column': { curves: ordinary, targets: [1], width: COLUMN },
  'three targets': { curves: ordinary, targets: [1.5, 1, 0.5] },
  'six targets': { curves: ordinary, targets: [2, 1.5, 1, 0.7, 0.5, 0.3] },
  'target never reached': { curves: ordinary, targets: [0.01] },
  'one batch': { curves: syntheticSweep({ batchSizes: [16] }), targets: [1] },
  'one learning rate': { curves: syntheticSweep({ learningRates: [2e-3] }), targets: [1] },
  'one seed': { curves: syntheticSweep({ seeds: 1 }), targets: [1] },
  'all diverged': { curves: syntheticSweep({ learningRates: spaced(1, 100, 5) }), targets: [1] },
  'half missing': {
    curves: syntheticSweep({ recorded: (b, rate) => ((b + rate) % 2 === 0 ? 0 : 16) }),
    targets: [1],
  },
  'negative decrease': {
    curves: syntheticSweep({ learningRates: spaced(4e-3, 1.5e-2, 8), noise: 0.15 }),
    targets: [2.1],
    moreSteps: 2,
  },
  'three decades': { curves: syntheticSweep({ learningRates: spaced(1e-5, 1e-2, 10) }), targets: [1.8] },
  'twelve decades': { curves: syntheticSweep({ learningRates: spaced(1e-9, 1e3, 25) }), targets: [1.8] },
  'sixty batches': {
    curves: syntheticSweep({
      batchSizes: Array.from({ length: 60 }, (_, i) => 1 + 3 * i),
      learningRates: spaced(1e-3, 1e-2, 7),
      seeds: 2,
    }),
    targets: [1],
  },
  'batches in millions of tokens': {
    curves: syntheticSweep({ batchSizes: powers(196_608, 7), bNoise: 1e6 }),
    targets: [1],
  },
  empty: { curves: ordinary, targets: [] },
};

export const protocolCases: ReadonlyMap<string, () => Figure> = new Map(
  Object.entries(cases).map(([edge, { curves, targets, moreSteps = 10, width = FULL }]) => [
    `protocol, ${edge}`,
    () => {
      const results = targets.map((target) => paperProtocol(curves, target, moreSteps));
      const input = protocolInput(results, { name: NAME, plannedSeeds: curves.seeds.length });
      return protocolFigure(input, { width });
    },
  ]),
);
