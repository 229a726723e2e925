/**
 * A small typed layer over the protobuf classes that TensorFlow.js ships (dist/proto/api_pb.js): enough of GraphDef,
 * FunctionDef and SavedModel to write the programs of this engine.
 */
import { createRequire } from 'node:module';
import type { DataType } from './program.ts';

interface ProtoMap {
  set(key: string, value: Message): void;
}
/** Generated classes have no type file; these are the members used here. */
interface Message {
  serializeBinary(): Uint8Array;
  [setter: `set${string}` | `add${string}`]: (...value: never[]) => unknown;
  [getter: `get${string}Map`]: () => ProtoMap;
}
type MessageClass = (new () => Message) & Record<string, new () => Message>;
type MessageName =
  | 'AttrValue'
  | 'FunctionDef'
  | 'FunctionDefLibrary'
  | 'GraphDef'
  | 'MetaGraphDef'
  | 'NameAttrList'
  | 'NodeDef'
  | 'OpDef'
  | 'SavedModel'
  | 'SignatureDef'
  | 'Tensor'
  | 'TensorInfo'
  | 'TensorShape'
  | 'VersionDef';

const require = createRequire(import.meta.url);
let loaded: Record<MessageName, MessageClass> | null = null;
function proto(): Record<MessageName, MessageClass> {
  if (loaded !== null) return loaded;
  const exported = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Record<
    MessageName,
    MessageClass
  >;
  // Depending on how it is loaded, the generated file hangs its classes on a global instead of exporting them.
  const global = globalThis as { proto?: { tensorflow: Record<MessageName, MessageClass> } };
  loaded = 'GraphDef' in exported ? exported : global.proto!.tensorflow;
  return loaded;
}

/** Calls setters by name: the one place where the untyped classes are touched. */
function make(name: MessageName, values: Record<string, unknown>, nested?: string): Message {
  const Class = nested === undefined ? proto()[name] : proto()[name][nested];
  const message = new Class();
  for (const [setter, value] of Object.entries(values)) {
    const set = (message as unknown as Record<string, (v: unknown) => void>)[setter];
    if (Array.isArray(value) && setter.startsWith('add')) value.forEach((v) => set.call(message, v));
    else set.call(message, value);
  }
  return message;
}
function fill(map: ProtoMap, entries: Record<string, Message | string>): void {
  for (const [key, value] of Object.entries(entries)) map.set(key, value as Message);
}
function mapOf(message: Message, name: string): ProtoMap {
  return (message as unknown as Record<string, () => ProtoMap>)[name]();
}

/** tensorflow.DataType numbers. */
const dataTypes: Record<DataType, number> = { float32: 1, int32: 3, bool: 10 };
/** GraphDef version of current TensorFlow releases; older producers change the meaning of some operations. */
const GRAPH_PRODUCER = 1882;

/**
 * An attribute without a meaning that every function has and its caller fills in. TensorFlow's graph optimizer (Grappler)
 * leaves functions alone whose body is decided by the caller. It has to: it merges sums into AddN and, where it thinks that
 * memory is short, those into TemporaryVariable, which XLA does not know, so that a large step did not compile.
 */
const AS_WRITTEN = 'as_written';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const attribute = (values: Record<string, unknown>) => make('AttrValue', values);
const listOf = (values: Record<string, unknown>) =>
  attribute({ setList: make('AttrValue', values, 'ListValue') });
const shapeMessage = (shape: readonly number[]) =>
  make('TensorShape', { addDim: shape.map((size) => make('TensorShape', { setSize: size }, 'Dim')) });

export const attr = {
  type: (dtype: DataType) => attribute({ setType: dataTypes[dtype] }),
  typeNumber: (n: number) => attribute({ setType: n }),
  bool: (value: boolean) => attribute({ setB: value }),
  int: (value: number) => attribute({ setI: value }),
  ints: (values: readonly number[]) => listOf({ setIList: [...values] }),
  float: (value: number) => attribute({ setF: value }),
  text: (value: string) => attribute({ setS: base64(value) }),
  shape: (shape: readonly number[]) => attribute({ setShape: shapeMessage(shape) }),
  types: (list: readonly DataType[]) => listOf({ setTypeList: list.map((t) => dataTypes[t]) }),
  shapes: (list: readonly (readonly number[])[]) => listOf({ addShape: list.map(shapeMessage) }),
  fn: (name: string) => attribute({ setFunc: make('NameAttrList', { setName: name }) }),
  /** Of a function that is not for Grappler. */
  fnAsWritten(name: string) {
    const call = make('NameAttrList', { setName: name });
    fill(mapOf(call, 'getAttrMap'), { [AS_WRITTEN]: attribute({ setB: true }) });
    return attribute({ setFunc: call });
  },
};
export type Attribute = Message;

export interface NodeDefinition {
  readonly message: Message;
}

export function node(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Record<string, Attribute>,
): NodeDefinition {
  const message = make('NodeDef', { setName: name, setOp: op, addInput: [...inputs] });
  fill(mapOf(message, 'getAttrMap'), attributes);
  return { message };
}

export function constantNode(
  name: string,
  dtype: DataType,
  shape: readonly number[],
  values: ArrayLike<number>,
): NodeDefinition {
  const array =
    dtype === 'float32'
      ? Float32Array.from(values)
      : dtype === 'int32'
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  const tensor = make('Tensor', {
    setDtype: dataTypes[dtype],
    setTensorShape: shapeMessage(shape),
    setTensorContent: Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64'),
  });
  return node(name, 'Const', [], { dtype: attr.type(dtype), value: attribute({ setTensor: tensor }) });
}

export interface Argument {
  readonly name: string;
  readonly dtype: DataType;
}

/** A FunctionDef. `returns` maps each output's name to "argument" or "node:output_argument:index". */
export function functionDefinition(
  name: string,
  inputs: readonly Argument[],
  outputs: readonly (Argument & { readonly value: string })[],
  nodes: readonly NodeDefinition[],
  kind: 'compiled' | 'as written',
): NodeDefinition {
  const argument = (a: Argument) => make('OpDef', { setName: a.name, setType: dataTypes[a.dtype] }, 'ArgDef');
  const marker = node(AS_WRITTEN, 'NoOp', [], {
    [`_${AS_WRITTEN}`]: attribute({ setPlaceholder: AS_WRITTEN }),
  });
  const isAsWritten = kind === 'as written';
  const message = make('FunctionDef', {
    setSignature: make('OpDef', {
      setName: name,
      addInputArg: inputs.map(argument),
      addOutputArg: outputs.map(argument),
      addAttr: isAsWritten ? [make('OpDef', { setName: AS_WRITTEN, setType: 'bool' }, 'AttrDef')] : [],
    }),
    addNodeDef: [...nodes.map((n) => n.message), ...(isAsWritten ? [marker.message] : [])],
  });
  fill(mapOf(message, 'getRetMap'), Object.fromEntries(outputs.map((o) => [o.name, o.value])));
  fill(mapOf(message, 'getAttrMap'), isAsWritten ? {} : { _XlaMustCompile: attr.bool(true) });
  return { message };
}

export interface SignatureTensor {
  readonly key: string;
  /** "node:index" in the graph. */
  readonly tensor: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** The bytes of a saved_model.pb with one meta graph, tagged "serve". */
export function savedModelBytes(
  functions: readonly NodeDefinition[],
  nodes: readonly NodeDefinition[],
  signatures: Record<string, { inputs: readonly SignatureTensor[]; outputs: readonly SignatureTensor[] }>,
): Uint8Array {
  const graph = make('GraphDef', {
    setLibrary: make('FunctionDefLibrary', { addFunction: functions.map((f) => f.message) }),
    addNode: nodes.map((n) => n.message),
    setVersions: make('VersionDef', { setProducer: GRAPH_PRODUCER }),
  });
  const meta = make('MetaGraphDef', {
    setMetaInfoDef: make('MetaGraphDef', { addTags: 'serve' }, 'MetaInfoDef'),
    setGraphDef: graph,
  });
  const info = (t: SignatureTensor) =>
    make('TensorInfo', {
      setName: t.tensor,
      setDtype: dataTypes[t.dtype],
      setTensorShape: shapeMessage(t.shape),
    });
  for (const [name, { inputs, outputs }] of Object.entries(signatures)) {
    const signature = make('SignatureDef', { setMethodName: 'tensorflow/serving/predict' });
    fill(mapOf(signature, 'getInputsMap'), Object.fromEntries(inputs.map((t) => [t.key, info(t)])));
    fill(mapOf(signature, 'getOutputsMap'), Object.fromEntries(outputs.map((t) => [t.key, info(t)])));
    mapOf(meta, 'getSignatureDefMap').set(name, signature);
  }
  return make('SavedModel', { setSavedModelSchemaVersion: 1, addMetaGraphs: meta }).serializeBinary();
}
