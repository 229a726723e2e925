/** A run stopped at a step: training is deterministic, so any checkpoint of any run can be had by training it again. */
import type { StackConfiguration } from '../build-stack.ts';
import { buildStack } from '../build-stack.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { openSession } from '../open-session.ts';

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
  const state = session.getState();
  session.dispose();
  if (!Number.isFinite(losses[0]))
    throw new Error(`the run has diverged by step ${step}; choose an earlier step`);
  const slots = stack.program.state.filter((s) => s.name.includes('/')).length;
  return { step, state, parameters: state.length - slots, evaluationLoss: losses[0] };
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
