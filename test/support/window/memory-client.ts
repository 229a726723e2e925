/** A lab that lives in memory: enough for looking at pages. It trains nothing and keeps nothing. */
import type { CallArgument, CallName, CallResult, EventName, EventPayload } from '#shared/api/contract.ts';
import type { LabClient } from '#shared/api/client.ts';
import { ApiError } from '#shared/api/errors.ts';
import type {
  DesignPreview,
  EngineState,
  ExperimentCard,
  ExperimentState,
  Job,
  LabSettings,
  QueueState,
} from '#shared/api/types.ts';
import { axisValues } from '#shared/experiment/axis.ts';
import { parseExperimentFile, specificationToYaml } from '#shared/experiment/file.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { planStacks } from '#shared/experiment/plan.ts';
import { parseSpecification } from '#shared/experiment/validate.ts';
import { IMPORT_PRESETS } from '#shared/import/presets.ts';

const EXAMPLE = `name: digits, sign descent
workload: { kind: mlp, hidden: [32], data: { source: digits } }
optimizer: { kind: sign }
learningRates:
  log: { from: 3e-4, to: 3e-2, count: 24 }
batchSizes:
  list: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
seeds: 8
length: { steps: 160 }
`;
const STATES: readonly ExperimentState[] = [
  'running',
  'queued',
  'held',
  'complete',
  'failures',
  'waiting',
  'imported',
  'elsewhere',
];

type Handlers = {
  [Name in CallName]?: (argument: never) => CallResult<Name> | Promise<CallResult<Name>>;
};

export function memoryClient(options: { experiments: number }): LabClient {
  const listeners = new Map<string, Set<(payload: unknown) => void>>();
  const emit = <Name extends EventName>(name: Name, payload: EventPayload<Name>) =>
    listeners.get(name)?.forEach((listener) => listener(payload));
  let cards = Array.from({ length: options.experiments }, (_, i) => card(i));
  let measured = false;
  let settings: LabSettings = { theme: 'system', threads: null, maxCellsPerStack: null };
  const change = (key: string, next: Partial<ExperimentCard>): null => {
    cards = cards.map((one) => (one.key === key ? { ...one, ...next } : one));
    emit('experiments.changed', { experiments: [key] });
    return null;
  };
  const job = (kind: Job['kind'], seconds: number, then: () => void): { job: string } => {
    const id = `job-${kind}`;
    let share = 0;
    const timer = setInterval(() => {
      share = Math.min(1, share + 0.25 / seconds);
      emit('job.changed', { id, kind, message: 'Working', share, done: share === 1, error: null });
      if (share < 1) return;
      clearInterval(timer);
      then();
    }, 250);
    return { job: id };
  };
  const create = (name: string): { experiment: string; isNew: boolean } => {
    const made = { ...card(cards.length), name, state: 'queued' as const, createdAt: Date.now() };
    cards = [made, ...cards];
    emit('experiments.changed', { experiments: [made.key] });
    return { experiment: made.key, isNew: true };
  };
  const queue = (): QueueState => ({
    canTrain: true,
    problem: '',
    running:
      cards.length === 0
        ? null
        : {
            experiment: cards[0].key,
            name: cards[0].name,
            cells: 1920,
            cellsDone: 812,
            runSteps: 1000,
            runStepsDone: 423,
            secondsLeft: 748,
            stacks: [{ stack: 's', batchSize: 64, phase: 'training' }],
          },
    waiting: cards.slice(1, 2).map(({ key, name }) => ({ experiment: key, name })),
  });
  const about = () => ({
    version: '0.1.0',
    node: '24.21.0',
    platform: 'linux x64',
    engine: engine(),
    settings,
    store: {
      file: '/home/someone/.local/share/surge-lab/lab.surge',
      bytes: 48_300_000,
      spoolBytes: 12_100_000,
      freeBytes: 211e9,
      access: 'write' as const,
      backups: [
        { name: 'lab-2026-11-20.surge', bytes: 41_000_000, time: Date.UTC(2026, 10, 20, 7) },
        { name: 'lab-2026-11-02.surge', bytes: 12_000_000, time: Date.UTC(2026, 10, 2, 18) },
      ],
    },
  });
  const handlers: Handlers = {
    'experiments.list': ({ archived }: { archived: boolean }) =>
      cards.filter((one) => one.archived === archived),
    'experiments.get': ({ experiment }: { experiment: string }) => {
      const found = cards.find(({ key }) => key === experiment);
      if (found === undefined) throw new ApiError('not-found', 'There is no such experiment in this store.');
      const parsed = parseExperimentFile(EXAMPLE);
      return {
        ...found,
        specification: parsed.ok ? parsed.specification : null,
        text: EXAMPLE,
        imported: null,
        hasCurves: true,
        metrics: ['trainingLoss', 'evaluationLoss', 'evaluationAccuracy'],
        events: [],
      };
    },
    'experiments.create': ({ text }: { text: string }) =>
      create(/^name: (.*)$/m.exec(text)?.[1] ?? 'new experiment'),
    'experiments.createDemo': () => create('digits, sign descent'),
    'experiments.annotate': ({
      experiment,
      ...next
    }: { experiment: string } & CallArgument<'experiments.annotate'>) => change(experiment, next),
    'experiments.archive': (argument: { experiment: string; archived: boolean }) =>
      change(argument.experiment, { archived: argument.archived }),
    'experiments.delete': ({ experiment }: { experiment: string }) => {
      cards = cards.filter(({ key }) => key !== experiment);
      emit('experiments.changed', { experiments: [experiment] });
      return null;
    },
    'experiments.refine': () => ({
      text: EXAMPLE.replace('count: 24 }', 'count: 24 }\n  extra: [2.31e-3, 2.9e-3]'),
      added: 2,
      sentence: 'Two learning rates were added around 2.6e-3, the optimum at the peak (step 160).',
    }),
    'design.preview': (argument: CallArgument<'design.preview'>) => preview(argument, measured),
    'design.measure': () => job('measure', 2, () => (measured = true)),
    'design.examples': () => [
      { name: 'digits-sign', title: 'Digits, sign descent', text: EXAMPLE },
      { name: 'quick-look', title: 'Quick look', text: EXAMPLE.replace('seeds: 8', 'seeds: 2') },
    ],
    'training.start': ({ experiment }: { experiment: string }) => change(experiment, { state: 'queued' }),
    'training.pause': ({ experiment }: { experiment: string }) =>
      change(experiment, { state: 'held', reason: 'Paused by you.' }),
    'training.rerunFailed': () => ({ cells: 3 }),
    'training.queue': queue,
    'lab.about': about,
    'settings.set': (next: Partial<LabSettings>) => {
      settings = { ...settings, ...next };
      emit('settings.changed', settings);
      return settings;
    },
    'engine.check': engine,
    'engine.install': () => job('engine-install', 4, () => undefined),
    'store.backup': () => about().store,
    'store.restore': () => about().store,
    'import.presets': () => IMPORT_PRESETS.map(({ name, title }) => ({ name, title })),
  };
  return {
    call: async (name, ...rest) => {
      await new Promise((resolve) => setTimeout(resolve, 15));
      const handler = handlers[name] as ((argument: unknown) => CallResult<typeof name>) | undefined;
      if (handler === undefined) throw new ApiError('not-possible', `This lab in memory has no ${name}.`);
      return handler(rest[0]);
    },
    on: (name, listener) => {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener as (payload: unknown) => void));
      return () => set.delete(listener as (payload: unknown) => void);
    },
    onConnection: () => () => undefined,
  };
}

function engine(): EngineState {
  return {
    state: 'ready',
    libraryVersion: '2.21.0',
    device: 'cpu',
    threads: 2,
    folder: '/home/someone/.cache/surge-lab',
    message: '',
  };
}

function preview(argument: CallArgument<'design.preview'>, measured: boolean): DesignPreview {
  const parsed = 'text' in argument ? parseExperimentFile(argument.text) : parseSpecification(argument.input);
  if (!parsed.ok)
    return {
      problems: parsed.problems.map((problem) => ({
        path:
          'field' in problem
            ? problem.field
            : problem.path.reduce<string>(
                (text, part) =>
                  typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`,
                '',
              ),
        line: 'line' in problem ? problem.line : null,
        message: problem.message,
      })),
      warnings: [],
      design: null,
    };
  const { specification } = parsed;
  const grid = expandGrid(specification);
  const missing = grid.batchSizes.flatMap((batchSize) =>
    grid.learningRates.flatMap((learningRate) =>
      grid.seeds.map((seed) => ({ batchSize, learningRate, seed })),
    ),
  );
  const stacks = planStacks({ grid, missing, cellsPerStack: () => 64, order: specification.order });
  return {
    problems: [],
    warnings: parsed.warnings,
    design: {
      specification,
      input: specification,
      text: 'text' in argument ? argument.text : specificationToYaml(specification),
      batchUnit: 'samples',
      parameters: 25_450,
      batchSizes: grid.batchSizes,
      learningRates: axisValues(specification.learningRates, 'learningRates').values,
      seeds: grid.seeds,
      steps: grid.batchSizes.map((batchSize) => grid.stepsFor(batchSize)),
      marks: grid.batchSizes.map((batchSize) => grid.marksFor(batchSize)),
      cells: grid.cells,
      cellsKnown: 0,
      order: grid.batchSizes.map((batchSize) =>
        grid.learningRates.map((rate) =>
          stacks.findIndex((stack) => stack.batchSize === batchSize && stack.learningRates.includes(rate)),
        ),
      ),
      storeBytes: grid.cells * 640,
      cost: measured ? { seconds: 1234, memoryBytes: 412e6, stacks: stacks.length, largestStack: 64 } : null,
    },
  };
}

function card(i: number): ExperimentCard {
  const batchSizes = Float64Array.from([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
  const state = STATES[i % STATES.length];
  const optimizers = ['sign', 'adam', 'lion', 'sgd'];
  const done = state === 'complete' || state === 'imported' ? 1920 : state === 'queued' ? 0 : 812;
  const peak = 8 + (i % 5) * 12;
  return {
    key: `key${i.toString(36).padStart(5, '0')}`,
    name: i === 0 ? 'digits, sign descent' : `digits, ${optimizers[i % 4]}, width ${32 << (i % 4)}`,
    state,
    reason:
      state === 'held'
        ? 'Paused after three stacks failed one after the other: out of memory.'
        : state === 'elsewhere'
          ? 'Another program trains it: process 4123 on this computer.'
          : '',
    createdAt: Date.UTC(2026, 10, 25, 9) - i * 7.3e6,
    archived: i % 17 === 16,
    notes:
      i % 3 === 1
        ? 'Repeats the run of Tuesday with a wider layer, to see whether the peak follows the noise scale.'
        : '',
    tags: i % 2 === 0 ? ['width', 'paper'] : [],
    workload: `mlp 784-${32 << (i % 4)}-10 on digits`,
    optimizer: state === 'imported' ? '' : optimizers[i % 4],
    batchUnit: 'samples',
    cells: 1920,
    counts: {
      planned: 1920 - done - (state === 'running' ? 64 : 0),
      running: state === 'running' ? 64 : 0,
      done: done - (done > 0 ? 40 : 0),
      diverged: done > 0 ? 37 : 0,
      'out-of-memory': 0,
      interrupted: 0,
      failed: state === 'failures' ? 3 : 0,
    },
    thumbnail:
      done === 0
        ? null
        : {
            batchSizes,
            learningRates: batchSizes.map((b) =>
              b === 512 && i % 2 === 0 ? NaN : (4e-3 * 2) / (Math.sqrt(peak / b) + Math.sqrt(b / peak)),
            ),
            peakBatchSize: peak,
            definition: 'at equal steps (step 160)',
          },
  };
}
