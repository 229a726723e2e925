import { afterAll, expect, it } from 'vitest';
import { buildStack, type BuiltStack, type StackConfiguration } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import type { NodeBackend } from '#main/training/engine/tensorflow.ts';
import {
  bits,
  describeWithEngine,
  engine,
  ofCell,
  optimizers,
  relativeDifference,
  trained,
} from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';

const files = writeSmallImages(240, 6, 4);
afterAll(() => files.remove());

const configuration: StackConfiguration = {
  workload: {
    kind: 'mlp',
    hidden: [8],
    activation: 'relu',
    data: { source: 'idx', images: files.images, labels: files.labels },
  },
  optimizer: optimizers.adam,
  batchSize: 6,
  learningRates: [0.001, 0.003, 0.01, 0.03],
  seeds: [0, 1, 7],
  evaluationExamples: 40,
  streams: 'common',
};
const build = (changes: Partial<StackConfiguration> = {}) =>
  buildStack(engine().tf, { ...configuration, ...changes });
const open = async (stack: BuiltStack, chunkSteps: number) => {
  const session = await compiledBackend(engine().tf).open(stack.program, stack.cellLearningRates, chunkSteps);
  session.setState(stack.initialState());
  return session;
};

describeWithEngine('a cell of a stack', () => {
  for (const streams of ['common', 'independent'] as const)
    it(`alone is what it is among twelve (${streams} streams)`, async () => {
      const many = build({ streams });
      const among = await trained(many, 4, [1]);
      const { cells } = many.program;
      const size = configuration.learningRates.length;
      for (const cell of [0, 6, 11]) {
        const learningRates = [configuration.learningRates[cell % size]];
        const seeds = [configuration.seeds[Math.floor(cell / size)]];
        const one = build({ streams, learningRates, seeds });
        const alone = await trained(one, 4, [1]);
        expect(alone.losses.length).toBe(1);
        expect(relativeDifference(alone.losses, [among.losses[cell]])).toBeLessThanOrEqual(1e-5);
        alone.state.forEach((values, t) =>
          expect(relativeDifference(values, ofCell(among.state[t], cells, cell))).toBeLessThanOrEqual(1e-5),
        );
      }
    });

  it('shares weights and minibatches with the other learning rates of its replicate, and with no other replicate', async () => {
    const { losses } = await trained(build(), 4, [1]);
    const replicates = [0, 4, 8].map((first) => [...losses.slice(first, first + 4)]);
    for (const replicate of replicates) expect(new Set(replicate).size).toBe(1);
    expect(new Set(replicates.map(([loss]) => loss)).size).toBe(3);
  });

  it('shares nothing when streams are independent', async () => {
    const { losses } = await trained(build({ streams: 'independent' }), 4, [1]);
    expect(new Set(losses).size).toBe(12);
  });

  it('sees the examples in the same order at every batch size', () => {
    const [two] = build({ seeds: [3], batchSize: 2 }).inputs(0, 150);
    const [three] = build({ seeds: [3], batchSize: 3 }).inputs(0, 100);
    expect([...two]).toEqual([...three]);
    // 200 training examples: the first epoch meets each once.
    expect(new Set(two.slice(0, 200)).size).toBe(200);
    // A later chunk goes on where the earlier one ended.
    const [later] = build({ seeds: [3], batchSize: 3 }).inputs(40, 60);
    expect([...later]).toEqual([...three.slice(120)]);
  });
});

describeWithEngine('chunks', () => {
  it('of any length give the same bits', async () => {
    const stack = build();
    const whole = await trained(stack, 20, [20]);
    expect(new Set(whole.losses).size).toBeGreaterThan(200);
    for (const [capacity, chunks] of [
      [20, [5, 5, 5, 5]],
      [20, [10, 10]],
      [20, [1, 19]],
      [5, [5, 5, 5, 5]],
      [10, [10, 3, 7]],
    ] as const) {
      const parts = await trained(stack, capacity, chunks);
      expect(bits(parts.losses)).toEqual(bits(whole.losses));
      expect(bits(...parts.state)).toEqual(bits(...whole.state));
      expect(bits(...parts.evaluation)).toEqual(bits(...whole.evaluation));
    }
  });

  it('longer than the program are refused', async () => {
    const stack = build();
    const session = await open(stack, 4);
    expect(() => session.train({ steps: 5, perStep: stack.inputs(0, 5) })).toThrow('1 to 4 steps, not 5');
    expect(() => session.train({ steps: 0, perStep: stack.inputs(0, 0) })).toThrow(RangeError);
    session.dispose();
  });
});

describeWithEngine('tensors', () => {
  it.each([compiledBackend, eagerBackend])('are all given back (%o)', async (backend) => {
    const { tf } = engine();
    const native = tf.backend() as unknown as NodeBackend;
    const count = () => [tf.memory().numTensors, native.getNumOfTFTensors()];
    const before = count();
    const stack = build();
    const session = await backend(tf).open(stack.program, stack.cellLearningRates, 4);
    session.setState(stack.initialState());
    const use = (step: number) => {
      session.train({ steps: 4, perStep: stack.inputs(step, 4) });
      session.evaluate();
      session.setState(session.getState());
    };
    use(0);
    const warm = count();
    for (let chunk = 1; chunk < 50; chunk++) use(chunk * 4);
    expect(count()).toEqual(warm);
    session.dispose();
    expect(count()).toEqual(before);
  });
});

describeWithEngine('state', () => {
  it('is given back bit by bit, non-finite values and negative zero included', async () => {
    const stack = build();
    const session = await open(stack, 4);
    const state = stack.initialState();
    state.forEach((values, t) => values.forEach((_, i) => (values[i] = Math.sin(i * 12.9898 + t))));
    state[0].set([NaN, Infinity, -Infinity, -0, 1e-42, 3.4e38]);
    session.setState(state);
    expect(bits(...session.getState())).toEqual(bits(...state));
    session.dispose();
  });

  it('restored in another session continues bit by bit', async () => {
    const stack = build();
    const whole = await trained(stack, 20, [20]);
    const session = await open(stack, 20);
    session.train({ steps: 8, perStep: stack.inputs(0, 8) });
    const saved = session.getState();
    // Going on and coming back leaves no trace.
    session.train({ steps: 12, perStep: stack.inputs(8, 12) });
    session.setState(saved);
    const again = session.train({ steps: 12, perStep: stack.inputs(8, 12) });
    const other = await open(stack, 20);
    other.setState(saved);
    const elsewhere = other.train({ steps: 12, perStep: stack.inputs(8, 12) });
    const end = whole.losses.slice(-again.length);
    expect(bits(again)).toEqual(bits(end));
    expect(bits(elsewhere)).toEqual(bits(end));
    expect(bits(...other.getState())).toEqual(bits(...whole.state));
    session.dispose();
    other.dispose();
  });
});
