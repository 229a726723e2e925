/** From a data specification to examples. */
import { stream } from '#shared/random/index.ts';
import type { DataSpecification } from '#shared/experiment/specification.ts';
import type { ClassificationData, LabelledExamples } from './classification.ts';
import { classificationData, DataError, holdOut, inOrder } from './classification.ts';
import { readCsvExamples } from './csv.ts';
import { DIGIT_CLASSES, readDigits } from './digits.ts';
import { readIdxExamples } from './idx.ts';
import { readImages } from './images/read.ts';
import { readNumpyExamples } from './numpy.ts';
import { spirals, teacher } from './procedural.ts';
import { readImageSet } from './sets/read.ts';

let lastLoaded: { readonly key: string; readonly data: ClassificationData } | null = null;

/** The most recent data set is kept, since a process that measures several stacks reads the same one each time. */
export function loadClassification(data: DataSpecification, evaluationExamples: number): ClassificationData {
  const key = JSON.stringify([data, evaluationExamples]);
  if (lastLoaded?.key !== key) lastLoaded = { key, data: read(data, evaluationExamples) };
  return lastLoaded.data;
}

function read(data: DataSpecification, evaluationExamples: number): ClassificationData {
  switch (data.source) {
    case 'digits':
      return withoutOwnEvaluation(readDigits(), evaluationExamples, DIGIT_CLASSES);
    case 'spirals':
      return withoutOwnEvaluation(
        spirals(data.arms, data.examples, data.noise, data.seed),
        evaluationExamples,
        data.arms,
      );
    case 'teacher':
      return withoutOwnEvaluation(teacher(data), evaluationExamples, data.classes);
    case 'csv': {
      const all = readCsvExamples(data.file, data.label);
      if (data.evaluationFile === undefined) return withoutOwnEvaluation(all, evaluationExamples);
      const heldOut = readCsvExamples(data.evaluationFile, data.label);
      return withOwnEvaluation(all, heldOut, evaluationExamples, {
        training: data.file,
        evaluation: data.evaluationFile,
      });
    }
    case 'set': {
      const { training, evaluation } = readImageSet(data.name);
      return withOwnEvaluation(training, evaluation, evaluationExamples, {
        training: data.name,
        evaluation: data.name,
      });
    }
    case 'folder': {
      const { training, evaluation } = readImages({ ...data, root: data.folder });
      if (evaluation === null) return withoutOwnEvaluation(training, evaluationExamples);
      return withOwnEvaluation(training, spread(evaluation), evaluationExamples, {
        training: data.folder,
        evaluation: data.folder,
      });
    }
    case 'idx':
    case 'numpy': {
      const readBoth = data.source === 'idx' ? readIdxExamples : readNumpyExamples;
      const all = readBoth(data.images, data.labels);
      if (data.evaluationImages === undefined || data.evaluationLabels === undefined)
        return withoutOwnEvaluation(all, evaluationExamples);
      const heldOut = readBoth(data.evaluationImages, data.evaluationLabels);
      return withOwnEvaluation(all, heldOut, evaluationExamples, {
        training: data.images,
        evaluation: data.evaluationImages,
      });
    }
  }
}

function withoutOwnEvaluation(
  all: LabelledExamples,
  evaluationExamples: number,
  classes: number = classesOf(all.labels),
): ClassificationData {
  const { training, evaluation } = holdOut(all, evaluationExamples);
  return classificationData(training, evaluation, classes);
}

/** The first examples of the evaluation files are used. */
function withOwnEvaluation(
  training: LabelledExamples,
  heldOut: LabelledExamples,
  evaluationExamples: number,
  files: { readonly training: string; readonly evaluation: string },
): ClassificationData {
  if (heldOut.features !== training.features)
    throw new DataError(
      `${files.evaluation}: ${training.image === null ? 'rows' : 'images'} have ${heldOut.features} ${training.image === null ? 'features' : 'pixels'}, those of ${files.training} have ${training.features}`,
    );
  if (heldOut.labels.length < evaluationExamples)
    throw new DataError(
      `evaluation.examples: ${evaluationExamples} asked for, ${files.evaluation} has ${heldOut.labels.length}`,
    );
  const evaluation = {
    features: heldOut.features,
    image: heldOut.image,
    images: heldOut.images.slice(0, evaluationExamples * heldOut.features),
    labels: heldOut.labels.slice(0, evaluationExamples),
  };
  const classes = Math.max(classesOf(training.labels), classesOf(evaluation.labels));
  return classificationData(training, evaluation, classes);
}

/** In a fixed random order: images of a folder are sorted by class, and only the first of them may be asked for. */
function spread(examples: LabelledExamples): LabelledExamples {
  return inOrder(examples, stream('evaluation', 0).permutation(0, examples.labels.length));
}

function classesOf(labels: Int32Array): number {
  return labels.reduce((most, label) => Math.max(most, label), 0) + 1;
}
