/** A run stopped at a step: training is deterministic, so any checkpoint of any run can be had by training it again. */
import type { StackConfiguration } from '../build-stack.ts';
import { buildStack } from '../build-stack.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { elements } from '../engine/program.ts';
import { openSession } from '../open-session.ts';
import type { AssembledStack } from '../stack-program.ts';

export interface FrozenCell {
  readonly step: number;
  /** Parameters, then optimizer slots, as the program orders them; one cell each, flat. */
  readonly state: readonly Float32Array[];
  /** Number of leading entries of `state` that are parameters. */
  readonly parameters: number;
  /** Held-out loss at this point. */
  readonly evaluationLoss: number;
}

const CHUNK_STEPS = 64;

/** Throws when the run has diverged by then. */
export async function freezeCell(
  tf: TensorFlow,
  cell: Omit<StackConfiguration, 'learningRates' | 'seeds'> & { learningRate: number; seed: number },
  step: number,
): Promise<FrozenCell> {
  if (cell.schedule !== undefined && cell.steps !== undefined && step > cell.steps)
    throw new Error(
      `the schedule ends at step ${cell.steps} of this run, before step ${step}; choose an earlier step`,
    );
  const stack = buildStack(tf, { ...cell, learningRates: [cell.learningRate], seeds: [cell.seed] });
  const { session } = await openSession(tf, stack, 'compiled', CHUNK_STEPS);
  session.setState(stack.initialState());
  for (let done = 0; done < step;) {
    const steps = Math.min(CHUNK_STEPS, step - done);
    session.train({ steps, perStep: stack.inputs(done, steps) });
    done += steps;
  }
  const [losses] = session.evaluate();
  const all = session.getState();
  // Micro-batches of another batch size add up otherwise, and between steps there is nothing to keep.
  const firstSum = all.length - stack.buffers - stack.sums;
  const state = [...all.slice(0, firstSum), ...all.slice(all.length - stack.buffers)];
  session.dispose();
  if (!Number.isFinite(losses[0]))
    throw new Error(`the run has diverged by step ${step}; choose an earlier step`);
  const parameters = stack.program.state.filter((s) => !s.name.includes('/')).length;
  return { step, state, parameters, evaluationLoss: losses[0] };
}

/** State of a frozen point for a stack that takes its minibatches in parts: sums of nothing go before the buffers. */
export function withSums(state: readonly Float32Array[], stack: AssembledStack): Float32Array[] {
  const { program, buffers, sums } = stack;
  const first = state.length - buffers;
  const zeros = program.state
    .slice(first, first + sums)
    .map(({ shape }) => new Float32Array(elements(shape)));
  return [...state.slice(0, first), ...zeros, ...state.slice(first)];
}

/** The state of many cells, each a copy of one. */
export function replicate(state: readonly Float32Array[], cells: number): Float32Array[] {
  return state.map((values) => {
    const out = new Float32Array(values.length * cells);
    for (let c = 0; c < cells; c++) out.set(values, c * values.length);
    return out;
  });
}

/** Flat parameter vector of one cell, in program order. */
export function flatten(parts: readonly Float32Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
