/**
 * How much memory a stack needs, from what a few tiny ones of the same workload allocate. The bytes that are alive at an
 * operation of a step are linear in cells, in groups, in examples of all groups and in examples of all cells, so five
 * shapes tell them for every shape. Pure arithmetic; measure.ts finds the numbers.
 */

/** Bytes alive at one operation: [constant, a cell, a group, an example of each group, an example of each cell]. */
export type Terms = readonly [number, number, number, number, number];

export interface MemoryModel {
  /** Tensors lie in a GPU's memory, not in the process's. */
  readonly onDevice: boolean;
  /** Resident memory of a trainer before its program is made: Node, engine, data as they were read. */
  readonly processBytes: number;
  /** Data on the device: training and evaluation set. */
  readonly dataBytes: number;
  /** Parameters, optimizer slots and running statistics of one cell. */
  readonly stateBytesPerCell: number;
  /** Inputs of one step, as Terms. */
  readonly inputs: Terms;
  /** Kernels of a step and an evaluation: compiling takes memory for each. */
  readonly operations: number;
  /** Moments of a step on one example a group that no other exceeds everywhere; state included, data not. */
  readonly single: readonly Terms[];
  /** The same with more examples: layers may work differently then. */
  readonly several: readonly Terms[];
  readonly evaluation: {
    /** Beside the state, for each example of a tile, and for each cell and example. */
    readonly bytesPerExample: number;
    readonly bytesPerCellExample: number;
    readonly examples: number;
    /** A tile has at most this many examples, all cells together; at least one a cell. */
    readonly examplesOfTile: number;
  };
}

export interface StackShape {
  readonly cells: number;
  /** Cells that see the same minibatch are one group. */
  readonly groups: number;
  /** Examples of a minibatch that are worked on at once: its micro-batch. */
  readonly examples: number;
}

/** TensorFlow's compiler, beside what it needs for each operation: the largest of what was seen, and some more. */
const COMPILER_BYTES = 250e6;
const COMPILER_BYTES_PER_OPERATION = 150e3;
/** Variables, the loop's copy, and the copy that a checkpoint writes. */
const STATE_COPIES = 3;
/** Host array, tensor, and what the device gets. */
const INPUT_COPIES = 3;
const MOST_CHUNK_STEPS = 128;
const DATA_COPIES = 2;
/** CUDA's context with the libraries' kernels. */
const DEVICE_BYTES = 800e6;

/** Tensors alive at the worst moment of one step, state included, data not. */
export function stepBytes(model: MemoryModel, shape: StackShape): number {
  const moments = shape.examples === 1 ? model.single : model.several;
  return Math.max(...moments.map((terms) => bytesOf(terms, shape)));
}

/** Tensors on the device at the worst moment: data, state, activations, gradients. */
function tensorBytes(model: MemoryModel, shape: StackShape): number {
  const { cells } = shape;
  const { evaluation, stateBytesPerCell } = model;
  const tile = Math.min(evaluation.examples, Math.max(1, evaluation.examplesOfTile / cells));
  const state = cells * stateBytesPerCell;
  return (
    Math.max(
      stepBytes(model, shape),
      state + tile * (evaluation.bytesPerExample + cells * evaluation.bytesPerCellExample),
    ) +
    STATE_COPIES * state +
    DATA_COPIES * model.dataBytes +
    INPUT_COPIES * MOST_CHUNK_STEPS * bytesOf(model.inputs, shape)
  );
}

/** What a trainer of this stack needs: of the GPU, or without one of the machine's memory, where its tensors lie then. */
export function trainerBytes(model: MemoryModel, shape: StackShape): number {
  const compiled = COMPILER_BYTES + COMPILER_BYTES_PER_OPERATION * model.operations;
  return tensorBytes(model, shape) + (model.onDevice ? DEVICE_BYTES : model.processBytes + compiled);
}

/** Cells of a stack that fits, at most `most`; 0 when not even one does. `groupsOf` tells the groups of a number of cells. */
export function mostCells(
  model: MemoryModel,
  shape: { readonly examples: number; readonly groupsOf: (cells: number) => number },
  most: number,
  limitBytes: number,
): number {
  const { examples, groupsOf } = shape;
  return largest(
    most,
    (cells) => trainerBytes(model, { cells, groups: groupsOf(cells), examples }) <= limitBytes,
  );
}

function bytesOf([constant, cell, group, input, example]: Terms, shape: StackShape): number {
  const { cells, groups, examples } = shape;
  return constant + cell * cells + group * groups + input * groups * examples + example * cells * examples;
}

/** Largest whole number from 0 to `most` of which `fits` is true; true for n must mean true for all below. */
function largest(most: number, fits: (n: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
