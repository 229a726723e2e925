import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cellIndex, type CurveSet } from '#shared/analysis/curves.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { lossesInput } from '#shared/figure/from-analysis.ts';
import { drawFigure, type FigureData } from '#shared/figure/draw.ts';
import type { Figure } from '#shared/figure/figure.ts';
import { figureSpecificationSchema, type FigureSpecificationInput } from '#shared/figure/specification.ts';
import { printStyle } from '#shared/figure/style.ts';
import { named, writeDrawn } from '#main/lab/figures.ts';

const batchSizes = [1, 4, 16];
const learningRates = [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2];
const seeds = [0, 1, 2];
const steps = [1, 3, 10, 20, 30, 50, 100];

/** Parabolas in ln LR whose vertex is highest at B = 4; the highest learning rate diverges at B = 1 in one seed. */
function curveSet(): CurveSet {
  const cells = batchSizes.length * learningRates.length * seeds.length;
  const curves: CurveSet = {
    batchSizes,
    learningRates,
    seeds,
    marks: batchSizes.map(() => steps),
    stride: steps.length,
    values: new Float64Array(cells * steps.length),
    recorded: new Uint32Array(cells).fill(steps.length),
    divergedAt: new Float64Array(cells).fill(Infinity),
  };
  for (const [b, batchSize] of batchSizes.entries())
    for (const [r, rate] of learningRates.entries())
      for (const seed of seeds) {
        const vertex = [2.2e-3, 4.4e-3, 2.8e-3][b];
        const cell = cellIndex(curves, b, r, seed);
        steps.forEach((step, m) => {
          const noise = 0.001 * Math.sin(seed + r * 3 + b * 7 + m);
          const level = 2.3 - 0.4 * Math.log10(step) - 0.1 * Math.log(batchSize);
          curves.values[cell * steps.length + m] = level + 0.1 * Math.log(rate / vertex) ** 2 + noise;
        });
      }
  const diverged = cellIndex(curves, 0, learningRates.length - 1, 1);
  curves.values.fill(NaN, diverged * steps.length + 4, (diverged + 1) * steps.length);
  curves.divergedAt[diverged] = 25;
  return curves;
}

function draw(specification: FigureSpecificationInput, curves = curveSet()): Figure {
  const data: FigureData = {
    experiment: (name) => ({
      name,
      curves: () => curves,
      specification: null,
      predictions: () => [],
      cells: () => [],
      finalLosses: () => null,
    }),
  };
  return drawFigure(figureSpecificationSchema.parse(specification), data, { width: 500, style: printStyle });
}

const x = { experiment: 'x' };

describe('from curves to figures', () => {
  it('draws means over seeds, the optimum of the analysis, and divergence by the step', () => {
    const curves = curveSet();
    const { panels } = lossesInput(curves, 'x', [10, 100]);
    const point = panels[1].lines[2].points[1];
    const sum = seeds.reduce(
      (total, s) => total + curves.values[cellIndex(curves, 2, 1, s) * steps.length + 6],
      0,
    );
    expect(point.loss).toBeCloseTo(sum / 3, 12);
    const ridge = ridgeOf(curves, { kind: 'equal-steps', step: 100 });
    expect(panels[1].lines[2].optimum?.learningRate).toBe(ridge.points[2].learningRate);
    expect(panels[0].lines[0].points.map((p) => p.status)).not.toContain('diverged');
    expect(panels[1].lines[0].points.at(-1)).toMatchObject({ status: 'diverged' });
  });

  it('spreads four steps over the marks and lets the heat map show the last', () => {
    const [losses, heatMap] = [draw({ kind: 'losses', ...x }), draw({ kind: 'heat-map', ...x })];
    expect(losses.caption.definition).toBe('at equal steps (steps 3, 10, 30, 100)');
    expect(heatMap.caption.definition).toBe('at equal steps (step 100)');
    expect(heatMap.caption.counts.diverged).toBe(1);
  });

  it('draws the path of the peak over every mark but ridges only at the chosen steps', () => {
    const figure = draw({ kind: 'migration', ...x, by: 'steps', steps: [10, 100] });
    const { columns, rows } = figure.data;
    const at = (element: string) => [
      ...new Set(rows.filter((row) => row[0] === element).map((row) => row[columns.indexOf('step')])),
    ];
    expect(at('ridge')).toEqual([10, 100]);
    expect(at('peak')).toEqual(steps);
    for (const row of rows.filter(([element]) => element === 'peak'))
      expect(row[columns.indexOf('batch_size')]).toBe(4);
  });

  it('draws an experiment without any mark', () => {
    const nothing: CurveSet = {
      ...curveSet(),
      marks: batchSizes.map(() => []),
      recorded: new Uint32Array(45),
    };
    for (const kind of ['losses', 'heat-map', 'ridge', 'migration'] as const)
      expect(draw({ kind, ...x }, nothing).warnings.length, kind).toBeGreaterThan(0);
  });
});

describe('writing', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'figures-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const drawn = () => [
    named('A name: with / signs', 'losses', draw({ kind: 'losses', ...x })),
    named('a name, with signs', 'losses', draw({ kind: 'losses', ...x, steps: [100] })),
  ];

  it('writes SVG and CSV of each figure, the same bytes each time, and nothing else', async () => {
    const outFolder = join(folder, 'new', 'folder');
    const files = await writeDrawn(drawn(), outFolder);
    const names = ['a-name-with-signs-losses', 'a-name-with-signs-losses-2'];
    expect(files).toEqual(
      names.flatMap((name) => ['svg', 'csv'].map((end) => join(outFolder, `${name}.${end}`))),
    );
    expect(readdirSync(outFolder).sort()).toEqual(
      files.map((file) => file.slice(outFolder.length + 1)).sort(),
    );
    const before = files.map((file) => readFileSync(file, 'utf8'));
    await writeDrawn(drawn(), outFolder);
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
  });

  it('writes none when one cannot be written, and leaves what was there', async () => {
    mkdirSync(join(folder, 'a-name-with-signs-losses-2.svg.partial'));
    await expect(writeDrawn(drawn(), folder)).rejects.toThrow(/EISDIR/);
    expect(readdirSync(folder)).toEqual(['a-name-with-signs-losses-2.svg.partial']);
    const file = join(folder, 'file');
    writeFileSync(file, 'mine');
    await expect(writeDrawn(drawn(), file)).rejects.toThrow(/EEXIST|ENOTDIR/);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});
