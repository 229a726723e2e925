/** What the tests of the training engine share: TensorFlow when it is installed, small stacks, comparisons. */
import { describe, expect, it } from 'vitest';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { openEngine, type OpenEngine } from '#main/training/engine/open-engine.ts';
import type { BuiltStack, StackConfiguration } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';

/** Results depend on the thread count bit by bit, so all processes of a test use the same one. */
export const TEST_THREADS = 2;

const MISSING = 'the TensorFlow engine is not installed: run "surge engine install"';
let opened: OpenEngine | null = null;

/** TensorFlow of this process, loaded at the first call. */
export function engine(): OpenEngine {
  return (opened ??= openEngine(TEST_THREADS));
}

/** A describe block that needs the engine; without one it fails where CI is set, and is skipped with a message elsewhere. */
export function describeWithEngine(name: string, body: () => void): void {
  if (locateEngine() !== null) describe(name, body);
  else if (process.env.CI === 'true')
    describe(name, () => {
      it(MISSING, () => expect.fail(MISSING));
    });
  else
    describe(name, () => {
      it.skip(`skipped: ${MISSING}`, () => undefined);
    });
}

export const optimizers = {
  sgd: { kind: 'sgd' },
  momentum: { kind: 'momentum', momentum: 0.9 },
  sign: { kind: 'sign' },
  adam: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  'ema-momentum': { kind: 'ema-momentum', beta: 0.9 },
  nesterov: { kind: 'nesterov', momentum: 0.9 },
  signum: { kind: 'signum', beta: 0.9 },
  adamw: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 },
  adagrad: { kind: 'adagrad', epsilon: 1e-10 },
  rmsprop: { kind: 'rmsprop', alpha: 0.99, epsilon: 1e-8 },
  lion: { kind: 'lion', beta1: 0.9, beta2: 0.99, weightDecay: 0.1 },
  adafactor: {
    kind: 'adafactor',
    beta2Decay: -0.8,
    epsilon1: 1.1920929e-7,
    epsilon2: 1e-3,
    clip: 1,
    weightDecay: 0.1,
  },
} as const satisfies Record<string, StackConfiguration['optimizer']>;

export const smallQuadratic = {
  kind: 'quadratic',
  mu: [0.4, -1, 0.2],
  sigma: [1, 0.5, 2],
  hessian: [
    [2, 0.3, 0],
    [0.3, 1, -0.2],
    [0, -0.2, 0.5],
  ],
  start: [1, -1, 0.5],
} as const satisfies StackConfiguration['workload'];

/** ‖a − b‖ / ‖b‖, 0 where both vanish; NaN where only one is finite. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}

/** The part of a tensor that starts with the cell axis that belongs to one cell. */
export function ofCell(values: Float32Array, cells: number, cell: number): Float32Array {
  const size = values.length / cells;
  return values.subarray(cell * size, (cell + 1) * size);
}

/** The bits of some tensors: equal exactly when every value is, NaN and −0 included. */
export function bits(...tensors: readonly Float32Array[]): Buffer[] {
  return tensors.map((t) => Buffer.from(t.buffer, t.byteOffset, t.byteLength));
}

/** Losses, state and evaluation after `chunks`, the lengths of the calls, each at most `capacity` steps. */
export async function trained(
  stack: BuiltStack,
  capacity: number,
  chunks: readonly number[],
  backend = compiledBackend,
) {
  const session = await backend(engine().tf).open(stack.program, stack.cellLearningRates, capacity);
  session.setState(stack.initialState());
  let step = 0;
  const losses = chunks.map((steps) => {
    const values = session.train({ steps, perStep: stack.inputs(step, steps) });
    step += steps;
    return values;
  });
  const state = session.getState();
  const evaluation = session.evaluate();
  session.dispose();
  return { losses: Float32Array.from(losses.flatMap((part) => [...part])), state, evaluation };
}
