/**
 * The graph of a stack: a compiled loop over steps, an evaluation, and the variables that keep data and state on the
 * device between calls. One program serves every chunk up to its capacity, because the number of steps is an input of
 * the loop; compiling takes seconds, so few programs matter.
 */
import type { Argument, NodeDefinition, SignatureTensor } from './graph.ts';
import { attr, constantNode, functionDefinition, node, savedModelBytes } from './graph.ts';
import type { StackProgram, TensorSpecification } from './program.ts';
import { elements } from './program.ts';
import { record } from './recorder.ts';
import type { NodeBackend, TensorFlow } from './tensorflow.ts';
import { translate } from './translate.ts';

const LOSSES = 'losses';

/** Names of a program's tensors in the graph; the signatures use the same ones. */
export function graphNames(program: StackProgram) {
  return {
    state: program.state.map((_, i) => `state${i}`),
    resident: program.resident.map((_, i) => `resident${i}`),
    perStep: program.perStep.map((_, i) => `step_input${i}`),
    evaluationData: program.evaluationData.map((_, i) => `evaluation${i}`),
  };
}

function renamed(
  specifications: readonly TensorSpecification[],
  names: readonly string[],
): TensorSpecification[] {
  return specifications.map((s, i) => ({ name: names[i], shape: s.shape, dtype: s.dtype }));
}

/** Slices row `index` (a scalar int32) off the leading axis of `source` and drops that axis. */
function rowNodes(
  prefix: string,
  source: string,
  index: string,
  spec: TensorSpecification,
): NodeDefinition[] {
  const rank = spec.shape.length + 1;
  return [
    constantNode(`${prefix}_one`, 'int32', [1], [1]),
    node(`${prefix}_index`, 'Reshape', [index, `${prefix}_one:output:0`], {
      T: attr.type('int32'),
      Tshape: attr.type('int32'),
    }),
    constantNode(`${prefix}_zeros`, 'int32', [rank - 1], new Array<number>(rank - 1).fill(0)),
    constantNode(`${prefix}_axis`, 'int32', [], [0]),
    node(
      `${prefix}_begin`,
      'ConcatV2',
      [`${prefix}_index:output:0`, `${prefix}_zeros:output:0`, `${prefix}_axis:output:0`],
      { N: attr.int(2), T: attr.type('int32'), Tidx: attr.type('int32') },
    ),
    constantNode(`${prefix}_size`, 'int32', [rank], [1, ...spec.shape]),
    node(`${prefix}_slice`, 'Slice', [source, `${prefix}_begin:output:0`, `${prefix}_size:output:0`], {
      T: attr.type(spec.dtype),
      Index: attr.type('int32'),
    }),
    constantNode(`${prefix}_shape`, 'int32', [rank - 1], spec.shape),
    node(`${prefix}_row`, 'Reshape', [`${prefix}_slice:output:0`, `${prefix}_shape:output:0`], {
      T: attr.type(spec.dtype),
      Tshape: attr.type('int32'),
    }),
  ];
}

export function chunkGraph(tf: TensorFlow, program: StackProgram, chunkSteps: number): Uint8Array {
  const { binding } = tf.backend() as unknown as NodeBackend;
  const names = graphNames(program);
  const { cells } = program;
  const state = renamed(program.state, names.state);
  const resident = renamed(program.resident, names.resident);
  const oneStep = renamed(program.perStep, names.perStep);
  const wholeChunk = oneStep.map((s) => ({ ...s, shape: [chunkSteps, ...s.shape] }));
  const learningRates: TensorSpecification = { name: 'learning_rates', shape: [cells], dtype: 'float32' };
  const steps: TensorSpecification = { name: 'steps', shape: [], dtype: 'int32' };
  const index: TensorSpecification = { name: 'index', shape: [], dtype: 'int32' };
  const losses: TensorSpecification = { name: LOSSES, shape: [chunkSteps, cells], dtype: 'float32' };

  const step = record(tf, 'step', [...state, ...resident, ...oneStep, learningRates], (args) => {
    let at = 0;
    const take = (n: number) => args.slice(at, (at += n));
    const result = program.step(take(state.length), {
      resident: take(resident.length),
      perStep: take(oneStep.length),
      learningRates: args[args.length - 1],
    });
    return [...result.state, result.loss];
  });
  checkShapes(step.outputs, [...state, { name: 'loss', shape: [cells], dtype: 'float32' }]);

  const loopArguments = [index, steps, ...resident, ...wholeChunk, learningRates, ...state, losses];
  const condition = functionDefinition(
    'condition',
    loopArguments,
    [{ name: 'go', dtype: 'bool', value: 'go:z:0' }],
    [node('go', 'Less', ['index', 'steps'], { T: attr.type('int32') })],
    'as written',
  );
  const rows = oneStep.map((s, i) => ({ spec: s, prefix: `row${i}`, source: wholeChunk[i].name }));
  const stepCall = node(
    'step_call',
    'PartitionedCall',
    [...names.state, ...names.resident, ...rows.map((r) => `${r.prefix}_row:output:0`), 'learning_rates'],
    {
      Tin: attr.types([...state, ...resident, ...oneStep, learningRates].map((s) => s.dtype)),
      Tout: attr.types([...state.map((s) => s.dtype), 'float32']),
      f: attr.fnAsWritten('step'),
    },
  );
  const passed = (a: Argument) => ({ name: `next_${a.name}`, dtype: a.dtype, value: a.name });
  const body = functionDefinition(
    'body',
    loopArguments,
    [
      { name: 'next_index', dtype: 'int32', value: 'next:z:0' },
      ...[steps, ...resident, ...wholeChunk, learningRates].map(passed),
      ...state.map((s, i) => ({ name: `next_${s.name}`, dtype: s.dtype, value: `step_call:output:${i}` })),
      { name: `next_${LOSSES}`, dtype: 'float32', value: 'write:output:0' },
    ],
    [
      ...rows.flatMap((r) => rowNodes(r.prefix, r.source, 'index', r.spec)),
      stepCall,
      constantNode('one', 'int32', [], [1]),
      node('next', 'AddV2', ['index', 'one:output:0'], { T: attr.type('int32') }),
      constantNode('row_shape', 'int32', [2], [1, 1]),
      node('at', 'Reshape', ['index', 'row_shape:output:0'], {
        T: attr.type('int32'),
        Tshape: attr.type('int32'),
      }),
      constantNode('loss_shape', 'int32', [2], [1, cells]),
      node('loss', 'Reshape', [`step_call:output:${state.length}`, 'loss_shape:output:0'], {
        T: attr.type('float32'),
        Tshape: attr.type('int32'),
      }),
      node('write', 'TensorScatterUpdate', [LOSSES, 'at:output:0', 'loss:output:0'], {
        T: attr.type('float32'),
        Tindices: attr.type('int32'),
      }),
    ],
    'as written',
  );
  const chunkArguments = [steps, ...resident, ...wholeChunk, learningRates, ...state];
  const firstStateOutput = 2 + resident.length + wholeChunk.length + 1;
  const chunk = functionDefinition(
    'chunk',
    chunkArguments,
    [
      ...state.map((s, i) => ({
        name: `new_${s.name}`,
        dtype: s.dtype,
        value: `loop:output:${firstStateOutput + i}`,
      })),
      { name: LOSSES, dtype: 'float32', value: `loop:output:${firstStateOutput + state.length}` },
    ],
    [
      constantNode('zero', 'int32', [], [0]),
      constantNode('no_loss', 'float32', [], [0]),
      constantNode('losses_shape', 'int32', [2], [chunkSteps, cells]),
      node('no_losses', 'Fill', ['losses_shape:output:0', 'no_loss:output:0'], {
        T: attr.type('float32'),
        index_type: attr.type('int32'),
      }),
      node(
        'loop',
        'StatelessWhile',
        ['zero:output:0', ...chunkArguments.map((a) => a.name), 'no_losses:output:0'],
        {
          T: attr.types(loopArguments.map((a) => a.dtype)),
          cond: attr.fnAsWritten('condition'),
          body: attr.fnAsWritten('body'),
          output_shapes: attr.shapes(loopArguments.map((a) => a.shape)),
          parallel_iterations: attr.int(1),
        },
      ),
    ],
    'compiled',
  );

  const evaluationData = renamed(program.evaluationData, names.evaluationData);
  const oneTile = evaluationData.map((s) => ({ ...s, shape: s.shape.slice(1) }));
  const tileRecord = record(tf, 'evaluate_tile', [...state, ...oneTile], (args) =>
    program.evaluate(args.slice(0, state.length), args.slice(state.length)),
  );
  const tileIndex: TensorSpecification = { name: 'tile', shape: [], dtype: 'int32' };
  const metricNames = program.evaluationMetrics.map((_, i) => `metric${i}`);
  const evaluate = functionDefinition(
    'evaluate',
    [tileIndex, ...state, ...evaluationData],
    metricNames.map((name, i) => ({ name, dtype: 'float32', value: `tile_call:output:${i}` })),
    [
      ...oneTile.flatMap((s, i) => rowNodes(`tile${i}`, evaluationData[i].name, 'tile', s)),
      node(
        'tile_call',
        'PartitionedCall',
        [...names.state, ...oneTile.map((_, i) => `tile${i}_row:output:0`)],
        {
          Tin: attr.types([...state, ...oneTile].map((s) => s.dtype)),
          Tout: attr.types(metricNames.map(() => 'float32' as const)),
          f: attr.fnAsWritten('evaluate_tile'),
        },
      ),
    ],
    'compiled',
  );

  return savedModelBytes(
    [translate(step, binding), condition, body, chunk, translate(tileRecord, binding), evaluate],
    graphNodes({ state, resident, wholeChunk, learningRates, steps, evaluationData, tileIndex, metricNames }),
    signatures({
      state,
      resident,
      wholeChunk,
      learningRates,
      steps,
      evaluationData,
      tileIndex,
      metricNames,
      losses,
    }),
  );
}

function checkShapes(
  actual: readonly { shape: readonly number[] }[],
  expected: readonly TensorSpecification[],
): void {
  expected.forEach((s, i) => {
    if (actual[i].shape.join() !== s.shape.join())
      throw new Error(
        `the step returns [${actual[i].shape.join(', ')}] for ${s.name}, expected [${s.shape.join(', ')}]`,
      );
  });
}

interface GraphParts {
  readonly state: readonly TensorSpecification[];
  readonly resident: readonly TensorSpecification[];
  readonly wholeChunk: readonly TensorSpecification[];
  readonly learningRates: TensorSpecification;
  readonly steps: TensorSpecification;
  readonly evaluationData: readonly TensorSpecification[];
  readonly tileIndex: TensorSpecification;
  readonly metricNames: readonly string[];
}

/** Variables with their assignments, and the calls of the compiled functions on them. */
function graphNodes(parts: GraphParts): NodeDefinition[] {
  const { state, resident, wholeChunk, learningRates, steps, evaluationData, tileIndex, metricNames } = parts;
  const kept = [...state, ...resident, ...evaluationData, learningRates];
  const placeholder = (name: string, s: TensorSpecification) =>
    node(name, 'Placeholder', [], { dtype: attr.type(s.dtype), shape: attr.shape(s.shape) });
  const setDone = (name: string, variables: readonly TensorSpecification[]) => [
    constantNode(`${name}_value`, 'int32', [], [1]),
    node(name, 'Identity', [`${name}_value`, ...variables.map((v) => `^set_${v.name}`)], {
      T: attr.type('int32'),
    }),
  ];
  const call = (
    name: string,
    fn: string,
    inputs: readonly (readonly [string, TensorSpecification])[],
    out: number,
  ) =>
    node(
      name,
      'PartitionedCall',
      inputs.map(([tensor]) => tensor),
      {
        Tin: attr.types(inputs.map(([, s]) => s.dtype)),
        Tout: attr.types(new Array<'float32'>(out).fill('float32')),
        f: attr.fn(fn),
        _XlaMustCompile: attr.bool(true),
      },
    );
  const read = (s: TensorSpecification) => [`read_${s.name}`, s] as const;
  const fed = (s: TensorSpecification) => [s.name, s] as const;
  return [
    ...kept.flatMap((s) => [
      node(`variable_${s.name}`, 'VarHandleOp', [], {
        dtype: attr.type(s.dtype),
        shape: attr.shape(s.shape),
        shared_name: attr.text(s.name),
      }),
      placeholder(`new_${s.name}`, s),
      node(`set_${s.name}`, 'AssignVariableOp', [`variable_${s.name}`, `new_${s.name}`], {
        dtype: attr.type(s.dtype),
      }),
      node(`read_${s.name}`, 'ReadVariableOp', [`variable_${s.name}`], { dtype: attr.type(s.dtype) }),
    ]),
    ...setDone('load_done', [...resident, ...evaluationData, learningRates]),
    ...setDone('set_state_done', state),
    placeholder(steps.name, steps),
    placeholder(tileIndex.name, tileIndex),
    ...wholeChunk.map((s) => placeholder(s.name, s)),
    call(
      'train_call',
      'chunk',
      [fed(steps), ...resident.map(read), ...wholeChunk.map(fed), read(learningRates), ...state.map(read)],
      state.length + 1,
    ),
    ...state.map((s, i) =>
      node(`keep_${s.name}`, 'AssignVariableOp', [`variable_${s.name}`, `train_call:${i}`], {
        dtype: attr.type(s.dtype),
      }),
    ),
    node('trained', 'Identity', [`train_call:${state.length}`, ...state.map((s) => `^keep_${s.name}`)], {
      T: attr.type('float32'),
    }),
    call(
      'evaluate_call',
      'evaluate',
      [fed(tileIndex), ...state.map(read), ...evaluationData.map(read)],
      metricNames.length,
    ),
  ];
}

function signatures(parts: GraphParts & { readonly losses: TensorSpecification }) {
  const {
    state,
    resident,
    wholeChunk,
    learningRates,
    steps,
    evaluationData,
    tileIndex,
    metricNames,
    losses,
  } = parts;
  const tensor = (key: string, name: string, s: TensorSpecification): SignatureTensor => ({
    key,
    tensor: `${name}:0`,
    dtype: s.dtype,
    shape: s.shape,
  });
  const fresh = (s: TensorSpecification) => tensor(s.name, `new_${s.name}`, s);
  const done = (name: string): SignatureTensor => ({
    key: 'done',
    tensor: `${name}:0`,
    dtype: 'int32',
    shape: [],
  });
  const cells = [elements(learningRates.shape)];
  return {
    load: {
      inputs: [...resident, ...evaluationData, learningRates].map(fresh),
      outputs: [done('load_done')],
    },
    set_state: { inputs: state.map(fresh), outputs: [done('set_state_done')] },
    get_state: { inputs: [], outputs: state.map((s) => tensor(s.name, `read_${s.name}`, s)) },
    train: {
      inputs: [steps, ...wholeChunk].map((s) => tensor(s.name, s.name, s)),
      outputs: [tensor(LOSSES, 'trained', losses)],
    },
    evaluate: {
      inputs: [tensor(tileIndex.name, tileIndex.name, tileIndex)],
      outputs: metricNames.map((key, i) => ({
        key,
        tensor: `evaluate_call:${i}`,
        dtype: 'float32' as const,
        shape: cells,
      })),
    },
  };
}
