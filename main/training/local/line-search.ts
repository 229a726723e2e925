/**
 * The local optimal learning rate at a frozen point: the mean change of the held-out loss after ONE step, over many
 * minibatches, for many step sizes (science of arXiv 2405.14578, Theorem 2: "local" definition). A line search is a stack
 * whose cells all start at the frozen state: the groups draw different minibatches, the cells of a group take different
 * step sizes along the same update.
 */
import type { TensorFlow } from '../engine/tensorflow.ts';
import { compiledBackend } from '../engine/compiled-backend.ts';
import type { AssembledStack } from '../stack-program.ts';
import type { FrozenCell } from './frozen-cell.ts';
import { replicate, withSums } from './frozen-cell.ts';
import { oneStepStack, type OneStep } from './one-step-stack.ts';

export interface LineSearch extends OneStep {
  readonly learningRates: readonly number[];
  readonly draws: number;
  /** cold: the optimizer starts afresh, so that Adam's step is sign descent; warm: it keeps the run's moments. */
  readonly optimizerState: 'cold' | 'warm';
}

/** Seeds of the draws lie above those of replicates, so that no draw repeats a run's own minibatches. */
export const FIRST_DRAW_SEED = 2 ** 40;
/** Cells trained at once: draws are cut into runs of this size. */
const MAX_CELLS = 768;

/** Change of the held-out loss (negative is better), [learning rate][draw]; not finite where the step overshot so far. */
export async function lineSearch(
  tf: TensorFlow,
  search: LineSearch,
  frozen: FrozenCell,
  batchSize: number,
): Promise<Float64Array> {
  const { learningRates, draws } = search;
  const rates = learningRates.length;
  const out = new Float64Array(rates * draws);
  const perRun = Math.max(1, Math.min(draws, Math.floor(MAX_CELLS / rates)));
  for (let first = 0; first < draws; first += perRun) {
    const groups = Math.min(perRun, draws - first);
    const seeds = Array.from({ length: groups }, (_, g) => FIRST_DRAW_SEED + first + g);
    const layout = {
      batchSize,
      groups,
      cellsPerGroup: rates,
      initialisationSeeds: new Array<number>(groups * rates).fill(0),
      dataSeeds: seeds,
    };
    const stack = oneStepStack(tf, search, layout);
    const cells = groups * rates;
    const cellRates = Float32Array.from({ length: cells }, (_, c) => learningRates[c % rates]);
    const session = await compiledBackend(tf).open(stack.program, cellRates, 1);
    const state = replicate(frozen.state, cells);
    if (search.optimizerState === 'cold')
      for (const slot of state.slice(frozen.parameters, state.length - stack.buffers)) slot.fill(0);
    session.setState(withSums(state, stack));
    const step = search.optimizerState === 'cold' ? 0 : frozen.step;
    session.train({ steps: 1, perStep: stepInputs(stack, step) });
    const [losses] = session.evaluate();
    session.dispose();
    for (let g = 0; g < groups; g++)
      for (let k = 0; k < rates; k++)
        out[k * draws + first + g] = losses[g * rates + k] - frozen.evaluationLoss;
  }
  return out;
}

/** Minibatches of the draws' first step, with the scalars (bias corrections) of the step that the run has reached. */
export function stepInputs(stack: AssembledStack, step: number) {
  const drawn = stack.inputs(0, 1);
  const scalars = stack.program.perStep.findIndex((p) => p.name === 'scalars');
  if (scalars >= 0) drawn[scalars] = stack.inputs(step, 1)[scalars];
  return drawn;
}
