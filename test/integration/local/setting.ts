/** A small perceptron and a small quadratic frozen in training, with the examples that the probe sees. */
import { ExampleOrder } from '#shared/random/index.ts';
import { loadClassification } from '#main/training/data/load.ts';
import type { FrozenCell } from '#main/training/local/frozen-cell.ts';
import { flatten, freezeCell } from '#main/training/local/frozen-cell.ts';
import type { StackConfiguration } from '#main/training/build-stack.ts';
import { engine, smallQuadratic } from '../../support/engine.ts';
import type { SmallImages } from '../../support/idx.ts';
import type { Example } from '../../support/perceptron.ts';

export const SIDE = 4;
export const CLASSES = 3;
export const HIDDEN = 5;
export const WIDTHS = [SIDE * SIDE, HIDDEN, CLASSES];
export const EVALUATION = 20;
/** Images in the files; all but the evaluation examples are for training. */
export const IMAGES = 120;

export function smallPerceptron(files: SmallImages): StackConfiguration['workload'] {
  return {
    kind: 'mlp',
    hidden: [HIDDEN],
    activation: 'tanh',
    data: { source: 'idx', images: files.images, labels: files.labels },
  };
}

export async function frozenAt(
  workload: StackConfiguration['workload'],
  step: number,
  optimizer: StackConfiguration['optimizer'] = { kind: 'sgd' },
): Promise<{ frozen: FrozenCell; theta: Float64Array }> {
  const frozen = await freezeCell(
    engine().tf,
    {
      workload,
      optimizer,
      evaluationExamples: EVALUATION,
      streams: 'common',
      batchSize: 4,
      learningRate: 0.1,
      seed: 1,
    },
    step,
  );
  return { frozen, theta: flatten(frozen.state.slice(0, frozen.parameters)) };
}

/** Training examples at positions first … first + count − 1 of an order. */
export function examplesOf(
  workload: StackConfiguration['workload'],
  orderSeed: number,
  first: number,
  count: number,
): Example[] {
  if (workload.kind !== 'mlp') throw new Error('a workload without examples');
  const data = loadClassification(workload.data, EVALUATION);
  const indices = new Int32Array(count);
  new ExampleOrder(orderSeed, data.trainingExamples).fill(indices, 0, first, count);
  return Array.from(indices, (e) => ({
    image: data.trainingImages.slice(e * data.features, (e + 1) * data.features),
    label: data.trainingLabels[e],
  }));
}

/** Gradient of the quadratic's true loss. */
export function quadraticGradient(theta: Float64Array): number[] {
  return smallQuadratic.mu.map((mu, i) =>
    theta.reduce((sum, x, j) => sum + smallQuadratic.hessian[i][j] * x, mu),
  );
}
