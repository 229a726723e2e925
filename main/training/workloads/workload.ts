/**
 * A workload: a model, its loss and its data, for a whole stack. Cells of a stack are seed-major: G groups (cells that
 * see the same minibatch, one a replicate) of K cells each, cell g·K + k.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { DataType, HostArray, ResidentTensor } from '../engine/program.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';

export interface StackLayout {
  readonly batchSize: number;
  /** G: number of different data streams. */
  readonly groups: number;
  /** K: cells of each group. */
  readonly cellsPerGroup: number;
  /** Seed of each cell's initial parameters, [G·K]. */
  readonly initialisationSeeds: readonly number[];
  /** Seed of each group's data stream, [G]. */
  readonly dataSeeds: readonly number[];
}

export interface BatchInput {
  readonly name: string;
  /** Shape of one step. */
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Fills `out` with steps firstStep … firstStep+steps−1 (0-based). */
  fill(out: HostArray, firstStep: number, steps: number): void;
}

export interface Workload {
  /** Parameters of one cell, in order. */
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Initial values of one parameter for the whole stack, [cells, …shape]. */
  initial(parameter: number): Float32Array;
  /** State of one cell that a step changes and no optimizer touches: running statistics. */
  readonly buffers: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** As `initial`, of one buffer. */
  initialBuffer(buffer: number): Float32Array;
  readonly resident: readonly ResidentTensor[];
  readonly batchInputs: readonly BatchInput[];
  /**
   * Loss of each cell on its minibatch, [cells], the gradients of the parameters, [cells, …shape] each, and the buffers
   * after the step.
   */
  lossAndGradients(
    tf: TensorFlow,
    parameters: readonly Tensor[],
    resident: readonly Tensor[],
    batch: readonly Tensor[],
    buffers: readonly Tensor[],
  ): { loss: Tensor; gradients: Tensor[]; buffers: readonly Tensor[] };
  readonly evaluationTiles: number;
  readonly evaluationData: readonly ResidentTensor[];
  /** Names from the shared list of metrics. */
  readonly evaluationMetrics: readonly ('evaluationLoss' | 'evaluationAccuracy')[];
  evaluate(
    tf: TensorFlow,
    parameters: readonly Tensor[],
    tile: readonly Tensor[],
    buffers: readonly Tensor[],
  ): Tensor[];
}
