/** Opens a session for a stack: compiled when possible, eager with the reason when not. */
import { CompilationError, compiledBackend } from './engine/compiled-backend.ts';
import { eagerBackend } from './engine/eager-backend.ts';
import type { StackSession } from './engine/program.ts';
import type { TensorFlow } from './engine/tensorflow.ts';
import type { BuiltStack } from './build-stack.ts';

export interface OpenSession {
  readonly session: StackSession;
  readonly fallbackReason: string | null;
  readonly compileMilliseconds: number;
}

/**
 * XLA compiles at the first call, so the first chunk and evaluation are run on the initial state and thrown away. A
 * program that does not compile is trained eagerly; running out of memory is not a reason to do so and is thrown on.
 */
export async function openSession(
  tf: TensorFlow,
  stack: BuiltStack,
  mode: 'compiled' | 'eager',
  chunkSteps: number,
): Promise<OpenSession> {
  if (mode === 'eager')
    return { session: await openEager(tf, stack, chunkSteps), fallbackReason: null, compileMilliseconds: 0 };
  const started = performance.now();
  try {
    const session = await compiledBackend(tf).open(stack.program, stack.cellLearningRates, chunkSteps);
    try {
      session.setState(stack.initialState());
      session.train({ steps: 1, perStep: stack.inputs(0, 1) });
      session.evaluate();
    } catch (error) {
      session.dispose();
      if (isOutOfMemory(error)) throw error;
      throw new CompilationError((error as Error).message, { cause: error });
    }
    return { session, fallbackReason: null, compileMilliseconds: performance.now() - started };
  } catch (error) {
    if (!(error instanceof CompilationError)) throw error;
    return {
      session: await openEager(tf, stack, chunkSteps),
      fallbackReason: firstLine(error.message),
      compileMilliseconds: performance.now() - started,
    };
  }
}

function openEager(tf: TensorFlow, stack: BuiltStack, chunkSteps: number): Promise<StackSession> {
  return eagerBackend(tf).open(stack.program, stack.cellLearningRates, chunkSteps);
}

/** TensorFlow reports exhausted memory in words only. */
export function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof Error &&
    /RESOURCE_EXHAUSTED|out of memory|OOM|bad_alloc|Array buffer allocation failed/i.test(error.message)
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0].slice(0, 500);
}
