/** Recorded functions written as TensorFlow FunctionDefs. */
import type { Attribute, NodeDefinition } from './graph.ts';
import { attr, constantNode, functionDefinition, node } from './graph.ts';
import { outputArgument } from './kernels.ts';
import type { RecordedFunction, Reference } from './recorder.ts';
import type { KernelAttribute, NodeBackend } from './tensorflow.ts';

function translateAttribute(a: KernelAttribute, binding: NodeBackend['binding']): Attribute {
  switch (a.type) {
    case binding.TF_ATTR_TYPE:
      return attr.typeNumber(a.value as number);
    case binding.TF_ATTR_BOOL:
      return attr.bool(Boolean(a.value));
    case binding.TF_ATTR_INT:
      return Array.isArray(a.value) ? attr.ints(a.value as number[]) : attr.int(a.value as number);
    case binding.TF_ATTR_FLOAT:
      return attr.float(a.value as number);
    case binding.TF_ATTR_STRING:
      return attr.text(a.value as string);
    case binding.TF_ATTR_SHAPE:
      return attr.shape(a.value as number[]);
    default:
      throw new Error(`attribute ${a.name} has a type (${a.type}) that the engine cannot write into a graph`);
  }
}

/** One FunctionDef; arguments keep their names, outputs are called out0, out1, … */
export function translate(recorded: RecordedFunction, binding: NodeBackend['binding']): NodeDefinition {
  const place = (r: Reference): string => {
    switch (r.from) {
      case 'argument':
        return recorded.arguments[r.index].name;
      case 'constant':
        return `constant${r.index}:output:0`;
      case 'node':
        return `node${r.index}:${outputArgument(recorded.nodes[r.index].op, r.output)}:0`;
    }
  };
  return functionDefinition(
    recorded.name,
    recorded.arguments,
    recorded.outputs.map((o, i) => ({ name: `out${i}`, dtype: o.dtype, value: place(o.reference) })),
    [
      ...recorded.constants.map((c, i) => constantNode(`constant${i}`, c.dtype, c.shape, c.values)),
      ...recorded.nodes.map((n, i) =>
        node(
          `node${i}`,
          n.op,
          n.inputs.map(place),
          Object.fromEntries(n.attributes.map((a) => [a.name, translateAttribute(a, binding)])),
        ),
      ),
    ],
    'as written',
  );
}
