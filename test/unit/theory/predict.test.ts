import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '#shared/random/index.ts';
import { adamSmallBatch } from '#shared/theory/adam-law.ts';
import {
  correctedBatch,
  effectiveBatchWithoutReplacement,
  meanPluginSign,
} from '#shared/theory/batch-corrections.ts';
import { erf } from '#shared/theory/erf.ts';
import { gradientMoments, MomentsAccumulator, normEstimates } from '#shared/theory/gradient-moments.ts';
import {
  diagonalForm,
  exactLawFromHalves,
  lemma1FromUpdates,
  matrixProduct,
  predictFromCheckpoint,
  rademacherProbes,
} from '#shared/theory/predict.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { checkRegime, emptyRegimeLevel, regimeBounds, regimeHistogram } from '#shared/theory/regime.ts';
import { exactSignLaw, signQuantities, smallBatchLaw } from '#shared/theory/sign-descent.ts';
import { THREE_PARAMETERS } from './support.ts';

const HESSIAN = THREE_PARAMETERS.hessian;
const product = matrixProduct(HESSIAN);
const diagonal = { diagonal: HESSIAN.map((row, i) => row[i]) };

/** Per-sample gradients of a problem with larger signal; `shared` correlates the coordinates' noise. */
const MU = [0.2, 0.3, 0.1];
const SIGMA = [1, 2, 0.5];
function samples(seed: number, count: number, shared = 0): Float64Array[] {
  const normals = stream('test/samples', seed);
  return Array.from({ length: count }, (_, k) => {
    const common = normals.normal(4 * k + 3);
    return Float64Array.from(MU, (mu, i) => {
      const noise = Math.sqrt(1 - shared ** 2) * normals.normal(4 * k + i) + shared * common;
      return mu + SIGMA[i] * noise;
    });
  });
}
const halves = (seed: number, count: number, shared = 0) => {
  const rows = samples(seed, 2 * count, shared);
  return gradientMoments(rows.slice(0, count), rows.slice(count));
};

const truth = noisyQuadratic({ mu: MU, sigma: SIGMA, hessian: HESSIAN });

/** Mean and standard error over repetitions. */
function average(count: number, value: (seed: number) => number): [mean: number, error: number] {
  const values = Array.from({ length: count }, (_, seed) => value(seed));
  const mean = values.reduce((sum, next) => sum + next, 0) / count;
  const square = values.reduce((sum, next) => sum + (next - mean) ** 2, 0) / (count - 1);
  return [mean, Math.sqrt(square / count)];
}

describe('moments', () => {
  it('equal two-pass sums, also far from zero', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 20 }), (seed, count) => {
        const rows = samples(seed, 2 * count).map((row) => row.map((value) => value + 1e6));
        const moments = gradientMoments(rows.slice(0, count), rows.slice(count));
        for (let i = 0; i < 3; i++) {
          const mean = rows.reduce((sum, row) => sum + row[i], 0) / rows.length;
          const variance = rows.reduce((sum, row) => sum + (row[i] - mean) ** 2, 0) / (rows.length - 1);
          expect(moments.mean[i] / mean).toBeCloseTo(1, 14);
          expect(Math.abs(moments.variance[i] / variance - 1)).toBeLessThan(1e-6);
        }
      }),
    );
  });
  it('mark dead coordinates and count zeros', () => {
    const rows = [Float64Array.of(1, 0, 0), Float64Array.of(2, 0, 3)];
    const moments = gradientMoments([rows[0]], [rows[1]]);
    expect(moments.active).toEqual(Float64Array.of(1, 0, 1));
    expect(moments.zeroShare).toEqual(Float64Array.of(0, 1, 0.5));
    // A dead coordinate never moves: it is not in D either.
    expect(predictFromCheckpoint(moments, product, diagonal).trace.value).toBe(2 + 1.5);
  });
  it('refuse unequal halves, no samples, and gradients that are not finite', () => {
    const row = Float64Array.of(1, 2, 3);
    expect(() => gradientMoments([row], [])).toThrow('equally many');
    expect(() => gradientMoments([], [])).toThrow('no samples');
    const accumulator = new MomentsAccumulator(3);
    expect(() => accumulator.add('B', [1, NaN, 3])).toThrow('half B has the gradient NaN at coordinate 2');
    accumulator.add('A', row);
    accumulator.add('B', [0, ...row], 1);
    expect(accumulator.finish().mean).toEqual(row);
  });
});

describe('estimators over many simulated checkpoints', () => {
  const exact = signQuantities(truth);
  const REPEATS = 600;
  const COUNT = 30;
  it('|G|² and M: the plug-in is too large by what it should be, debiased and split are not', () => {
    const square = MU.reduce((sum, mu) => sum + mu * mu, 0);
    const norms = (seed: number) => normEstimates(halves(seed, COUNT));
    const [plugin, pluginError] = average(REPEATS, (seed) => norms(seed).gradientSquarePlugin);
    const trace = SIGMA.reduce((sum, sigma) => sum + sigma ** 2, 0);
    expect(Math.abs(plugin - square - trace / (2 * COUNT))).toBeLessThan(3.5 * pluginError);
    expect(plugin - square).toBeGreaterThan(5 * pluginError);
    const [debiased, error] = average(REPEATS, (seed) => norms(seed).gradientSquareDebiased);
    expect(Math.abs(debiased - square)).toBeLessThan(3.5 * error);
    const [mass, massError] = average(REPEATS, (seed) => norms(seed).gradientMassPlugin);
    expect(mass - exact.gradientMass!).toBeGreaterThan(5 * massError);
    for (const name of ['gradientMassDebiased', 'gradientMassSplit'] as const) {
      const [value, spread] = average(REPEATS, (seed) => norms(seed)[name]);
      // 1/sigma of a finite sample is itself 1/(4·60) too large.
      expect(Math.abs(value - exact.gradientMass!)).toBeLessThan(3.5 * spread + 0.015 * exact.gradientMass!);
    }
  });
  it('S_off: with correlated noise the plug-in is too large, products of halves are not', () => {
    const shared = 0.8;
    const off = (seed: number, plugin: boolean) =>
      predictFromCheckpoint(halves(seed, COUNT, shared), product, diagonal, { plugin }).offDiagonal.value;
    const [plugin, pluginError] = average(REPEATS, (seed) => off(seed, true));
    const [split, splitError] = average(REPEATS, (seed) => off(seed, false));
    const bias = (2 * (1.2 + 0.8 + 1) * shared ** 2) / (2 * COUNT);
    expect(Math.abs(plugin - exact.offDiagonal! - bias)).toBeLessThan(3.5 * pluginError + 0.1 * bias);
    expect(plugin - exact.offDiagonal!).toBeGreaterThan(4 * pluginError);
    expect(Math.abs(split - exact.offDiagonal!)).toBeLessThan(3.5 * splitError + 0.02 * exact.offDiagonal!);
  });
  it('the mean sign: the plug-in acts like a smaller batch, and the corrected batch undoes it', () => {
    const [r, n, batch] = [0.2, 50, 20];
    const normals = stream('test/plugin-sign', 1);
    const draw = (used: number) =>
      average(4000, (seed) => erf(Math.sqrt(used / 2) * (r + normals.normal(seed) / Math.sqrt(n))));
    const [plugin, error] = draw(batch);
    expect(Math.abs(plugin - meanPluginSign(r, n, batch))).toBeLessThan(3.5 * error);
    const [fixed, fixedError] = draw(correctedBatch(batch, n)!);
    expect(Math.abs(fixed - erf(Math.sqrt(batch / 2) * r))).toBeLessThan(3.5 * fixedError);
    expect(Math.abs(plugin - erf(Math.sqrt(batch / 2) * r))).toBeGreaterThan(5 * error);
  });
  it('a batch without replacement has the variance of its effective batch', () => {
    // All batches of 2 from 4 values, by enumeration.
    const values = [1, 2, 4, 9];
    const mean = 4;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4;
    const means = values.flatMap((a, i) => values.slice(i + 1).map((b) => (a + b) / 2));
    const spread = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / means.length;
    expect(variance / effectiveBatchWithoutReplacement(2, 4)!).toBeCloseTo(spread, 12);
  });
});

describe('prediction with many samples', () => {
  const moments = halves(11, 100_000);
  it('finds the small-batch law, for sign descent and for Adam', () => {
    const prediction = predictFromCheckpoint(moments, product, diagonal, { beta1: [0, 0.9] });
    const quantities = signQuantities(truth);
    const law = smallBatchLaw(quantities.trace, quantities.offDiagonal, quantities.gradientMass);
    expect(prediction.bNoise! / law.bNoise!).toBeCloseTo(1, 1);
    expect(prediction.epsMax! / law.epsMax!).toBeCloseTo(1, 1);
    prediction.adam.forEach(({ beta1, bPeak, epsPeak }) => {
      const wanted = adamSmallBatch(truth, beta1);
      expect(bPeak! / wanted.bPeak!).toBeCloseTo(1, 1);
      expect(epsPeak! / wanted.epsPeak!).toBeCloseTo(1, 1);
    });
  });
  it('finds the exact law at each batch size, and nothing beyond the samples', () => {
    for (const batch of [1, 10, 100, 1000]) {
      const estimate = exactLawFromHalves(moments, product, diagonal, batch)!;
      expect(estimate.learningRate! / exactSignLaw(truth, batch).learningRate!).toBeCloseTo(1, 1);
    }
    expect(exactLawFromHalves(moments, product, diagonal, 100_000)).toBeNull();
  });
  it('Lemma 1 by Monte Carlo agrees with the exact law within its error', () => {
    const normals = stream('test/updates', 3);
    const batch = 25;
    const updates = Array.from({ length: 20_000 }, (_, k) =>
      Float64Array.from(MU, (mu, i) =>
        Math.sign(mu + (SIGMA[i] * normals.normal(3 * k + i)) / Math.sqrt(batch)),
      ),
    );
    const optimum = lemma1FromUpdates(updates, Float64Array.from(MU), product);
    const wanted = exactSignLaw(truth, batch);
    expect(Math.abs(optimum.learningRate! - wanted.learningRate!)).toBeLessThan(
      3 * optimum.learningRateStandardError!,
    );
    expect(Math.abs(optimum.decrease! - wanted.decrease!)).toBeLessThan(3 * optimum.decreaseStandardError!);
    expect(
      lemma1FromUpdates(updates.slice(0, 1), Float64Array.from(MU), product).learningRateStandardError,
    ).toBeNull();
    expect(() => lemma1FromUpdates([], Float64Array.from(MU), product)).toThrow('not empty');
  });
});

describe('probes', () => {
  const bits = stream('test/probes', 5);
  const words = (index: number) => bits.uint32(index);
  const ones = Float64Array.of(1, 1, 1);
  it('give the trace with the variance 2·sum of H_ij² over i ≠ j, and an honest standard error', () => {
    const probes = rademacherProbes(3, 4000, words);
    expect(new Set(probes.flatMap((probe) => [...probe]))).toEqual(new Set([1, -1]));
    const { value, standardError } = diagonalForm(product, { probes }, ones, ones);
    expect(Math.abs(value - 6.5)).toBeLessThan(3 * standardError!);
    const variance = 2 * 2 * (1.2 ** 2 + 0.8 ** 2 + 1);
    expect((standardError! * Math.sqrt(4000)) / Math.sqrt(variance)).toBeCloseTo(1, 1);
  });
  it('are exact for a diagonal Hessian; one probe has no error', () => {
    const exact = matrixProduct([
      [2, 0, 0],
      [0, 3, 0],
      [0, 0, 1.5],
    ]);
    const one = { probes: rademacherProbes(3, 1, words) };
    expect(diagonalForm(exact, one, ones, ones)).toEqual({ value: 6.5, standardError: null });
    expect(() => diagonalForm(exact, { probes: [] }, ones, ones)).toThrow('probe');
  });
});

describe('regime', () => {
  it('counts the gradient mass outside the small-batch regime', () => {
    // h = π/2·100 twice and π/2·1; the last coordinate carries half of the mass.
    const bounds = regimeBounds([0.1, 0.1, 1], [1, 1, 1]);
    bounds.mass[2] = 0.02;
    const at = (batch: number) => checkRegime(bounds, batch);
    expect(at(0.1)).toMatchObject({ massBelow: 0, massOutside: 0, violated: false });
    expect(at(1)).toMatchObject({ massBelow: 0, violated: true });
    expect(at(1).massOutside).toBeCloseTo(0.5, 12);
    expect(at(2).massBelow).toBeCloseTo(0.5, 12);
    expect(at(1000)).toMatchObject({ massBelow: 1, massOutside: 1, violated: true });
    expect(at(1).quantiles).toEqual({ p1: Math.PI / 2, p5: Math.PI / 2, p50: bounds.h[0] });
  });
  it('holds without a gradient, and is violated without noise', () => {
    expect(checkRegime(regimeBounds([0, 0], [1, 1]), 10)).toEqual({
      quantiles: null,
      massBelow: 0,
      massOutside: 0,
      violated: false,
    });
    expect(checkRegime(regimeBounds([1, 0.1], [0, 1]), 1e-9).violated).toBe(true);
  });
  it('the histogram counts every finite bound once', () => {
    const bounds = regimeBounds([1, 0.1, 0.01, 0, 1], [1, 1, 1, 1, 0]);
    const bins = regimeHistogram(bounds, 7);
    expect(bins).toHaveLength(7);
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(3);
    expect(bins[0].lower).toBeCloseTo(Math.PI / 2, 10);
    expect(bins[6].upper).toBeCloseTo((Math.PI / 2) * 1e4, 6);
    expect(regimeHistogram(regimeBounds([2], [2]))).toHaveLength(40);
    expect(regimeHistogram(regimeBounds([0], [2]))).toEqual([]);
  });
  it('without any gradient the median of h shows the number of samples', () => {
    const normals = stream('test/empty', 1);
    const n = 100;
    const h = Array.from({ length: 20_001 }, (_, i) => Math.PI / 2 / (normals.normal(i) / Math.sqrt(n)) ** 2);
    const median = h.sort((a, b) => a - b)[10_000];
    expect(median / emptyRegimeLevel(n)).toBeCloseTo(1, 1);
    expect(emptyRegimeLevel(1)).toBeCloseTo(3.453, 3);
  });
});
