/** Ridges in words and as plain tables for JSON: stable names, null for what is not defined. */
import type { Optimum } from './optimum.ts';
import type { Interval } from './resampling.ts';
import type { Ridge } from './ridge.ts';
import { directionOf } from './migration.ts';
import type { Definition, Passage } from './scores.ts';

/** 3.6e-3: significant digits, never 0.00. */
export function formatLearningRate(value: number): string {
  return value.toExponential(1).replace('e+', 'e');
}

export function describeDefinition(definition: Definition): string {
  switch (definition.kind) {
    case 'equal-steps':
      return `at equal steps (step ${number(definition.step)})`;
    case 'equal-samples':
      return `at equal samples (${number(definition.samples)})`;
    case 'equal-loss':
      return `at equal loss (${number(definition.target)}${byMean(definition)}, then ${number(definition.moreSteps)} more steps)`;
    case 'fewest-steps':
      return `by the fewest steps to loss ${number(definition.target)}${byMean(definition)}`;
    case 'local':
      return `locally, one step from step ${number(definition.step)} of the run at B = ${number(definition.batchSize)} and learning rate ${formatLearningRate(definition.learningRate)}`;
  }
}

function byMean({ passage }: { readonly passage?: Passage }): string {
  return passage === 'mean-curve' ? ' of the mean curve' : '';
}

/** One sentence: what the ridge shows, under which definition. */
export function describeRidge(ridge: Ridge): string {
  const where = describeDefinition(ridge.definition);
  const start = `${where[0].toUpperCase()}${where.slice(1)}`;
  const { peak, points } = ridge;
  if (peak === null) return `${start} there is no optimal learning rate to show.`;
  const height = `${formatLearningRate(peak.learningRate)}${bracket(peak.learningRateInterval, formatLearningRate)}`;
  const batch = `B = ${number(peak.batchSize)}${bracket(peak.interval, number)}`;
  if (points.filter((p) => p.learningRate !== null).length === 1)
    return `${start} only ${batch} has an optimal learning rate: ${height}.`;
  const without = points.filter((p) => p.learningRate === null).length;
  const others = without === 0 ? '' : ` ${without} of ${points.length} batch sizes have no optimum here.`;
  if (peak.atEdge === 'largest')
    return `${start} the optimal learning rate is highest at the largest batch size, ${batch}: ${height}. It may go on rising beyond.${others}`;
  if (peak.atEdge === 'smallest')
    return `${start} the optimal learning rate is highest at the smallest batch size, ${batch}: ${height}. It may go on rising below.${others}`;
  const low = peak.flags.includes('below-resolution')
    ? ' On one side at least it falls by less than one step of the learning-rate grid.'
    : '';
  return `${start} the optimal learning rate peaks at ${batch}: ${height}.${low}${others}`;
}

/** One sentence on the way of the peak; the ridges are in the order of training. */
export function describeMigration(ridges: readonly Ridge[]): string {
  const { direction, from, to, beyondError } = directionOf(ridges);
  if (from === null || to === null)
    return 'The way of the peak is undetermined: fewer than two ridges peak inside the sweep.';
  const between = `${describeDefinition(from.definition)} and ${describeDefinition(to.definition)}`;
  if (direction === 'none') return `The peak is at B = ${number(from.batchSize)} both ${between}.`;
  const error =
    beyondError === null ? '' : beyondError ? '; their intervals are apart' : '; their intervals overlap';
  return `The peak moves to ${direction} batch sizes: B = ${number(from.batchSize)} ${describeDefinition(from.definition)}, B = ${number(to.batchSize)} ${describeDefinition(to.definition)}${error}.`;
}

function bracket(range: Interval | null, format: (value: number) => string): string {
  return range === null ? '' : ` [${format(range.low)}–${format(range.high)}]`;
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** Without the resampled values, which are for further analysis and not for reading. */
export function ridgeTable(ridge: Ridge) {
  return {
    definition: ridge.definition,
    method: ridge.method,
    score: scoreName(ridge.definition),
    sentence: describeRidge(ridge),
    peak: ridge.peak,
    points: ridge.points.map(pointTable),
  };
}

/** The whole migration for JSON, with its direction. */
export function migrationTable(ridges: readonly Ridge[]) {
  return {
    sentence: describeMigration(ridges),
    direction: directionOf(ridges),
    ridges: ridges.map(ridgeTable),
  };
}

/** What `score` of the points is. */
function scoreName(definition: Definition): 'loss' | 'loss after the further steps' | 'steps to the target' {
  if (definition.kind === 'equal-loss') return 'loss after the further steps';
  return definition.kind === 'fewest-steps' ? 'steps to the target' : 'loss';
}

function pointTable(point: Optimum): Omit<Optimum, 'resampled'> {
  const { resampled, ...table } = point;
  void resampled;
  return table;
}
