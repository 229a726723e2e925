/** What docs/gallery.md shows: every kind of figure, as a person writes it, with made-up experiments. */
import { specificationSchema, type Specification } from '#shared/experiment/specification.ts';
import type { FigureData, FigureExperiment } from '#shared/figure/draw.ts';
import type { FigureSpecificationInput } from '#shared/figure/specification.ts';
import { predictionRecord } from './prediction-record.ts';
import { powers, spaced, syntheticSweep, type SweepOptions } from './synthetic.ts';

function trainedWith(beta1: number): Specification {
  return specificationSchema.parse({
    name: `beta1 ${beta1}`,
    workload: { kind: 'mlp' },
    optimizer: { kind: 'adam', beta1 },
    learningRates: { log: { from: 2e-4, to: 2e-2, count: 12 } },
    batchSizes: { list: powers(1, 9) },
    seeds: 6,
    length: { steps: 320 },
  });
}

function experiment(name: string, beta1: number, options: SweepOptions = {}): FigureExperiment {
  const curves = syntheticSweep(options);
  return {
    name,
    specification: trainedWith(beta1),
    curves: () => curves,
    predictions: () => [predictionRecord],
    // A sweep that is still running.
    cells: () =>
      curves.batchSizes.flatMap((batchSize, b) =>
        curves.learningRates.flatMap((learningRate, k) =>
          curves.seeds.map((seed) => ({
            batchSize,
            learningRate,
            state:
              k > 8 && seed < 2 * (k - 8)
                ? 'diverged'
                : b < 6
                  ? 'done'
                  : b === 6 && k % 2 === 0
                    ? 'running'
                    : 'planned',
          })),
        ),
      ),
    finalLosses: () => null,
  };
}

const experiments: Readonly<Record<string, FigureExperiment>> = {
  digits: experiment('digits', 0),
  momentum: experiment('momentum', 0.9, { epsMax: 3e-3, bNoise: 5 }),
};
export const galleryData: FigureData = { experiment: (name) => experiments[name] };
const tested = spaced(2e-4, 2e-2, 12).map((rate) => Number(rate.toPrecision(12)));

export interface GalleryEntry {
  readonly heading: string;
  readonly file: string;
  readonly specification: FigureSpecificationInput;
}

export const galleryEntries: readonly GalleryEntry[] = [
  {
    heading: 'The ridge with its laws',
    file: 'ridge',
    specification: { kind: 'ridge', experiment: 'digits', definition: { kind: 'equal-steps', step: 40 } },
  },
  {
    heading: 'The paper’s protocol',
    file: 'protocol',
    specification: { kind: 'protocol', experiment: 'digits', targets: [1.5, 1, 0.5] },
  },
  {
    heading: 'The paper’s protocol at one target loss',
    file: 'protocol-one-target',
    specification: { kind: 'protocol', experiment: 'digits', targets: [1] },
  },
  {
    heading: 'Loss against learning rate',
    file: 'losses',
    specification: {
      kind: 'losses',
      experiment: 'digits',
      steps: [10, 40, 160],
      batchSizes: [1, 4, 16, 64, 256],
    },
  },
  {
    heading: 'Heat map with the ridge',
    file: 'heat-map',
    specification: { kind: 'heat-map', experiment: 'digits', step: 40 },
  },
  {
    heading: 'Migration of the peak over steps',
    file: 'migration-steps',
    specification: { kind: 'migration', experiment: 'digits', steps: [10, 40, 160] },
  },
  {
    heading: 'Migration of the peak towards lower losses',
    file: 'migration-loss',
    specification: { kind: 'migration', experiment: 'digits', by: 'loss', targets: [2, 1.5, 1, 0.5] },
  },
  {
    heading: 'Predicted beside measured, and the regime',
    file: 'prediction',
    specification: { kind: 'prediction', experiment: 'digits' },
  },
  {
    heading: 'Experiments compared',
    file: 'compare',
    specification: {
      kind: 'compare',
      experiments: ['digits', 'momentum'],
      definition: { kind: 'equal-steps', step: 40 },
    },
  },
  {
    heading: 'Curves of some cells',
    file: 'curves',
    specification: {
      kind: 'curves',
      experiment: 'digits',
      cells: [3, 5, 7, 10].map((i) => ({ batchSize: 64, learningRate: tested[i] })),
    },
  },
  {
    heading: 'States of a running sweep',
    file: 'states',
    specification: { kind: 'states', experiment: 'digits' },
  },
  {
    heading: 'Laws of a noisy quadratic and a simulation',
    file: 'theory',
    specification: { kind: 'theory', problem: { preset: 'peak' }, draws: 400 },
  },
  {
    heading: 'Growth schedules',
    file: 'schedule',
    specification: {
      kind: 'schedule',
      schedules: [
        {
          label: 'growing batch, cosine',
          epochs: 300,
          examples: 50_000,
          interval: 30,
          batch: { kind: 'exponential', start: 8, factor: 2 },
          learningRate: { kind: 'cosine', start: 0.1 },
        },
        {
          label: 'both grow',
          epochs: 300,
          examples: 50_000,
          interval: 30,
          batch: { kind: 'exponential', start: 8, factor: 2 },
          learningRate: { kind: 'growth', start: 0.1, max: 0.2 },
        },
      ],
    },
  },
];
