import { expect, it } from 'vitest';
import { buildStack, type BuiltStack } from '#main/training/build-stack.ts';
import { openSession } from '#main/training/open-session.ts';
import { describeWithEngine, engine, optimizers, smallQuadratic } from '../../support/engine.ts';

function build(): BuiltStack {
  return buildStack(engine().tf, {
    workload: smallQuadratic,
    optimizer: optimizers.sgd,
    batchSize: 2,
    learningRates: [0.1, 0.2],
    seeds: [0],
    evaluationExamples: 1,
    streams: 'common',
  });
}

describeWithEngine('a program that cannot be compiled', () => {
  it('is trained eagerly, with the reason, and right', async () => {
    const { tf } = engine();
    const stack = build();
    const { program } = stack;
    // sin is not among the operations whose outputs the engine can name in a graph.
    const withSine: BuiltStack = {
      ...stack,
      program: {
        ...program,
        step(state, inputs) {
          const result = program.step(state, inputs);
          return { ...result, loss: tf.sin(result.loss) };
        },
      },
    };
    const plain = await openSession(tf, stack, 'compiled', 4);
    const opened = await openSession(tf, withSine, 'compiled', 4);
    expect(plain.fallbackReason).toBeNull();
    expect(plain.session.backend).toBe('compiled');
    expect(opened.session.backend).toBe('eager');
    expect(opened.fallbackReason).toContain('Sin');
    const [expected, actual] = [plain, opened].map(({ session }) => {
      session.setState(stack.initialState());
      return session.train({ steps: 4, perStep: stack.inputs(0, 4) });
    });
    actual.forEach((loss, i) => expect(loss).toBeCloseTo(Math.sin(expected[i]), 5));
    plain.session.dispose();
    opened.session.dispose();
  });

  it('because it returns a wrong shape says which', async () => {
    const { tf } = engine();
    const stack = build();
    const { program } = stack;
    const wrong: BuiltStack = {
      ...stack,
      program: {
        ...program,
        step(state, inputs) {
          const result = program.step(state, inputs);
          return { ...result, loss: tf.sum(result.loss).reshape([1]) };
        },
      },
    };
    const { session, fallbackReason } = await openSession(tf, wrong, 'compiled', 4);
    expect(fallbackReason).toMatch(/returns \[1\] for loss, expected \[2\]/);
    session.dispose();
  });

  it('because it captures data says that they must be arguments', async () => {
    const { tf } = engine();
    const stack = build();
    const { program } = stack;
    const big = tf.ones([300, 300]);
    const wrong: BuiltStack = {
      ...stack,
      program: {
        ...program,
        step(state, inputs) {
          const result = program.step(state, inputs);
          return { ...result, loss: tf.add(result.loss, tf.sum(big)) };
        },
      },
    };
    const { session, fallbackReason } = await openSession(tf, wrong, 'compiled', 4);
    expect(fallbackReason).toContain('[300, 300] was captured');
    session.dispose();
    big.dispose();
  });
});

describeWithEngine('a step whose intermediate results seem to outgrow the memory', () => {
  // TensorFlow counts 256 MiB of a CPU before XLA has fused anything; sums of such a graph were rewritten so that XLA
  // could no longer compile it.
  it('is compiled all the same', async () => {
    const { tf } = engine();
    const stack = build();
    const { program } = stack;
    const wide: BuiltStack = {
      ...stack,
      program: {
        ...program,
        step(state, inputs) {
          const result = program.step(state, inputs);
          const rows = tf.tile(result.loss.reshape([2, 1]), [1, 4_000_000]);
          const parts = Array.from({ length: 12 }, (_, i) => tf.tanh(tf.mul(rows, i + 1)));
          const sum = parts.reduce((total, part) => tf.add(total, part));
          return { ...result, loss: tf.add(result.loss, tf.mul(tf.mean(sum, 1), 0)) };
        },
      },
    };
    const { session, fallbackReason } = await openSession(tf, wide, 'compiled', 2);
    expect(fallbackReason).toBeNull();
    session.setState(stack.initialState());
    expect([...session.train({ steps: 2, perStep: stack.inputs(0, 2) })].every(Number.isFinite)).toBe(true);
    session.dispose();
  });
});
