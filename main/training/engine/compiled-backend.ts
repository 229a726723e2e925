/**
 * The compiled path: the recorded program as one XLA function that loops over the steps of a chunk. Data and state stay
 * in the session's variables; a call brings in what changes from step to step and takes out the losses.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-node-gpu';
import { chunkGraph, graphNames } from './chunk-graph.ts';
import { addInto } from './eager-backend.ts';
import type { HostArray, StackProgram, StackSession, TrainerBackend } from './program.ts';
import { elements } from './program.ts';
import type { TensorFlow } from './tensorflow.ts';

/** The program could not be recorded, loaded or compiled; training it eagerly is still possible. */
export class CompilationError extends Error {
  override readonly name = 'CompilationError';
}

const signatureNames = ['load', 'set_state', 'get_state', 'train', 'evaluate'] as const;
type SignatureName = (typeof signatureNames)[number];
type SavedModel = Awaited<ReturnType<TensorFlow['node']['loadSavedModel']>>;

export function compiledBackend(tf: TensorFlow): TrainerBackend {
  return {
    name: 'compiled',
    open: (program, learningRates, chunkSteps) => openCompiled(tf, program, learningRates, chunkSteps),
  };
}

async function openCompiled(
  tf: TensorFlow,
  program: StackProgram,
  learningRates: Float32Array,
  chunkSteps: number,
): Promise<StackSession> {
  const names = graphNames(program);
  const { parts } = program;
  // The loop of the program goes over parts of steps.
  const rows = chunkSteps * parts;
  const models = await loadModels(tf, program, rows);
  const call = (signature: SignatureName, inputs: NamedTensorMap, dispose = true): NamedTensorMap => {
    const outputs = models[signature].predict(inputs) as NamedTensorMap;
    if (dispose) tf.dispose(inputs);
    return outputs;
  };
  const session: StackSession = {
    backend: 'compiled',
    chunkSteps,
    setState(values) {
      tf.dispose(
        call(
          'set_state',
          named(
            names.state,
            values.map((v, i) => tf.tensor(v, [...program.state[i].shape])),
          ),
        ),
      );
    },
    getState() {
      const outputs = call('get_state', {});
      const values = names.state.map((name) => outputs[name].dataSync<'float32'>().slice());
      tf.dispose(outputs);
      return values;
    },
    train(chunk) {
      if (chunk.steps < 1 || chunk.steps > chunkSteps)
        throw new RangeError(`a chunk has 1 to ${chunkSteps} steps, not ${chunk.steps}`);
      const inputs = named(
        names.perStep,
        program.perStep.map((s, i) =>
          tf.tensor(padded(chunk.perStep[i], rows * elements(s.shape)), [rows, ...s.shape], s.dtype),
        ),
      );
      const outputs = call('train', { steps: tf.scalar(chunk.steps * parts, 'int32'), ...inputs });
      const losses = ofLastParts(outputs.losses.dataSync<'float32'>(), chunk.steps, program);
      tf.dispose(outputs);
      return losses;
    },
    evaluate() {
      const sums = program.evaluationMetrics.map(() => new Float32Array(program.cells));
      for (let tile = 0; tile < program.evaluationTiles; tile++) {
        const outputs = call('evaluate', { tile: tf.scalar(tile, 'int32') });
        sums.forEach((sum, m) => addInto(sum, outputs[`metric${m}`].dataSync<'float32'>()));
        tf.dispose(outputs);
      }
      return sums;
    },
    dispose() {
      for (const model of Object.values(models)) model.dispose();
    },
  };
  try {
    tf.dispose(
      call('load', {
        ...named(
          [...names.resident, ...names.evaluationData],
          [...program.resident, ...program.evaluationData].map((r) =>
            tf.tensor(r.values, [...r.shape], r.dtype),
          ),
        ),
        learning_rates: tf.tensor1d(learningRates),
      }),
    );
    return session;
  } catch (error) {
    session.dispose();
    throw error;
  }
}

async function loadModels(
  tf: TensorFlow,
  program: StackProgram,
  chunkSteps: number,
): Promise<Record<SignatureName, SavedModel>> {
  let graph: Uint8Array;
  try {
    graph = chunkGraph(tf, program, chunkSteps);
  } catch (error) {
    throw new CompilationError(`the step could not be recorded: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'surge-program-'));
  try {
    await writeFile(join(folder, 'saved_model.pb'), graph);
    // TensorFlow.js keeps one session for each folder, so all signatures share the variables.
    const models = {} as Record<SignatureName, SavedModel>;
    for (const name of signatureNames) models[name] = await tf.node.loadSavedModel(folder, ['serve'], name);
    return models;
  } catch (error) {
    throw new CompilationError(`TensorFlow refused the recorded program: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of losses [parts of steps, cells] those of whole steps, [steps, cells]. */
function ofLastParts(losses: Float32Array, steps: number, { parts, cells }: StackProgram): Float32Array {
  if (parts === 1) return losses.slice(0, steps * cells);
  const out = new Float32Array(steps * cells);
  for (let s = 0; s < steps; s++) {
    const last = (s + 1) * parts - 1;
    out.set(losses.subarray(last * cells, (last + 1) * cells), s * cells);
  }
  return out;
}

function named(names: readonly string[], tensors: readonly Tensor[]): NamedTensorMap {
  return Object.fromEntries(tensors.map((t, i) => [names[i], t]));
}

function padded(values: HostArray, length: number): HostArray {
  if (values.length === length) return values;
  const whole = values instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  whole.set(values.subarray(0, Math.min(length, values.length)));
  return whole;
}
