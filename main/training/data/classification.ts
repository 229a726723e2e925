/** Labelled examples split into a training part and a held-out evaluation part, both on the host. */
import { createHash } from 'node:crypto';
import { stream } from '#shared/random/index.ts';

/** Features of an example that is an image are ordered [channels, height, width]. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Images stay the bytes that they were, where those are many. */
export type Pixels = Float32Array | Uint8Array;

export interface ClassificationData {
  readonly features: number;
  /** Null where examples are not images. */
  readonly image: ImageShape | null;
  readonly classes: number;
  readonly trainingExamples: number;
  /** [trainingExamples, features]; bytes stand for value/255. */
  readonly trainingImages: Pixels;
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
  readonly images: Pixels;
  readonly labels: Int32Array;
}

/** A data set cannot serve the experiment; the message names the file or field. */
export class DataError extends Error {
  override readonly name = 'DataError';
}

/** One call takes less than 2 GiB. */
const HASHED_AT_ONCE = 1 << 30;

export function classificationData(
  training: LabelledExamples,
  evaluation: LabelledExamples,
  classes: number,
): ClassificationData {
  const hash = createHash('sha256');
  for (const part of [training, evaluation])
    for (const array of [part.images, part.labels]) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let at = 0; at < bytes.length; at += HASHED_AT_ONCE)
        hash.update(bytes.subarray(at, at + HASHED_AT_ONCE));
    }
  return {
    features: training.features,
    image: training.image,
    classes,
    trainingExamples: training.labels.length,
    trainingImages: training.images,
    trainingLabels: training.labels,
    evaluationExamples: evaluation.labels.length,
    evaluationImages: asNumbers(evaluation.images),
    evaluationLabels: evaluation.labels,
    checksum: hash.digest('hex'),
  };
}

function asNumbers(pixels: Pixels): Float32Array {
  return pixels instanceof Uint8Array ? Float32Array.from(pixels, (byte) => byte / 255) : pixels;
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
    training: inOrder(examples, order.subarray(0, cut)),
    evaluation: inOrder(examples, order.subarray(cut)),
  };
}

/** The examples of these numbers, in this order. */
export function inOrder(examples: LabelledExamples, indices: Uint32Array): LabelledExamples {
  const { features, image } = examples;
  const length = indices.length * features;
  const images = examples.images instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
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
