/** docs/gallery.md: every figure drawn from what a person writes, with its caption. Run with -u to draw it anew. */
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { specificationSchema, type Specification } from '#shared/experiment/specification.ts';
import { drawFigure, type FigureData, type FigureExperiment } from '#shared/figure/draw.ts';
import { outsidePage, overlappingTexts } from '#shared/figure/geometry.ts';
import {
  figureKinds,
  figureSpecificationSchema,
  presetNameOf,
  type FigureSpecificationInput,
} from '#shared/figure/specification.ts';
import { printStyle } from '#shared/figure/style.ts';
import { serialise } from '#shared/figure/tree.ts';
import { predictionRecord } from './prediction-record.ts';
import { COLUMN, FULL } from './sizes.ts';
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
const data: FigureData = { experiment: (name) => experiments[name] };
const tested = spaced(2e-4, 2e-2, 12).map((rate) => Number(rate.toPrecision(12)));

interface Entry {
  readonly heading: string;
  readonly file: string;
  readonly specification: FigureSpecificationInput;
}

const entries: readonly Entry[] = [
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

const drawn = entries.map((entry) => {
  const specification = figureSpecificationSchema.parse(entry.specification);
  const width = presetNameOf(specification) === 'nature-89' ? COLUMN : FULL;
  return { ...entry, figure: drawFigure(specification, data, { width, style: printStyle }) };
});

describe('gallery', () => {
  it('shows every kind of figure', () => {
    expect(new Set(entries.map(({ specification }) => specification.kind))).toEqual(new Set(figureKinds));
  });

  it.each(drawn)('draws $file without warnings, on its page, with texts apart', async ({ file, figure }) => {
    expect(figure.warnings).toEqual([]);
    expect(outsidePage(figure.tree, 'sans')).toEqual([]);
    expect(overlappingTexts(figure.tree, 'sans')).toEqual([]);
    await expect(serialise(figure.tree)).toMatchFileSnapshot(`../../../docs/images/gallery/${file}.svg`);
  });

  it('labels a comparison by what varies', () => {
    const compared = drawn.find(({ file }) => file === 'compare')!;
    expect(new Set(compared.figure.data.rows.map((row) => row[1]))).toEqual(
      new Set(['beta1 0', 'beta1 0.9']),
    );
  });

  it('is a page', async () => {
    await expect(page()).toMatchFileSnapshot('../../../docs/gallery.md');
  });
});

function page(): string {
  const parts = drawn.map(({ heading, file, specification, figure: { caption } }) =>
    [
      `## ${heading}`,
      `![${heading}](images/gallery/${file}.svg)`,
      `${caption.text} Definition: ${caption.definition}.`,
      `\`\`\`yaml\n${stringify(specification, { lineWidth: 0 })}\`\`\``,
    ].join('\n\n'),
  );
  return [
    '# Gallery',
    'Every kind of figure, drawn from the specification below it; what is left out of a specification has a default (`shared/figure/specification.ts`). The sweeps are made up; captions are those that are written beside a figure. The tests draw this page: `npx vitest run --project unit test/unit/figure/gallery.test.ts -u`.',
    ...parts,
  ]
    .join('\n\n')
    .concat('\n');
}
