import { afterAll, expect, it } from 'vitest';
import { stream } from '#shared/random/index.ts';
import { gradientMoments } from '#shared/theory/gradient-moments.ts';
import { twoBatchEstimate } from '#shared/theory/noise-scale.ts';
import { dot } from '#shared/theory/quadratic.ts';
import { distinctExamples, gradientMomentsAt } from '#main/training/local/gradients.ts';
import { describeWithEngine, engine, relativeDifference, smallQuadratic } from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';
import { perceptron } from '../../support/perceptron.ts';
import {
  CLASSES,
  EVALUATION,
  examplesOf,
  frozenAt,
  IMAGES,
  quadraticGradient,
  SIDE,
  smallPerceptron,
  WIDTHS,
} from './setting.ts';

const files = writeSmallImages(IMAGES, SIDE, CLASSES);
afterAll(() => files.remove());
const ORDER = 11;

/** Checks everything that the engine found against rows of a plain loop. */
async function expectMoments(
  workload: Parameters<typeof frozenAt>[0],
  step: number,
  { blocks, samplesPerBlock }: { blocks: number; samplesPerBlock: number },
  rowsAt: (theta: Float64Array, count: number) => Float64Array[],
): Promise<void> {
  const { frozen, theta } = await frozenAt(workload, step);
  const source = { workload, evaluationExamples: EVALUATION, orderSeed: ORDER };
  const { moments, noise } = await gradientMomentsAt(engine().tf, source, frozen, {
    blocks,
    samplesPerBlock,
  });
  const half = blocks * samplesPerBlock;
  const rows = rowsAt(theta, 2 * half);
  const wanted = gradientMoments(rows.slice(0, half), rows.slice(half));
  expect(moments.halfCount).toBe(half);
  for (const name of ['meanA', 'meanB', 'mean', 'variance', 'deviation'] as const)
    expect(relativeDifference(moments[name], wanted[name]), name).toBeLessThan(2e-6);
  const means = [...moments.blocksA, ...moments.blocksB];
  expect(means).toHaveLength(2 * blocks);
  means.forEach((mean, block) => {
    const own = rows.slice(block * samplesPerBlock, (block + 1) * samplesPerBlock);
    const plain = mean.map((_, i) => own.reduce((sum, row) => sum + row[i] / own.length, 0));
    expect(relativeDifference(mean, plain)).toBeLessThan(1e-5);
    const single = own.reduce((sum, row) => sum + dot(row, row) / own.length, 0);
    const estimate = twoBatchEstimate({ small: 1, big: samplesPerBlock }, single, dot(plain, plain));
    expect(noise.estimates[block].noiseTrace / estimate.noiseTrace).toBeCloseTo(1, 4);
    expect(Math.abs(noise.estimates[block].gradientSquare - estimate.gradientSquare)).toBeLessThan(
      1e-5 * single,
    );
  });
}

describeWithEngine('moments of per-sample gradients', () => {
  const network = perceptron(WIDTHS);
  const workload = smallPerceptron(files);

  it('of a perceptron equal a plain loop in double precision', async () => {
    // 92 samples are no multiple of the samples taken in one call.
    await expectMoments(workload, 20, { blocks: 2, samplesPerBlock: 23 }, (theta, count) =>
      examplesOf(workload, ORDER, 0, count).map((example) => network.gradientOfOne(theta, example)),
    );
  });

  it('of the quadratic equal a plain loop, and its mu and sigma', async () => {
    const size = { blocks: 10, samplesPerBlock: 200 };
    const noise = stream('quadratic/noise', ORDER);
    await expectMoments(smallQuadratic, 5, size, (theta, count) => {
      const gradient = quadraticGradient(theta);
      return Array.from({ length: count }, (_, k) =>
        Float64Array.from(gradient, (g, i) => g + smallQuadratic.sigma[i] * noise.normal(3 * k + i)),
      );
    });
    const { frozen, theta } = await frozenAt(smallQuadratic, 5);
    const source = { workload: smallQuadratic, evaluationExamples: EVALUATION, orderSeed: ORDER };
    const { moments } = await gradientMomentsAt(engine().tf, source, frozen, size);
    const n = 2 * moments.halfCount;
    quadraticGradient(theta).forEach((mu, i) => {
      const sigma = smallQuadratic.sigma[i];
      expect(Math.abs(moments.mean[i] - mu)).toBeLessThan((4 * sigma) / Math.sqrt(n));
      expect(Math.abs(moments.deviation[i] - sigma)).toBeLessThan((4 * sigma) / Math.sqrt(2 * n));
    });
  });

  it('know how many different examples there are', () => {
    const { tf } = engine();
    const source = { workload, evaluationExamples: EVALUATION, orderSeed: ORDER };
    expect(distinctExamples(tf, source, 60)).toBe(60);
    expect(distinctExamples(tf, source, 350)).toBe(IMAGES - EVALUATION);
    expect(distinctExamples(tf, { ...source, workload: smallQuadratic }, 350)).toBe(350);
  });
});
