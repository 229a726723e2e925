/** From measured curves to what the figures are drawn from. */
import { averagesOf } from '../analysis/averages.ts';
import type { CurveSet } from '../analysis/curves.ts';
import { describeDefinition } from '../analysis/describe.ts';
import { migrationOverLoss, migrationOverSteps } from '../analysis/migration.ts';
import type { Optimum, OptimumFlag } from '../analysis/optimum.ts';
import type { Peak } from '../analysis/peak.ts';
import { resampling } from '../analysis/resampling.ts';
import { ridgeOf, type Ridge } from '../analysis/ridge.ts';
import { scoreTable, statuses, type Definition } from '../analysis/scores.ts';
import type { HeatMapInput } from './heat-map.ts';
import type { LossLine, LossPanel } from './loss-panels.ts';
import type { LossesInput } from './losses.ts';
import type { MigrationInput, RidgeSeries } from './migration.ts';

const LOSS_TITLE = 'held-out loss';

/** Flags under which an optimum is drawn hollow. */
const uncertainFlags: readonly OptimumFlag[] = [
  'edge-low',
  'edge-high',
  'one-learning-rate',
  'flat',
  'few-seeds',
];

function isUncertain({ flags }: Optimum): boolean {
  return flags.some((flag) => uncertainFlags.includes(flag));
}

function isUncertainPeak({ atEdge, flags }: Peak): boolean {
  return atEdge !== null || flags.some((flag) => flag === 'uncertain-optimum' || flag === 'few-seeds');
}

/** For sweeps that have only the last loss of each run: one mark, which is the end of the run and not a step. */
export interface FinalLosses {
  /** What the loss is. */
  readonly lossTitle: string;
}

const AT_THE_END = 'at the end of each run';

export function finalLossesInput(curves: CurveSet, name: string, { lossTitle }: FinalLosses): LossesInput {
  const { panel, plannedSeeds, definition } = finalHeatMapInput(curves, name, { lossTitle });
  return { name, panels: [panel], plannedSeeds, definition, lossTitle };
}

export function finalHeatMapInput(curves: CurveSet, name: string, { lossTitle }: FinalLosses): HeatMapInput {
  const definition: Definition = { kind: 'equal-steps', step: 1 };
  const ridge = ridgeOf(curves, definition);
  return {
    name,
    panel: lossPanel(curves, definition, 'end of the run', ridge),
    plannedSeeds: curves.seeds.length,
    definition: AT_THE_END,
    lossTitle,
    peak: ridge.peak,
  };
}

export function lossesInput(curves: CurveSet, name: string, steps: readonly number[]): LossesInput {
  return {
    name,
    panels: steps.map((step) => {
      const definition: Definition = { kind: 'equal-steps', step };
      return lossPanel(curves, definition, `step ${step}`, ridgeOf(curves, definition));
    }),
    plannedSeeds: curves.seeds.length,
    definition: `at equal steps (${steps.length === 1 ? 'step' : 'steps'} ${steps.join(', ')})`,
    lossTitle: LOSS_TITLE,
  };
}

export function heatMapInput(curves: CurveSet, name: string, step: number): HeatMapInput {
  const definition: Definition = { kind: 'equal-steps', step };
  const ridge = ridgeOf(curves, definition);
  return {
    name,
    panel: lossPanel(curves, definition, `step ${step}`, ridge),
    plannedSeeds: curves.seeds.length,
    definition: describeDefinition(definition),
    lossTitle: LOSS_TITLE,
    peak: ridge.peak,
  };
}

/** Ridges at `steps`, and the path of the peak over every mark that all batch sizes share. */
export function migrationOverStepsInput(
  curves: CurveSet,
  name: string,
  steps: readonly number[],
): MigrationInput {
  const ridges = migrationOverSteps(curves);
  const stepOf = ({ definition }: Ridge) => (definition.kind === 'equal-steps' ? definition.step : NaN);
  const added = steps
    .filter((step) => !ridges.some((ridge) => stepOf(ridge) === step))
    .map((step) => ridgeOf(curves, { kind: 'equal-steps', step }));
  return {
    name,
    by: 'steps',
    series: [...ridges, ...added]
      .map((ridge) => seriesOf(stepOf(ridge), ridge))
      .sort((a, b) => a.value - b.value),
    shown: steps,
    batchSizes: curves.batchSizes,
    plannedSeeds: curves.seeds.length,
    definition: 'at equal steps',
  };
}

export function migrationOverLossInput(
  curves: CurveSet,
  name: string,
  targets: readonly number[],
  moreSteps: number,
): MigrationInput {
  const descending = [...new Set(targets)].sort((a, b) => b - a);
  const ridges = migrationOverLoss(curves, descending, moreSteps);
  return {
    name,
    by: 'loss',
    series: ridges.map((ridge, i) => seriesOf(descending[i], ridge)),
    shown: descending,
    batchSizes: curves.batchSizes,
    plannedSeeds: curves.seeds.length,
    definition: `at equal loss (the target, then ${moreSteps} more steps)`,
  };
}

/** A ridge as the figures draw it; `value` is its step or target loss. */
export function seriesOf(value: number, { points, peak }: Ridge): RidgeSeries {
  return {
    value,
    points: points.map((optimum) => ({ ...optimum, uncertain: isUncertain(optimum) })),
    peak: peak === null ? null : { ...peak, uncertain: isUncertainPeak(peak) },
  };
}

function lossPanel(curves: CurveSet, definition: Definition, title: string, ridge: Ridge): LossPanel {
  return {
    title,
    lines: curves.batchSizes.map((_, batch) => lossLine(curves, batch, definition, ridge.points[batch])),
  };
}

/** The same means as the optimum's. */
function lossLine(curves: CurveSet, batch: number, definition: Definition, optimum: Optimum): LossLine {
  const seeds = curves.seeds.length;
  const order = Uint32Array.from({ length: seeds }, (_, seed) => seed);
  const means = averagesOf(scoreTable(curves, batch, [definition]), resampling(seeds, 0), order);
  const { learningRate, score, interval } = optimum;
  return {
    batchSize: curves.batchSizes[batch],
    points: curves.learningRates.map((rate, i) => ({
      learningRate: rate,
      loss: means.values[i],
      status: statuses[means.states[i]],
    })),
    optimum:
      learningRate === null || score === null
        ? null
        : { learningRate, loss: score, interval, uncertain: isUncertain(optimum) },
    seeds: optimum.seeds,
  };
}
