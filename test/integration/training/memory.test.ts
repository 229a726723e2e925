/** The memory that is predicted for a step against the tensors that a step of another shape keeps. */
import { expect, it } from 'vitest';
import { buildStack, type StackConfiguration } from '#main/training/build-stack.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { elements } from '#main/training/engine/program.ts';
import type { NodeBackend, TensorFlow } from '#main/training/engine/tensorflow.ts';
import { measureMemory } from '#main/training/memory/measure.ts';
import { stepBytes, trainerBytes } from '#main/training/memory/need.ts';
import { workloadSchema } from '#shared/experiment/specification.ts';
import { describeWithEngine, engine, optimizers, smallQuadratic } from '../../support/engine.ts';

const data = { source: 'teacher', features: 9, examples: 200 };
const digits = { source: 'digits' };
const transformer = {
  layers: 1,
  width: 8,
  heads: 2,
  context: 6,
  data: { source: 'markov', vocabulary: 6, tokens: 2000 },
};
const workloads = {
  mlp: { kind: 'mlp', hidden: [6], data },
  logistic: { kind: 'logistic', data },
  cnn: { kind: 'cnn', channels: [2, 3], poolAfter: [1, 2], dense: 5, data: digits },
  resnet18: { kind: 'resnet18', width: 1, data: digits },
  gpt: { kind: 'gpt', ...transformer },
  moe: { kind: 'moe', ...transformer, experts: 3, hidden: 4 },
  quadratic: smallQuadratic,
  'linear regression': { kind: 'linear-regression', features: 5, examples: 200 },
};

/** Bytes of the state and of everything that lives while one step is made. */
async function bytesOfStep(tf: TensorFlow, configuration: StackConfiguration): Promise<number> {
  const stack = buildStack(tf, configuration);
  const session = await eagerBackend(tf).open(stack.program, stack.cellLearningRates, 1);
  const backend = tf.backend() as unknown as NodeBackend;
  const { executeSingleOutput } = backend;
  const before = tf.memory().numBytes;
  let most = 0;
  backend.executeSingleOutput = (...call) => {
    const output = executeSingleOutput.apply(backend, call);
    most = Math.max(most, tf.memory().numBytes - before);
    return output;
  };
  try {
    session.train({ steps: 1, perStep: stack.inputs(0, 1) });
  } finally {
    backend.executeSingleOutput = executeSingleOutput;
    session.dispose();
  }
  return most + 4 * stack.program.state.reduce((sum, { shape }) => sum + elements(shape), 0);
}

describeWithEngine('memory of a step', () => {
  const shapes = [
    { groups: 2, perGroup: 3, batchSize: 5, microBatch: undefined },
    { groups: 3, perGroup: 2, batchSize: 1, microBatch: undefined },
    { groups: 1, perGroup: 4, batchSize: 12, microBatch: 4 },
  ];
  it.each(Object.entries(workloads))('%s is what tiny stacks foretell', async (name, written) => {
    const { tf } = engine();
    for (const { groups, perGroup, batchSize, microBatch } of shapes) {
      if (microBatch !== undefined && name !== 'mlp' && name !== 'gpt') continue;
      const configuration: StackConfiguration = {
        workload: workloadSchema.parse(written),
        optimizer: optimizers.adam,
        batchSize,
        microBatch,
        seeds: Array.from({ length: groups }, (_, g) => g),
        learningRates: Array.from({ length: perGroup }, (_, k) => 0.01 * (k + 1)),
        evaluationExamples: 50,
        streams: 'common',
      };
      const model = measureMemory(tf, configuration);
      const shape = { cells: groups * perGroup, groups, examples: microBatch ?? batchSize };
      const predicted = stepBytes(model, shape);
      const found = await bytesOfStep(tf, configuration);
      expect(predicted / found, JSON.stringify(shape)).toBeGreaterThan(0.98);
      expect(predicted / found, JSON.stringify(shape)).toBeLessThan(1.1);
      expect(trainerBytes(model, shape)).toBeGreaterThan(predicted + model.dataBytes);
    }
  });
});
