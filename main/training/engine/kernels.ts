/**
 * Names of the operations' output arguments, which a FunctionDef needs to point at one ("node:output_argument:index").
 * From TensorFlow's operation definitions (the op registry of release 2.21).
 */
const outputArguments: Readonly<Record<string, readonly string[]>> = {
  Abs: ['y'],
  Add: ['z'],
  AddV2: ['z'],
  ArgMax: ['output'],
  BatchMatMul: ['output'],
  BatchMatMulV2: ['output'],
  BitwiseAnd: ['z'],
  BitwiseXor: ['z'],
  Cast: ['y'],
  ConcatV2: ['output'],
  Div: ['z'],
  Equal: ['z'],
  Exp: ['y'],
  Fill: ['output'],
  GatherV2: ['output'],
  Greater: ['z'],
  GreaterEqual: ['z'],
  IsFinite: ['y'],
  IsNan: ['y'],
  Less: ['z'],
  LessEqual: ['z'],
  Log: ['y'],
  LogicalAnd: ['z'],
  MatMul: ['product'],
  Max: ['output'],
  Maximum: ['z'],
  Mean: ['output'],
  Min: ['output'],
  Minimum: ['z'],
  Mul: ['z'],
  Neg: ['y'],
  OneHot: ['output'],
  OnesLike: ['y'],
  PadV2: ['output'],
  Pow: ['z'],
  Prod: ['output'],
  RealDiv: ['z'],
  Relu: ['activations'],
  Reshape: ['output'],
  RightShift: ['z'],
  Rsqrt: ['y'],
  Select: ['output'],
  SelectV2: ['output'],
  Sign: ['y'],
  Slice: ['output'],
  Softmax: ['softmax'],
  Sqrt: ['y'],
  Square: ['y'],
  SquaredDifference: ['z'],
  Sub: ['z'],
  Sum: ['output'],
  Tanh: ['y'],
  Tile: ['output'],
  Transpose: ['y'],
  UnsortedSegmentSum: ['output'],
  ZerosLike: ['y'],
};

/** Throws for an operation that has not been listed, naming it, so that the eager path can take over and say why. */
export function outputArgument(op: string, output: number): string {
  const names = outputArguments[op];
  if (names === undefined)
    throw new Error(`the engine does not know the outputs of the TensorFlow operation ${op}`);
  return names[output];
}
