/** From a data specification to examples. */
import type { DataSpecification } from '#shared/experiment/specification.ts';
import type { ClassificationData } from './classification.ts';
import { classificationData, DataError, holdOut } from './classification.ts';
import { DIGIT_CLASSES, readDigits } from './digits.ts';
import { readIdxExamples } from './idx.ts';

let lastLoaded: { readonly key: string; readonly data: ClassificationData } | null = null;

/** The most recent data set is kept, since a process that measures several stacks reads the same one each time. */
export function loadClassification(data: DataSpecification, evaluationExamples: number): ClassificationData {
  const key = JSON.stringify([data, evaluationExamples]);
  if (lastLoaded?.key !== key) lastLoaded = { key, data: read(data, evaluationExamples) };
  return lastLoaded.data;
}

function read(data: DataSpecification, evaluationExamples: number): ClassificationData {
  switch (data.source) {
    case 'digits': {
      const { training, evaluation } = holdOut(readDigits(), evaluationExamples);
      return classificationData(training, evaluation, DIGIT_CLASSES);
    }
    case 'idx': {
      const all = readIdxExamples(data.images, data.labels);
      if (data.evaluationImages === undefined || data.evaluationLabels === undefined) {
        const { training, evaluation } = holdOut(all, evaluationExamples);
        return classificationData(training, evaluation, classesOf(all.labels));
      }
      const heldOut = readIdxExamples(data.evaluationImages, data.evaluationLabels);
      if (heldOut.features !== all.features)
        throw new DataError(
          `${data.evaluationImages}: images have ${heldOut.features} pixels, those of ${data.images} have ${all.features}`,
        );
      if (heldOut.labels.length < evaluationExamples)
        throw new DataError(
          `evaluation.examples: ${evaluationExamples} asked for, ${data.evaluationImages} has ${heldOut.labels.length}`,
        );
      const evaluation = {
        features: heldOut.features,
        image: heldOut.image,
        images: heldOut.images.slice(0, evaluationExamples * heldOut.features),
        labels: heldOut.labels.slice(0, evaluationExamples),
      };
      return classificationData(
        all,
        evaluation,
        Math.max(classesOf(all.labels), classesOf(evaluation.labels)),
      );
    }
  }
}

function classesOf(labels: Int32Array): number {
  return labels.reduce((most, label) => Math.max(most, label), 0) + 1;
}
