/**
 * Gradients at a frozen point, for predicting the peak from one run: per-sample gradients of two disjoint halves, and
 * Hessian-vector products. Both are ordinary stacks whose "optimizer" moves nothing and keeps what it sees.
 */
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';
import type { GradientMoments } from '#shared/theory/gradient-moments.ts';
import { MomentsAccumulator } from '#shared/theory/gradient-moments.ts';
import type { HessianProduct } from '#shared/theory/predict.ts';
import { makeWorkload } from '../build-stack.ts';
import { compiledBackend } from '../engine/compiled-backend.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { plain } from '../optimizers/optimizer.ts';
import type { AssembledStack } from '../stack-program.ts';
import { assembleStack } from '../stack-program.ts';
import type { FrozenCell } from './frozen-cell.ts';
import { flatten, replicate } from './frozen-cell.ts';

/** Adds gradients up in a slot; theta stays where it is. */
const summing = plain({
  slots: (shape) => [{ name: 'sum', shape }],
  scalars: [],
  scalarValues: () => [],
  apply: (tf, gradient, { slots: [sum] }) => ({
    update: tf.zerosLike(gradient),
    slots: [tf.add(sum, gradient)],
  }),
});

export interface GradientSource {
  readonly workload: WorkloadSpecification;
  readonly evaluationExamples: number;
  /** Seed of the order in which training examples are taken. */
  readonly orderSeed: number;
}

function summingStack(
  tf: TensorFlow,
  source: GradientSource,
  cells: number,
  batchSize: number,
): AssembledStack {
  const layout = {
    batchSize,
    groups: 1,
    cellsPerGroup: cells,
    initialisationSeeds: new Array<number>(cells).fill(0),
    dataSeeds: [source.orderSeed],
  };
  const { workload } = makeWorkload(source.workload, source.evaluationExamples, layout);
  return assembleStack(tf, workload, summing, layout);
}

function open(tf: TensorFlow, stack: AssembledStack, chunkSteps: number) {
  return compiledBackend(tf).open(stack.program, new Float32Array(stack.program.cells), chunkSteps);
}

const zeros = (arrays: readonly Float32Array[]) => arrays.map((a) => new Float32Array(a.length));

/**
 * Moments of the per-sample gradient from 2·samplesPerHalf training examples: positions 0 … samplesPerHalf − 1 of the
 * order are half A, the next ones half B. Means and variances are accumulated in double precision.
 */
export async function gradientMomentsAt(
  tf: TensorFlow,
  source: GradientSource,
  frozen: FrozenCell,
  samplesPerHalf: number,
): Promise<GradientMoments> {
  const stack = summingStack(tf, source, 1, 1);
  const session = await open(tf, stack, 1);
  const parameters = frozen.state.slice(0, frozen.parameters);
  const start = [...parameters, ...zeros(parameters)];
  const moments = new MomentsAccumulator(flatten(parameters).length);
  for (let sample = 0; sample < 2 * samplesPerHalf; sample++) {
    session.setState(start);
    session.train({ steps: 1, perStep: stack.inputs(sample, 1) });
    const gradient = flatten(session.getState().slice(parameters.length));
    moments.add(sample < samplesPerHalf ? 'A' : 'B', gradient);
  }
  session.dispose();
  return moments.finish();
}

export interface HessianOptions {
  /** The loss whose Hessian is meant is the mean over this many examples … */
  readonly examples: number;
  /** … from this position of the order on. */
  readonly firstPosition: number;
  /** Length of the finite difference relative to |theta|; 1e-3 suits float32. */
  readonly relativeStep: number;
}

const HESSIAN_BATCH = 500;

/**
 * v ↦ H v by central differences of the gradient, (g(theta + t v) − g(theta − t v)) / 2t with t |v| = relativeStep·|theta|.
 * TensorFlow.js's own nested gradients are wrong without saying so, and this needs nothing but the compiled gradient.
 */
export async function openHessian(
  tf: TensorFlow,
  source: GradientSource,
  frozen: FrozenCell,
  options: HessianOptions,
): Promise<{ readonly product: HessianProduct; dispose(): void }> {
  const batch = Math.min(HESSIAN_BATCH, options.examples);
  const batches = Math.max(1, Math.floor(options.examples / batch));
  const stack = summingStack(tf, source, 2, batch);
  const session = await open(tf, stack, batches);
  const parameters = frozen.state.slice(0, frozen.parameters);
  const thetaNorm = norm(flatten(parameters)) || 1;
  const inputs = stack.inputs(Math.ceil(options.firstPosition / batch), batches);
  const product: HessianProduct = (vector) => {
    const vectorNorm = norm(vector);
    if (vectorNorm === 0) return new Float64Array(vector.length);
    const t = (options.relativeStep * thetaNorm) / vectorNorm;
    const both = replicate(parameters, 2);
    let offset = 0;
    both.forEach((values, p) => {
      const size = parameters[p].length;
      for (let i = 0; i < size; i++) {
        values[i] += t * vector[offset + i];
        values[size + i] -= t * vector[offset + i];
      }
      offset += size;
    });
    session.setState([...both, ...zeros(both)]);
    session.train({ steps: batches, perStep: inputs });
    const sums = session.getState().slice(parameters.length);
    const side = (cell: 0 | 1) =>
      flatten(sums.map((s) => s.subarray((cell * s.length) / 2, ((cell + 1) * s.length) / 2)));
    const minus = side(1);
    return side(0).map((plus, i) => (plus - minus[i]) / (2 * t * batches));
  };
  return { product, dispose: () => session.dispose() };
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}
