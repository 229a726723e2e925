import { afterAll, expect, it } from 'vitest';
import type { OptimizerSpecification } from '#shared/experiment/specification.ts';
import { lemma1FromUpdates, matrixProduct, optimumOfUpdates } from '#shared/theory/predict.ts';
import type { PredictedValue } from '#shared/theory/prediction-record.ts';
import { dot, noisyQuadratic } from '#shared/theory/quadratic.ts';
import { exactSignLaw, signQuantities, smallBatchLaw } from '#shared/theory/sign-descent.ts';
import { lineSearch } from '#main/training/local/line-search.ts';
import { predictAt } from '#main/training/local/predict.ts';
import { updatesAt } from '#main/training/local/updates.ts';
import { describeWithEngine, engine, optimizers, smallQuadratic } from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';
import {
  CLASSES,
  EVALUATION,
  frozenAt,
  IMAGES,
  quadraticGradient,
  SIDE,
  smallPerceptron,
} from './setting.ts';

const files = writeSmallImages(IMAGES, SIDE, CLASSES);
afterAll(() => files.remove());
const product = matrixProduct(smallQuadratic.hessian);

/** Slope and curvature of each draw from two learning rates: the loss is exactly quadratic along a step. */
function alongSteps(changes: Float64Array, [first, second]: readonly number[], draws: number) {
  const slopes: number[] = [];
  const curvatures: number[] = [];
  for (let d = 0; d < draws; d++) {
    const [a, b] = [changes[d] / first, changes[draws + d] / second];
    const half = (b - a) / (second - first);
    curvatures.push(2 * half);
    slopes.push(half * first - a);
  }
  return { slopes, curvatures };
}

describeWithEngine('at a frozen point of the quadratic', () => {
  const SIGN: OptimizerSpecification = { kind: 'sign' };
  const RATES = [0.25, 0.5];

  for (const batchSize of [1, 8, 64])
    it(`the line search finds the exact law, B = ${batchSize}`, async () => {
      const draws = 3000;
      const { frozen, theta } = await frozenAt(smallQuadratic, 0);
      const changes = await lineSearch(
        engine().tf,
        {
          workload: smallQuadratic,
          optimizer: SIGN,
          evaluationExamples: EVALUATION,
          learningRates: RATES,
          draws,
          optimizerState: 'cold',
        },
        frozen,
        batchSize,
      );
      const { slopes, curvatures } = alongSteps(changes, RATES, draws);
      const found = optimumOfUpdates(slopes, curvatures);
      const { sigma, hessian } = smallQuadratic;
      const law = exactSignLaw(noisyQuadratic({ mu: quadraticGradient(theta), sigma, hessian }), batchSize);
      const error = found.learningRateStandardError!;
      expect(error).toBeLessThan(0.1 * law.learningRate!);
      expect(Math.abs(found.learningRate! - law.learningRate!)).toBeLessThan(3 * error);
    });

  for (const [name, state] of [
    ['sign', 'cold'],
    ['sgd', 'warm'],
    ['adam', 'warm'],
    ['adam', 'cold'],
    ['signum', 'warm'],
    ['lion', 'warm'],
  ] as const)
    it(`updates are what the line search steps along: ${name}, ${state}`, async () => {
      const { tf } = engine();
      const optimizer = optimizers[name];
      const { frozen, theta } = await frozenAt(smallQuadratic, 6, optimizer);
      const common = {
        workload: smallQuadratic,
        optimizer,
        evaluationExamples: EVALUATION,
        draws: 20,
        optimizerState: state,
      };
      const updates = await updatesAt(tf, { ...common, batchSize: 4 }, frozen);
      const changes = await lineSearch(tf, { ...common, learningRates: RATES }, frozen, 4);
      const { slopes, curvatures } = alongSteps(changes, RATES, 20);
      const gradient = Float64Array.from(quadraticGradient(theta));
      updates.forEach((update, d) => {
        expect(dot(update, gradient)).toBeCloseTo(slopes[d], 3);
        expect(dot(update, product(update))).toBeCloseTo(curvatures[d], 3);
        if (name === 'sign') expect([...update].every((x) => Math.abs(Math.abs(x) - 1) < 1e-4)).toBe(true);
      });
      // Signum's momentum can outvote every minibatch.
      if (name !== 'signum') expect(new Set(slopes).size).toBeGreaterThan(1);
      expect(lemma1FromUpdates(updates, gradient, product).learningRate).toBeCloseTo(
        optimumOfUpdates(slopes, curvatures).learningRate!,
        3,
      );
    });

  it('the ladder holds the truth within its errors', async () => {
    const { frozen, theta } = await frozenAt(smallQuadratic, 0);
    const batchSizes = [1, 4, 16, 64];
    const found = await predictAt(
      engine().tf,
      { workload: smallQuadratic, optimizer: SIGN, evaluationExamples: EVALUATION },
      frozen,
      { batchSizes, samplesPerHalf: 2000, hessianExamples: 100, probes: 32, draws: 200 },
    );
    const { sigma, hessian } = smallQuadratic;
    const truth = noisyQuadratic({ mu: quadraticGradient(theta), sigma, hessian });
    const { trace, offDiagonal, gradientMass } = signQuantities(truth);
    const near = (value: PredictedValue | null, wanted: number, name: string) => {
      expect(value?.standardError, name).toBeGreaterThan(0);
      // Float32 products and a difference quotient leave a little beside the sampling error.
      expect(Math.abs(value!.value - wanted), name).toBeLessThan(4 * value!.standardError! + 1e-3 * wanted);
    };
    near(found.quantities.trace, trace, 'D');
    near(found.quantities.offDiagonal, offDiagonal!, 'S_off');
    near(found.quantities.gradientMass, gradientMass!, 'M');
    expect(found.bNoise === null).toBe(smallBatchLaw(trace, offDiagonal, gradientMass).bNoise === null);
    batchSizes.forEach((b, i) => {
      const law = exactSignLaw(truth, b).learningRate!;
      for (const { rung, learningRates } of found.rungs)
        if (rung !== 'small-batch') near(learningRates[i], law, `${rung} at ${b}`);
    });
    expect(found.rungs.map(({ rung }) => rung)).toEqual(['small-batch', 'erf', 'sign-updates']);
    const square = quadraticGradient(theta).reduce((sum, g) => sum + g * g, 0);
    const scale = sigma.reduce((sum, s) => sum + s * s, 0) / square;
    expect(Math.abs(found.bSimple.value! - scale)).toBeLessThan(4 * found.bSimple.standardError!);
    expect(found.histogram.bins.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(found.moments).toMatchObject({ parameters: 3, active: 3, oftenZero: 0 });
    expect(found.asymmetry).toBeLessThan(1e-3);
    // Everything is kept as JSON.
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });
});

describeWithEngine('a prediction for a network', () => {
  it('has a rung for the optimizer’s own steps, and refuses more examples than there are', async () => {
    const workload = smallPerceptron(files);
    const { frozen } = await frozenAt(workload, 10, optimizers.adam);
    const source = { workload, optimizer: optimizers.adam, evaluationExamples: EVALUATION };
    const options = { batchSizes: [1, 4, 64], samplesPerHalf: 25, hessianExamples: 50, probes: 4, draws: 8 };
    const found = await predictAt(engine().tf, source, frozen, options);
    expect(found.rungs.map(({ rung }) => rung)).toEqual([
      'small-batch',
      'adam-small-batch',
      'erf',
      'sign-updates',
      'optimizer-updates',
    ]);
    expect(found.rungs.every(({ learningRates }) => learningRates.length === 3)).toBe(true);
    expect(found.sampling).toMatchObject({ samplesPerHalf: 20, blocks: 10, hessianExamples: 50 });
    expect(found.warnings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['too-few-samples', 'beyond-samples']),
    );
    expect(found.rungs[2].learningRates[2]).toBeNull();
    await expect(predictAt(engine().tf, source, frozen, { ...options, samplesPerHalf: 40 })).rejects.toThrow(
      '130 examples are asked for (2 × 40 for gradients, 50 for curvature) and the training set has 100',
    );
  });
});
