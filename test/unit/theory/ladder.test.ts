import { describe, expect, it } from 'vitest';
import { stream } from '#shared/random/index.ts';
import { adamSmallBatch } from '#shared/theory/adam-law.ts';
import type { GradientMoments } from '#shared/theory/gradient-moments.ts';
import { MomentsAccumulator } from '#shared/theory/gradient-moments.ts';
import type { Ladder, UpdateSource } from '#shared/theory/ladder.ts';
import { ladder } from '#shared/theory/ladder.ts';
import {
  exactLawFromHalves,
  lemma1FromUpdates,
  matrixProduct,
  predictFromCheckpoint,
  rademacherProbes,
} from '#shared/theory/predict.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { exactSignLaw, signQuantities, smallBatchLaw } from '#shared/theory/sign-descent.ts';

/** Ten coordinates with curvature that ties them together, so that the ridge peaks. */
const N = 10;
const MU = Array.from({ length: N }, (_, i) => 0.1 + 0.02 * i);
const SIGMA = Array.from({ length: N }, (_, i) => 1 + 0.1 * i);
const HESSIAN = MU.map((_, i) => MU.map((__, j) => (i === j ? 1 : 0.3)));
const truth = noisyQuadratic({ mu: MU, sigma: SIGMA, hessian: HESSIAN });
const product = matrixProduct(HESSIAN);
const BATCH_SIZES = [1, 4, 16, 64];
const BLOCKS = 10;
const PER_BLOCK = 100;

function momentsOf(seed: number): GradientMoments {
  const accumulator = new MomentsAccumulator(N, PER_BLOCK);
  const normals = stream('test/ladder', seed);
  const half = BLOCKS * PER_BLOCK;
  for (let k = 0; k < 2 * half; k++)
    accumulator.add(
      k < half ? 'A' : 'B',
      MU.map((mu, i) => mu + SIGMA[i] * normals.normal(k * N + i)),
    );
  return accumulator.finish();
}

const probesOf = (seed: number) => {
  const bits = stream('test/ladder-probes', seed);
  return rademacherProbes(N, 8, (i) => bits.uint32(i));
};

/** Signs of minibatch gradients of the same problem. */
function signUpdates(seed: number, draws: number, batchSize: number): Float64Array[] {
  const normals = stream(`test/ladder-updates/${batchSize}`, seed);
  return Array.from({ length: draws }, (_, d) =>
    Float64Array.from(MU, (mu, i) =>
      Math.sign(mu + (SIGMA[i] * normals.normal(d * N + i)) / Math.sqrt(batchSize)),
    ),
  );
}

function signSource(seed: number, draws: number): UpdateSource {
  return {
    rungs: ['sign-updates'],
    draws,
    draw: (_rung, batchSize) => Promise.resolve(signUpdates(seed, draws, batchSize)),
  };
}

const ladderOf = (seed: number, beta1: number | null = null, draws = 0): Promise<Ladder> =>
  ladder(
    momentsOf(seed),
    product,
    { batchSizes: BATCH_SIZES, probes: probesOf(seed), beta1, resamples: 200 },
    draws === 0 ? null : signSource(seed, draws),
  );

const rung = (found: Ladder, name: string) => found.rungs.find((r) => r.rung === name)!;

describe('the ladder', () => {
  it('has the values of the estimators one by one', async () => {
    const moments = momentsOf(1);
    const probes = probesOf(1);
    const found = await ladderOf(1, 0.9, 12);
    const separate = predictFromCheckpoint(moments, product, { probes }, { beta1: [0.9] });
    const { quantities } = found;
    for (const name of ['trace', 'offDiagonal', 'weightedTrace'] as const)
      expect(quantities[name].value).toBeCloseTo(separate[name].value, 10);
    expect(quantities.gradientMass.value).toBeCloseTo(separate.gradientMass, 10);
    expect(found.bNoise?.value).toBeCloseTo(separate.bNoise!, 8);
    expect(found.epsMax?.value).toBeCloseTo(separate.epsMax!, 10);
    expect(found.adamK?.value).toBeCloseTo(separate.adam[0].k!, 10);
    expect(rung(found, 'adam-small-batch').peak?.batchSize.value).toBeCloseTo(separate.adam[0].bPeak!, 8);
    BATCH_SIZES.forEach((b, i) => {
      expect(rung(found, 'erf').learningRates[i]?.value).toBeCloseTo(
        exactLawFromHalves(moments, product, { probes }, b)!.learningRate!,
        10,
      );
      expect(rung(found, 'sign-updates').learningRates[i]?.value).toBeCloseTo(
        lemma1FromUpdates(signUpdates(1, 12, b), moments.mean, product).learningRate!,
        10,
      );
    });
    expect(found.rungs.map((r) => r.rung)).toEqual([
      'small-batch',
      'adam-small-batch',
      'erf',
      'sign-updates',
    ]);
  });

  it('has errors that are the spread of repeated estimates, and intervals that hold the truth', async () => {
    const count = 150;
    const all = await Promise.all(Array.from({ length: count }, (_, seed) => ladderOf(seed, 0.9, 200)));
    const { trace, offDiagonal, gradientMass } = signQuantities(truth);
    const { bNoise, epsMax } = smallBatchLaw(trace, offDiagonal, gradientMass);
    const checks: [
      string,
      (f: Ladder) => {
        value: number;
        standardError: number | null;
        interval: { low: number; high: number } | null;
      },
      number,
    ][] = [
      ['D', (f) => f.quantities.trace, trace],
      ['S_off', (f) => f.quantities.offDiagonal, offDiagonal!],
      ['M', (f) => f.quantities.gradientMass, gradientMass!],
      ['B_noise', (f) => f.bNoise!, bNoise!],
      ['eps_max', (f) => f.epsMax!, epsMax!],
      [
        'B_peak of Adam',
        (f) => rung(f, 'adam-small-batch').peak!.batchSize,
        adamSmallBatch(truth, 0.9).bPeak!,
      ],
      ...BATCH_SIZES.flatMap((b, i): typeof checks => [
        [`erf at ${b}`, (f) => rung(f, 'erf').learningRates[i]!, exactSignLaw(truth, b).learningRate!],
        // Gaussian and independent here, so that real signs follow the exact law too.
        [
          `signs at ${b}`,
          (f) => rung(f, 'sign-updates').learningRates[i]!,
          exactSignLaw(truth, b).learningRate!,
        ],
      ]),
    ];
    for (const [name, value, wanted] of checks) {
      const found = all.map(value);
      const mean = found.reduce((sum, v) => sum + v.value, 0) / count;
      const spread = Math.sqrt(found.reduce((sum, v) => sum + (v.value - mean) ** 2, 0) / (count - 1));
      const claimed = Math.sqrt(found.reduce((sum, v) => sum + v.standardError! ** 2, 0) / count);
      const inside = found.filter((v) => v.interval!.low <= wanted && wanted <= v.interval!.high).length;
      expect.soft(claimed / spread, `${name}: claimed over true error`).toBeGreaterThan(0.75);
      expect.soft(claimed / spread, `${name}: claimed over true error`).toBeLessThan(1.5);
      // 90 % wanted; 150 trials have a standard error of 2.4 %.
      expect.soft(inside / count, `${name}: coverage`).toBeGreaterThan(0.82);
      expect.soft(inside / count, `${name}: coverage`).toBeLessThan(0.985);
    }
  });

  it('says nothing for batch sizes beyond the samples, and nothing where the noise outweighs the gradient', async () => {
    const half = BLOCKS * PER_BLOCK;
    const options = { probes: probesOf(0), beta1: null, resamples: 50 };
    const beyond = await ladder(momentsOf(0), product, { ...options, batchSizes: [1, half, 2 * half] }, null);
    expect(rung(beyond, 'erf').learningRates.slice(1)).toEqual([null, null]);
    const none = momentsOf(0);
    const opposed = { ...none, meanB: none.meanA.map((x) => -x) };
    const lost = await ladder(opposed, product, { ...options, batchSizes: [1] }, null);
    expect(rung(lost, 'small-batch').learningRates).toEqual([null]);
    expect(rung(lost, 'erf').peak).toBeNull();
  });

  it('predicts no closed peak where S_off or K does not differ from 0', async () => {
    // Off-diagonal elements that cancel: one is set so that S_off is 0.
    const alternating = HESSIAN.map((row, i) => row.map((h, j) => ((i + j) % 2 === 0 ? h : -h)));
    const { offDiagonal } = signQuantities(noisyQuadratic({ mu: MU, sigma: SIGMA, hessian: alternating }));
    const correction = (offDiagonal! * SIGMA[8] * SIGMA[9]) / (2 * MU[8] * MU[9]);
    alternating[8][9] -= correction;
    alternating[9][8] -= correction;
    const balanced = matrixProduct(alternating);
    let peaks = 0;
    for (let seed = 0; seed < 40; seed++) {
      const options = { batchSizes: BATCH_SIZES, probes: probesOf(seed), beta1: 0, resamples: 200 };
      const found = await ladder(momentsOf(seed), balanced, options, null);
      const { low } = found.quantities.offDiagonal.interval!;
      for (const name of ['small-batch', 'adam-small-batch'])
        expect(rung(found, name).peak !== null).toBe(low > 0);
      if (rung(found, 'small-batch').peak !== null) peaks++;
    }
    // S_off is 0 here, so that a tenth of the intervals miss it, half of them above.
    expect(peaks).toBeLessThan(6);
    const [one] = probesOf(0);
    const single = { batchSizes: BATCH_SIZES, probes: [one], beta1: null, resamples: 50 };
    const unsure = await ladder(momentsOf(0), product, single, null);
    expect(unsure.quantities.trace).toMatchObject({ standardError: null, interval: null });
    expect(unsure.bNoise?.value).toBeGreaterThan(0);
    expect(rung(unsure, 'small-batch').peak).toBeNull();
  });

  it('has no peak where the curvature along the updates is not positive', async () => {
    const negative = matrixProduct(HESSIAN.map((row) => row.map((h) => -h)));
    const options = { batchSizes: BATCH_SIZES, probes: probesOf(0), beta1: null, resamples: 50 };
    const found = await ladder(momentsOf(0), negative, options, signSource(0, 8));
    expect(found.bNoise).toBeNull();
    for (const { learningRates, peak } of found.rungs) {
      expect(learningRates).toEqual([null, null, null, null]);
      expect(peak).toBeNull();
    }
  });

  it('finds the peak inside the batch sizes with an interval, and the same one every time', async () => {
    const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256];
    const law = batchSizes.map((b) => exactSignLaw(truth, b).learningRate!);
    const best = law.indexOf(Math.max(...law));
    expect(best).toBeGreaterThan(0);
    expect(best).toBeLessThan(law.length - 1);
    const options = { batchSizes, probes: probesOf(3), beta1: null, resamples: 200 };
    const found = await ladder(momentsOf(3), product, options, null);
    const { peak } = rung(found, 'erf');
    expect(peak?.atEdge).toBeNull();
    expect(peak!.batchSize.interval!.low).toBeLessThan(batchSizes[best + 1]);
    expect(peak!.batchSize.interval!.high).toBeGreaterThan(batchSizes[best - 1]);
    expect(peak!.insideShare).toBeGreaterThan(0.8);
    expect(await ladder(momentsOf(3), product, options, null)).toEqual(found);
  });
});
