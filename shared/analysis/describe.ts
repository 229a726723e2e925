/** Ridges in words and as plain tables for JSON: stable names, null for what is not defined. */
import type { Optimum } from './optimum.ts';
import type { Interval } from './resampling.ts';
import type { Ridge } from './ridge.ts';
import type { Definition } from './scores.ts';

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
      return `at equal loss (${number(definition.target)}, then ${number(definition.moreSteps)} more steps)`;
    case 'fewest-steps':
      return `by the fewest steps to loss ${number(definition.target)}`;
  }
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
  if (peak.atEdge === 'largest')
    return `${start} the optimal learning rate is highest at the largest batch size, ${batch}: ${height}. It may go on rising beyond.`;
  if (peak.atEdge === 'smallest')
    return `${start} the optimal learning rate is highest at the smallest batch size, ${batch}: ${height}.`;
  return `${start} the optimal learning rate peaks at ${batch}: ${height}.`;
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
    sentence: describeRidge(ridge),
    peak: ridge.peak,
    points: ridge.points.map(pointTable),
  };
}

function pointTable({ resampled: _, ...point }: Optimum): Omit<Optimum, 'resampled'> {
  return point;
}
