import { afterAll, expect, it } from 'vitest';
import { stream } from '#shared/random/index.ts';
import { dot } from '#shared/theory/quadratic.ts';
import { openHessian } from '#main/training/local/gradients.ts';
import { describeWithEngine, engine, relativeDifference, smallQuadratic } from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';
import { perceptron } from '../../support/perceptron.ts';
import {
  CLASSES,
  EVALUATION,
  examplesOf,
  frozenAt,
  IMAGES,
  SIDE,
  smallPerceptron,
  WIDTHS,
} from './setting.ts';

const files = writeSmallImages(IMAGES, SIDE, CLASSES);
afterAll(() => files.remove());
const ORDER = 7;

function vectors(n: number, count: number): Float64Array[] {
  const normals = stream('test/vectors', 0);
  return Array.from({ length: count }, (_, v) => {
    const out = new Float64Array(n);
    normals.fillNormal(out, v * n);
    return out;
  });
}

const times = (hessian: readonly ArrayLike<number>[], v: Float64Array) =>
  Float64Array.from(hessian, (row) => dot(row, v));

describeWithEngine('Hessian-vector products', () => {
  const network = perceptron(WIDTHS);
  const workload = smallPerceptron(files);
  const source = { workload, evaluationExamples: EVALUATION, orderSeed: ORDER };

  for (const [what, first, examples] of [
    ['of some examples', 30, 30],
    // 1000 positions are ten epochs, in two batches: the whole training set.
    ['of the whole training set in several batches', 0, 1000],
  ] as const)
    it(`${what} equal a Hessian in double precision, at three step lengths`, async () => {
      const { frozen, theta } = await frozenAt(workload, 30);
      const hessian = network.hessian(theta, examplesOf(workload, ORDER, first, examples));
      const size = Math.sqrt(hessian.reduce((sum, row) => sum + dot(row, row), 0));
      expect(size).toBeGreaterThan(0.1);
      for (const relativeStep of [1e-3, 3e-3, 1e-3 / 3]) {
        const found = await openHessian(engine().tf, source, frozen, {
          examples,
          firstPosition: first,
          relativeStep,
        });
        expect(found.examples).toBe(examples);
        const [u, v, ...more] = vectors(network.parameters, 6);
        for (const vector of [u, v, ...more]) {
          const ours = Float64Array.from(found.product(vector));
          expect(relativeDifference(ours, times(hessian, vector))).toBeLessThan(3e-3);
        }
        // Scaling the vector scales the product, and zero is zero.
        const tenth = Float64Array.from(found.product(u.map((x) => x / 10)));
        expect(
          relativeDifference(
            tenth,
            times(hessian, u).map((x) => x / 10),
          ),
        ).toBeLessThan(3e-3);
        expect([...Float64Array.from(found.product(new Float64Array(u.length)))].every((x) => x === 0)).toBe(
          true,
        );
        expect(Math.abs(dot(u, found.product(v)) - dot(v, found.product(u)))).toBeLessThan(
          2e-3 * Math.sqrt(dot(u, u) * dot(times(hessian, v), times(hessian, v))),
        );
        found.dispose();
      }
    });

  for (const step of [0, 5])
    it(`equal the quadratic's matrix (step ${step})`, async () => {
      const { frozen } = await frozenAt(smallQuadratic, step);
      const found = await openHessian(
        engine().tf,
        { workload: smallQuadratic, evaluationExamples: EVALUATION, orderSeed: ORDER },
        frozen,
        { examples: 10, firstPosition: 20, relativeStep: 1e-3 },
      );
      for (const vector of vectors(3, 10)) {
        const ours = Float64Array.from(found.product(vector));
        expect(relativeDifference(ours, times(smallQuadratic.hessian, vector))).toBeLessThan(1e-3);
      }
      found.dispose();
    });
});
