import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '#shared/random/index.ts';
import { adaptiveBatch, overheadCriticalBatch } from '#shared/theory/critical-batch.ts';
import { NoiseScaleAverage, noiseScaleOfMeans, twoBatchEstimate } from '#shared/theory/noise-scale.ts';
import { sgdLaw, sgdQuantities } from '#shared/theory/sgd.ts';
import {
  fitStepsLine,
  fitStepsLogSpace,
  paperCurves,
  stepsAndExamples,
} from '#shared/theory/steps-examples.ts';

describe('SGD', () => {
  const law = sgdLaw({ gradientSquare: 2, gradientCurvature: 4, noiseCurvature: 60, noiseTrace: 30 });
  it('saturates: linear far below B_noise, eps_max far above, half of it at B_noise', () => {
    expect([law.epsMax, law.bNoise, law.decreaseMax, law.bSimple]).toEqual([0.5, 15, 0.5, 15]);
    expect(law.optimum(15)).toMatchObject({ learningRate: 0.25, decrease: 0.25 });
    expect(law.optimum(1e-6).learningRate! / (1e-6 / 15)).toBeCloseTo(0.5, 6);
    expect(law.optimum(Infinity).learningRate).toBe(0.5);
  });
  it('is undefined along negative curvature and without a gradient', () => {
    const saddle = sgdLaw(
      sgdQuantities(
        [1, 0],
        [
          [-1, 0],
          [0, 1],
        ],
        [
          [1, 0],
          [0, 1],
        ],
      ),
    );
    expect([saddle.epsMax, saddle.bNoise, saddle.decreaseMax]).toEqual([null, null, null]);
    expect(sgdLaw(sgdQuantities([0], [[1]], [[1]])).bSimple).toBeNull();
    expect(() => law.optimum(0)).toThrow('batch size');
  });
});

describe('noise scale', () => {
  const sizes = { small: 4, big: 64 };
  it('recovers |G|² and tr(Sigma) from their exact norms', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e3, noNaN: true }),
        fc.double({ min: 0, max: 1e3, noNaN: true }),
        (g, t) => {
          const estimate = twoBatchEstimate(sizes, g + t / 4, g + t / 64);
          expect(Math.abs(estimate.gradientSquare - g)).toBeLessThan(1e-12 * (g + t) + 1e-300);
          expect(Math.abs(estimate.noiseTrace - t)).toBeLessThan(1e-11 * (g + t) + 1e-300);
        },
      ),
    );
  });
  it('is unbiased as a ratio of averages on simulated gradients, where an average of ratios is not defined', () => {
    // G = (0.1, 0, 0), Sigma = I in three dimensions: tr(Sigma)/|G|² = 300.
    const normals = stream('test/noise-scale', 1);
    const draw = new Float64Array(3 * 64);
    const average = new NoiseScaleAverage(sizes, 0.9995);
    let undefinedSteps = 0;
    const estimates = Array.from({ length: 20_000 }, (_, step) => {
      normals.fillNormal(draw, step * draw.length);
      const norm = (batch: number) => {
        let square = 0;
        for (let i = 0; i < 3; i++) {
          let sum = 0;
          for (let b = 0; b < batch; b++) sum += draw[3 * b + i];
          square += (sum / batch + (i === 0 ? 0.1 : 0)) ** 2;
        }
        return square;
      };
      const estimate = average.add(norm(4), norm(64));
      if (estimate.gradientSquare <= 0 || estimate.noiseTrace <= 0) undefinedSteps++;
      return estimate;
    });
    expect(undefinedSteps).toBeGreaterThan(5000);
    expect(noiseScaleOfMeans(estimates)! / 300).toBeCloseTo(1, 0.8);
    expect(average.noiseScale! / 300).toBeGreaterThan(0.6);
    expect(average.noiseScale! / 300).toBeLessThan(1.7);
  });
  it('is null before the first step and while an average is not positive; skips what is not finite', () => {
    const average = new NoiseScaleAverage(sizes, 0.5);
    expect(average.noiseScale).toBeNull();
    average.add(0.1, 0.2);
    expect(average.noiseScale).toBeNull();
    average.add(NaN, 0.2);
    average.add(Infinity, 1);
    expect(average.skipped).toBe(2);
    for (let i = 0; i < 50; i++) average.add(1 + 3 / 4, 1 + 3 / 64);
    expect(average.noiseScale).toBeCloseTo(3, 10);
    expect(noiseScaleOfMeans([])).toBeNull();
  });
  it('refuses sizes and decays that mean nothing', () => {
    for (const wrong of [
      { small: 4, big: 4 },
      { small: 8, big: 4 },
      { small: 0, big: 4 },
      { small: 1, big: Infinity },
    ])
      expect(() => twoBatchEstimate(wrong, 1, 1)).toThrow('ascending');
    for (const decay of [1, -0.1, NaN]) expect(() => new NoiseScaleAverage(sizes, decay)).toThrow('decay');
  });
});

describe('steps and examples', () => {
  const sizes = [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
  it('takes exactly twice the least steps and twice the least examples at B_crit', () => {
    expect(stepsAndExamples(100, 50, 50)).toEqual({ steps: 200, examples: 10_000 });
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e4, noNaN: true }),
        fc.double({ min: 1, max: 1e4, noNaN: true }),
        (crit, b) => {
          const { steps, examples } = stepsAndExamples(100, crit, b);
          expect((steps / 100 - 1) * (examples / (100 * crit) - 1)).toBeCloseTo(1, 9);
        },
      ),
    );
  });
  it('both fits return the truth from exact steps, in any order', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 8, max: 1000, noNaN: true }),
        fc.double({ min: 10, max: 1e5, noNaN: true }),
        (crit, min) => {
          const points = sizes.map((batchSize) => ({
            batchSize,
            steps: stepsAndExamples(min, crit, batchSize).steps,
          }));
          for (const order of [points, [...points].reverse()]) {
            const line = fitStepsLine(order)!;
            const log = fitStepsLogSpace(order)!;
            for (const fit of [line, log]) {
              expect(fit.bNoise! / crit).toBeCloseTo(1, 7);
              expect(fit.stepsMin! / min).toBeCloseTo(1, 7);
            }
            expect(log.atBound).toBe(false);
          }
        },
      ),
    );
  });
  it('with noise the log-space fit is unbiased and its standard errors are right; the line is biased low', () => {
    const normals = stream('test/steps', 1);
    const noise = 0.1;
    const repeats = 400;
    let [log, line, inside] = [0, 0, 0];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const points = sizes.map((batchSize, i) => ({
        batchSize,
        steps:
          stepsAndExamples(1000, 100, batchSize).steps * Math.exp(noise * normals.normal(repeat * 10 + i)),
      }));
      const fit = fitStepsLogSpace(points)!;
      log += fit.bNoise / repeats;
      line += fitStepsLine(points)!.bNoise! / repeats;
      // 2.31: 95 % of a t distribution with 8 degrees of freedom.
      if (Math.abs(Math.log(fit.bNoise / 100)) < 2.31 * fit.lnBNoiseStandardError!) inside++;
    }
    expect(log).toBeGreaterThan(99);
    expect(log).toBeLessThan(102.5);
    expect(line).toBeLessThan(99);
    expect(inside / repeats).toBeGreaterThan(0.92);
    expect(inside / repeats).toBeLessThan(0.98);
  });
  it('counts batch sizes that never reached the target and leaves them out', () => {
    const points = sizes.map((batchSize) => ({
      batchSize,
      steps: stepsAndExamples(500, 60, batchSize).steps,
    }));
    const censored = [
      ...points,
      { batchSize: 1, steps: Infinity },
      { batchSize: 2, steps: NaN },
      { batchSize: 3, steps: 0 },
    ];
    expect(fitStepsLogSpace(censored)).toEqual({ ...fitStepsLogSpace(points)!, leftOut: 3 });
    expect(fitStepsLine(censored)!.leftOut).toBe(3);
  });
  it('says so when the data cannot tell: constant steps, perfect scaling, too few batch sizes, a rising line', () => {
    const constant = sizes.map((batchSize) => ({ batchSize, steps: 100 }));
    expect(fitStepsLogSpace(constant)).toMatchObject({ atBound: true, lnBNoiseStandardError: null });
    const scaling = sizes.map((batchSize) => ({ batchSize, steps: 1e6 / batchSize }));
    expect(fitStepsLogSpace(scaling)!.atBound).toBe(true);
    expect(fitStepsLine(scaling)).toBeNull();
    for (const points of [[], [constant[0]], [constant[0], constant[0]]]) {
      expect(fitStepsLogSpace(points)).toBeNull();
      expect(fitStepsLine(points)).toBeNull();
    }
    const rising = [
      { batchSize: 1, steps: 10 },
      { batchSize: 10, steps: 30 },
      { batchSize: 100, steps: 90 },
    ];
    expect(fitStepsLine(rising)).toMatchObject({ bNoise: null, examplesMin: null });
    expect(fitStepsLogSpace(constant.slice(0, 2))!.lnStepsMinStandardError).toBeNull();
  });
  it('paper mode: the scale is a mean, the position of the peak is not fitted', () => {
    const ridge = sizes.map((batchSize) => ({ batchSize, learningRate: 0.01 / (1 + 70 / batchSize) }));
    const curves = paperCurves(ridge, 70)!;
    expect(curves.alpha1.epsMax).toBeCloseTo(0.01, 14);
    expect(curves.surge.at(70)).toBeCloseTo(curves.surge.epsMax, 14);
    expect(curves.surge.at(60)).toBeLessThan(curves.surge.epsMax);
    expect(curves.alphaHalf.at(70) / curves.alphaHalf.epsMax).toBeCloseTo(Math.SQRT1_2, 14);
    expect(paperCurves([], 70)).toBeNull();
    expect(() => paperCurves(ridge, 0)).toThrow('B_noise');
  });
});

describe('critical batch', () => {
  it('20 % overhead against linear scaling from 256 is 0.2 B_crit + 1.2·256, as the hyperbola gives it', () => {
    const critical = overheadCriticalBatch(4000, 256);
    expect(critical.batchSize).toBeCloseTo(0.2 * 4000 + 1.2 * 256, 10);
    const steps = (batch: number) => stepsAndExamples(1, 4000, batch).steps;
    expect(steps(critical.batchSize) / (steps(256) * (256 / critical.batchSize))).toBeCloseTo(1.2, 12);
  });
  it('an adaptive batch gains when the noise scale changes, and nothing when it does not', () => {
    expect(adaptiveBatch([100, 100, 100], 25)).toEqual({ batchSizes: [50, 50, 50], gamma: 1 });
    expect(adaptiveBatch([1, 100], 1).gamma).toBeCloseTo(5.5 ** 2 / 50.5, 12);
    expect(() => adaptiveBatch([], 1)).toThrow('noise scales');
    expect(() => adaptiveBatch([1, -1], 1)).toThrow('noise scales');
    expect(() => adaptiveBatch([1], 0)).toThrow('price');
  });
});
