/** A good argument for every call of the contract, and the ways to spoil one. */
import fc from 'fast-check';
import type { CallArgument, CallName } from '#shared/api/contract.ts';

const experiment = 'abcd1234';
const upload = '0123456789abcdef0123456789abcdef';

export const goodArguments: { readonly [Name in CallName]: CallArgument<Name> } = {
  'experiments.list': { archived: false },
  'experiments.get': { experiment },
  'experiments.create': { text: 'name: x', start: true },
  'experiments.createDemo': undefined,
  'experiments.annotate': { experiment, name: 'n', notes: 'text', tags: ['a', 'b'] },
  'experiments.archive': { experiment, archived: true },
  'experiments.delete': { experiment },
  'experiments.refine': { experiment, step: 10 },
  'design.preview': { text: 'name: x' },
  'design.measure': { text: 'name: x' },
  'design.examples': undefined,
  'training.start': { experiment },
  'training.pause': { experiment },
  'training.rerunFailed': { experiment },
  'training.queue': undefined,
  'slurm.about': undefined,
  'slurm.submit': {
    experiment,
    folder: '/shared/sweeps',
    stacksPerTask: 4,
    cellsPerStack: 48,
    threads: 2,
    arrayLimit: 8,
    partition: 'gpu',
    gres: 'gpu:1',
    time: '04:00:00',
    mem: '8G',
    account: 'lab',
    sbatch: ['--qos=low'],
    template: 'job',
  },
  'slurm.state': { experiment },
  'slurm.resubmit': { experiment },
  'slurm.cancel': { experiment },
  'watch.open': { experiment, metric: 'evaluationLoss', cursor: 5 },
  'watch.close': { experiment, metric: 'evaluationLoss' },
  'cells.detail': { experiment, cell: 3 },
  'cells.trainingLoss': { experiment, cells: [0, 7] },
  'predictions.list': { experiment },
  'figures.render': {
    experiments: [experiment],
    specification: { kind: 'ridge' },
    formats: ['svg', 'pdf'],
    preset: 'nature',
    dotsPerInch: 300,
  },
  'figures.list': { experiment },
  'figures.keep': {
    name: 'figure-1',
    experiments: [experiment],
    specification: { kind: 'ridge' },
    preset: 'nature-89',
  },
  'figures.forget': { experiment, name: 'figure-1' },
  'figures.redraw': { experiment },
  'upload.begin': { name: 'sweep.csv', bytes: 10 },
  'upload.append': { upload, offset: 0, bytes: new Uint8Array([1, 2]) },
  'import.preview': { upload, preset: 'wandb-runs', map: { loss: 'l' } },
  'import.store': { upload, name: 'n', preset: 'wandb-runs', map: { loss: 'l' } },
  'import.presets': undefined,
  'lab.about': undefined,
  'settings.set': { theme: 'dark', threads: 2, maxCellsPerStack: 10 },
  'engine.check': undefined,
  'engine.install': { device: 'cpu' },
  'store.backup': undefined,
  'speeds.forget': undefined,
  'store.restore': { backup: 'lab.surge.backup-1' },
};

/** Places of an argument that hold a single value. */
function leaves(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [path];
  return Object.entries(value).flatMap(([name, member]) =>
    leaves(member, [...path, Array.isArray(value) ? Number(name) : name]),
  );
}

function replaced(value: unknown, path: readonly (string | number)[], by: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return by;
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (i === head ? replaced(item, rest, by) : item));
  const object = value as Record<string, unknown>;
  return { ...object, [head]: replaced(object[head], rest, by) };
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], value);
}

/** Of every kind that a frame can carry. */
const anyLeaf = fc.oneof(
  fc.constantFrom(null, undefined, NaN, Infinity, -1, 1.5, 2 ** 60, '', '../../etc/passwd', true),
  fc.string({ maxLength: 20 }),
  fc.double(),
  fc.uint8Array({ maxLength: 4 }),
  fc.array(fc.integer(), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
);

function kindOf(value: unknown): string {
  if (value instanceof Uint8Array) return 'bytes';
  return Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;
}

/** Members that the call leaves free: any JSON is a figure's specification, and undefined stands for "not given". */
function isFree(name: CallName, path: readonly (string | number)[], value: unknown): boolean {
  const isOptional =
    /^(step|cursor|preset|map|name|notes|tags|theme|threads|maxCellsPerStack|dotsPerInch|arrayLimit|partition|gres|time|mem|account|sbatch|template)$/;
  if ((name === 'figures.render' || name === 'figures.keep') && path[0] === 'specification') return true;
  if (value === undefined && path.length === 1) return isOptional.test(String(path[0]));
  // Nothing in it is nothing to change, whatever container it is.
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return name === 'settings.set' && (value === null || (path.length === 0 && isEmpty));
}

/** A call with an argument in which one thing is of a wrong kind, missing, or too much. */
export const spoiledCall: fc.Arbitrary<{ name: CallName; argument: unknown }> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(goodArguments) as CallName[])),
    fc.nat(),
    anyLeaf,
    fc.constantFrom('kind', 'kind', 'kind', 'extra', 'whole'),
  )
  .map(([name, place, value, way]) => {
    const good = goodArguments[name];
    if (way === 'extra' && typeof good === 'object') return { name, argument: { ...good, extra: value } };
    const paths = leaves(good);
    const path = way === 'whole' || good === undefined ? [] : paths[place % paths.length];
    return { name, argument: replaced(good, path, value), path, value };
  })
  .filter((spoiled) => {
    if (!('path' in spoiled)) return true;
    const { name, path = [], value } = spoiled;
    const before = valueAt(goodArguments[name], path);
    return kindOf(before) !== kindOf(value) && !isFree(name, path, value);
  })
  .map(({ name, argument }) => ({ name, argument }));
