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
  /** How many tensors before those hold what the parts of a step add up; zero between steps. */
  readonly sums: number;
  /** State before the first step: initial parameters, zeros for the optimizer, initial buffers. */
  initialState(): Float32Array[];
  /** Per-step inputs of steps firstStep … firstStep+steps−1 (0-based). */
  inputs(firstStep: number, steps: number): HostArray[];
}

export interface StepOptions {
  /** Factor on every learning rate at step t (1 is the first); null is 1 throughout. */
  readonly rateFactor?: ((step: number) => number) | null;
  readonly gradientClipping?: GradientClipping | undefined;
  /** Parts of a minibatch that are taken one after the other; the workload is that of one part. */
  readonly parts?: number;
}

/** A step: gradients are clipped, then coupled decay is added, the optimizer makes its update, and decoupled decay shrinks. */
export function assembleStack(
  tf: TensorFlow,
  workload: Workload,
  { transformation, coupledDecay, decay, rateCap }: Optimizer,
  layout: StackLayout,
  { rateFactor = null, gradientClipping, parts = 1 }: StepOptions = {},
): AssembledStack {
  if (parts > 1 && workload.buffers.length > 0)
    throw new Error('microBatch: normalization over the batch needs the whole minibatch at once');
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
    ...(parts === 1 ? [] : [whole('sum/loss', [])]),
    ...(parts === 1 ? [] : workload.parameters.map((p) => whole(`sum/${p.name}`, p.shape))),
    ...workload.buffers.map((b) => whole(`statistics/${b.name}`, b.shape)),
  ];
  const firstBuffer = state.length - workload.buffers.length;
  const sums = parts === 1 ? 0 : 1 + workload.parameters.length;
  const count = workload.parameters.length;
  const ofStep = Object.entries({ rateCap, rateFactor }).filter(([, value]) => value !== null) as [
    'rateCap' | 'rateFactor',
    (step: number) => number,
  ][];
  const scalarNames = [
    ...transformation.scalars,
    ...ofStep.map(([name]) => name),
    ...(parts === 1 ? [] : ['isLast']),
  ];
  const scalarValues = (step: number, part: number) => [
    ...transformation.scalarValues(step),
    ...ofStep.map(([, value]) => value(step)),
    ...(parts === 1 ? [] : [part === parts - 1 ? 1 : 0]),
  ];
  const scalarInput = { name: 'scalars', shape: [scalarNames.length], dtype: 'float32' as const };
  const hasScalars = scalarNames.length > 0;

  const program: StackProgram = {
    cells,
    state,
    resident: workload.resident,
    parts,
    perStep: [...workload.batchInputs, ...(hasScalars ? [scalarInput] : [])],
    step(current, { resident, perStep, learningRates }) {
      const parameters = current.slice(0, count);
      const { buffers, ...ofPart } = workload.lossAndGradients(
        tf,
        parameters,
        resident,
        perStep.slice(0, workload.batchInputs.length),
        current.slice(firstBuffer),
      );
      const scalars = scalarNames.map((_, i) =>
        perStep[workload.batchInputs.length].slice([i], [1]).reshape([]),
      );
      const scalar = (name: 'rateCap' | 'rateFactor' | 'isLast') => scalars[scalarNames.indexOf(name)];
      const sumsBefore = current.slice(firstBuffer - sums, firstBuffer);
      const { loss, gradients, nextSums, whenLast } =
        parts === 1
          ? { ...ofPart, nextSums: [], whenLast: (next: Tensor) => next }
          : accumulate(tf, ofPart, sumsBefore, parts, scalar('isLast'));
      const scheduled = rateFactor === null ? learningRates : tf.mul(learningRates, scalar('rateFactor'));
      const clipped = clipGradients(tf, gradients, gradientClipping);
      const nextParameters: Tensor[] = [];
      const nextSlots: Tensor[] = [];
      let slot = count;
      parameters.forEach((parameter, p) => {
        const gradient =
          coupledDecay === 0 ? clipped[p] : tf.add(clipped[p], tf.mul(parameter, coupledDecay));
        const before = current.slice(slot, (slot += slots[p].length));
        const { update, slots: updated } = transformation.apply(tf, gradient, {
          slots: before,
          scalars: scalars.slice(0, transformation.scalars.length),
          parameter,
        });
        const rates = scheduled.reshape([cells, ...workload.parameters[p].shape.map(() => 1)]);
        const kept = decay === 0 ? parameter : tf.sub(parameter, tf.mul(tf.mul(rates, decay), parameter));
        const step = rateCap === null ? rates : tf.minimum(rates, scalar('rateCap'));
        nextParameters.push(whenLast(tf.sub(kept, tf.mul(step, update)), parameter));
        nextSlots.push(...updated.map((next, i) => whenLast(next, before[i])));
      });
      return { state: [...nextParameters, ...nextSlots, ...nextSums, ...buffers], loss };
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
    sums,
    initialState: () =>
      state.map((s, i) => {
        if (i < count) return workload.initial(i);
        return i < firstBuffer
          ? new Float32Array(elements(s.shape))
          : workload.initialBuffer(i - firstBuffer);
      }),
    inputs(firstStep, steps) {
      const arrays = workload.batchInputs.map((input) => {
        const length = steps * parts * elements(input.shape);
        const out = input.dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
        // Part j of step s is the workload's own step s·parts + j: the examples are those of the whole minibatch.
        input.fill(out, firstStep * parts, steps * parts);
        return out;
      });
      if (hasScalars) {
        const values = Array.from({ length: steps * parts }, (_, row) =>
          scalarValues(firstStep + Math.floor(row / parts) + 1, row % parts),
        );
        arrays.push(Float32Array.from(values.flat()));
      }
      return arrays;
    },
  };
}

/**
 * Adds one part of a minibatch to those before it. Loss and gradients are the means over the parts so far as if they were
 * all, which they are in the last one: only then does a step change anything (`whenLast`) and do the sums start afresh.
 */
function accumulate(
  tf: TensorFlow,
  part: { readonly loss: Tensor; readonly gradients: readonly Tensor[] },
  sumsBefore: readonly Tensor[],
  parts: number,
  isLast: Tensor,
) {
  const last = tf.greater(isLast, 0.5);
  const choose = (yes: Tensor, no: Tensor) => tf.where(last, yes, no);
  const sums = [part.loss, ...part.gradients].map((value, i) => tf.add(sumsBefore[i], value));
  // Workloads keep the loss beyond the scope that it was computed in.
  part.loss.dispose();
  const [loss, ...gradients] = sums.map((sum) => tf.div(sum, parts));
  return {
    loss,
    gradients,
    nextSums: sums.map((sum) => choose(tf.zerosLike(sum), sum)),
    whenLast: choose,
  };
}
