import { describe, expect, it } from 'vitest';
import { subsetOf } from '#shared/analysis/subset.ts';
import { drawFigure, type FigureData } from '#shared/figure/draw.ts';
import { boundsOf, elementsOf, outsidePage, overlappingTexts, textOf } from '#shared/figure/geometry.ts';
import {
  figureKinds,
  figureSpecificationSchema,
  presetNameOf,
  type FigureSpecificationInput,
} from '#shared/figure/specification.ts';
import { isPresetName } from '#shared/figure/presets.ts';
import { printStyle } from '#shared/figure/style.ts';
import { serialise, type SvgNode } from '#shared/figure/tree.ts';
import { predictionRecord } from './prediction-record.ts';
import { FULL } from './sizes.ts';
import { syntheticSweep } from './synthetic.ts';

const curves = syntheticSweep({ seeds: 3 });
const data: FigureData = {
  experiment(nameOrKey) {
    if (nameOrKey !== 'digits') throw new RangeError(`no experiment ${nameOrKey}`);
    return {
      name: 'digits',
      specification: null,
      curves: () => curves,
      predictions: () => [predictionRecord],
      cells: () => [{ batchSize: 1, learningRate: 1e-3, state: 'done' }],
      finalLosses: () => null,
    };
  },
};
const look = { width: FULL, style: printStyle };

/** The least that a person must write for each kind. */
const least: readonly FigureSpecificationInput[] = [
  { kind: 'losses', experiment: 'digits' },
  { kind: 'heat-map', experiment: 'digits' },
  { kind: 'ridge', experiment: 'digits' },
  { kind: 'migration', experiment: 'digits' },
  { kind: 'protocol', experiment: 'digits' },
  { kind: 'theory' },
  { kind: 'prediction', experiment: 'digits' },
  { kind: 'curves', experiment: 'digits' },
  { kind: 'states', experiment: 'digits' },
  { kind: 'compare', experiments: ['digits', 'digits'] },
  {
    kind: 'schedule',
    schedules: [
      {
        label: 'growing batch',
        epochs: 6,
        examples: 1000,
        interval: 2,
        batch: { kind: 'exponential', start: 8, factor: 2 },
        learningRate: { kind: 'constant', start: 0.1 },
      },
    ],
  },
];

const draw = (input: FigureSpecificationInput) =>
  drawFigure(figureSpecificationSchema.parse(input), data, look);
const texts = (input: FigureSpecificationInput) =>
  elementsOf(draw(input).tree)
    .filter(({ tag }) => tag === 'text')
    .map(textOf);

describe('figure specification', () => {
  it('has a case for every kind here', () => {
    expect(least.map(({ kind }) => kind).sort()).toEqual([...figureKinds].sort());
  });

  it.each(least)('draws $kind from the least specification, without warnings, twice the same', (input) => {
    const figure = draw(input);
    expect(figure.warnings).toEqual([]);
    expect(figure.data.rows.length).toBeGreaterThan(0);
    expect(serialise(draw(input).tree)).toBe(serialise(figure.tree));
  });

  it.each(least)('puts a title above $kind and keeps it on the page', (input) => {
    const { tree } = draw({ ...input, title: 'Learning rates <of> digits & co' });
    expect(textOf(elementsOf(tree).find(({ tag }) => tag === 'text')!)).toContain('digits & co');
    expect(outsidePage(tree, 'sans')).toEqual([]);
    expect(overlappingTexts(tree, 'sans')).toEqual([]);
    const lowest = (root: SvgNode) => Math.max(...boundsOf(root).map(({ bottom }) => bottom));
    const plain = draw(input).tree;
    const height = (root: SvgNode) => Number(String(root.attributes.viewBox).split(' ')[3]);
    expect(lowest(tree) - lowest(plain)).toBeCloseTo(height(tree) - height(plain), 2);
  });

  it.each(least)('names a preset that exists for $kind', (input) => {
    expect(isPresetName(presetNameOf(figureSpecificationSchema.parse(input)))).toBe(true);
  });

  it('draws only the seeds, batch sizes and learning rates asked for', () => {
    const { caption, data: table } = draw({
      kind: 'heat-map',
      experiment: 'digits',
      seeds: [0, 2],
      batchSizes: [4, 16],
    });
    expect(caption.seeds).toEqual({ fewest: 2, most: 2, planned: 2 });
    expect(new Set(table.rows.map((row) => row[2]))).toEqual(new Set([4, 16]));
  });

  it('draws the laws asked for, or none', () => {
    const laws = (list: ('surge' | 'power')[]) =>
      draw({ kind: 'ridge', experiment: 'digits', laws: list }).data.rows.flatMap((row) =>
        row[0] === 'law' ? [row[1]] : [],
      );
    expect(new Set(laws(['power', 'surge']))).toEqual(new Set(['power', 'surge']));
    expect(laws([])).toEqual([]);
  });

  it('leaves the noise scale out when asked to', () => {
    const noise = (noiseScale: boolean) =>
      draw({ kind: 'ridge', experiment: 'digits', noiseScale }).data.rows.filter(
        (row) => row[0] === 'noise scale',
      ).length;
    expect(noise(true)).toBe(1);
    expect(noise(false)).toBe(0);
  });

  it('draws the marks and targets asked for', () => {
    expect(texts({ kind: 'losses', experiment: 'digits', steps: [10, 40] })).toEqual(
      expect.arrayContaining(['step 10', 'step 40']),
    );
    expect(texts({ kind: 'protocol', experiment: 'digits', targets: [0.9] })).toContain('target loss 0.9');
  });

  it('draws the rungs asked for, and says when there is no prediction', () => {
    const rungs = (list?: ('erf' | 'small-batch')[]) =>
      new Set(
        draw({ kind: 'prediction', experiment: 'digits', rungs: list }).data.rows.flatMap((row) =>
          row[0] === 'predicted' ? [row[1]] : [],
        ),
      );
    expect(rungs().size).toBe(2);
    expect(rungs(['erf'])).toEqual(new Set(['exact law (Theorem 2)']));
    expect(() => draw({ kind: 'prediction', experiment: 'digits', step: 7 })).toThrow(
      'no prediction at step 7: run surge predict first',
    );
  });

  it('draws the theory of a preset, of an experiment with a quadratic workload, and no other', () => {
    const simulated = draw({
      kind: 'theory',
      problem: { preset: 'no-peak' },
      draws: 20,
      batchSizes: [64, 256],
    });
    expect(simulated.data.rows.filter((row) => row[0] === 'simulation')).toHaveLength(2);
    expect(() => draw({ kind: 'theory', problem: { experiment: 'digits' } })).toThrow(
      'no quadratic workload',
    );
  });

  it.each([
    [{ kind: 'losses' }, 'experiment'],
    [{ kind: 'pie', experiment: 'digits' }, 'kind'],
    [{ kind: 'losses', experiment: 'digits', steps: [-1] }, 'steps'],
    [{ kind: 'ridge', experiment: 'digits', definition: { kind: 'equal-loss' } }, 'target'],
    [{ kind: 'ridge', experiment: 'digits', laws: ['gravity'] }, 'laws'],
    [{ kind: 'ridge', experiment: 'digits', color: 'red' }, 'color'],
    [{ kind: 'ridge', experiment: 'digits', widthMm: '89' }, 'widthMm'],
  ])('refuses %j and names %s', (input, field) => {
    const result = figureSpecificationSchema.safeParse(input);
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error!.issues)).toContain(field);
  });

  it('says which value an experiment does not have, and the nearest', () => {
    expect(() => draw({ kind: 'losses', experiment: 'digits', batchSizes: [5] })).toThrow(
      'no batch size 5; the nearest is 4',
    );
    expect(() => draw({ kind: 'losses', experiment: 'letters' })).toThrow('no experiment letters');
  });
});

describe('part of the curves', () => {
  it('is the whole when nothing is chosen', () => {
    expect(subsetOf(curves, {})).toBe(curves);
  });

  it('keeps every cell with its own values', () => {
    const part = subsetOf(curves, {
      seeds: [2, 1],
      batchSizes: [8],
      learningRates: [curves.learningRates[3]],
    });
    expect(part.seeds).toEqual([1, 2]);
    const from = (3 * curves.learningRates.length + 3) * 3 + 1;
    expect([...part.values]).toEqual([
      ...curves.values.subarray(from * curves.stride, (from + 2) * curves.stride),
    ]);
    expect([...part.divergedAt]).toEqual([...curves.divergedAt.subarray(from, from + 2)]);
  });
});
