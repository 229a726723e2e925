/** Trains chunks of several lengths with every optimizer; see compilations.test.ts, which reads what TensorFlow logs. */
import { buildStack } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { engine, optimizers, smallQuadratic } from '../../support/engine.ts';

const CHUNK = 4;
const { tf } = engine();
for (const optimizer of Object.values(optimizers)) {
  const stack = buildStack(tf, {
    workload: smallQuadratic,
    optimizer,
    schedule: { kind: 'cosine', final: 0, warmUpSteps: 3 },
    gradientClipping: { kind: 'norm', limit: 1 },
    steps: 20,
    batchSize: 4,
    learningRates: [0.001, 0.01],
    seeds: [0],
    evaluationExamples: 1,
    streams: 'common',
  });
  const session = await compiledBackend(tf).open(stack.program, stack.cellLearningRates, CHUNK);
  session.setState(stack.initialState());
  let step = 0;
  for (const steps of [CHUNK, CHUNK, 1, 3]) {
    session.train({ steps, perStep: stack.inputs(step, steps) });
    step += steps;
  }
  session.dispose();
}
