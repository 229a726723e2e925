/** Labelled examples split into a training part and a held-out evaluation part, both on the host. */
import { createHash } from 'node:crypto';
import { stream } from '#shared/random/index.ts';

/** Features of an example that is an image are ordered [channels, height, width]. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface ClassificationData {
  readonly features: number;
  /** Null where examples are not images. */
  readonly image: ImageShape | null;
  readonly classes: number;
  readonly trainingExamples: number;
  /** [trainingExamples, features]. */
  readonly trainingImages: Float32Array;
  readonly trainingLabels: Int32Array;
  readonly evaluationExamples: number;
  /** [evaluationExamples, features]. */
  readonly evaluationImages: Float32Array;
  readonly evaluationLabels: Int32Array;
  /** SHA-256 over all of the above: the identity of what a cell was trained on. */
  readonly checksum: string;
}

export interface LabelledExamples {
  readonly features: number;
  readonly image: ImageShape | null;
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** A data set cannot serve the experiment; the message names the file or field. */
export class DataError extends Error {
  override readonly name = 'DataError';
}

export function classificationData(
  training: LabelledExamples,
  evaluation: LabelledExamples,
  classes: number,
): ClassificationData {
  const hash = createHash('sha256');
  for (const part of [training, evaluation])
    for (const array of [part.images, part.labels])
      hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return {
    features: training.features,
    image: training.image,
    classes,
    trainingExamples: training.labels.length,
    trainingImages: training.images,
    trainingLabels: training.labels,
    evaluationExamples: evaluation.labels.length,
    evaluationImages: evaluation.images,
    evaluationLabels: evaluation.labels,
    checksum: hash.digest('hex'),
  };
}

/**
 * Holds out `evaluationExamples` examples after a fixed shuffle (files are often sorted by class), the same for every
 * seed and experiment.
 */
export function holdOut(
  examples: LabelledExamples,
  evaluationExamples: number,
): { training: LabelledExamples; evaluation: LabelledExamples } {
  const total = examples.labels.length;
  if (evaluationExamples >= total)
    throw new DataError(
      `evaluation.examples: ${evaluationExamples} examples cannot be held out of ${total}; at least one must be left for training`,
    );
  const order = stream('holdout', 0).permutation(0, total);
  const cut = total - evaluationExamples;
  return {
    training: select(examples, order.subarray(0, cut)),
    evaluation: select(examples, order.subarray(cut)),
  };
}

function select(examples: LabelledExamples, indices: Uint32Array): LabelledExamples {
  const { features, image } = examples;
  const images = new Float32Array(indices.length * features);
  const labels = new Int32Array(indices.length);
  indices.forEach((from, to) => {
    images.set(examples.images.subarray(from * features, (from + 1) * features), to * features);
    labels[to] = examples.labels[from];
  });
  return { features, image, images, labels };
}

/** Throws a DataError where the examples are not images. */
export function imageShape({ image }: { readonly image: ImageShape | null }): ImageShape {
  if (image === null)
    throw new DataError(
      'workload.data: this workload needs images, but the examples are plain rows of features',
    );
  return image;
}
