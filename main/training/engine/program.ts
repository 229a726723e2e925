/**
 * What the engine is asked to run: one training step of a whole stack, written once in TensorFlow.js ops with a
 * leading cell axis. The eager backend calls it as it is, the compiled backend records it; so both do the same
 * arithmetic. Cells never mix: no operation may reduce over, or gather along, the cell axis.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';

export type DataType = 'float32' | 'int32' | 'bool';
export type HostArray = Float32Array | Int32Array;

export interface TensorSpecification {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** A tensor that is put on the device once and stays there: training data, labels. */
export interface ResidentTensor extends TensorSpecification {
  readonly values: HostArray;
}

export interface StepInputs {
  /** In the order of StackProgram.resident. */
  readonly resident: readonly Tensor[];
  /** In the order of StackProgram.perStep, each with the shape of one part. */
  readonly perStep: readonly Tensor[];
  /** Learning rate of each cell, shape [cells]. */
  readonly learningRates: Tensor;
}

export interface StackProgram {
  readonly cells: number;
  /** Parameters, then optimizer state; every shape starts with [cells]. All float32. */
  readonly state: readonly TensorSpecification[];
  readonly resident: readonly ResidentTensor[];
  /** Parts that a step is made of, one after the other, as gradient accumulation has them: a step is so many calls. */
  readonly parts: number;
  /** Inputs that change from part to part, given for a whole chunk at once: shape of ONE part. */
  readonly perStep: readonly TensorSpecification[];
  /** One part of an optimizer step. `loss` has shape [cells] and is the minibatch loss before the update; the last part's counts. */
  step(state: readonly Tensor[], inputs: StepInputs): { state: Tensor[]; loss: Tensor };
  /** Number of tiles the evaluation set is cut into, so that its activations fit in memory. */
  readonly evaluationTiles: number;
  /** Tensors of the evaluation set, tile-major: shape [tiles, …]. */
  readonly evaluationData: readonly ResidentTensor[];
  readonly evaluationMetrics: readonly string[];
  /**
   * Sums of each metric over one tile, each of shape [cells]. The sums over all tiles are the metric's value, so a
   * workload divides by the number of examples itself.
   */
  evaluate(state: readonly Tensor[], tile: readonly Tensor[]): Tensor[];
}

/** Inputs of one chunk of n steps: each perStep array holds n × parts × (elements of one part). */
export interface ChunkInputs {
  readonly steps: number;
  readonly perStep: readonly HostArray[];
}

/** A stack being trained. Losses are float32, point-major [steps, cells]. */
export interface StackSession {
  readonly backend: 'compiled' | 'eager';
  readonly chunkSteps: number;
  /** Sets the whole state; one array for each entry of StackProgram.state. */
  setState(state: readonly Float32Array[]): void;
  getState(): Float32Array[];
  /** Runs at most chunkSteps steps; returns losses [steps, cells]. */
  train(chunk: ChunkInputs): Float32Array;
  /** Every metric of every cell, [metric][cells]. */
  evaluate(): Float32Array[];
  dispose(): void;
}

/** Where stacks are trained. The engine behind it can be replaced; nothing above it knows TensorFlow's own types. */
export interface TrainerBackend {
  readonly name: 'compiled' | 'eager';
  /** Prepares a program; `learningRates` has one value a cell and is fixed for the session. */
  open(program: StackProgram, learningRates: Float32Array, chunkSteps: number): Promise<StackSession>;
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
