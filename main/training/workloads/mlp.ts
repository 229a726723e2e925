/** Multi-layer perceptron with softmax cross-entropy, any depth; hidden: [] is softmax regression. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { ExampleOrder } from '#shared/random/index.ts';
import { stream } from '#shared/random/index.ts';
import type { ClassificationData } from '../data/classification.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { relu, softmaxCrossEntropy } from './layers.ts';
import type { StackLayout, Workload } from './workload.ts';

/** Activations of an evaluation tile stay below this size, so that a large stack does not need gigabytes. */
const TILE_BYTES = 48 * 1024 * 1024;

export interface MlpOptions {
  readonly hidden: readonly number[];
  readonly activation: 'relu' | 'tanh';
}

export function mlp(options: MlpOptions, data: ClassificationData, layout: StackLayout): Workload {
  const { groups, cellsPerGroup, batchSize } = layout;
  const cells = groups * cellsPerGroup;
  const widths = [data.features, ...options.hidden, data.classes];
  const layers = widths.length - 1;
  const parameters = Array.from({ length: layers }, (_, l) => [
    { name: `weights${l + 1}`, shape: [widths[l + 1], widths[l]] },
    { name: `bias${l + 1}`, shape: [widths[l + 1], 1] },
  ]).flat();
  const activate = (tf: TensorFlow, x: Tensor) => (options.activation === 'relu' ? relu(tf, x) : tf.tanh(x));

  /** Logits [cells, classes, examples]. `first` computes the first product, whose left side depends on the layout. */
  const forward = (tf: TensorFlow, p: readonly Tensor[], first: (weights: Tensor) => Tensor): Tensor => {
    let x = tf.add(first(p[0]), p[1]);
    for (let l = 1; l < layers; l++) {
      x = tf.add(tf.matMul(p[2 * l], activate(tf, x)), p[2 * l + 1]);
    }
    return x;
  };
  const orders = layout.dataSeeds.map((seed) => new ExampleOrder(seed, data.trainingExamples));
  const tiles = tileEvaluation(data, cells * Math.max(...widths.slice(1)) * 4);

  return {
    parameters,
    initial(parameter) {
      const { name, shape } = parameters[parameter];
      const size = shape[0] * shape[1];
      const out = new Float32Array(cells * size);
      if (name.startsWith('bias')) return out;
      // He initialisation for relu (arXiv 1502.01852), Glorot-like 1/fan-in for tanh.
      const deviation = Math.sqrt((options.activation === 'relu' ? 2 : 1) / shape[1]);
      const made = new Map<number, Float32Array>();
      layout.initialisationSeeds.forEach((seed, cell) => {
        let values = made.get(seed);
        if (values === undefined) {
          values = new Float32Array(size);
          stream(`initialisation/${name}`, seed).fillNormal(values, 0);
          for (let i = 0; i < size; i++) values[i] *= deviation;
          made.set(seed, values);
        }
        out.set(values, cell * size);
      });
      return out;
    },
    resident: [
      {
        name: 'images',
        shape: [data.trainingExamples, data.features],
        dtype: 'float32',
        values: data.trainingImages,
      },
      { name: 'labels', shape: [data.trainingExamples], dtype: 'int32', values: data.trainingLabels },
    ],
    batchInputs: [
      {
        name: 'examples',
        shape: [groups, batchSize],
        dtype: 'int32',
        fill(out, firstStep, steps) {
          for (let s = 0; s < steps; s++)
            orders.forEach((order, g) =>
              order.fill(
                out as Int32Array,
                (s * groups + g) * batchSize,
                (firstStep + s) * batchSize,
                batchSize,
              ),
            );
        },
      },
    ],
    lossAndGradients(tf, p, [images, labels], [examples]) {
      const x = tf.gather(images, tf.reshape(examples, [-1]).as1D());
      const grouped = tf.reshape(x, [groups, batchSize, data.features]);
      const targets = tf.transpose(
        tf.reshape(tf.oneHot(tf.gather(labels, tf.reshape(examples, [-1]).as1D()).toInt(), data.classes), [
          groups,
          batchSize,
          data.classes,
        ]),
        [0, 2, 1],
      );
      let loss: Tensor | undefined;
      const gradients = tf.grads((...parametersInside: Tensor[]) => {
        const logits = forward(tf, parametersInside, (weights) =>
          tf.reshape(
            tf.matMul(
              tf.reshape(weights, [groups, cellsPerGroup * widths[1], data.features]),
              grouped,
              false,
              true,
            ),
            [cells, widths[1], batchSize],
          ),
        );
        loss = tf.keep(softmaxCrossEntropy(tf, logits, tf.cast(targets, 'float32')));
        return tf.sum(loss);
      })([...p]);
      return { loss: loss!, gradients };
    },
    evaluationTiles: tiles.count,
    evaluationData: [
      {
        name: 'images',
        shape: [tiles.count, tiles.size, data.features],
        dtype: 'float32',
        values: tiles.images,
      },
      {
        name: 'targets',
        shape: [tiles.count, data.classes, tiles.size],
        dtype: 'float32',
        values: tiles.targets,
      },
    ],
    evaluationMetrics: ['evaluationLoss', 'evaluationAccuracy'],
    evaluate(tf, p, [images, targets]) {
      const logits = forward(tf, p, (weights) =>
        tf.reshape(tf.matMul(tf.reshape(weights, [cells * widths[1], data.features]), images, false, true), [
          cells,
          widths[1],
          tiles.size,
        ]),
      );
      // Padding of the last tile has an all-zero target: its weight is 0.
      const weight = tf.sum(targets, 0, true);
      const best = tf.max(logits, 1, true);
      const shifted = tf.sub(logits, best);
      const picked = tf.sum(tf.mul(shifted, targets), 1, true);
      const losses = tf.mul(tf.sub(tf.log(tf.sum(tf.exp(shifted), 1, true)), picked), weight);
      // Right when the true class has the highest logit; a NaN is never right.
      const right = tf.mul(tf.cast(tf.greaterEqual(picked, 0), 'float32'), weight);
      const mean = (t: Tensor) => tf.div(tf.sum(t, [1, 2]), data.evaluationExamples);
      return [mean(losses), mean(right)];
    },
  };
}

function tileEvaluation(data: ClassificationData, bytesPerExample: number) {
  const limit = Math.max(1, Math.floor(TILE_BYTES / bytesPerExample));
  const count = Math.ceil(data.evaluationExamples / limit);
  const size = Math.ceil(data.evaluationExamples / count);
  const images = new Float32Array(count * size * data.features);
  images.set(data.evaluationImages);
  const targets = new Float32Array(count * data.classes * size);
  data.evaluationLabels.forEach((label, i) => {
    targets[(Math.floor(i / size) * data.classes + label) * size + (i % size)] = 1;
  });
  return { count, size, images, targets };
}
