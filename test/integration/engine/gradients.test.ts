import { afterAll, expect, it } from 'vitest';
import { buildStack } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { describeWithEngine, engine, ofCell, relativeDifference } from '../../support/engine.ts';
import { writeSmallImages } from '../../support/idx.ts';

const files = writeSmallImages(120, 4, 3);
afterAll(() => files.remove());
const BATCH = 5;
const CLASSES = 3;

interface Example {
  readonly image: ArrayLike<number>;
  readonly label: number;
}

/** Mean softmax cross-entropy of a perceptron in double precision; parameters are W1, b1, W2, b2, …, W row-major. */
function referenceLoss(
  parameters: readonly Float64Array[],
  examples: readonly Example[],
  activation: 'relu' | 'tanh',
): number {
  const activate = activation === 'relu' ? (x: number) => Math.max(0, x) : Math.tanh;
  const losses = examples.map(({ image, label }) => {
    let x = Array.from(image);
    for (let l = 0; l < parameters.length; l += 2) {
      const [weights, bias] = [parameters[l], parameters[l + 1]];
      const input = l === 0 ? x : x.map(activate);
      x = Array.from(bias, (b, o) =>
        input.reduce((sum, value, i) => sum + weights[o * input.length + i] * value, b),
      );
    }
    const most = Math.max(...x);
    return Math.log(x.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) + most - x[label];
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

describeWithEngine('gradients of the perceptron equal finite differences in double precision', () => {
  for (const hidden of [[], [5], [6, 4]])
    for (const activation of hidden.length === 0 ? (['relu'] as const) : (['relu', 'tanh'] as const))
      for (const backend of [eagerBackend, compiledBackend])
        it(`hidden [${hidden.join(', ')}], ${activation}, ${backend === eagerBackend ? 'eager' : 'compiled'}`, async () => {
          const { tf } = engine();
          const stack = buildStack(tf, {
            workload: {
              kind: 'mlp',
              hidden,
              activation,
              data: { source: 'idx', images: files.images, labels: files.labels },
            },
            // The trace of the first step is the gradient; a learning rate of 0 leaves the parameters alone.
            optimizer: { kind: 'momentum', momentum: 0.9 },
            batchSize: BATCH,
            learningRates: [0, 0.1],
            seeds: [0, 3],
            evaluationExamples: 20,
            streams: 'common',
          });
          const { program } = stack;
          const session = await backend(tf).open(program, stack.cellLearningRates, 1);
          const initial = stack.initialState();
          session.setState(initial);
          const inputs = stack.inputs(0, 1);
          const losses = session.train({ steps: 1, perStep: inputs });
          const state = session.getState();
          session.dispose();

          const [images, labels] = program.resident;
          const features = images.shape[1];
          const layers = 2 * (hidden.length + 1);
          for (const cell of [0, 2]) {
            const group = cell / 2;
            const examples = Array.from(inputs[0].slice(group * BATCH, (group + 1) * BATCH), (e) => ({
              image: images.values.slice(e * features, (e + 1) * features),
              label: labels.values[e],
            }));
            expect(new Set(examples.map((e) => e.label)).size).toBeGreaterThan(1);
            expect(Math.max(...examples.map((e) => e.label))).toBeLessThan(CLASSES);
            const parameters = initial
              .slice(0, layers)
              .map((values) => Float64Array.from(ofCell(values, program.cells, cell)));
            const loss = referenceLoss(parameters, examples, activation);
            expect(Math.abs(losses[cell] - loss) / loss).toBeLessThanOrEqual(1e-6);
            parameters.forEach((values, p) => {
              const h = 1e-5;
              const numeric = values.map((value, i) => {
                values[i] = value + h;
                const above = referenceLoss(parameters, examples, activation);
                values[i] = value - h;
                const below = referenceLoss(parameters, examples, activation);
                values[i] = value;
                return (above - below) / (2 * h);
              });
              expect(Math.max(...numeric.map(Math.abs))).toBeGreaterThan(1e-3);
              const ours = ofCell(state[layers + p], program.cells, cell);
              expect(relativeDifference(ours, numeric), program.state[p].name).toBeLessThanOrEqual(1e-5);
              expect([...ofCell(state[p], program.cells, cell)]).toEqual([
                ...ofCell(initial[p], program.cells, cell),
              ]);
            });
          }
        });
});
