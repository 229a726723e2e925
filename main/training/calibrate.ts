/**
 * A process that measures how fast stacks of given shapes train here. Reads one line {threads, configurations} on
 * standard input, writes one JSON line a configuration on file descriptor 3. A fresh process, so that nothing of it
 * stays behind in the lab.
 */
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { StackConfiguration } from './build-stack.ts';
import { buildStack, dataChecksumOf, parameterCount } from './build-stack.ts';
import { elements } from './engine/program.ts';
import { openEngine } from './engine/open-engine.ts';
import { isOutOfMemory, openSession } from './open-session.ts';
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
  for (const configuration of request.configurations) {
    try {
      reply(await measure(tf, configuration));
    } catch (error) {
      reply({
        type: 'failed',
        outOfMemory: isOutOfMemory(error),
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }
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
    microsecondsPerRunStep: (best * 1000) / TRIAL_STEPS / program.cells,
    evaluateMillisecondsPerCell: evaluate / program.cells,
    openMilliseconds: compileMilliseconds,
    stateBytesPerCell: program.state.reduce((sum, s) => sum + elements(s.shape), 0) * (4 / program.cells),
    mode: fallbackReason === null ? 'compiled' : 'eager',
  };
}
