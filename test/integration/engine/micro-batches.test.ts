/** Minibatches taken in parts: the same result to rounding, and all the promises of a stack. */
import { afterAll, expect, it } from 'vitest';
import { buildStack, type StackConfiguration } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { freezeCell } from '#main/training/local/frozen-cell.ts';
import { lineSearch } from '#main/training/local/line-search.ts';
import { updatesAt } from '#main/training/local/updates.ts';
import { workloadSchema } from '#shared/experiment/specification.ts';
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

const files = writeSmallImages(96, 8, 3);
afterAll(() => files.remove());

const data = { source: 'idx', images: files.images, labels: files.labels } as const;
const transformer = {
  layers: 1,
  width: 8,
  heads: 2,
  context: 6,
  data: { source: 'markov', vocabulary: 6, tokens: 2000 },
} as const;
const workloads = {
  mlp: workloadSchema.parse({ kind: 'mlp', hidden: [6], data }),
  cnn: workloadSchema.parse({ kind: 'cnn', channels: [3, 4], poolAfter: [2], dense: 5, data }),
  // What is drawn for an example depends on its place in the order, whatever part it is in.
  'cnn, augmented, dropping out': workloadSchema.parse({
    kind: 'cnn',
    channels: [3],
    poolAfter: [1],
    dense: 5,
    data,
    augmentation: { crop: 2, flip: true },
    dropout: 0.3,
    subset: 40,
  }),
  gpt: workloadSchema.parse({ kind: 'gpt', ...transformer, dropout: 0.2 }),
  moe: workloadSchema.parse({ kind: 'moe', ...transformer, experts: 3, hidden: 4, balance: 0 }),
  logistic: workloadSchema.parse({ kind: 'logistic', data }),
  'linear regression': workloadSchema.parse({ kind: 'linear-regression', features: 5, examples: 200 }),
};
/** Compiling takes its time, and these have every kind of input. */
const compiledToo = ['mlp', 'cnn, augmented, dropping out', 'gpt'];
const STEPS = 6;
/** 12 in parts of at most 5 are 3 of 4. */
const PARTS = 5;

const configuration = (changes: Partial<StackConfiguration> = {}): StackConfiguration => ({
  workload: workloads.mlp,
  optimizer: optimizers.adam,
  batchSize: 12,
  learningRates: [0.001, 0.01],
  seeds: [0, 5],
  evaluationExamples: 20,
  streams: 'common',
  steps: STEPS,
  ...changes,
});

async function run(
  changes: Partial<StackConfiguration>,
  chunks: readonly number[],
  backend = compiledBackend,
) {
  const { tf } = engine();
  const stack = buildStack(tf, configuration(changes));
  const { losses, state: all, evaluation } = await trained(stack, STEPS, chunks, backend);
  const sums = stack.program.state.flatMap(({ name }, i) => (name.startsWith('sum/') ? [all[i]] : []));
  return {
    stack,
    losses,
    state: all.slice(0, all.length - sums.length),
    sums,
    evaluation,
  };
}

describeWithEngine('micro-batches give what the whole minibatch gives', () => {
  for (const [name, workload] of Object.entries(workloads))
    it.each(compiledToo.includes(name) ? ['eager', 'compiled'] : ['eager'])(`${name}, %s`, async (mode) => {
      const backend = mode === 'compiled' ? compiledBackend : eagerBackend;
      // The trace of the first step is the gradient.
      const { momentum } = optimizers;
      const whole = await run({ workload, optimizer: momentum }, [1], eagerBackend);
      const parts = await run({ workload, optimizer: momentum, microBatch: PARTS }, [1], backend);
      expect([whole.stack.program.parts, parts.stack.program.parts]).toEqual([1, 3]);
      expect(relativeDifference(parts.losses, whole.losses)).toBeLessThanOrEqual(1e-6);
      expect(parts.state.length).toBe(whole.state.length);
      parts.state.forEach((values, i) =>
        expect(
          relativeDifference(values, whole.state[i]),
          parts.stack.program.state[i].name,
        ).toBeLessThanOrEqual(1e-5),
      );
      expect(parts.sums.flatMap((values) => [...values]).every((x) => x === 0)).toBe(true);
    });

  it.each(Object.entries(optimizers))('%s over several steps', async (kind, optimizer) => {
    const whole = await run({ optimizer }, [STEPS], eagerBackend);
    const parts = await run({ optimizer, microBatch: PARTS }, [STEPS], eagerBackend);
    // The sign of a gradient that is a rounding error is chance.
    const tolerance = ['sign', 'signum', 'lion'].includes(kind) ? 1e-2 : 1e-4;
    expect(relativeDifference(parts.losses, whole.losses)).toBeLessThanOrEqual(tolerance);
    expect(new Set(whole.losses.slice(-4)).size).toBe(4);
  });

  it('with schedule, clipping and decay over several steps', async () => {
    const options = {
      optimizer: { ...optimizers.adam, weightDecay: 0.1 },
      schedule: { kind: 'cosine', final: 0, warmUpSteps: 2 },
      gradientClipping: { kind: 'norm', limit: 0.5 },
    } as const;
    const whole = await run(options, [STEPS], eagerBackend);
    const parts = await run({ ...options, microBatch: PARTS }, [STEPS]);
    expect(relativeDifference(parts.losses, whole.losses)).toBeLessThanOrEqual(1e-4);
    expect(relativeDifference(parts.evaluation[0], whole.evaluation[0])).toBeLessThanOrEqual(1e-4);
    // The last step at all is a small one, and not none.
    expect(bits(parts.losses.slice(-2))).not.toEqual(bits(parts.losses.slice(-4, -2)));
  });

  it('however the steps are cut into chunks, bit by bit', async () => {
    const once = await run({ microBatch: PARTS }, [STEPS]);
    const often = await run({ microBatch: PARTS }, [1, 3, 2]);
    expect(bits(often.losses, ...often.state)).toEqual(bits(once.losses, ...once.state));
  });

  it('and a cell that diverges leaves its neighbours alone', async () => {
    const fine = await run({ microBatch: PARTS, optimizer: { kind: 'sgd' } }, [STEPS]);
    const beside = await run(
      { microBatch: PARTS, optimizer: { kind: 'sgd' }, learningRates: [0.001, 1e30] },
      [STEPS],
    );
    expect(beside.losses.at(-1)).toBeNaN();
    beside.state.forEach((values, i) =>
      expect(bits(ofCell(values, 4, 0), ofCell(values, 4, 2))).toEqual(
        bits(ofCell(fine.state[i], 4, 0), ofCell(fine.state[i], 4, 2)),
      ),
    );
  });

  it('and eager steps leave nothing behind', async () => {
    const { tf } = engine();
    const stack = buildStack(tf, configuration({ microBatch: PARTS }));
    const session = await eagerBackend(tf).open(stack.program, stack.cellLearningRates, STEPS);
    session.setState(stack.initialState());
    session.train({ steps: 1, perStep: stack.inputs(0, 1) });
    const { numTensors } = tf.memory();
    session.train({ steps: 4, perStep: stack.inputs(1, 4) });
    expect(tf.memory().numTensors).toBe(numTensors);
    session.dispose();
  });

  it('but not where the minibatch is normalized as a whole', () => {
    const workload = workloadSchema.parse({ kind: 'resnet18', width: 2, data });
    expect(() => buildStack(engine().tf, configuration({ workload, microBatch: PARTS }))).toThrow(
      'microBatch',
    );
  });
});

describeWithEngine('at a frozen point', () => {
  it('a line search and updates are those of whole minibatches', async () => {
    const { tf } = engine();
    const { workload, optimizer, evaluationExamples, streams, batchSize } = configuration();
    const common = { workload, optimizer, evaluationExamples };
    const cell = { ...common, streams, batchSize, learningRate: 0.01, seed: 0 };
    const frozen = await freezeCell(tf, cell, 3);
    const frozenInParts = await freezeCell(tf, { ...cell, microBatch: PARTS }, 3);
    expect(frozenInParts.state.length).toBe(frozen.state.length);
    expect(relativeDifference(frozenInParts.state[0], frozen.state[0])).toBeLessThanOrEqual(1e-4);
    const search = { ...common, learningRates: [0.01, 0.1], draws: 3, optimizerState: 'warm' } as const;
    const update = { ...common, batchSize: 8, draws: 2, optimizerState: 'warm' } as const;
    // The point is one taken in parts, the search goes in parts or not.
    const [whole, parts] = [
      await lineSearch(tf, search, frozenInParts, 8),
      await lineSearch(tf, { ...search, microBatch: 2 }, frozenInParts, 8),
    ];
    expect(whole.every((change) => change !== 0)).toBe(true);
    expect(relativeDifference(parts, whole)).toBeLessThanOrEqual(1e-3);
    const [wholeUpdates, updates] = [
      await updatesAt(tf, update, frozen),
      await updatesAt(tf, { ...update, microBatch: 2 }, frozen),
    ];
    updates.forEach((one, draw) =>
      expect(relativeDifference(one, wholeUpdates[draw])).toBeLessThanOrEqual(1e-3),
    );
  });
});
