/** A workload and an optimizer put together as the program of one stack. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { HostArray, StackProgram } from './engine/program.ts';
import { elements } from './engine/program.ts';
import type { TensorFlow } from './engine/tensorflow.ts';
import type { GradientClipping } from '#shared/experiment/training-options.ts';
import { clipGradients } from './optimizers/clipping.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import type { StackLayout, Workload } from './workloads/workload.ts';

export interface AssembledStack {
  readonly program: StackProgram;
  /** How many tensors at the end of the state are the workload's buffers, which are not the optimizer's. */
  readonly buffers: number;
  /** State before the first step: initial parameters, zeros for the optimizer, initial buffers. */
  initialState(): Float32Array[];
  /** Per-step inputs of steps firstStep … firstStep+steps−1 (0-based). */
  inputs(firstStep: number, steps: number): HostArray[];
}

export interface StepOptions {
  /** Factor on every learning rate at step t (1 is the first); null is 1 throughout. */
  readonly rateFactor?: ((step: number) => number) | null;
  readonly gradientClipping?: GradientClipping | undefined;
}

/** A step: gradients are clipped, then coupled decay is added, the optimizer makes its update, and decoupled decay shrinks. */
export function assembleStack(
  tf: TensorFlow,
  workload: Workload,
  { transformation, coupledDecay, decay, rateCap }: Optimizer,
  layout: StackLayout,
  { rateFactor = null, gradientClipping }: StepOptions = {},
): AssembledStack {
  const cells = layout.groups * layout.cellsPerGroup;
  const whole = (name: string, shape: readonly number[]) => ({
    name,
    shape: [cells, ...shape],
    dtype: 'float32' as const,
  });
  const slots = workload.parameters.map((p) => transformation.slots(p.shape));
  const state = [
    ...workload.parameters.map((p) => whole(p.name, p.shape)),
    ...workload.parameters.flatMap((p, i) =>
      slots[i].map((slot) => whole(`${slot.name}/${p.name}`, slot.shape)),
    ),
    ...workload.buffers.map((b) => whole(`statistics/${b.name}`, b.shape)),
  ];
  const firstBuffer = state.length - workload.buffers.length;
  const count = workload.parameters.length;
  const ofStep = Object.entries({ rateCap, rateFactor }).filter(([, value]) => value !== null) as [
    'rateCap' | 'rateFactor',
    (step: number) => number,
  ][];
  const scalarNames = [...transformation.scalars, ...ofStep.map(([name]) => name)];
  const scalarValues = (step: number) => [
    ...transformation.scalarValues(step),
    ...ofStep.map(([, value]) => value(step)),
  ];
  const scalarInput = { name: 'scalars', shape: [scalarNames.length], dtype: 'float32' as const };
  const hasScalars = scalarNames.length > 0;

  const program: StackProgram = {
    cells,
    state,
    resident: workload.resident,
    perStep: [...workload.batchInputs, ...(hasScalars ? [scalarInput] : [])],
    step(current, { resident, perStep, learningRates }) {
      const parameters = current.slice(0, count);
      const { loss, gradients, buffers } = workload.lossAndGradients(
        tf,
        parameters,
        resident,
        perStep.slice(0, workload.batchInputs.length),
        current.slice(firstBuffer),
      );
      const scalars = scalarNames.map((_, i) =>
        perStep[workload.batchInputs.length].slice([i], [1]).reshape([]),
      );
      const scalar = (name: 'rateCap' | 'rateFactor') => scalars[scalarNames.indexOf(name)];
      const scheduled = rateFactor === null ? learningRates : tf.mul(learningRates, scalar('rateFactor'));
      const clipped = clipGradients(tf, gradients, gradientClipping);
      const nextParameters: Tensor[] = [];
      const nextSlots: Tensor[] = [];
      let slot = count;
      parameters.forEach((parameter, p) => {
        const gradient =
          coupledDecay === 0 ? clipped[p] : tf.add(clipped[p], tf.mul(parameter, coupledDecay));
        const { update, slots: updated } = transformation.apply(tf, gradient, {
          slots: current.slice(slot, (slot += slots[p].length)),
          scalars: scalars.slice(0, transformation.scalars.length),
          parameter,
        });
        const rates = scheduled.reshape([cells, ...workload.parameters[p].shape.map(() => 1)]);
        const kept = decay === 0 ? parameter : tf.sub(parameter, tf.mul(tf.mul(rates, decay), parameter));
        const step = rateCap === null ? rates : tf.minimum(rates, scalar('rateCap'));
        nextParameters.push(tf.sub(kept, tf.mul(step, update)));
        nextSlots.push(...updated);
      });
      return { state: [...nextParameters, ...nextSlots, ...buffers], loss };
    },
    evaluationTiles: workload.evaluationTiles,
    evaluationData: workload.evaluationData,
    evaluationMetrics: workload.evaluationMetrics,
    evaluate: (current, tile) =>
      workload.evaluate(tf, current.slice(0, count), tile, current.slice(firstBuffer)),
  };
  return {
    program,
    buffers: workload.buffers.length,
    initialState: () =>
      state.map((s, i) => {
        if (i < count) return workload.initial(i);
        return i < firstBuffer
          ? new Float32Array(elements(s.shape))
          : workload.initialBuffer(i - firstBuffer);
      }),
    inputs(firstStep, steps) {
      const arrays = workload.batchInputs.map((input) => {
        const length = steps * elements(input.shape);
        const out = input.dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
        input.fill(out, firstStep, steps);
        return out;
      });
      if (hasScalars) {
        const values = Array.from({ length: steps }, (_, s) => scalarValues(firstStep + s + 1));
        arrays.push(Float32Array.from(values.flat()));
      }
      return arrays;
    },
  };
}
