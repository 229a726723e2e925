/**
 * A process that measures how much memory stacks need and how fast those of given shapes train here. Reads one request
 * on standard input, writes JSON lines on file descriptor 3. A fresh process, so that nothing of it stays behind in the
 * lab.
 */
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { microBatchesOf } from '#shared/experiment/training-options.ts';
import type { StackConfiguration } from './build-stack.ts';
import { buildStack, dataChecksumOf, parameterCount } from './build-stack.ts';
import { openEngine } from './engine/open-engine.ts';
import { measureMemory } from './memory/measure.ts';
import { mostCells, type MemoryModel } from './memory/need.ts';
import { openSession } from './open-session.ts';
import type { CalibrationReply, CalibrationRequest } from './protocol.ts';

const MEASURE_MILLISECONDS = 250;
const TRIAL_STEPS = 8;
const CONTROL_DESCRIPTOR = 3;

const request = JSON.parse(await text(process.stdin)) as CalibrationRequest;
const reply = (line: CalibrationReply) => writeSync(CONTROL_DESCRIPTOR, `${JSON.stringify(line)}\n`);
const first = request.configurations[0];
reply({
  type: 'data',
  dataChecksum: dataChecksumOf(first.workload, first.evaluationExamples),
  parameters: parameterCount(first.workload, first.evaluationExamples),
});
if (!request.checksumOnly) {
  const { tf } = openEngine(request.threads);
  const model = measureMemory(tf, first);
  reply({ type: 'memory', model });
  const measured = new Set<string>();
  for (const asked of request.configurations) {
    const configuration = cutToFit(asked, model);
    // Larger stacks may all have been cut to the same one.
    const shape = `${configuration.batchSize}/${cellsOf(configuration)}`;
    if (measured.has(shape)) continue;
    measured.add(shape);
    try {
      if (cellsOf(configuration) === 0) throw new Error('out of memory: not even one cell would fit');
      reply(await measure(tf, configuration));
    } catch (error) {
      reply({
        type: 'failed',
        batchSize: configuration.batchSize,
        cells: cellsOf(configuration),
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

function cellsOf({ learningRates, seeds }: StackConfiguration): number {
  return learningRates.length * seeds.length;
}

/** As many learning rates of as many seeds as fit: fewer rates of all seeds, or of one. No rates when nothing fits. */
function cutToFit(asked: StackConfiguration, model: MemoryModel): StackConfiguration {
  const { batchSize, learningRates, seeds, streams, microBatch } = asked;
  const shape = {
    examples: microBatchesOf(batchSize, microBatch).size,
    groupsOf: (cells: number) => (streams === 'common' ? Math.min(seeds.length, cells) : cells),
  };
  const cells = mostCells(model, shape, cellsOf(asked), request.memoryBytes ?? Infinity);
  if (cells >= seeds.length)
    return { ...asked, learningRates: learningRates.slice(0, Math.floor(cells / seeds.length)) };
  return { ...asked, learningRates: learningRates.slice(0, cells), seeds: seeds.slice(0, 1) };
}

async function measure(
  tf: Parameters<typeof openSession>[0],
  configuration: StackConfiguration,
): Promise<CalibrationReply> {
  const stack = buildStack(tf, configuration);
  const { program } = stack;
  const { session, fallbackReason, compileMilliseconds } = await openSession(
    tf,
    stack,
    'compiled',
    TRIAL_STEPS,
  );
  session.setState(stack.initialState());
  const inputs = stack.inputs(0, TRIAL_STEPS);
  session.train({ steps: TRIAL_STEPS, perStep: inputs });
  let calls = 0;
  let best = Infinity;
  const started = performance.now();
  // The shortest call is the one that the machine's other work disturbed least.
  while (calls < 2 || performance.now() - started < MEASURE_MILLISECONDS) {
    const before = performance.now();
    session.train({ steps: TRIAL_STEPS, perStep: inputs });
    best = Math.min(best, performance.now() - before);
    calls++;
  }
  const beforeEvaluation = performance.now();
  session.evaluate();
  const evaluate = performance.now() - beforeEvaluation;
  session.dispose();
  return {
    type: 'measured',
    batchSize: configuration.batchSize,
    cells: program.cells,
    microsecondsPerRunStep: (best * 1000) / TRIAL_STEPS / program.cells,
    evaluateMillisecondsPerCell: evaluate / program.cells,
    openMilliseconds: compileMilliseconds,
    mode: fallbackReason === null ? 'compiled' : 'eager',
  };
}
