/**
 * Records which TensorFlow kernels a function of tensors asks for. TensorFlow.js has no graphs, but its Node backend
 * sends every operation, those of the backward pass included, through two methods; watching them while the function
 * runs once gives the graph. Tensors that no recorded kernel produced are arguments or constants.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-node-gpu';
import type { DataType, TensorSpecification } from './program.ts';
import { elements } from './program.ts';
import type { KernelAttribute, NodeBackend, TensorFlow } from './tensorflow.ts';

export type Reference =
  | { readonly from: 'argument'; readonly index: number }
  | { readonly from: 'constant'; readonly index: number }
  | { readonly from: 'node'; readonly index: number; readonly output: number };

export interface RecordedNode {
  readonly op: string;
  readonly attributes: readonly KernelAttribute[];
  readonly inputs: readonly Reference[];
}

export interface RecordedConstant {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly values: Float32Array | Int32Array | Uint8Array;
}

export interface RecordedFunction {
  readonly name: string;
  readonly arguments: readonly TensorSpecification[];
  readonly constants: readonly RecordedConstant[];
  readonly nodes: readonly RecordedNode[];
  readonly outputs: readonly {
    readonly reference: Reference;
    readonly shape: readonly number[];
    readonly dtype: DataType;
  }[];
}

/** Bigger constants belong in resident tensors: a graph is one protobuf message, which must stay small. */
const MAX_CONSTANT_ELEMENTS = 1 << 16;

/**
 * Runs `body` once on zero-filled arguments and returns what it computed as a graph, without the nodes that no output
 * needs. Anything that changes from call to call must be an argument: a JavaScript number is frozen in.
 * Throws when a captured constant is large, which means that data would be baked into the program.
 */
export function record(
  tf: TensorFlow,
  name: string,
  specifications: readonly TensorSpecification[],
  body: (args: Tensor[]) => Tensor[],
): RecordedFunction {
  const backend = tf.backend() as unknown as NodeBackend;
  const known = new Map<object, Reference>();
  const nodes: RecordedNode[] = [];
  const constants: RecordedConstant[] = [];

  const reference = (tensor: TensorInfo): Reference => {
    const seen = known.get(tensor.dataId);
    if (seen !== undefined) return seen;
    if (elements(tensor.shape) > MAX_CONSTANT_ELEMENTS)
      throw new Error(
        `${name}: a constant of shape [${tensor.shape.join(', ')}] was captured; pass it as an argument`,
      );
    const values = backend.readSync(tensor.dataId) as RecordedConstant['values'];
    constants.push({ shape: [...tensor.shape], dtype: tensor.dtype as DataType, values: values.slice() });
    const constant: Reference = { from: 'constant', index: constants.length - 1 };
    known.set(tensor.dataId, constant);
    return constant;
  };
  const remember = (
    op: string,
    attributes: KernelAttribute[],
    inputs: readonly Reference[],
    outputs: Tensor[],
  ) => {
    nodes.push({ op, attributes: [...attributes], inputs });
    outputs.forEach((tensor, output) =>
      known.set(tensor.dataId, { from: 'node', index: nodes.length - 1, output }),
    );
  };

  const { executeSingleOutput, executeMultipleOutputs } = backend;
  const args = specifications.map((s) => tf.zeros([...s.shape], s.dtype));
  args.forEach((tensor, index) => known.set(tensor.dataId, { from: 'argument', index }));
  backend.executeSingleOutput = (op, attributes, inputs) => {
    const references = inputs.map(reference);
    const output = executeSingleOutput.call(backend, op, attributes, inputs);
    remember(op, attributes, references, [output]);
    return output;
  };
  backend.executeMultipleOutputs = (op, attributes, inputs, count) => {
    const references = inputs.map(reference);
    const outputs = executeMultipleOutputs.call(backend, op, attributes, inputs, count);
    remember(op, attributes, references, outputs);
    return outputs;
  };
  let outputs: Tensor[] = [];
  try {
    outputs = tf.tidy(() => body(args));
    const described = outputs.map((tensor) => ({
      reference: reference(tensor),
      shape: [...tensor.shape],
      dtype: tensor.dtype as DataType,
    }));
    return prune({ name, arguments: specifications, constants, nodes, outputs: described });
  } finally {
    backend.executeSingleOutput = executeSingleOutput;
    backend.executeMultipleOutputs = executeMultipleOutputs;
    tf.dispose(outputs);
    tf.dispose(args);
  }
}

function prune(recorded: RecordedFunction): RecordedFunction {
  const needed = new Set<number>();
  const pending = recorded.outputs.map((o) => o.reference);
  for (let r = pending.pop(); r !== undefined; r = pending.pop()) {
    if (r.from !== 'node' || needed.has(r.index)) continue;
    needed.add(r.index);
    pending.push(...recorded.nodes[r.index].inputs);
  }
  const renumbered = new Map<number, number>();
  [...needed].sort((a, b) => a - b).forEach((old, index) => renumbered.set(old, index));
  const move = (r: Reference): Reference =>
    r.from === 'node' ? { ...r, index: renumbered.get(r.index)! } : r;
  return {
    ...recorded,
    nodes: [...renumbered.keys()].map((old) => {
      const node = recorded.nodes[old];
      return { ...node, inputs: node.inputs.map(move) };
    }),
    outputs: recorded.outputs.map((o) => ({ ...o, reference: move(o.reference) })),
  };
}
