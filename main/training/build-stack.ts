/** From what a job asks for to a program with its data: the one place that knows every workload. */
import { createHash } from 'node:crypto';
import { rateFactor } from '#shared/experiment/schedule.ts';
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';
import { microBatchesOf } from '#shared/experiment/training-options.ts';
import type { ClassificationData } from './data/classification.ts';
import { DataError } from './data/classification.ts';
import { loadClassification } from './data/load.ts';
import { linearData } from './data/procedural.ts';
import { loadTokens } from './data/text.ts';
import { externalChecksum } from './external/files.ts';
import { elements } from './engine/program.ts';
import type { TensorFlow } from './engine/tensorflow.ts';
import { optimizerFor } from './optimizers/optimizer.ts';
import type { StackConfiguration } from './protocol.ts';
import type { AssembledStack } from './stack-program.ts';
import { assembleStack } from './stack-program.ts';
import type { Network } from './workloads/classifier.ts';
import { classifier } from './workloads/classifier.ts';
import { cnn } from './workloads/cnn.ts';
import { languageModel } from './workloads/language-model.ts';
import { linearRegression } from './workloads/linear-regression.ts';
import { logistic } from './workloads/logistic.ts';
import { mlp } from './workloads/mlp.ts';
import { quadratic } from './workloads/quadratic.ts';
import { resnet18 } from './workloads/resnet.ts';
import { gpt, moe } from './workloads/transformer.ts';
import type { StackLayout, Workload } from './workloads/workload.ts';

export type { StackConfiguration } from './protocol.ts';

export interface BuiltStack extends AssembledStack {
  /** SHA-256 of the data; '' for a workload without data. */
  readonly dataChecksum: string;
  /** Learning rate of each cell, float32. */
  readonly cellLearningRates: Float32Array;
}

export function buildStack(tf: TensorFlow, configuration: StackConfiguration): BuiltStack {
  const layout = layoutOf(configuration);
  const { workload, dataChecksum, parts } = makeWorkload(
    configuration.workload,
    configuration.evaluationExamples,
    layout,
    configuration.microBatch,
  );
  const rates = configuration.learningRates;
  const cells = rates.length * configuration.seeds.length;
  return {
    ...assembleStack(tf, workload, optimizerFor(configuration.optimizer), layout, {
      rateFactor: rateFactorOf(configuration),
      gradientClipping: configuration.gradientClipping,
      parts,
    }),
    dataChecksum,
    cellLearningRates: Float32Array.from({ length: cells }, (_, cell) => rates[cell % rates.length]),
  };
}

function rateFactorOf({ schedule, steps }: StackConfiguration): ((step: number) => number) | null {
  if (schedule === undefined) return null;
  if (steps === undefined) throw new Error('schedule: the length of the run is not known');
  return (step) => rateFactor(schedule, step, steps);
}

/** Checksum of the data a workload reads, without building anything. */
export function dataChecksumOf(workload: WorkloadSpecification, evaluationExamples: number): string {
  switch (workload.kind) {
    case 'mlp':
    case 'cnn':
    case 'resnet18':
    case 'logistic':
      return loadClassification(workload.data, evaluationExamples).checksum;
    case 'gpt':
    case 'moe':
      return loadTokens(workload.data, workload.context, evaluationExamples).checksum;
    case 'external':
      return externalChecksum(workload);
    case 'quadratic':
    case 'linear-regression':
      return '';
  }
}

function imageNetwork(
  specification: Extract<WorkloadSpecification, { kind: 'mlp' | 'cnn' | 'resnet18' | 'logistic' }>,
  data: ClassificationData,
): Network {
  switch (specification.kind) {
    case 'mlp':
      return mlp(specification, data);
    case 'cnn':
      return cnn(specification, data);
    case 'resnet18':
      return resnet18(specification, data);
    case 'logistic':
      return logistic(data);
  }
}

/**
 * A workload for an explicit layout: what buildStack uses, and what looks at one point of a run needs. With micro-batches
 * it is that of one of the `parts` of a minibatch.
 */
export function makeWorkload(
  specification: WorkloadSpecification,
  evaluationExamples: number,
  layout: StackLayout,
  microBatch?: number,
): { workload: Workload; dataChecksum: string; parts: number } {
  const { count: parts, size } = microBatchesOf(layout.batchSize, microBatch);
  return { ...makePart(specification, evaluationExamples, { ...layout, batchSize: size }), parts };
}

/** The workload itself: that of a whole minibatch, or of each part of one. */
function makePart(
  specification: WorkloadSpecification,
  evaluationExamples: number,
  layout: StackLayout,
): { workload: Workload; dataChecksum: string } {
  switch (specification.kind) {
    case 'mlp':
    case 'cnn':
    case 'resnet18':
    case 'logistic': {
      const data = loadClassification(specification.data, evaluationExamples);
      const network = imageNetwork(specification, data);
      return {
        workload: classifier(network, data, layout, specification),
        dataChecksum: data.checksum,
      };
    }
    case 'gpt':
    case 'moe': {
      const data = loadTokens(specification.data, specification.context, evaluationExamples);
      const network =
        specification.kind === 'gpt'
          ? gpt(specification, data.vocabulary)
          : moe(specification, specification, data.vocabulary);
      return { workload: languageModel(network, data, layout, specification), dataChecksum: data.checksum };
    }
    case 'external':
      throw new Error('an external program trains by itself: the lab cannot look inside it');
    case 'linear-regression': {
      const data = linearData(specification, evaluationExamples);
      return { workload: linearRegression(data, layout), dataChecksum: '' };
    }
    case 'quadratic':
      return { workload: quadratic(specification, layout), dataChecksum: '' };
  }
}

/** Trained parameters of one cell; null for a program of the user's own and where the data cannot be read. */
export function parameterCount(workload: WorkloadSpecification, evaluationExamples: number): number | null {
  if (workload.kind === 'external') return null;
  const layout = { batchSize: 1, groups: 1, cellsPerGroup: 1, initialisationSeeds: [0], dataSeeds: [0] };
  try {
    const { parameters } = makeWorkload(workload, evaluationExamples, layout).workload;
    return parameters.reduce((sum, { shape }) => sum + elements(shape), 0);
  } catch (error) {
    if (error instanceof DataError) return null;
    throw error;
  }
}

/**
 * Common streams: one group a replicate, whose cells share initial weights and minibatches. Independent streams: every
 * cell is a group of its own, with seeds that depend on its learning rate and batch size.
 */
function layoutOf({ batchSize, learningRates, seeds, streams }: StackConfiguration): StackLayout {
  const perCell = seeds.flatMap((seed) =>
    learningRates.map((rate) => (streams === 'common' ? seed : independentSeed(seed, rate, batchSize))),
  );
  return streams === 'common'
    ? {
        batchSize,
        groups: seeds.length,
        cellsPerGroup: learningRates.length,
        initialisationSeeds: perCell,
        dataSeeds: seeds,
      }
    : {
        batchSize,
        groups: perCell.length,
        cellsPerGroup: 1,
        initialisationSeeds: perCell,
        dataSeeds: perCell,
      };
}

function independentSeed(seed: number, learningRate: number, batchSize: number): number {
  return createHash('sha256').update(`${seed}/${learningRate}/${batchSize}`).digest().readUInt32LE(0);
}
