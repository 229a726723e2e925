/** What need.ts calculates with, from steps of tiny stacks that are run once, kernel by kernel, as the recorder does. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { StackConfiguration } from '../build-stack.ts';
import { buildStack } from '../build-stack.ts';
import type { StackProgram, TensorSpecification } from '../engine/program.ts';
import { elements } from '../engine/program.ts';
import type { NodeBackend, TensorFlow } from '../engine/tensorflow.ts';
import type { MemoryModel, Terms } from './need.ts';

const VALUE_BYTES = 4;
/** Tiles are counted in stacks that grow by this factor, until there are enough of them to tell how large one is. */
const GROWTH = 8;
const ENOUGH_TILES = 8;
const MOST_CELLS = 4_096;

/** Groups, cells of each, and examples of a minibatch. */
type Shape = readonly [groups: number, cellsPerGroup: number, examples: number];

const SINGLE: readonly Shape[] = [
  [1, 1, 1],
  [1, 2, 1],
  [2, 1, 1],
];
const SEVERAL: readonly Shape[] = [
  [1, 1, 2],
  [1, 1, 3],
  [1, 2, 2],
  [1, 2, 3],
  [2, 1, 2],
];

/** `configuration` says everything but the shape of the stack. */
export function measureMemory(tf: TensorFlow, configuration: StackConfiguration): MemoryModel {
  const parts = configuration.microBatch === undefined ? 1 : 2;
  const programOf = ([groups, cellsPerGroup, examples]: Shape) =>
    buildStack(tf, {
      ...configuration,
      streams: 'common',
      seeds: Array.from({ length: groups }, (_, g) => g),
      learningRates: Array.from({ length: cellsPerGroup }, (_, k) => k + 1),
      batchSize: parts * examples,
      microBatch: parts === 1 ? undefined : examples,
    }).program;
  const smallest = programOf([1, 1, 1]);
  // By now the data have been read, and that took what it took.
  const processBytes = process.resourceUsage().maxRSS * 1024;
  const stepOf = (shape: Shape) => {
    const program = programOf(shape);
    const arguments_ = [...program.state, ...program.perStep];
    return liveBytes(tf, program.resident, arguments_, (resident, rest) => {
      const state = rest.slice(0, program.state.length);
      const perStep = rest.slice(state.length);
      const result = program.step(state, { resident, perStep, learningRates: tf.zeros([program.cells]) });
      return [...result.state, result.loss];
    });
  };
  const single = SINGLE.map(stepOf);
  const several = SEVERAL.map(stepOf);
  const [one, two] = [smallest, programOf([1, 2, 1])].map((program) => evaluationOf(tf, program));
  const perCellExample = Math.max(0, two.bytes / two.examples - one.bytes / one.examples);
  return {
    onDevice: (tf.backend() as unknown as NodeBackend).isUsingGpuDevice,
    processBytes,
    dataBytes: bytes([...smallest.resident, ...smallest.evaluationData]),
    stateBytesPerCell: bytes(smallest.state),
    inputs: severalTerms(SEVERAL.map((shape) => bytes(programOf(shape).perStep))),
    operations: several[0].length + one.operations,
    single: moments(single, singleTerms),
    several: moments(several, severalTerms),
    evaluation: {
      bytesPerExample: Math.max(0, one.bytes / one.examples - perCellExample),
      bytesPerCellExample: perCellExample,
      examples: one.examples * smallest.evaluationTiles,
      examplesOfTile: examplesOfTile((cells) => programOf([1, cells, 1])),
    },
  };
}

/** What evaluating one tile takes beside the state, for how many examples. */
function evaluationOf(tf: TensorFlow, program: StackProgram) {
  const { evaluationData, state } = program;
  const tile = evaluationData.map((tensor) => ({ ...tensor, shape: tensor.shape.slice(1) }));
  const live = liveBytes(tf, tile, state, (data, current) => program.evaluate(current, data));
  return {
    bytes: Math.max(0, Math.max(...live) - bytes(state)),
    examples: evaluationData[0]?.shape[1] ?? 1,
    operations: live.length,
  };
}

/** Bytes of all tensors but the data after each kernel. Nothing is freed before the end, as while a program is recorded. */
function liveBytes(
  tf: TensorFlow,
  data: readonly TensorSpecification[],
  rest: readonly TensorSpecification[],
  body: (data: Tensor[], rest: Tensor[]) => Tensor[],
): number[] {
  const backend = tf.backend() as unknown as NodeBackend;
  const zeros = ({ shape, dtype }: TensorSpecification) => tf.zeros([...shape], dtype);
  const held = data.map(zeros);
  const before = tf.memory().numBytes;
  const arguments_ = rest.map(zeros);
  const found: number[] = [];
  const { executeSingleOutput, executeMultipleOutputs } = backend;
  const note = <T>(output: T): T => {
    found.push(tf.memory().numBytes - before);
    return output;
  };
  backend.executeSingleOutput = (...call) => note(executeSingleOutput.apply(backend, call));
  backend.executeMultipleOutputs = (...call) => note(executeMultipleOutputs.apply(backend, call));
  try {
    tf.dispose(tf.tidy(() => body(held, arguments_)));
    return found;
  } finally {
    backend.executeSingleOutput = executeSingleOutput;
    backend.executeMultipleOutputs = executeMultipleOutputs;
    tf.dispose([...held, ...arguments_]);
  }
}

/** Terms of every kernel, without those that another one exceeds at every shape. */
function moments(found: readonly number[][], solve: (bytes: readonly number[]) => Terms): Terms[] {
  // Kernels that differ between the shapes cannot be followed one by one: their peaks still can.
  const alike = found.every(({ length }) => length === found[0].length);
  const rows = alike
    ? found[0].map((_, k) => found.map((list) => list[k]))
    : [found.map((l) => Math.max(...l))];
  const kept: Terms[] = [];
  for (const terms of rows.map(solve).sort((a, b) => sum(b) - sum(a)))
    if (!kept.some((known) => known.every((value, i) => value >= terms[i]))) kept.push(terms);
  return kept;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** From the bytes at the shapes of SINGLE: what an example takes is part of what its cell or group takes. */
function singleTerms([base, cell, group]: readonly number[]): Terms {
  const perCell = cell - base;
  const perGroup = group - base - perCell;
  return [base - perCell - perGroup, perCell, perGroup, 0, 0];
}

/** From the bytes at the shapes of SEVERAL. */
function severalTerms([base, example, cell, both, group]: readonly number[]): Terms {
  const perExample = both - cell - (example - base);
  const perInput = example - base - perExample;
  const perCell = cell - base - 2 * perExample;
  const perGroup = group - base - perCell - 2 * (perInput + perExample);
  return [base - perCell - perGroup - 2 * (perInput + perExample), perCell, perGroup, perInput, perExample];
}

/** Evaluation tiles hold fewer examples in larger stacks; how many in all is told from the number of tiles. */
function examplesOfTile(programOf: (cells: number) => StackProgram): number {
  for (let cells = 1; ; cells *= GROWTH) {
    const { evaluationTiles, evaluationData } = programOf(cells);
    const examples = (evaluationData[0]?.shape[1] ?? 1) * evaluationTiles;
    // A tile is as large as it may be within one part in the number of tiles.
    if (evaluationTiles >= ENOUGH_TILES) return (cells * examples) / (evaluationTiles - 1);
    if (cells >= MOST_CELLS) return cells * examples;
  }
}

function bytes(tensors: readonly TensorSpecification[]): number {
  return sum(tensors.map(({ shape }) => elements(shape))) * VALUE_BYTES;
}
