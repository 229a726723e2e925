/** From the ridges of several experiments to their comparison. */
import { describeDefinition } from '../analysis/describe.ts';
import { interval } from '../analysis/resampling.ts';
import type { Ridge } from '../analysis/ridge.ts';
import type { Specification } from '../experiment/specification.ts';
import type { CompareInput, ComparedRatio } from './compare-figure.ts';
import { seriesOf } from './from-analysis.ts';

export interface ComparedExperiment {
  readonly name: string;
  /** Null for imported sweeps. */
  readonly specification: Specification | null;
  readonly seeds: readonly number[];
  /** With its resampled optima. */
  readonly ridge: Ridge;
}

export function compareInput(experiments: readonly ComparedExperiment[]): CompareInput {
  const labels = labelsOf(experiments);
  const [first, ...others] = experiments;
  return {
    name: experiments.map(({ name }) => name).join(', '),
    ridges: experiments.map(({ ridge }, i) => {
      const { points, peak } = seriesOf(NaN, ridge);
      return { label: labels[i], points, peak };
    }),
    ratios: others.map((one, i) => ratiosOf(first, one, labels[i + 1])),
    definition: experiments.length === 0 ? '' : describeDefinition(first.ridge.definition),
    plannedSeeds: Math.max(0, ...experiments.map(({ seeds }) => seeds.length)),
  };
}

/** Resamples come from one named stream: with equal seeds, resample r draws the same seeds in both experiments. */
function ratiosOf(first: ComparedExperiment, one: ComparedExperiment, label: string): ComparedRatio {
  const paired =
    first.seeds.length === one.seeds.length && first.seeds.every((seed, i) => seed === one.seeds[i]);
  const points = one.ridge.points.flatMap((point) => {
    const base = first.ridge.points.find(({ batchSize }) => batchSize === point.batchSize);
    if (base === undefined || base.learningRate === null || point.learningRate === null) return [];
    const count = Math.min(base.resampled.length, point.resampled.length);
    const logs = Float64Array.from({ length: count }, (_, r) => point.resampled[r] - base.resampled[r]);
    const ends =
      point.interval === null || base.interval === null
        ? null
        : interval(logs, Math.min(point.seeds, base.seeds));
    return [
      {
        batchSize: point.batchSize,
        ratio: point.learningRate / base.learningRate,
        interval: ends === null ? null : { low: Math.exp(ends.low), high: Math.exp(ends.high) },
      },
    ];
  });
  return { label, points, paired };
}

/** Not what an experiment is, but where it looks, or what it is called. */
const unimportant =
  /^(name|notes|learningRates|batchSizes|seeds|length|marks|evaluation|order|recordTrainingLoss)\b/;

/** What varies between the experiments, such as "beta1 0.9"; their names where nothing does or it is not known. */
function labelsOf(experiments: readonly ComparedExperiment[]): string[] {
  const names = experiments.map(({ name }) => name);
  const settings = experiments.map(({ specification }) =>
    specification === null ? null : settingsOf(specification),
  );
  const known = settings.filter((one) => one !== null);
  if (known.length < experiments.length) return distinct(names);
  const keys = [...new Set(known.flatMap((one) => [...one.keys()]))].filter(
    (key) => new Set(known.map((one) => one.get(key))).size > 1,
  );
  const labels = known.map((one) =>
    keys
      .flatMap((key) => {
        const value = one.get(key);
        const last = key.split('.').at(-1) ?? key;
        return value === undefined ? [] : [last === 'kind' ? value : `${last} ${value}`];
      })
      .join(', '),
  );
  const tell = new Set(labels).size === labels.length && labels.every((label) => label !== '');
  return tell ? distinct(labels) : distinct(names);
}

function settingsOf(specification: Specification): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string, value: unknown) => {
    if (path !== '' && unimportant.test(path)) return;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, child] of Object.entries(value)) visit(path === '' ? key : `${path}.${key}`, child);
    else found.set(path, typeof value === 'string' ? value : JSON.stringify(value));
  };
  visit('', specification);
  return found;
}

const LONGEST = 60;

function shortened(label: string): string {
  return label.length <= LONGEST ? label : `${label.slice(0, LONGEST - 1)}…`;
}

/** Experiments of the same name are numbered. */
function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map(shortened).map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
