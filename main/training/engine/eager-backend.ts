/** The reference path: the same program, one kernel at a time. Slow and simple; the compiled path is tested against it. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { HostArray, StackProgram, StackSession, TrainerBackend } from './program.ts';
import { elements } from './program.ts';
import type { TensorFlow } from './tensorflow.ts';

export function eagerBackend(tf: TensorFlow): TrainerBackend {
  return {
    name: 'eager',
    open: (program, learningRates, chunkSteps) =>
      Promise.resolve(openEager(tf, program, learningRates, chunkSteps)),
  };
}

function openEager(
  tf: TensorFlow,
  program: StackProgram,
  learningRates: Float32Array,
  chunkSteps: number,
): StackSession {
  const resident = program.resident.map((r) => tf.tensor(r.values, [...r.shape], r.dtype));
  const evaluation = program.evaluationData.map((r) => tf.tensor(r.values, [...r.shape], r.dtype));
  const rates = tf.tensor1d(learningRates);
  let state: Tensor[] = program.state.map((s) => tf.zeros([...s.shape]));
  return {
    backend: 'eager',
    chunkSteps,
    setState(values) {
      tf.dispose(state);
      state = values.map((v, i) => tf.tensor(v, [...program.state[i].shape]));
    },
    getState: () => state.map((t) => t.dataSync<'float32'>().slice()),
    train(chunk) {
      const losses = new Float32Array(chunk.steps * program.cells);
      for (let row = 0; row < chunk.steps * program.parts; row++) {
        const { next, loss } = tf.tidy(() => {
          const perStep = program.perStep.map((p, i) =>
            rowTensor(tf, chunk.perStep[i], row, p.shape, p.dtype),
          );
          const result = program.step(state, { resident, perStep, learningRates: rates });
          return { next: result.state, loss: result.loss };
        });
        tf.dispose(state);
        state = next;
        // The last part of a step overwrites what those before it said.
        losses.set(loss.dataSync<'float32'>(), Math.floor(row / program.parts) * program.cells);
        loss.dispose();
      }
      return losses;
    },
    evaluate() {
      const sums = program.evaluationMetrics.map(() => new Float32Array(program.cells));
      for (let tile = 0; tile < program.evaluationTiles; tile++) {
        const parts = tf.tidy(() => {
          const data = evaluation.map((t) =>
            t
              .slice([tile, ...new Array<number>(t.rank - 1).fill(0)], [1, ...t.shape.slice(1)])
              .reshape(t.shape.slice(1)),
          );
          return program.evaluate(state, data);
        });
        parts.forEach((part, m) => addInto(sums[m], part.dataSync<'float32'>()));
        tf.dispose(parts);
      }
      return sums;
    },
    dispose() {
      tf.dispose([...resident, ...evaluation, rates, ...state]);
    },
  };
}

export function addInto(sum: Float32Array, part: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += part[i];
}

function rowTensor(
  tf: TensorFlow,
  values: HostArray,
  row: number,
  shape: readonly number[],
  dtype: 'float32' | 'int32' | 'bool',
): Tensor {
  const size = elements(shape);
  return tf.tensor(values.slice(row * size, (row + 1) * size), [...shape], dtype);
}
