/** What all classifiers of images share: minibatches by index, softmax cross-entropy, evaluation in tiles. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Augmentation } from '#shared/experiment/specification.ts';
import type { ClassificationData } from '../data/classification.ts';
import { imageShape } from '../data/classification.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { augmentationInput, augmented } from './augmentation.ts';
import { exampleInput, TILE_BYTES } from './batches.ts';
import type { Parameter } from './initialization.ts';
import { initialValues } from './initialization.ts';
import { softmaxCrossEntropy } from './layers/cross-entropy.ts';
import type { Drop } from './layers/dropout.ts';
import { dropoutInput, dropWith, keepAll } from './layers/dropout.ts';
import { gatherImages, residentImages } from './packed-images.ts';
import type { StackLayout, Workload } from './workload.ts';

/** A network from images to logits, for a whole stack. */
export interface Network {
  readonly parameters: readonly Parameter[];
  /** Statistics that training gathers and no optimizer touches (batch normalization). */
  readonly buffers: readonly Parameter[];
  /** Numbers of the largest activation of one example in one cell. */
  readonly widest: number;
  /**
   * images: [groups, examples, features], shared by the cells of a group. `training` tells whether batch statistics
   * are used and gathered; the new buffers are returned then. `drop` is dropout where there is any. Logits: [cells, classes,
   * examples].
   */
  logits(
    tf: TensorFlow,
    state: { readonly parameters: readonly Tensor[]; readonly buffers: readonly Tensor[] },
    images: Tensor,
    training: boolean,
    drop: Drop,
  ): { logits: Tensor; buffers: readonly Tensor[] };
}

/** What is done to the examples and activations of training, and to no other. */
export interface ClassifierTraining {
  readonly augmentation?: Augmentation | undefined;
  /** Examples of an epoch. */
  readonly subset?: number | undefined;
  /** Share of the activations. */
  readonly dropout?: number | undefined;
}

export function classifier(
  network: Network,
  data: ClassificationData,
  layout: StackLayout,
  { augmentation, subset, dropout }: ClassifierTraining = {},
): Workload {
  const { groups, cellsPerGroup, batchSize } = layout;
  const cells = groups * cellsPerGroup;
  const tiles = tileEvaluation(data, cells * network.widest * 4);

  return {
    parameters: network.parameters,
    buffers: network.buffers,
    initial: (parameter) => initialValues(network.parameters[parameter], layout),
    initialBuffer: (buffer) => initialValues(network.buffers[buffer], layout),
    resident: [
      residentImages(data.trainingImages, data.trainingExamples, data.features),
      { name: 'labels', shape: [data.trainingExamples], dtype: 'int32', values: data.trainingLabels },
    ],
    batchInputs: [
      exampleInput(layout, data.trainingExamples, subset),
      ...(augmentation === undefined ? [] : [augmentationInput(augmentation, layout, data.image)]),
      ...(dropout === undefined ? [] : [dropoutInput(layout)]),
    ],
    lossAndGradients(tf, parameters, [images, labels], inputs, buffers) {
      const flat = tf.reshape(inputs[0], [-1]).as1D();
      const shape = [groups, batchSize, data.features];
      const asTheyAre = tf.reshape(gatherImages(tf, images, flat, data.features), shape);
      const batch =
        augmentation === undefined
          ? asTheyAre
          : augmented(tf, augmentation, imageShape(data), asTheyAre, inputs[1]);
      const classes = tf.oneHot(tf.gather(labels, flat).toInt(), data.classes);
      const targets = tf.transpose(tf.reshape(classes, [groups, batchSize, data.classes]), [0, 2, 1]);
      let loss: Tensor | undefined;
      let gathered: readonly Tensor[] = [];
      const gradients = tf.grads((...inside: Tensor[]) => {
        const drop = dropout === undefined ? keepAll : dropWith(tf, dropout, inputs[inputs.length - 1]);
        const result = network.logits(tf, { parameters: inside, buffers }, batch, true, drop);
        gathered = result.buffers.map((buffer) => tf.keep(buffer));
        loss = tf.keep(softmaxCrossEntropy(tf, result.logits, tf.cast(targets, 'float32')));
        return tf.sum(loss);
      })([...parameters]);
      return { loss: loss!, gradients, buffers: gathered };
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
    evaluate(tf, parameters, [images, targets], buffers) {
      const shared = tf.reshape(images, [1, tiles.size, data.features]);
      const { logits } = network.logits(tf, { parameters, buffers }, shared, false, keepAll);
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
