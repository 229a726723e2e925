/** Every workload with every optimizer as a compiled stack, and each workload learns what it should. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildStack, type StackConfiguration } from '#main/training/build-stack.ts';
import { markovEntropy } from '#main/training/data/markov-text.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { specificationSchema } from '#shared/experiment/specification.ts';
import {
  bits,
  describeWithEngine,
  engine,
  ofCell,
  optimizers,
  relativeDifference,
  smallQuadratic,
} from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';

const files = writeSmallImages(96, 8, 3);
afterAll(() => files.remove());

/** A vocabulary too large for one-hot gradients. */
const LARGE_VOCABULARY = 1500;
const tokenFile = join(dirname(files.images), 'tokens.bin');
const tokens = Uint16Array.from({ length: 600 }, (_, i) => (7 * i * i + 3 * i) % LARGE_VOCABULARY);
writeFileSync(tokenFile, new Uint8Array(tokens.buffer));

const workloadSchema = specificationSchema.shape.workload;
type Written = Parameters<typeof workloadSchema.parse>[0];
const workload = (written: Written) => workloadSchema.parse(written);
const data = { source: 'idx', images: files.images, labels: files.labels };
const markov = { source: 'markov', vocabulary: 6, tokens: 2000 };
const transformer = { layers: 1, width: 8, heads: 2, context: 6, data: markov };

const workloads = {
  mlp: workload({ kind: 'mlp', hidden: [6], data }),
  cnn: workload({ kind: 'cnn', channels: [3, 4], poolAfter: [2], dense: 5, data }),
  'cnn with average pools': workload({
    kind: 'cnn',
    channels: [3],
    poolAfter: [1],
    pooling: 'average',
    dense: 5,
    data,
  }),
  resnet18: workload({ kind: 'resnet18', width: 2, data }),
  gpt: workload({ kind: 'gpt', ...transformer }),
  'gpt of a large vocabulary': workload({
    kind: 'gpt',
    ...transformer,
    data: { source: 'tokens', file: tokenFile, vocabulary: LARGE_VOCABULARY },
  }),
  moe: workload({ kind: 'moe', ...transformer, experts: 3, hidden: 4 }),
  logistic: workload({ kind: 'logistic', data }),
  'linear regression': workload({ kind: 'linear-regression', features: 5, examples: 200 }),
  quadratic: smallQuadratic,
};
const STEPS = 4;

function configuration(
  workloadOf: StackConfiguration['workload'],
  changes: Partial<StackConfiguration> = {},
): StackConfiguration {
  return {
    workload: workloadOf,
    optimizer: optimizers.adam,
    batchSize: 5,
    learningRates: [0.001, 0.01],
    seeds: [0, 5],
    evaluationExamples: 20,
    streams: 'common',
    ...changes,
  };
}

describeWithEngine('each workload with each optimizer', () => {
  for (const [name, workloadOf] of Object.entries(workloads))
    it.each(Object.entries(optimizers))(`${name}, %s`, async (_, optimizer) => {
      const { tf } = engine();
      const stack = buildStack(tf, configuration(workloadOf, { optimizer }));
      const { cells, state } = stack.program;
      const session = await compiledBackend(tf).open(stack.program, stack.cellLearningRates, STEPS);
      session.setState(stack.initialState());
      const losses = session.train({ steps: STEPS, perStep: stack.inputs(0, STEPS) });
      const after = session.getState();
      const evaluation = session.evaluate();
      session.dispose();
      expect(losses.every(Number.isFinite)).toBe(true);
      expect(evaluation.every((metric) => metric.length === cells && metric.every(Number.isFinite))).toBe(
        true,
      );
      // A replicate starts alike at every learning rate, and then the learning rate matters.
      expect(losses[0]).toBe(losses[1]);
      expect(losses.at(-1)).not.toBe(losses.at(-2));
      expect(after.length).toBe(state.length);
      after.forEach((values, i) => expect(values.every(Number.isFinite), state[i].name).toBe(true));
      const parameters = after.filter((_unused, i) => !state[i].name.includes('/'));
      const [slow, fast] = [0, 1].map((cell) => parameters.map((values) => ofCell(values, cells, cell)));
      expect(bits(...slow)).not.toEqual(bits(...fast));
    });
});

describeWithEngine('compiled equals eager', () => {
  it.each(Object.entries(workloads))('%s', async (_, workloadOf) => {
    const { tf } = engine();
    const stack = buildStack(tf, configuration(workloadOf));
    const run = async (backend: typeof compiledBackend) => {
      const session = await backend(tf).open(stack.program, stack.cellLearningRates, STEPS);
      session.setState(stack.initialState());
      const losses = session.train({ steps: STEPS, perStep: stack.inputs(0, STEPS) });
      const result = { losses, state: session.getState(), evaluation: session.evaluate() };
      session.dispose();
      return result;
    };
    const [ours, reference] = [await run(compiledBackend), await run(eagerBackend)];
    expect(relativeDifference(ours.losses, reference.losses)).toBeLessThanOrEqual(1e-4);
    ours.state.forEach((values, i) => {
      // Adam turns rounding errors of vanishing gradients into steps, so single values may differ.
      if (!stack.program.state[i].name.includes('/'))
        expect(
          relativeDifference(values, reference.state[i]),
          stack.program.state[i].name,
        ).toBeLessThanOrEqual(2e-2);
    });
    expect(relativeDifference(ours.evaluation[0], reference.evaluation[0])).toBeLessThanOrEqual(1e-2);
  });

  it.each(Object.entries(workloads))('%s alone as in a stack', async (_, workloadOf) => {
    const { tf } = engine();
    const run = async (changes: Partial<StackConfiguration>) => {
      const stack = buildStack(tf, configuration(workloadOf, changes));
      const session = await eagerBackend(tf).open(stack.program, stack.cellLearningRates, STEPS);
      session.setState(stack.initialState());
      const losses = session.train({ steps: STEPS, perStep: stack.inputs(0, STEPS) });
      session.dispose();
      return Float32Array.from({ length: STEPS }, (_unused, s) => losses[(s + 1) * stack.program.cells - 1]);
    };
    const alone = await run({ learningRates: [0.01], seeds: [5] });
    expect(relativeDifference(await run({}), alone)).toBeLessThanOrEqual(1e-5);
  });
});

describeWithEngine('workloads learn', () => {
  const train = async (
    changes: Partial<StackConfiguration> & Pick<StackConfiguration, 'workload'>,
    steps: number,
  ) => {
    const { tf } = engine();
    const stack = buildStack(tf, configuration(changes.workload, { seeds: [0], ...changes }));
    const session = await compiledBackend(tf).open(stack.program, stack.cellLearningRates, 50);
    session.setState(stack.initialState());
    const losses: number[] = [];
    for (let done = 0; done < steps; done += 50)
      losses.push(...session.train({ steps: 50, perStep: stack.inputs(done, 50) }));
    const evaluation = session.evaluate();
    session.dispose();
    return { losses, evaluation };
  };

  it('resnet18 a small batch by heart', async () => {
    // All but 88 of the 96 images are held out, and each step sees the 8 that are left.
    const { losses } = await train(
      { workload: workloads.resnet18, learningRates: [0.01], batchSize: 8, evaluationExamples: 88 },
      100,
    );
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(losses.at(-1)).toBeLessThan(0.05);
  });

  it('moe a small batch by heart', async () => {
    const { losses } = await train(
      {
        workload: workload({
          kind: 'moe',
          ...transformer,
          width: 16,
          experts: 4,
          data: { source: 'markov', vocabulary: 6, tokens: 121, sharpness: 0 },
        }),
        learningRates: [0.01],
        batchSize: 4,
        evaluationExamples: 16,
      },
      600,
    );
    // Tokens are noise, so less than their entropy is learnt by heart.
    expect(losses[0]).toBeGreaterThan(0.95 * Math.log(6));
    expect(losses.at(-1)).toBeLessThan(0.4 * Math.log(6));
  });

  it('gpt a Markov chain, down to its entropy and not below', async () => {
    const chain = { vocabulary: 6, sharpness: 2, seed: 0 };
    const { evaluation } = await train(
      {
        workload: workload({
          kind: 'gpt',
          ...transformer,
          width: 16,
          data: { source: 'markov', tokens: 60_000, ...chain },
        }),
        learningRates: [0.01],
        batchSize: 32,
        evaluationExamples: 1000,
      },
      400,
    );
    const entropy = markovEntropy(chain.vocabulary, chain.sharpness, chain.seed);
    expect(entropy).toBeLessThan(0.8 * Math.log(6));
    expect(Math.abs(evaluation[0][0] - entropy)).toBeLessThan(0.05);
  });

  it('linear regression its noise', async () => {
    const { evaluation } = await train(
      {
        workload: workload({ kind: 'linear-regression', features: 5, examples: 5000, noise: 0.5, decay: 1 }),
        optimizer: { kind: 'sgd' },
        learningRates: [0.1],
        batchSize: 64,
        evaluationExamples: 2000,
      },
      400,
    );
    // Half the variance of the noise is the least that can be had.
    expect(evaluation[0][0]).toBeGreaterThan(0.115);
    expect(evaluation[0][0]).toBeLessThan(0.14);
  });
});
