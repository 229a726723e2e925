/** Real updates at a frozen point: what one step of an optimizer does to the parameters, over many minibatches. */
import { compiledBackend } from '../engine/compiled-backend.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import type { FrozenCell } from './frozen-cell.ts';
import { flatten, replicate, withSums } from './frozen-cell.ts';
import { FIRST_DRAW_SEED, stepInputs } from './line-search.ts';
import { oneStepStack, type OneStep } from './one-step-stack.ts';

export interface UpdateOptions extends OneStep {
  readonly batchSize: number;
  readonly draws: number;
  /** warm: the optimizer goes on from the frozen run's state, which must be its own; cold: it starts afresh. */
  readonly optimizerState: 'cold' | 'warm';
}

/** A power of two, so that dividing by it is exact, and small enough not to be capped (Adafactor caps at 1/√step). */
const RATE = 2 ** -7;

/** V with theta ← theta − eps·V for each draw, flat in program order. The minibatches are those of the line search. */
export async function updatesAt(
  tf: TensorFlow,
  options: UpdateOptions,
  frozen: FrozenCell,
): Promise<Float64Array[]> {
  const { draws, batchSize, optimizerState } = options;
  const layout = {
    batchSize,
    groups: draws,
    cellsPerGroup: 1,
    initialisationSeeds: new Array<number>(draws).fill(0),
    dataSeeds: Array.from({ length: draws }, (_, g) => FIRST_DRAW_SEED + g),
  };
  const stack = oneStepStack(tf, options, layout);
  const session = await compiledBackend(tf).open(stack.program, new Float32Array(draws).fill(RATE), 1);
  const parameters = frozen.state.slice(0, frozen.parameters);
  const warm = optimizerState === 'warm';
  const start = warm
    ? withSums(replicate(frozen.state, draws), stack)
    : stack.program.state.map((s, i) =>
        i < frozen.parameters
          ? replicate([parameters[i]], draws)[0]
          : new Float32Array(s.shape.reduce((product, size) => product * size, 1)),
      );
  session.setState(start);
  session.train({ steps: 1, perStep: stepInputs(stack, warm ? frozen.step : 0) });
  const after = session.getState().slice(0, frozen.parameters);
  session.dispose();
  const before = flatten(parameters);
  return Array.from({ length: draws }, (_, g) => {
    const moved = flatten(
      after.map((values) => {
        const size = values.length / draws;
        return values.subarray(g * size, (g + 1) * size);
      }),
    );
    return before.map((theta, i) => (theta - moved[i]) / RATE);
  });
}
