/** One case of memory.ts in a process of its own: predicts what a stack needs, or trains it and tells what it took. */
import { text } from 'node:stream/consumers';
import { buildStack, type StackConfiguration } from '#main/training/build-stack.ts';
import { openEngine } from '#main/training/engine/open-engine.ts';
import { measureMemory } from '#main/training/memory/measure.ts';
import { trainerBytes } from '#main/training/memory/need.ts';
import { openSession } from '#main/training/open-session.ts';

const CHUNK_STEPS = 4;

const configuration = JSON.parse(await text(process.stdin)) as StackConfiguration;
const { tf } = openEngine(1);
const { seeds, learningRates, batchSize } = configuration;
const shape = { cells: seeds.length * learningRates.length, groups: seeds.length, examples: batchSize };
let bytes: number;
if (process.argv[2] === 'predict') bytes = trainerBytes(measureMemory(tf, configuration), shape);
else {
  const stack = buildStack(tf, configuration);
  const { session, fallbackReason } = await openSession(tf, stack, 'compiled', CHUNK_STEPS);
  if (fallbackReason !== null) throw new Error(`the step did not compile: ${fallbackReason}`);
  session.setState(stack.initialState());
  for (let chunk = 0; chunk < 2; chunk++)
    session.train({ steps: CHUNK_STEPS, perStep: stack.inputs(chunk * CHUNK_STEPS, CHUNK_STEPS) });
  session.evaluate();
  // As for a checkpoint.
  session.getState();
  bytes = process.resourceUsage().maxRSS * 1024;
}
process.stdout.write(String(bytes));
