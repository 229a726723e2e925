/**
 * Gradients at a frozen point, for predicting the peak from one run: per-sample gradients of two disjoint halves, and
 * Hessian-vector products. Both are ordinary stacks whose "optimizer" moves nothing and keeps what it sees.
 */
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';
import type { GradientMoments } from '#shared/theory/gradient-moments.ts';
import { MomentsAccumulator } from '#shared/theory/gradient-moments.ts';
import type { TwoBatchEstimate } from '#shared/theory/noise-scale.ts';
import { twoBatchEstimate } from '#shared/theory/noise-scale.ts';
import type { HessianProduct } from '#shared/theory/predict.ts';
import { dot } from '#shared/theory/quadratic.ts';
import { makeWorkload } from '../build-stack.ts';
import { compiledBackend } from '../engine/compiled-backend.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { plain } from '../optimizers/optimizer.ts';
import type { AssembledStack } from '../stack-program.ts';
import { assembleStack } from '../stack-program.ts';
import type { FrozenCell } from './frozen-cell.ts';
import { flatten, replicate } from './frozen-cell.ts';

/** Keeps the last gradient in a slot; theta stays where it is. */
const keeping = plain({
  slots: (shape) => [{ name: 'last', shape }],
  scalars: [],
  scalarValues: () => [],
  apply: (tf, gradient) => ({ update: tf.zerosLike(gradient), slots: [gradient] }),
});

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

function gradientStack(
  tf: TensorFlow,
  source: GradientSource,
  optimizer: Optimizer,
  shape: { readonly groups: number; readonly cellsPerGroup: number; readonly batchSize: number },
): AssembledStack {
  const layout = {
    ...shape,
    initialisationSeeds: new Array<number>(shape.groups * shape.cellsPerGroup).fill(0),
    dataSeeds: new Array<number>(shape.groups).fill(source.orderSeed),
  };
  const { workload } = makeWorkload(source.workload, source.evaluationExamples, layout);
  const stack = assembleStack(tf, workload, optimizer, layout);
  if (stack.buffers > 0)
    throw new Error(
      'normalization over the batch makes the gradient of one example depend on the others, so the theory has nothing to predict from; use surge local instead',
    );
  return stack;
}

function open(tf: TensorFlow, stack: AssembledStack, chunkSteps: number) {
  return compiledBackend(tf).open(stack.program, new Float32Array(stack.program.cells), chunkSteps);
}

const zeros = (arrays: readonly Float32Array[]) => arrays.map((a) => new Float32Array(a.length));

/**
 * Different examples among the first `count` positions of the order: fewer when the training set is smaller. Workloads
 * that make their noise never repeat.
 */
export function distinctExamples(tf: TensorFlow, source: GradientSource, count: number): number {
  const order = gradientStack(tf, source, keeping, { groups: 1, cellsPerGroup: 1, batchSize: 1 });
  const indices = order.inputs(0, count).find((values) => values instanceof Int32Array);
  return indices === undefined ? count : new Set(indices).size;
}

/** Samples whose gradients are taken in one call, each a cell of its own. */
const SAMPLES_AT_ONCE = 50;

/**
 * Per-sample gradients in the order's positions 0 … count − 1, one after the other. The array is reused: copy what is to
 * be kept.
 */
async function forEachGradient(
  tf: TensorFlow,
  source: GradientSource,
  frozen: FrozenCell,
  count: number,
  use: (gradient: Float64Array, sample: number) => void,
): Promise<void> {
  const together = Math.min(SAMPLES_AT_ONCE, count);
  const stack = gradientStack(tf, source, keeping, { groups: together, cellsPerGroup: 1, batchSize: 1 });
  // Inputs of `together` steps of one group lie in memory as one step of `together` groups does.
  const order = gradientStack(tf, source, keeping, { groups: 1, cellsPerGroup: 1, batchSize: 1 });
  const session = await open(tf, stack, 1);
  const parameters = frozen.state.slice(0, frozen.parameters);
  const state = replicate(parameters, together);
  session.setState([...state, ...zeros(state)]);
  const gradient = new Float64Array(flatten(parameters).length);
  for (let first = 0; first < count; first += together) {
    session.train({ steps: 1, perStep: order.inputs(first, together) });
    const rows = session.getState().slice(parameters.length);
    for (let g = 0; g < Math.min(together, count - first); g++) {
      let offset = 0;
      for (const values of rows) {
        const size = values.length / together;
        gradient.set(values.subarray(g * size, (g + 1) * size), offset);
        offset += size;
      }
      use(gradient, first + g);
    }
  }
  session.dispose();
}

export interface GradientSample {
  readonly moments: GradientMoments;
  /** One pair of gradient norms a block: single samples against the whole block (arXiv 1812.06162, appendix A.1). */
  readonly noise: {
    readonly small: number;
    readonly big: number;
    readonly estimates: readonly TwoBatchEstimate[];
  };
}

/**
 * Moments of the per-sample gradient from 2·blocks·samplesPerBlock training examples: the first half of the order's
 * positions are half A, the others half B. Means and variances are accumulated in double precision.
 */
export async function gradientMomentsAt(
  tf: TensorFlow,
  source: GradientSource,
  frozen: FrozenCell,
  { blocks, samplesPerBlock }: { readonly blocks: number; readonly samplesPerBlock: number },
): Promise<GradientSample> {
  const perHalf = blocks * samplesPerBlock;
  const parameters = flatten(frozen.state.slice(0, frozen.parameters)).length;
  const accumulator = new MomentsAccumulator(parameters, samplesPerBlock);
  const squares = new Float64Array(2 * blocks);
  await forEachGradient(tf, source, frozen, 2 * perHalf, (gradient, sample) => {
    accumulator.add(sample < perHalf ? 'A' : 'B', gradient);
    squares[Math.floor(sample / samplesPerBlock)] += dot(gradient, gradient) / samplesPerBlock;
  });
  const moments = accumulator.finish();
  const means = [...moments.blocksA, ...moments.blocksB];
  const sizes = { small: 1, big: samplesPerBlock };
  return {
    moments,
    noise: {
      ...sizes,
      estimates:
        samplesPerBlock < 2
          ? []
          : means.map((mean, block) => twoBatchEstimate(sizes, squares[block], dot(mean, mean))),
    },
  };
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
): Promise<{
  readonly product: HessianProduct;
  /** Examples used: whole batches of those asked for. */
  readonly examples: number;
  dispose(): void;
}> {
  const batch = Math.min(HESSIAN_BATCH, options.examples);
  const batches = Math.max(1, Math.floor(options.examples / batch));
  const stack = gradientStack(tf, source, summing, { groups: 1, cellsPerGroup: 2, batchSize: batch });
  const session = await open(tf, stack, batches);
  const parameters = frozen.state.slice(0, frozen.parameters);
  // Sums start at zero; statistics of batches are not part of the loss that is differentiated.
  const rest = stack.initialState().slice(parameters.length);
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
    session.setState([...both, ...rest]);
    session.train({ steps: batches, perStep: inputs });
    const sums = session.getState().slice(parameters.length, 2 * parameters.length);
    const side = (cell: 0 | 1) =>
      flatten(sums.map((s) => s.subarray((cell * s.length) / 2, ((cell + 1) * s.length) / 2)));
    const minus = side(1);
    return side(0).map((plus, i) => (plus - minus[i]) / (2 * t * batches));
  };
  return { product, examples: batch * batches, dispose: () => session.dispose() };
}

const norm = (values: Float64Array) => Math.sqrt(dot(values, values));
