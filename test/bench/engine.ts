/**
 * Microseconds per run-step (one optimizer step of one cell) of four ways to train a sweep on the same machine, threads,
 * data and grid: a sequential PyTorch loop, JAX (vmap and scan), our eager and our compiled engine. Adam, 16 learning
 * rates: MLP 784-H-10 (3 seeds), the CNN of the paper's kind on the same digits, a small GPT on the bytes of Moby Dick.
 * The contenders take turns, so that a busy moment of the machine hits all of them.
 *
 *   npm run bench:engine -- [--json FILE] [--models mlp,cnn,gpt] [--hidden 32,128] [--batch 1,16,128,1024]
 *     [--cnn-batch 1,4,12,64] [--gpt-batch 1,8,32] [--repeats 5] [--seconds 1] [--threads N]
 *     [--without jax] (a JAX step of the CNN takes seconds at B = 64)
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { findNode } from '#main/setup/node.ts';
import { loadClassification } from '#main/training/data/load.ts';
import { loadTokens } from '#main/training/data/text.ts';
import { Contender } from './engine/contender.ts';
import { benchPython } from './engine/python.ts';
import {
  contenderNames,
  meanRatio,
  modelName,
  table,
  targets,
  type ContenderName,
  type Row,
} from './engine/report.ts';
import { disturbedShare, quietMoment } from './engine/quiet.ts';
import type { Model, Task } from './engine/task.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    hidden: { type: 'string', default: '32,128' },
    batch: { type: 'string', default: '1,16,128,1024' },
    models: { type: 'string', default: 'mlp,cnn,gpt' },
    'cnn-batch': { type: 'string', default: '1,4,12,64' },
    'gpt-batch': { type: 'string', default: '1,8,32' },
    repeats: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    without: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const list = (text: string) => text.split(',').map(Number);
const repeats = Math.max(3, Number(options.repeats));
const seconds = Number(options.seconds);
const threads = Number(options.threads);
const EVALUATION_EXAMPLES = 2000;
const learningRates = Array.from({ length: 16 }, (_, i) => 3e-4 * 100 ** (i / 15));
interface Shape {
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
}
const everyNth = (n: number) => learningRates.filter((_, i) => i % n === 0);
const grids: Record<Model['kind'], Shape> = {
  mlp: { learningRates, seeds: [0, 1, 2] },
  cnn: { learningRates, seeds: [0] },
  gpt: { learningRates, seeds: [0] },
};
/** Stacks that the compiled engine may choose from. */
const stackShapes: Record<Model['kind'], readonly Shape[]> = {
  mlp: [
    { learningRates, seeds: [0] },
    { learningRates: everyNth(2), seeds: [0, 1, 2] },
    { learningRates, seeds: [0, 1, 2] },
  ],
  cnn: [1, 4, 16].map((n) => ({ learningRates: everyNth(n), seeds: [0] })),
  gpt: [1, 4, 16].map((n) => ({ learningRates: everyNth(n), seeds: [0] })),
};
const GPT = { kind: 'gpt', layers: 2, width: 64, heads: 4, context: 64 } as const;

if (locateEngine() === null) {
  console.error('The TensorFlow engine is not installed. Run "surge engine install".');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'surge-bench-'));
const contenders = await start();
const rows: Row[] = [];
try {
  const models = options.models.split(',');
  if (models.includes('mlp'))
    for (const hidden of list(options.hidden))
      for (const batchSize of list(options.batch))
        rows.push(await measure({ kind: 'mlp', hidden }, batchSize));
  if (models.includes('cnn'))
    for (const batchSize of list(options['cnn-batch'])) rows.push(await measure({ kind: 'cnn' }, batchSize));
  if (models.includes('gpt'))
    for (const batchSize of list(options['gpt-batch'])) rows.push(await measure(GPT, batchSize));
} finally {
  for (const contender of contenders.values()) await contender.stop();
  rmSync(folder, { recursive: true, force: true });
}
const goals = targets(rows);
const disturbed = disturbedShare();
console.log(`\nMicroseconds per run-step, median of ${repeats}; ${threads} threads; ${cpus()[0].model}`);
console.log([...contenders.values()].map((c) => `${c.name}: ${c.version}`).join(', '));
console.log(`\n${table(rows)}\n`);
for (const goal of goals)
  console.log(
    goal.met === null
      ? `not measured  ${goal.name}`
      : `${goal.met ? 'met   ' : 'MISSED'}  ${goal.name}: ${goal.value!.toFixed(2)} (${goal.at})`,
  );
if (disturbed > 0.1)
  console.log(
    `UNCERTAIN: other programs were busy before ${Math.round(disturbed * 100)} % of the measurements. Repeat this on a quiet machine.`,
  );
if (options.json !== undefined)
  writeFileSync(
    options.json,
    `${JSON.stringify(
      {
        unit: 'microseconds per run-step',
        grid: 'Adam, 16 learning rates; 3 seeds for the MLP, 1 for the others',
        processor: cpus()[0].model,
        threads,
        disturbedShare: disturbed,
        repeats,
        versions: Object.fromEntries([...contenders].map(([name, c]) => [name, c.version])),
        rows,
        geometricMeans: Object.fromEntries(
          (['torch', 'jax', 'eager'] as const).map((rival) => [rival, meanRatio(rows, rival)]),
        ),
        targets: goals,
      },
      null,
      2,
    )}\n`,
  );

async function start(): Promise<Map<ContenderName, Contender>> {
  const started = new Map<ContenderName, Contender>();
  try {
    const python = await benchPython((message) => console.log(message));
    const script = (name: string) => join(import.meta.dirname, 'engine', name);
    started.set('torch', await Contender.start('PyTorch loop', python, [script('torch_loop.py')]));
    if (!options.without.split(',').includes('jax'))
      started.set('jax', await Contender.start('JAX', python, [script('jax_vmap.py')]));
  } catch (error) {
    console.log(`PyTorch and JAX are skipped: ${(error as Error).message}`);
  }
  for (const mode of ['eager', 'compiled'] as const) {
    const parameters = [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'engine-contender.ts'),
    ];
    started.set(mode, await Contender.start(mode, findNode(), [...parameters, String(threads)]));
  }
  return started;
}

/** Writes the training data of a model; returns what a task says of them. */
function writeData(
  model: Model,
): Pick<Task, 'features' | 'classes' | 'examples' | 'exampleFile' | 'labelFile'> {
  const files = { exampleFile: join(folder, 'examples'), labelFile: join(folder, 'labels') };
  if (model.kind === 'gpt') {
    const data = loadTokens({ source: 'moby-dick' }, model.context, EVALUATION_EXAMPLES);
    writeFileSync(files.exampleFile, data.training);
    return {
      features: model.context + 1,
      classes: data.vocabulary,
      examples: data.trainingSequences,
      ...files,
    };
  }
  const data = loadClassification({ source: 'digits' }, EVALUATION_EXAMPLES);
  writeFileSync(files.exampleFile, data.trainingImages);
  writeFileSync(files.labelFile, data.trainingLabels);
  return { features: data.features, classes: data.classes, examples: data.trainingExamples, ...files };
}

/** Steps of one call: few where a step is long. */
function chunkOf(model: Model, batchSize: number): number {
  if (model.kind === 'mlp') return batchSize >= 512 ? 16 : 64;
  return batchSize >= 32 ? 4 : 16;
}

async function measure(model: Model, batchSize: number): Promise<Row> {
  const task: Task = {
    model,
    ...writeData(model),
    ...grids[model.kind],
    batchSize,
    chunkSteps: chunkOf(model, batchSize),
    threads,
    evaluationExamples: EVALUATION_EXAMPLES,
    mode: 'compiled',
  };
  const compiled = contenders.get('compiled')!;
  const shape = await fastestShape(compiled, task);
  for (const [name, contender] of contenders) {
    if (name === 'compiled') await contender.prepare({ ...task, ...shape });
    else
      await contender.prepare({ ...task, mode: 'eager', chunkSteps: name === 'eager' ? 4 : task.chunkSteps });
  }
  const timings: Record<ContenderName, number[]> = { torch: [], jax: [], eager: [], compiled: [] };
  for (let repeat = 0; repeat < repeats; repeat++)
    for (const [name, contender] of contenders) {
      await quietMoment();
      timings[name].push((await contender.measure(seconds)).microseconds);
    }
  const microseconds = Object.fromEntries(
    contenderNames.map((name) => [name, median(timings[name])]),
  ) as Row['microseconds'];
  const row = { model, batchSize, cellsPerStack: cells(shape), microseconds, timings };
  const shown = contenderNames.map((name) => `${name} ${microseconds[name]?.toFixed(1) ?? '–'}`).join(', ');
  console.log(`${modelName(model)}, B = ${batchSize}: ${shown} (${row.cellsPerStack} cells a stack)`);
  return row;
}

function cells(shape: Shape): number {
  return shape.learningRates.length * shape.seeds.length;
}

/** As the product does before an experiment: a short measurement of each stack size. */
async function fastestShape(compiled: Contender, task: Task): Promise<Shape> {
  const shapes = stackShapes[task.model.kind];
  let best = { shape: shapes[0], microseconds: Infinity };
  for (const shape of shapes) {
    await compiled.prepare({ ...task, ...shape });
    await quietMoment();
    const timings = [await compiled.measure(seconds / 2), await compiled.measure(seconds / 2)];
    const microseconds = Math.min(...timings.map((t) => t.microseconds));
    if (microseconds < best.microseconds) best = { shape, microseconds };
  }
  return best.shape;
}

function median(timings: readonly number[]): number | null {
  const sorted = [...timings].sort((a, b) => a - b);
  return sorted.length === 0 ? null : (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
