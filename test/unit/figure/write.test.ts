import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cellIndex, type CurveSet } from '#shared/analysis/curves.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { lossesInput } from '#shared/figure/from-analysis.ts';
import { drawFigures, figureKinds, writeFigures } from '#main/lab/figures.ts';

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
    const figures = drawFigures(curveSet(), 'A name: with / signs', { kinds: ['losses', 'heat-map'] });
    expect(figures.map(({ name }) => name)).toEqual([
      'a-name-with-signs-losses',
      'a-name-with-signs-heat-map',
    ]);
    expect(figures[0].figure.caption.definition).toBe('at equal steps (steps 3, 10, 30, 100)');
    expect(figures[1].figure.caption.definition).toBe('at equal steps (step 100)');
    expect(figures[1].figure.caption.counts.diverged).toBe(1);
  });

  it('draws the path of the peak over every mark but ridges only at the chosen steps', () => {
    const [{ figure }] = drawFigures(curveSet(), 'x', {
      kinds: ['migration'],
      by: 'steps',
      steps: [10, 100],
    });
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
    for (const { figure } of drawFigures(nothing, 'x', { kinds: figureKinds }))
      expect(figure.warnings.length).toBeGreaterThan(0);
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

  it('writes SVG and CSV of each figure, the same bytes each time, and nothing else', async () => {
    const outFolder = join(folder, 'new', 'folder');
    const files = await writeFigures(curveSet(), 'x', { kinds: figureKinds, targets: [2, 1.8], outFolder });
    const names = ['losses', 'heat-map', 'migration-steps', 'migration-loss'];
    expect(files).toEqual(
      names.flatMap((name) => ['svg', 'csv'].map((end) => join(outFolder, `x-${name}.${end}`))),
    );
    expect(readdirSync(outFolder).sort()).toEqual(
      files.map((file) => file.slice(outFolder.length + 1)).sort(),
    );
    const before = files.map((file) => readFileSync(file, 'utf8'));
    await writeFigures(curveSet(), 'x', { kinds: figureKinds, targets: [2, 1.8], outFolder });
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
  });

  it('fails where it cannot write and leaves what was there', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'mine');
    const options = { kinds: figureKinds, outFolder: file };
    await expect(writeFigures(curveSet(), 'x', options)).rejects.toThrow(/EEXIST|ENOTDIR/);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});
