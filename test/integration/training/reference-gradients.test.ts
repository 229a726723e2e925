/** Losses and gradients equal those of PyTorch in double precision (test/support/reference/gradients.py writes them). */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { elements } from '#main/training/engine/program.ts';
import { optimizerFor } from '#main/training/optimizers/optimizer.ts';
import { assembleStack } from '#main/training/stack-program.ts';
import { classifier, type Network } from '#main/training/workloads/classifier.ts';
import { cnn } from '#main/training/workloads/cnn.ts';
import { languageModel, type LanguageNetwork } from '#main/training/workloads/language-model.ts';
import { resnet18 } from '#main/training/workloads/resnet.ts';
import { gpt, moe } from '#main/training/workloads/transformer.ts';
import type { StackLayout, Workload } from '#main/training/workloads/workload.ts';
import { describeWithEngine, engine, ofCell, optimizers, relativeDifference } from '../../support/engine.ts';
import { numbers } from '../../support/numbers.ts';

interface Reference {
  readonly loss: number;
  readonly gradients: Readonly<
    Record<
      string,
      {
        readonly shape: readonly number[];
        readonly norm: number;
        readonly stride: number;
        readonly values: readonly number[];
      }
    >
  >;
}
const references = JSON.parse(
  readFileSync(new URL('../../support/reference/gradients.json', import.meta.url), 'utf8'),
) as Readonly<Record<'cnn' | 'resnet18' | 'gpt' | 'moe', Reference>>;

function layoutOf(batchSize: number): StackLayout {
  return { batchSize, groups: 1, cellsPerGroup: 2, initialisationSeeds: [0, 0], dataSeeds: [0] };
}

function images(
  make: (data: { image: { channels: number; height: number; width: number }; classes: number }) => Network,
  examples: number,
  channels: number,
  side: number,
  classes: number,
): Workload {
  const image = { channels, height: side, width: side };
  const features = channels * side * side;
  const values = numbers(examples * features, 1000, 1);
  const labels = Int32Array.from({ length: examples }, (_, i) => i % classes);
  const data = {
    features,
    image,
    classes,
    trainingExamples: examples,
    trainingImages: values,
    trainingLabels: labels,
    evaluationExamples: examples,
    evaluationImages: values,
    evaluationLabels: labels,
    checksum: '',
  };
  return classifier(make({ image, classes }), data, layoutOf(examples));
}

const SEQUENCES = 3;
const CONTEXT = 6;
const VOCABULARY = 11;
function text(network: LanguageNetwork): Workload {
  const windows = Int32Array.from(
    { length: SEQUENCES * (CONTEXT + 1) },
    (_, i) => (i * i + 3 * i) % VOCABULARY,
  );
  const data = {
    vocabulary: VOCABULARY,
    context: CONTEXT,
    training: windows,
    trainingSequences: SEQUENCES,
    evaluation: windows,
    evaluationSequences: SEQUENCES,
    checksum: '',
  };
  return languageModel(network, data, layoutOf(SEQUENCES));
}

const size = { layers: 2, width: 8, heads: 2, context: CONTEXT };
const workloads: Record<keyof typeof references, () => Workload> = {
  cnn: () =>
    images(
      (data) => cnn({ channels: [3, 4, 5], poolAfter: [2, 3], pooling: 'max', dense: 6, kernel: 3 }, data),
      3,
      2,
      8,
      4,
    ),
  resnet18: () => images((data) => resnet18({ width: 2 }, data), 4, 3, 12, 3),
  gpt: () => text(gpt({ ...size, tied: true }, VOCABULARY)),
  moe: () =>
    text(
      moe(
        { ...size, tied: false },
        { experts: 4, active: 2, shared: 1, hidden: 3, balance: 0.1 },
        VOCABULARY,
      ),
    ),
};

describeWithEngine('gradients equal those of PyTorch', () => {
  for (const [name, make] of Object.entries(workloads))
    for (const backend of [eagerBackend, compiledBackend])
      it(`${name}, ${backend === eagerBackend ? 'eager' : 'compiled'}`, async () => {
        const { tf } = engine();
        const reference = references[name as keyof typeof references];
        const workload = make();
        const layout = layoutOf(workload.batchInputs[0].shape[1]);
        // The trace of the first step is the gradient; a learning rate of 0 leaves the parameters alone.
        const stack = assembleStack(tf, workload, optimizerFor(optimizers.momentum), layout);
        const session = await backend(tf).open(stack.program, Float32Array.of(0, 0.1), 1);
        const state = stack.initialState();
        expect(workload.parameters.map((p) => p.name)).toEqual(Object.keys(reference.gradients));
        workload.parameters.forEach((parameter, i) => {
          expect(parameter.shape).toEqual(reference.gradients[parameter.name].shape);
          const values = numbers(elements(parameter.shape), i + 1, 0.5);
          if (parameter.name.endsWith('.scale')) values.forEach((value, j) => (values[j] = value + 1));
          for (const cell of [0, 1]) ofCell(state[i], 2, cell).set(values);
        });
        session.setState(state);
        const [loss] = session.train({ steps: 1, perStep: stack.inputs(0, 1) });
        const after = session.getState();
        session.dispose();
        expect(Math.abs(loss - reference.loss) / reference.loss).toBeLessThanOrEqual(1e-6);
        const count = workload.parameters.length;
        let [difference, total] = [0, 0];
        workload.parameters.forEach((parameter, i) => {
          const { norm, stride, values } = reference.gradients[parameter.name];
          const ours = ofCell(after[count + i], 2, 0);
          const length = Math.sqrt(ours.reduce((sum, x) => sum + x * x, 0));
          total += norm ** 2;
          difference += (length - norm) ** 2;
          const sampled = ours.filter((_, j) => j % stride === 0);
          expect(relativeDifference(sampled, values), parameter.name).toBeLessThanOrEqual(1e-5);
        });
        expect(Math.sqrt(difference / total)).toBeLessThanOrEqual(1e-5);
      });
});
