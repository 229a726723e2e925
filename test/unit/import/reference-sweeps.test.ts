import { createReadStream } from 'node:fs';
import { expect, it } from 'vitest';
import { importSweep } from '#shared/import/collect.ts';
import { readDelimited } from '#shared/import/delimited.ts';
import { mappingSchema } from '#shared/import/mapping.ts';
import type { ImportMappingInput } from '#shared/import/mapping.ts';
import { presetFor } from '#shared/import/presets.ts';
import { importedRidge } from '#shared/import/ridge.ts';
import type { ImportedFamily, ImportedSweep } from '#shared/import/sweep.ts';
import { fitLaws, fitOf } from '#shared/laws/fit.ts';
import type { LawName } from '#shared/laws/laws.ts';
import { fitAlpha1Linear } from '#shared/laws/linear-alpha1.ts';
import { judgeRidge } from '#shared/laws/verdict.ts';
import { fitStepsLine, fitStepsLogSpace } from '#shared/theory/steps-examples.ts';
import { describeWithReference } from '../../support/reference.ts';

async function sweep(folder: string, file: string, mapping?: ImportMappingInput): Promise<ImportedSweep> {
  const stream = createReadStream(`${folder}/data/${file}`, { encoding: 'utf8', highWaterMark: 1000 });
  const result = await importSweep(stream, mappingSchema.parse(mapping ?? presetFor(file)!.mapping));
  if (!result.ok) throw new Error(result.message);
  return result;
}

/** Rows of a reference table as text by column. */
async function table(folder: string, file: string): Promise<Record<string, string>[]> {
  const { columns, rows } = await readDelimited(
    createReadStream(`${folder}/data/${file}`, { encoding: 'utf8' }),
  );
  const result: Record<string, string>[] = [];
  for await (const row of rows) {
    result.push(Object.fromEntries(columns!.map((column) => [column, row.value(column) ?? ''])));
  }
  return result;
}

function close(actual: number | null | undefined, wanted: number, relative: number, absolute = 0) {
  expect(Math.abs(actual! - wanted), `${actual}, expected ${wanted}`).toBeLessThanOrEqual(
    relative * Math.abs(wanted) + absolute,
  );
}

const STEPLAW = 'steplaw_dense_lr_bs_loss.csv';
const USHAKOVA = 'ushakova_mnist_sgd_aggregate_results.csv';
const OPDA = 'opda_alexnet_summary.csv';
const CBS = 'cbs_steps_to_target.csv';

const familyOf = (imported: ImportedSweep, key: Record<string, string>): ImportedFamily =>
  imported.families.find((family) =>
    Object.entries(key).every(([name, value]) => family.key[name] === value),
  )!;

describeWithReference('Step Law, dense runs', (folder) => {
  it('imports 17 families with their failed runs, gaps and big integers', async () => {
    const imported = await sweep(folder, STEPLAW);
    expect(imported.report).toMatchObject({
      rowsRead: 1911,
      rowsKept: 1911,
      rowsDropped: 0,
      duplicateCount: 0,
    });
    expect(imported.families).toHaveLength(17);
    expect(imported.report.failed.map(({ reason, count }) => [reason, count])).toEqual([['diverged', 181]]);
    // Failed runs are finite numbers, two of them near a uniform guess (ln 65536).
    const failed = imported.families
      .flatMap((family) => family.cells)
      .filter((cell) => cell.failure !== null);
    expect(failed.every((cell) => Number.isFinite(cell.loss))).toBe(true);
    expect(failed.filter((cell) => cell.loss! > 10)).toHaveLength(2);
    expect(Math.max(...failed.map((cell) => cell.loss!))).toBeCloseTo(Math.log(65536), 1);
    const missing = imported.families.map((family) => family.missing);
    expect([0, 1].map((count) => missing.filter((value) => value === count).length)).toEqual([4, 4]);
    expect(missing.filter((value) => value >= 2)).toHaveLength(9);
    expect(Math.max(...missing)).toBe(14);
    const small = familyOf(imported, { N: '1073741824', D: '56900000000' });
    expect([small.learningRates.length, small.cells.length]).toEqual([5, 47]);
    // Batch axes differ between families, and not all are powers of two.
    const sizes = new Set(imported.families.flatMap((family) => family.batchSizes));
    expect(sizes.size).toBe(13);
    expect(sizes).toContain(736);
    // Steps x batch x 2048 is the token count but for rounding, past 32 bits.
    expect(Math.max(...imported.families.flatMap((family) => family.cells.map((cell) => cell.tokens!)))).toBe(
      1e11,
    );
    expect(imported.report.notes.some((note) => note.includes('within 0.22 %'))).toBe(true);
    expect(
      imported.families.every(
        (family) => family.analyses.find((a) => a.analysis === 'equal tokens')!.possible,
      ),
    ).toBe(true);
  });

  it('groups learning rates that were written in two ways', async () => {
    const pooled = await sweep(folder, STEPLAW, {
      ...presetFor(STEPLAW)!.mapping,
      families: ['N', 'D', 'h'],
    });
    expect(pooled.families).toHaveLength(17);
    const spellings = new Set(
      pooled.families.flatMap((f) => f.cells.map((cell) => cell.writtenLearningRate)),
    );
    expect(spellings.size).toBe(26);
    // All runs as one family: 14 grid values with ratio sqrt 2 (duplicate cells are then expected and counted).
    const all = await sweep(folder, STEPLAW, { ...presetFor(STEPLAW)!.mapping, families: [] });
    expect(all.families[0].learningRates).toHaveLength(14);
    for (let i = 1; i < 14; i++) {
      close(all.families[0].learningRates[i] / all.families[0].learningRates[i - 1], Math.SQRT2, 0.01);
    }
    expect(all.report.duplicateCount).toBeGreaterThan(0);
    expect(all.report.notes.some((note) => note.includes('two ways'))).toBe(true);
  });

  it('gives the reference optima of all 170 batch sizes', async () => {
    // The reference reads failed runs as the finite numbers they are.
    const imported = await sweep(folder, STEPLAW, { ...presetFor(STEPLAW)!.mapping, failures: [] });
    const wanted = await table(folder, 'reference_steplaw_dense_optima.csv');
    expect(wanted).toHaveLength(170);
    let compared = 0;
    let onEdge = 0;
    for (const row of wanted) {
      const optimum = importedRidge(familyOf(imported, { N: row.N, D: row.D })).find(
        (point) => point.batchSize === Number(row.bs),
      )!;
      expect(optimum.gridLearningRate).toBe(Number(row.lr_grid_best));
      expect(optimum.usable).toBe(Number(row.n_cells));
      close(optimum.learningRate, Number(row.lr_opt), 1e-6);
      expect(optimum.flags.includes('lowest-rate')).toBe(row.flags.includes('L'));
      expect(optimum.flags.includes('highest-rate')).toBe(row.flags.includes('H'));
      expect(optimum.flags.includes('missing-neighbour')).toBe(row.flags.includes('M'));
      if (/[LH]/.test(row.flags)) onEdge++;
      compared++;
    }
    expect(compared).toBe(170);
    expect(onEdge).toBe(13);
  });

  it('gives the reference fits: alpha1 lowest in 13 families, surge in 4, alpha_half in none', async () => {
    const imported = await sweep(folder, STEPLAW, { ...presetFor(STEPLAW)!.mapping, failures: [] });
    const wanted = await table(folder, 'reference_steplaw_dense_fits.csv');
    expect(wanted).toHaveLength(17);
    const lowest: Record<string, number> = { surge: 0, alpha1: 0, alpha_half: 0 };
    const cache = new Map<string, Float64Array>();
    for (const row of wanted) {
      const ridge = importedRidge(familyOf(imported, { N: row.N, D: row.D }));
      const fits = fitLaws(ridge, { cache });
      expect(fits.points).toHaveLength(Number(row.n_batches));
      for (const law of ['surge', 'alpha1', 'alpha_half'] as const) {
        const fit = fitOf(fits, law)!;
        const isEnd = row.range_end.split(/[^a-z0-9_]+/).includes(law);
        expect(fit.atBound.length > 0, `${law} at bound`).toBe(isEnd);
        close(fit.sumOfSquares, Number(row[`ssr_${law}`]), 0, 1e-4);
        close(fit.parameters.bNoise, Number(row[`bnoise_${law}`]), 1e-2);
        close(fit.parameters.epsMax, Number(row[`epsmax_${law}`]), 1e-2);
      }
      close(fitOf(fits, 'constant')!.sumOfSquares, Number(row.ssr_const), 0, 1e-4);
      close(fitOf(fits, 'power')!.sumOfSquares, Number(row.ssr_power), 0, 1e-4);
      close(fitOf(fits, 'power')!.parameters.exponent, Number(row.power_slope), 0, 1e-4);
      const [best] = (['surge', 'alpha1', 'alpha_half'] as const)
        .map((law) => fitOf(fits, law)!)
        .sort((a, b) => a.sumOfSquares - b.sumOfSquares);
      expect(best.law).toBe(row.lowest);
      lowest[best.law]++;
      const rates = ridge.map((point) => point.learningRate);
      expect(ridge[rates.indexOf(Math.max(...rates))].batchSize).toBe(Number(row.argmax_bs));
      close(rates.at(-1)! / Math.max(...rates), Number(row.last_over_peak), 0, 1e-4);
    }
    expect(lowest).toEqual({ surge: 4, alpha1: 13, alpha_half: 0 });
  });

  it('is not wrecked by failed runs in the smooth optimum', async () => {
    const imported = await sweep(folder, STEPLAW);
    const ratios: number[] = [];
    for (const family of imported.families) {
      const parabola = importedRidge(family);
      importedRidge(family, { method: 'smooth' }).forEach((point, i) => {
        expect(point.batchSize).toBe(parabola[i].batchSize);
        ratios.push(Math.abs(Math.log(point.learningRate / parabola[i].learningRate)));
      });
    }
    expect(ratios).toHaveLength(170);
    ratios.sort((a, b) => a - b);
    console.log(
      `smooth against three points, |ln ratio|: median ${ratios[85].toFixed(3)}, largest ${ratios[169].toFixed(3)}`,
    );
    expect(ratios[85]).toBeLessThan(Math.log(2) / 4);
    expect(ratios[161]).toBeLessThan(Math.log(2));
  });
});

describeWithReference('Step Law, bootstrap of the authors', (folder) => {
  it('is read in full and counts batches in tokens', async () => {
    const rows = await table(folder, 'steplaw_bootstrap_params.csv');
    expect(rows).toHaveLength(1000);
    const median = (column: string) => {
      const sorted = rows.map((row) => Number(row[column])).sort((a, b) => a - b);
      return (sorted[499] + sorted[500]) / 2;
    };
    close(median('lr_intercept'), 0.57800969, 1e-6);
    close(median('lr_coefN'), -0.71224309, 1e-6);
    close(median('lr_coefD'), 0.30698269, 1e-6);
    close(median('bs_intercept'), -0.5563, 1e-6);
    close(median('bs_coefD'), 0.57131199, 1e-6);
    // The optimal batch at D = 1e11 is in the range of the sweep only after division by 2048 tokens a sequence.
    const batch = Math.exp(median('bs_intercept')) * 1e11 ** median('bs_coefD');
    const imported = await sweep(folder, STEPLAW);
    const sizes = familyOf(imported, { N: '214663680', D: '100000000000' }).batchSizes;
    expect(batch).toBeGreaterThan(sizes.at(-1)!);
    expect(batch / 2048).toBeLessThan(sizes.at(-1)!);
    // The same sweep with batches in tokens: one number in the mapping.
    const mapping = presetFor(STEPLAW)!.mapping;
    const inTokens = await sweep(folder, STEPLAW, {
      ...mapping,
      batch: { unit: 'tokens', scale: 2048, tokensPerUnit: 1 },
    });
    expect(inTokens.families[0].batchSizes[0]).toBe(imported.families[0].batchSizes[0] * 2048);
    expect(inTokens.report.notes.some((note) => note.includes('within 0.22 %'))).toBe(true);
  });
});

describeWithReference('MNIST line search with SGD', (folder) => {
  const reference: Record<
    string,
    {
      epsMax: number;
      se: number;
      bNoise: number;
      bSe: number;
      ssr: Record<string, number>;
      alpha1Noise: number;
    }
  > = {
    '100': {
      epsMax: 0.14753,
      se: 0.0024,
      bNoise: 49.79,
      bSe: 4.29,
      ssr: { alpha1: 0.07082, alpha_half: 0.91236, surge: 0.83892 },
      alpha1Noise: 61.69,
    },
    '500': {
      epsMax: 0.1868,
      se: 0.00473,
      bNoise: 150.51,
      bSe: 15.44,
      ssr: { alpha1: 0.13767, alpha_half: 1.14283, surge: 1.13712 },
      alpha1Noise: 136.14,
    },
  };

  it('reads CRLF, and either sign of the loss change, to the same optima', async () => {
    const change = await sweep(folder, USHAKOVA);
    expect(change.report).toMatchObject({ rowsRead: 806, rowsKept: 806 });
    expect(change.report.failed.map(({ reason, count }) => [reason, count])).toEqual([['overshoot', 74]]);
    const mapping = presetFor(USHAKOVA)!.mapping;
    const gain = await sweep(folder, USHAKOVA, {
      ...mapping,
      columns: { ...mapping.columns, loss: 'mean_delta_loss' },
      goal: 'maximize',
    });
    for (const [i, family] of gain.families.entries()) {
      expect(importedRidge(family)).toEqual(importedRidge(change.families[i]));
    }
    // The last column of a CRLF file has no carriage return in it.
    const rows = await table(folder, USHAKOVA);
    expect(rows.every((row) => row.n === '10')).toBe(true);
  });

  it('reproduces the published optima on a linear axis, none of them on an edge', async () => {
    const { families } = await sweep(folder, USHAKOVA);
    const wanted = await table(folder, 'ushakova_mnist_sgd_epsilon_opt_results.csv');
    expect(wanted).toHaveLength(26);
    for (const row of wanted) {
      const family = families.find((candidate) => candidate.key.checkpoint_step === row.checkpoint_step)!;
      const optimum = importedRidge(family, { axis: 'linear' }).find(
        (point) => point.batchSize === Number(row.batch_size),
      )!;
      expect(optimum.gridLearningRate).toBe(Number(row.epsilon_opt_grid));
      close(optimum.learningRate, Number(row.epsilon_opt_quadratic), 1e-13);
      expect(optimum.flags).toEqual([]);
      // The axis matters: in ln LR the vertex is elsewhere.
      const other = importedRidge(family).find((point) => point.batchSize === Number(row.batch_size))!;
      expect(other.learningRate).not.toBe(optimum.learningRate);
    }
  });

  it('gives the published alpha1 fits and the verdict "alpha1, no surge"', async () => {
    const { families } = await sweep(folder, USHAKOVA);
    const published = await table(folder, 'ushakova_mnist_sgd_fit_results.csv');
    for (const row of published) {
      const family = families.find((candidate) => candidate.key.checkpoint_step === row.checkpoint_step)!;
      const wanted = reference[row.checkpoint_step];
      const ridge = importedRidge(family, { axis: 'linear' });
      const linear = fitAlpha1Linear(ridge)!;
      close(linear.epsMax, Number(row.epsilon_max), 1e-4);
      close(linear.bNoise, Number(row.b_noise), 1e-4);
      close(linear.epsMaxStandardError, Number(row.epsilon_max_stderr), 1e-3);
      close(linear.bNoiseStandardError, Number(row.b_noise_stderr), 1e-3);
      close(linear.epsMax, wanted.epsMax, 1e-4);
      close(linear.bNoise, wanted.bNoise, 1e-3);
      const fits = fitLaws(ridge);
      for (const [law, sum] of Object.entries(wanted.ssr)) {
        close(fitOf(fits, law as LawName)!.sumOfSquares, sum, 0, 1e-4);
      }
      close(fitOf(fits, 'alpha1')!.parameters.bNoise, wanted.alpha1Noise, 1e-2);
      const verdict = judgeRidge(fits);
      console.log(`checkpoint ${row.checkpoint_step}: ${verdict.sentence} ${verdict.reasons.join('; ')}`);
      expect(verdict.law).toBe('alpha1');
      expect(verdict.surge).toBe(false);
      expect(verdict.sentence).toMatch(/^alpha1, no surge: monotone within error\./);
      // The early checkpoint rises more steeply than alpha = 1, and the sentence does not hide it.
      expect(verdict.sentence.includes('A free exponent fits better: alpha = 1.3.')).toBe(
        row.checkpoint_step === '100',
      );
    }
  });
});

describeWithReference('AlexNet random search', (folder) => {
  it('counts 147 diverged and 171 collapsed runs and keeps them as failed cells', async () => {
    const imported = await sweep(folder, OPDA);
    expect(imported.report).toMatchObject({ rowsRead: 512, rowsKept: 512, rowsDropped: 0 });
    expect(Object.fromEntries(imported.report.failed.map(({ reason, count }) => [reason, count]))).toEqual({
      diverged: 147,
      collapsed: 171,
    });
    const [family] = imported.families;
    const wanted: [number, number, number, number, number, number][] = [
      [128, 120, 15, 82, 0.57884, 0.0153294],
      [256, 132, 28, 60, 0.58126, 0.0290418],
      [512, 134, 47, 24, 0.58394, 0.0811531],
      [1024, 126, 57, 5, 0.58558, 0.170943],
    ];
    expect(family.batchSizes).toEqual(wanted.map(([batch]) => batch));
    for (const [batch, runs, diverged, collapsed, top, rate] of wanted) {
      const cells = family.cells.filter((cell) => cell.batchSize === batch);
      expect(cells).toHaveLength(runs);
      expect(cells.filter((cell) => cell.failure === 'diverged')).toHaveLength(diverged);
      expect(cells.filter((cell) => cell.failure === 'collapsed')).toHaveLength(collapsed);
      const best = cells
        .filter((cell) => cell.failure === null)
        .reduce((a, b) => (b.loss! < a.loss! ? b : a));
      close(-best.loss!, top, 0, 5e-6);
      expect(best.learningRate).toBe(rate);
    }
    // Every learning rate occurs once: no grid, so only the smooth optimum is offered.
    const offered = Object.fromEntries(family.analyses.map((entry) => [entry.analysis, entry.possible]));
    expect(offered).toMatchObject({ 'three-point optimum': false, 'smooth optimum': true, migration: false });
    expect(family.learningRates).toHaveLength(512);
  });

  it('reads NaN and empty cells of the training loss as such', async () => {
    const byLoss = await sweep(folder, OPDA, {
      columns: { learningRate: 'lr', batchSize: 'batch_size', loss: 'final_train_loss' },
      learningRateTolerance: 0,
    });
    expect(byLoss.report.failed.map(({ reason, count }) => [reason, count])).toEqual([
      ['loss not finite', 147],
    ]);
    const losses = byLoss.families[0].cells.filter((cell) => cell.failure === null).map((cell) => cell.loss!);
    expect(losses).toHaveLength(365);
    close(
      losses.reduce((sum, loss) => sum + loss, 0),
      2044.061304,
      1e-9,
    );
    close([...losses].sort((a, b) => a - b)[182], 5.954372, 1e-6);
    const last = await sweep(folder, OPDA, {
      columns: { learningRate: 'lr', batchSize: 'batch_size', loss: 'last_train_loss' },
      learningRateTolerance: 0,
    });
    expect(last.report.dropped.map(({ reason, count }) => [reason, count])).toEqual([
      ['"last_train_loss" is empty', 49],
    ]);
  });
});

describeWithReference('steps to a target loss', (folder) => {
  it('keeps models apart and orders them by size', async () => {
    const imported = await sweep(folder, CBS);
    expect(imported.families.map((family) => family.key.model)).toEqual([
      '85M',
      '151M',
      '302M',
      '604M',
      '1.2B',
    ]);
    for (const family of imported.families) {
      expect(family.cells).toHaveLength(9);
      expect(family.learningRates).toEqual([]);
      const offered = Object.fromEntries(family.analyses.map((entry) => [entry.analysis, entry.possible]));
      expect(offered).toMatchObject({ ridge: false, 'steps and examples': true });
    }
    expect(
      Math.max(...imported.families.flatMap((f) => f.cells.map((cell) => cell.tokens!))),
    ).toBeGreaterThan(2 ** 31);
  });

  it('gives the published fits of all five models', async () => {
    const wanted: Record<string, { log: number[]; error: number; line: number[]; published: number }> = {
      '85M': {
        log: [2190.6, 1293.83, 2834258, 0.022023],
        error: 0.061,
        line: [2165.53, 1301.36, 2818124],
        published: 745.32,
      },
      '151M': {
        log: [3239.79, 1752.42, 5677478, 0.026917],
        error: 0.072,
        line: [3173.81, 1773.88, 5629971],
        published: 955.16,
      },
      '302M': {
        log: [5432.63, 2095.35, 11383270, 0.014512],
        error: 0.059,
        line: [5318.32, 2126.59, 11309902],
        published: 1393.73,
      },
      '604M': {
        log: [7906.61, 2459.93, 19449688, 0.017264],
        error: 0.073,
        line: [7640.1, 2524.11, 19284467],
        published: 1888.52,
      },
      '1.2B': {
        log: [11131.05, 3897.31, 43381131, 0.013074],
        error: 0.073,
        line: [10776.59, 3999.03, 43095962],
        published: 2533.41,
      },
    };
    const { families } = await sweep(folder, CBS);
    expect(families).toHaveLength(5);
    for (const family of families) {
      const points = family.cells.map((cell) => ({ batchSize: cell.batchSize, steps: cell.stepsToTarget! }));
      const expected = wanted[family.key.model];
      const log = fitStepsLogSpace(points)!;
      close(log.bNoise, expected.log[0], 5e-6);
      close(log.stepsMin, expected.log[1], 5e-6);
      close(log.examplesMin, expected.log[2], 1e-6);
      close(log.sumOfSquares, expected.log[3], 0, 1e-6);
      // The table has three decimals; 0.0715 of the second model stands there as 0.072.
      close(log.lnBNoiseStandardError, expected.error, 0, 6e-4);
      const line = fitStepsLine(points)!;
      close(line.bNoise, expected.line[0], 5e-6);
      close(line.stepsMin, expected.line[1], 5e-6);
      close(line.examplesMin, expected.line[2], 1e-6);
      // The authors' critical batch is another quantity, and the line is biased low.
      close(log.bNoise / 5 + 307.2, expected.published, 1e-5);
      expect(line.bNoise! / log.bNoise).toBeLessThan(0.99);
    }
  });
});
