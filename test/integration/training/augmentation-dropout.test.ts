/** Augmentation, dropout and bytes on the device: compiled, eager and a reference in plain TypeScript agree. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { afterAll, expect, it } from 'vitest';
import { buildStack, type StackConfiguration } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { augmentationInput, augmented } from '#main/training/workloads/augmentation.ts';
import { dropoutInput, dropWith } from '#main/training/workloads/layers/dropout.ts';
import { counting, scrambled } from '#main/training/workloads/layers/integer.ts';
import { gatherImages, residentImages } from '#main/training/workloads/packed-images.ts';
import type { StackLayout } from '#main/training/workloads/workload.ts';
import {
  describeWithEngine,
  engine,
  ofCell,
  optimizers,
  relativeDifference,
  trained,
} from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';

const files = writeSmallImages(120, 6, 4);
afterAll(() => files.remove());
const data = { source: 'idx', images: files.images, labels: files.labels } as const;

const layout = (batchSize: number, dataSeeds: readonly number[], cellsPerGroup = 1): StackLayout => ({
  batchSize,
  groups: dataSeeds.length,
  cellsPerGroup,
  initialisationSeeds: dataSeeds.flatMap((seed) => new Array<number>(cellsPerGroup).fill(seed)),
  dataSeeds,
});

/** The published hash, in JavaScript's own 32-bit arithmetic. */
function hash(word: number): number {
  let x = word | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) | 0;
}

describeWithEngine('whole numbers in a program', () => {
  it('count and scramble as JavaScript does', () => {
    const { tf } = engine();
    const [count, words] = tf.tidy(() => {
      const numbers = counting(tf, 3000);
      return [
        numbers.dataSync().slice(),
        scrambled(tf, tf.mul(numbers, tf.scalar(-1234567, 'int32')))
          .dataSync()
          .slice(),
      ];
    });
    expect([...count]).toEqual(Array.from({ length: 3000 }, (_, i) => i));
    expect([...words]).toEqual(Array.from({ length: 3000 }, (_, i) => hash(Math.imul(i, -1234567))));
  });

  it('unpack bytes to the numbers that the data would be, rows of any length', () => {
    const { tf } = engine();
    for (const features of [256, 7]) {
      const bytes = Uint8Array.from({ length: 3 * features }, (_, i) => (i * 37 + 255) % 256);
      const resident = residentImages(bytes, 3, features);
      const found = tf.tidy(() =>
        gatherImages(
          tf,
          tf.tensor(resident.values, [...resident.shape], resident.dtype),
          tf.tensor1d([2, 0], 'int32'),
          features,
        )
          .dataSync<'float32'>()
          .slice(),
      );
      const rows = [...bytes.subarray(2 * features), ...bytes.subarray(0, features)];
      expect(found).toEqual(Float32Array.from(rows, (byte) => byte / 255));
    }
  });
});

describeWithEngine('augmentation', () => {
  const image = { channels: 2, height: 3, width: 4 };
  const features = 24;

  it('pads, cuts and mirrors as said', () => {
    const { tf } = engine();
    const [groups, batchSize, crop] = [2, 40, 2];
    const options = { crop, flip: true };
    const input = augmentationInput(options, layout(batchSize, [3, 4]), image);
    const draws = new Int32Array(groups * batchSize * 3);
    input.fill(draws, 5, 1);
    const values = Float32Array.from({ length: groups * batchSize * features }, (_, i) => i + 1);
    const shape = [groups, batchSize, features];
    const found = tf.tidy(() =>
      augmented(
        tf,
        options,
        image,
        tf.tensor(values, shape),
        tf.tensor(draws, [groups, batchSize, 3], 'int32'),
      )
        .dataSync<'float32'>()
        .slice(),
    );
    const seen = new Set<string>();
    for (let e = 0; e < groups * batchSize; e++) {
      const [top, left, flip] = draws.subarray(3 * e, 3 * e + 3);
      seen.add(`${top},${left},${flip}`);
      for (let c = 0; c < 2; c++)
        for (let y = 0; y < 3; y++)
          for (let x = 0; x < 4; x++) {
            // The window at (top, left) of the padded image, then mirrored.
            const sourceY = top + y - crop;
            const sourceX = left + (flip === 1 ? 3 - x : x) - crop;
            const inside = sourceY >= 0 && sourceY < 3 && sourceX >= 0 && sourceX < 4;
            const expected = inside ? values[e * features + c * 12 + sourceY * 4 + sourceX] : 0;
            expect(found[e * features + c * 12 + y * 4 + x]).toBe(expected);
          }
    }
    // 50 possibilities, 80 draws.
    expect(seen.size).toBeGreaterThan(30);
  });

  it('draws by position: batch sizes, chunks and restarts change nothing, replicates differ', () => {
    const draw = (batchSize: number, seeds: readonly number[], first: number, steps: number) => {
      const out = new Int32Array(steps * seeds.length * batchSize * 3);
      augmentationInput({ crop: 1, flip: true }, layout(batchSize, seeds), image).fill(out, first, steps);
      return out;
    };
    const whole = draw(12, [7], 0, 2);
    expect(draw(4, [7], 0, 6)).toEqual(whole);
    expect(draw(4, [7], 3, 2)).toEqual(whole.subarray(36, 60));
    expect(draw(12, [8], 0, 2)).not.toEqual(whole);
    expect(Math.max(...whole)).toBe(2);
    expect(Math.min(...whole)).toBe(0);
  });

  it('is refused where there are no images, or none as large', () => {
    expect(() => augmentationInput({ flip: true }, layout(1, [0]), null)).toThrow(
      /^workload\.augmentation: needs images/,
    );
    expect(() => augmentationInput({ crop: 3 }, layout(1, [0]), image)).toThrow(
      'workload.augmentation.crop: must be below the side of the images, 3 × 4 pixels (got 3)',
    );
  });
});

describeWithEngine('dropout', () => {
  it('drops what the hash says, the same for all cells of a replicate, and keeps the mean', () => {
    const { tf } = engine();
    const [groups, perGroup, features, examples, each, rate] = [2, 3, 50, 4, 10, 0.3];
    const words = new Int32Array(groups * examples);
    dropoutInput(layout(examples, [1, 2])).fill(words, 9, 1);
    const shape = [groups * perGroup, features, examples * each];
    const masks = tf.tidy(() => {
      const drop = dropWith(tf, rate, tf.tensor(words, [groups, examples], 'int32'));
      return [drop(tf.ones(shape)), drop(tf.ones(shape))].map((t) => t.dataSync<'float32'>().slice());
    });
    masks.forEach((mask, layer) => {
      let i = 0;
      for (let cell = 0; cell < groups * perGroup; cell++)
        for (let f = 0; f < features; f++)
          for (let e = 0; e < examples; e++)
            for (let p = 0; p < each; p++) {
              const place = layer * features * each + f * each + p;
              const key = words[Math.floor(cell / perGroup) * examples + e];
              const kept = hash(Math.imul(place, 0x9e3779b9) + key) >= Math.round(rate * 2 ** 32) - 2 ** 31;
              expect(mask[i++]).toBeCloseTo(kept ? 1 / (1 - rate) : 0, 6);
            }
    });
    const mean = (m: Float32Array) => m.reduce((sum, x) => sum + x, 0) / m.length;
    // 2 × 2000 different places of a layer: five standard deviations of their mean.
    for (const mask of masks)
      expect(Math.abs(mean(mask) - 1)).toBeLessThan(5 * Math.sqrt(rate / (1 - rate) / 4000));
    expect(masks[0]).not.toEqual(masks[1]);
  });

  it('has the gradient of what it computes', () => {
    const { tf } = engine();
    const words = tf.tensor(Int32Array.of(5, -9), [1, 2], 'int32');
    const x = tf.randomNormal([2, 3, 2], 0, 1, 'float32', 4);
    const direction = tf.randomNormal([2, 3, 2], 0, 1, 'float32', 5);
    const f = (at: Tensor) => tf.sum(tf.square(dropWith(tf, 0.5, words)(tf.tanh(at))));
    const [slope] = tf.tidy(() => [tf.sum(tf.mul(tf.grad(f)(x), direction)).dataSync()[0]]);
    const step = 1e-2;
    const ahead = tf.tidy(() => f(tf.add(x, tf.mul(direction, step))).dataSync<'float32'>()[0]);
    const behind = tf.tidy(() => f(tf.sub(x, tf.mul(direction, step))).dataSync<'float32'>()[0]);
    expect((ahead - behind) / (2 * step)).toBeCloseTo(slope, 2);
    expect(Math.abs(slope)).toBeGreaterThan(0.01);
    tf.dispose([words, x, direction]);
  });
});

const STEPS = 6;
const base = {
  batchSize: 6,
  learningRates: [0.001, 0.01],
  seeds: [0, 5],
  evaluationExamples: 20,
  streams: 'common',
} as const;
const text = { source: 'markov', vocabulary: 8, tokens: 2000, sharpness: 2, seed: 0 } as const;
const gpt = { layers: 1, width: 8, heads: 2, context: 8, tied: true, data: text } as const;
const workloads: Record<string, StackConfiguration['workload']> = {
  'mlp, all of them': {
    kind: 'mlp',
    hidden: [8, 8],
    activation: 'relu',
    dropout: 0.25,
    augmentation: { crop: 2, flip: true },
    subset: 20,
    data,
  },
  'cnn, all of them': {
    kind: 'cnn',
    channels: [4],
    poolAfter: [1],
    pooling: 'max',
    dense: 8,
    kernel: 3,
    dropout: 0.25,
    augmentation: { crop: 1 },
    data,
  },
  gpt: { kind: 'gpt', ...gpt, dropout: 0.1, subset: 12 },
  moe: { kind: 'moe', ...gpt, experts: 4, active: 2, shared: 1, hidden: 8, balance: 0.01, dropout: 0.1 },
};

describeWithEngine('a stack with augmentation and dropout', () => {
  for (const [name, workload] of Object.entries(workloads))
    it(`trains compiled as eagerly, in chunks as at once: ${name}`, async () => {
      const { tf } = engine();
      const configuration = { ...base, workload, optimizer: optimizers.adam };
      const train = async (make: typeof compiledBackend, chunks: readonly number[], changes = {}) => {
        const stack = buildStack(tf, { ...configuration, ...changes });
        return { ...(await trained(stack, STEPS, chunks, make)), stack };
      };
      // Compiling takes seconds: what a network shares with another is compiled once.
      const other = ['cnn, all of them', 'moe'].includes(name) ? eagerBackend : compiledBackend;
      const compiled = await train(other, [4, 2]);
      const eager = await train(eagerBackend, [STEPS]);
      expect(relativeDifference(compiled.losses, eager.losses)).toBeLessThanOrEqual(1e-4);
      for (const [metric, values] of compiled.evaluation.entries())
        expect(relativeDifference(values, eager.evaluation[metric])).toBeLessThanOrEqual(0.06);
      // Alone, a learning rate drops and augments as beside another.
      const alone = await train(eagerBackend, [STEPS], { learningRates: [0.01] });
      alone.stack.program.state.forEach((_, t) =>
        expect(relativeDifference(ofCell(alone.state[t], 2, 0), ofCell(eager.state[t], 4, 1))).toBeLessThan(
          1e-4,
        ),
      );
      // Without them it is another run, which starts from the same weights and is evaluated alike.
      const { dropout: _, augmentation: __, ...plain } = workload as Record<string, unknown>;
      const without = buildStack(tf, { ...configuration, workload: plain as typeof workload });
      expect(without.initialState()).toEqual(eager.stack.initialState());
      const evaluate = async (stack: typeof without) => {
        const session = await eagerBackend(tf).open(stack.program, stack.cellLearningRates, 1);
        session.setState(eager.state);
        const values = session.evaluate();
        session.dispose();
        return values;
      };
      expect(await evaluate(without)).toEqual(eager.evaluation);
      const session = await eagerBackend(tf).open(without.program, without.cellLearningRates, 1);
      session.setState(without.initialState());
      const first = session.train({ steps: 1, perStep: without.inputs(0, 1) });
      session.dispose();
      expect(relativeDifference(first, eager.losses.subarray(0, 4))).toBeGreaterThan(1e-4);
    });

  it('in micro-batches drops and crops what the whole minibatch would', async () => {
    const { tf } = engine();
    const train = async (microBatch?: number) => {
      const workload = workloads['mlp, all of them'];
      const stack = buildStack(tf, { ...base, workload, optimizer: optimizers.sgd, microBatch });
      const session = await eagerBackend(tf).open(stack.program, stack.cellLearningRates, STEPS);
      session.setState(stack.initialState());
      session.train({ steps: STEPS, perStep: stack.inputs(0, STEPS) });
      const state = session.getState();
      session.dispose();
      return state;
    };
    const whole = await train();
    const parts = await train(2);
    whole.forEach((values, t) => expect(relativeDifference(parts[t], values)).toBeLessThan(1e-5));
  });
});
