/** A workload and an optimizer put together as the program of one stack. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { HostArray, StackProgram } from './engine/program.ts';
import { elements } from './engine/program.ts';
import type { TensorFlow } from './engine/tensorflow.ts';
import type { Transformation } from './optimizers/transformation.ts';
import type { StackLayout, Workload } from './workloads/workload.ts';

export interface AssembledStack {
  readonly program: StackProgram;
  /** State before the first step: initial parameters, then zeros for the optimizer. */
  initialState(): Float32Array[];
  /** Per-step inputs of steps firstStep … firstStep+steps−1 (0-based). */
  inputs(firstStep: number, steps: number): HostArray[];
}

export function assembleStack(
  tf: TensorFlow,
  workload: Workload,
  optimizer: Transformation,
  layout: StackLayout,
): AssembledStack {
  const cells = layout.groups * layout.cellsPerGroup;
  const parameterShapes = workload.parameters.map((p) => [cells, ...p.shape]);
  const state = [
    ...workload.parameters.map((p, i) => ({
      name: p.name,
      shape: parameterShapes[i],
      dtype: 'float32' as const,
    })),
    ...workload.parameters.flatMap((p, i) =>
      optimizer.slots.map((slot) => ({
        name: `${slot}/${p.name}`,
        shape: parameterShapes[i],
        dtype: 'float32' as const,
      })),
    ),
  ];
  const count = workload.parameters.length;
  const scalarInput = { name: 'scalars', shape: [optimizer.scalars.length], dtype: 'float32' as const };
  const hasScalars = optimizer.scalars.length > 0;

  const program: StackProgram = {
    cells,
    state,
    resident: workload.resident,
    perStep: [...workload.batchInputs, ...(hasScalars ? [scalarInput] : [])],
    step(current, { resident, perStep, learningRates }) {
      const parameters = current.slice(0, count);
      const { loss, gradients } = workload.lossAndGradients(
        tf,
        parameters,
        resident,
        perStep.slice(0, workload.batchInputs.length),
      );
      const scalars = optimizer.scalars.map((_, i) =>
        perStep[workload.batchInputs.length].slice([i], [1]).reshape([]),
      );
      const nextParameters: Tensor[] = [];
      const nextSlots: Tensor[] = [];
      parameters.forEach((parameter, p) => {
        const from = count + p * optimizer.slots.length;
        const slots = current.slice(from, from + optimizer.slots.length);
        const { update, slots: updated } = optimizer.apply(tf, gradients[p], slots, scalars);
        const rates = learningRates.reshape([cells, ...workload.parameters[p].shape.map(() => 1)]);
        nextParameters.push(tf.sub(parameter, tf.mul(rates, update)));
        nextSlots.push(...updated);
      });
      return { state: [...nextParameters, ...nextSlots], loss };
    },
    evaluationTiles: workload.evaluationTiles,
    evaluationData: workload.evaluationData,
    evaluationMetrics: workload.evaluationMetrics,
    evaluate: (current, tile) => workload.evaluate(tf, current.slice(0, count), tile),
  };
  return {
    program,
    initialState: () =>
      state.map((s, i) => (i < count ? workload.initial(i) : new Float32Array(elements(s.shape)))),
    inputs(firstStep, steps) {
      const arrays = workload.batchInputs.map((input) => {
        const length = steps * elements(input.shape);
        const out = input.dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
        input.fill(out, firstStep, steps);
        return out;
      });
      if (hasScalars) {
        const values = Array.from({ length: steps }, (_, s) => optimizer.scalarValues(firstStep + s + 1));
        arrays.push(Float32Array.from(values.flat()));
      }
      return arrays;
    },
  };
}
