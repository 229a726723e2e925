/**
 * Our engine as a contender of test/bench/engine.ts, in a process of its own as in the product: one JSON request a line
 * on standard input, one JSON reply a line on standard output (see engine/contender.py for the words).
 */
import { createInterface } from 'node:readline';
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';
import { workloadSchema } from '#shared/experiment/specification.ts';
import { buildStack } from '#main/training/build-stack.ts';
import { openEngine } from '#main/training/engine/open-engine.ts';
import { openSession } from '#main/training/open-session.ts';
import type { ContenderReply, ContenderRequest, Model, Task } from './engine/task.ts';

interface Runner {
  /** Trains one chunk; returns the mean training loss of its last step. */
  run(firstStep: number): number;
  readonly cells: number;
  readonly chunkSteps: number;
  dispose(): void;
}

const reply = (line: ContenderReply) => process.stdout.write(`${JSON.stringify(line)}\n`);
const { tf, provenance } = openEngine(Number(process.argv[2]));
let current: Runner | null = null;
let step = 0;
reply({ version: `TensorFlow ${provenance.tensorflow}` });

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as ContenderRequest;
  if (request.command === 'prepare') {
    const started = performance.now();
    current?.dispose();
    current = await prepare(request.task);
    step = 0;
    while (step < 2) current.run(step++);
    reply({ prepareMilliseconds: performance.now() - started });
  } else {
    if (current === null) throw new Error('measure before prepare');
    let done = 0;
    let loss = NaN;
    const started = performance.now();
    while (done === 0 || performance.now() - started < request.seconds * 1000) {
      loss = current.run(step++);
      done += current.cells * current.chunkSteps;
    }
    reply({ microseconds: ((performance.now() - started) * 1000) / done, loss });
  }
}

function workloadOf(model: Model): WorkloadSpecification {
  switch (model.kind) {
    case 'mlp':
      return { kind: 'mlp', hidden: [model.hidden], activation: 'relu', data: { source: 'digits' } };
    case 'cnn':
      return workloadSchema.parse({ kind: 'cnn' });
    case 'gpt':
      return workloadSchema.parse(model);
  }
}

async function prepare(task: Task): Promise<Runner> {
  const stack = buildStack(tf, {
    workload: workloadOf(task.model),
    optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    batchSize: task.batchSize,
    learningRates: task.learningRates,
    seeds: task.seeds,
    evaluationExamples: task.evaluationExamples,
    streams: 'common',
  });
  const { session, fallbackReason } = await openSession(tf, stack, task.mode, task.chunkSteps);
  if (fallbackReason !== null) throw new Error(`the step did not compile: ${fallbackReason}`);
  session.setState(stack.initialState());
  const { cells } = stack.program;
  const { chunkSteps } = task;
  return {
    cells,
    chunkSteps,
    run(chunk) {
      const perStep = stack.inputs(chunk * chunkSteps, chunkSteps);
      const losses = session.train({ steps: chunkSteps, perStep });
      return losses.slice(-cells).reduce((sum, value) => sum + value, 0) / cells;
    },
    dispose: () => session.dispose(),
  };
}
