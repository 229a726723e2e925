/** Draws what a figure specification asks for, from what is stored of its experiments. */
import type { CurveSet } from '../analysis/curves.ts';
import { lastSharedMark } from '../analysis/shared-mark.ts';
import { spreadMarks, spreadPlaces } from '../analysis/spread-marks.ts';
import { defaultTargets } from '../analysis/migration.ts';
import { ridgeOf } from '../analysis/ridge.ts';
import type { Definition } from '../analysis/scores.ts';
import { subsetOf, type Choice } from '../analysis/subset.ts';
import { describeSchedule } from '../experiment/schedule.ts';
import type { Specification } from '../experiment/specification.ts';
import type { CellState, Metric } from '../experiment/stack.ts';
import { paperProtocol } from '../protocol/paper.ts';
import { lawsOfRidge } from '../protocol/ridge-laws.ts';
import { presetQuadratic } from '../theory/examine.ts';
import type { PredictionRecord } from '../theory/prediction-record.ts';
import { noisyQuadratic } from '../theory/quadratic.ts';
import { layOutSchedule } from '../theory/schedules.ts';
import { compareFigure } from './compare-figure.ts';
import type { Figure } from './figure.ts';
import {
  finalHeatMapInput,
  finalLossesInput,
  heatMapInput,
  lossesInput,
  migrationOverLossInput,
  migrationOverStepsInput,
} from './from-analysis.ts';
import { compareInput } from './from-compare.ts';
import { bestCells, lossCurvesInput } from './from-curves.ts';
import { predictionInput } from './from-prediction.ts';
import { protocolInput, ridgeInput } from './from-protocol.ts';
import { simulateProblem, theoryInput, type TheoryProblem } from './from-theory.ts';
import { heatMapFigure } from './heat-map.ts';
import { lossCurvesFigure } from './loss-curves.ts';
import { lossesFigure } from './losses.ts';
import { migrationFigure } from './migration.ts';
import { predictionFigure } from './prediction-figure.ts';
import { protocolFigure } from './protocol-figure.ts';
import { ridgeFigure } from './ridge-figure.ts';
import type { DefinitionSpecification, FigureSpecification, SpecificationOf } from './specification.ts';
import type { Style } from './style.ts';
import { scheduleFigure } from './schedule-figure.ts';
import { stateGridFigure } from './state-grid.ts';
import { theoryFigure } from './theory-figure.ts';
import { withTitle } from './title.ts';

export interface FigureCell {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly state: CellState;
}

/** What a figure may ask of a stored experiment. Each call may throw an error that says what is missing. */
export interface FigureExperiment {
  readonly name: string;
  curves(metric: Metric): CurveSet;
  /** Null for imported sweeps. */
  readonly specification: Specification | null;
  /** Oldest first. */
  predictions(): readonly PredictionRecord[];
  cells(): readonly FigureCell[];
  /** For an imported sweep that has the last loss of each run only; null otherwise. */
  finalLosses(): { readonly curves: CurveSet; readonly lossTitle: string } | null;
}

export interface FigureData {
  /** By name or key. Throws when there is none. */
  experiment(nameOrKey: string): FigureExperiment;
}

export interface Look {
  /** In points. */
  readonly width: number;
  readonly style: Style;
}

/** Panels of losses, and ridges of a migration. */
const PANELS = 4;

/** @throws RangeError when the specification asks for what the data do not have. */
export function drawFigure(specification: FigureSpecification, data: FigureData, look: Look): Figure {
  const figure = withSchedules(drawn(specification, data, look), specification, data);
  return withTitle(figure, specification.title, look.style);
}

/** The caption says so where learning rates are the peaks of a schedule. */
function withSchedules(figure: Figure, specification: FigureSpecification, data: FigureData): Figure {
  const names =
    'experiments' in specification
      ? specification.experiments
      : 'experiment' in specification
        ? [specification.experiment]
        : [];
  const schedules = names.flatMap((one) => {
    const { name, specification: trained } = data.experiment(one);
    return trained?.schedule === undefined ? [] : [{ name, words: describeSchedule(trained.schedule) }];
  });
  if (schedules.length === 0) return figure;
  const of = schedules
    .map(({ name, words }) => (names.length === 1 ? words : `${name}: ${words}`))
    .join('; ');
  const text = `${figure.caption.text.replace(/[.\s]*$/, '')}. Learning rates are the peaks of a schedule (${of}).`;
  return { ...figure, caption: { ...figure.caption, text } };
}

function drawn(specification: FigureSpecification, data: FigureData, look: Look): Figure {
  switch (specification.kind) {
    case 'losses':
      return drawLosses(specification, data, look);
    case 'heat-map':
      return drawHeatMap(specification, data, look);
    case 'ridge':
      return drawRidge(specification, data, look);
    case 'migration':
      return drawMigration(specification, data, look);
    case 'protocol':
      return drawProtocol(specification, data, look);
    case 'theory':
      return drawTheory(specification, data, look);
    case 'prediction':
      return drawPrediction(specification, data, look);
    case 'curves':
      return drawCurves(specification, data, look);
    case 'states':
      return drawStates(specification, data, look);
    case 'compare':
      return drawCompare(specification, data, look);
    case 'schedule':
      return drawSchedule(specification, look);
  }
}

function drawLosses(specification: SpecificationOf<'losses'>, data: FigureData, look: Look): Figure {
  const { experiment: name, lossAxis, steps } = specification;
  const experiment = data.experiment(name);
  const final = experiment.finalLosses();
  if (final !== null) {
    const input = finalLossesInput(subsetOf(final.curves, specification), experiment.name, final);
    return lossesFigure(input, { ...look, lossAxis });
  }
  const curves = curvesOf(experiment, specification);
  const input = lossesInput(curves, experiment.name, steps ?? spreadMarks(curves, PANELS));
  return lossesFigure(input, { ...look, lossAxis });
}

function drawHeatMap(specification: SpecificationOf<'heat-map'>, data: FigureData, look: Look): Figure {
  const { experiment: name, lossAxis, step } = specification;
  const experiment = data.experiment(name);
  const final = experiment.finalLosses();
  if (final !== null) {
    const input = finalHeatMapInput(subsetOf(final.curves, specification), experiment.name, final);
    return heatMapFigure(input, { ...look, lossAxis });
  }
  const curves = curvesOf(experiment, specification);
  const input = heatMapInput(curves, experiment.name, step ?? lastSharedMark(curves));
  return heatMapFigure(input, { ...look, lossAxis });
}

function drawRidge(specification: SpecificationOf<'ridge'>, data: FigureData, look: Look): Figure {
  const { experiment: name, definition, method, laws, noiseScale } = specification;
  const experiment = data.experiment(name);
  const curves = curvesOf(experiment, specification);
  const ridge = ridgeOf(curves, definitionOf(definition, curves), { method });
  const fitted = lawsOfRidge(ridge, curves.learningRates);
  const naming = { name: experiment.name, plannedSeeds: curves.seeds.length };
  const input = ridgeInput(ridge, fitted, naming, laws);
  return ridgeFigure(noiseScale ? input : { ...input, bNoise: null }, look);
}

function drawMigration(specification: SpecificationOf<'migration'>, data: FigureData, look: Look): Figure {
  const { experiment: name, by, steps, targets, moreSteps } = specification;
  const experiment = data.experiment(name);
  const curves = curvesOf(experiment, specification);
  if (by === 'steps')
    return migrationFigure(
      migrationOverStepsInput(curves, experiment.name, steps ?? spreadMarks(curves, PANELS)),
      look,
    );
  const losses = targets ?? defaultTargets(curves, moreSteps);
  return migrationFigure(migrationOverLossInput(curves, experiment.name, losses, moreSteps), look);
}

function drawProtocol(specification: SpecificationOf<'protocol'>, data: FigureData, look: Look): Figure {
  const { experiment: name, targets, moreSteps, method } = specification;
  const experiment = data.experiment(name);
  const curves = curvesOf(experiment, specification);
  const results = (targets ?? fewTargets(curves)).map((target) =>
    paperProtocol(curves, target, moreSteps, { method }),
  );
  const naming = { name: experiment.name, plannedSeeds: curves.seeds.length };
  return protocolFigure(protocolInput(results, naming), look);
}

/** Three of the targets that the command prints: more do not fit on a page. */
function fewTargets(curves: CurveSet): number[] {
  const all = defaultTargets(curves);
  return spreadPlaces(all.length, 3).map((i) => all[i]);
}

function drawTheory(specification: SpecificationOf<'theory'>, data: FigureData, look: Look): Figure {
  const { problem, optimizer, batchSizes, draws } = specification;
  const stated: TheoryProblem = { ...quadraticOf(problem, data), optimizer, batchSizes };
  const simulated = draws === 0 ? [] : simulateProblem(stated, draws);
  return theoryFigure(theoryInput(stated, simulated, draws), look);
}

function quadraticOf(
  problem: SpecificationOf<'theory'>['problem'],
  data: FigureData,
): Pick<TheoryProblem, 'name' | 'quadratic'> {
  if ('preset' in problem) return { name: problem.preset, quadratic: presetQuadratic(problem.preset) };
  const { name, specification } = data.experiment(problem.experiment);
  const workload = specification?.workload;
  if (workload?.kind !== 'quadratic')
    throw new RangeError(`"${name}" has no quadratic workload, and the theory needs one.`);
  return { name, quadratic: noisyQuadratic(workload) };
}

function drawPrediction(specification: SpecificationOf<'prediction'>, data: FigureData, look: Look): Figure {
  const { experiment: name, step, rungs, method } = specification;
  const experiment = data.experiment(name);
  const record = experiment.predictions().findLast(({ point }) => step === undefined || point.step === step);
  if (record === undefined)
    throw new RangeError(
      `"${experiment.name}" has no prediction${step === undefined ? '' : ` at step ${step}`}: run surge predict first.`,
    );
  const curves = curvesOf(experiment, specification);
  const measured = ridgeOf(curves, { kind: 'equal-steps', step: record.point.step }, { method });
  const naming = { name: experiment.name, plannedSeeds: curves.seeds.length };
  const shown = rungs === undefined ? record.rungs : record.rungs.filter(({ rung }) => rungs.includes(rung));
  return predictionFigure(predictionInput({ ...record, rungs: shown }, measured, naming), look);
}

const metricTitles: Readonly<Record<Metric, string>> = {
  evaluationLoss: 'held-out loss',
  evaluationAccuracy: 'held-out accuracy',
  trainingLoss: 'training loss',
};

function drawCurves(specification: SpecificationOf<'curves'>, data: FigureData, look: Look): Figure {
  const { experiment: name, metric, cells, by, band, halfLife, lossAxis, progressAxis } = specification;
  const experiment = data.experiment(name);
  const curves = subsetOf(experiment.curves(metric), { seeds: specification.seeds });
  const input = lossCurvesInput(curves, {
    name: experiment.name,
    valueTitle: metricTitles[metric],
    cells: cells ?? bestCells(metric === 'evaluationAccuracy' ? experiment.curves('evaluationLoss') : curves),
    by,
    band,
    halfLife,
  });
  return lossCurvesFigure(input, { ...look, lossAxis, progressAxis });
}

function drawStates({ experiment }: SpecificationOf<'states'>, data: FigureData, look: Look): Figure {
  const found = data.experiment(experiment);
  return stateGridFigure({ name: found.name, cells: found.cells() }, look);
}

function drawCompare(specification: SpecificationOf<'compare'>, data: FigureData, look: Look): Figure {
  const { experiments, definition, method, difference } = specification;
  const compared = experiments.map((nameOrKey) => {
    const experiment = data.experiment(nameOrKey);
    const curves = curvesOf(experiment, specification);
    return { experiment, curves };
  });
  // One step for all: the last that all of them share.
  const step = Math.min(...compared.map(({ curves }) => lastSharedMark(curves)));
  const asked =
    definition.kind === 'equal-steps' ? { ...definition, step: definition.step ?? step } : definition;
  const input = compareInput(
    compared.map(({ experiment, curves }) => ({
      name: experiment.name,
      specification: experiment.specification,
      seeds: curves.seeds,
      ridge: ridgeOf(curves, asked, { method }),
    })),
  );
  return compareFigure(input, { ...look, difference });
}

function drawSchedule({ schedules, name, rateAxis }: SpecificationOf<'schedule'>, look: Look): Figure {
  const laidOut = schedules.map(({ label, ...schedule }) => ({ label, schedule: layOutSchedule(schedule) }));
  return scheduleFigure(
    { name: name ?? laidOut.map(({ label }) => label).join(', '), schedules: laidOut },
    { ...look, rateAxis },
  );
}

function curvesOf(experiment: FigureExperiment, choice: Choice & { readonly metric: Metric }): CurveSet {
  return subsetOf(experiment.curves(choice.metric), choice);
}

function definitionOf(definition: DefinitionSpecification, curves: CurveSet): Definition {
  if (definition.kind !== 'equal-steps') return definition;
  return { kind: 'equal-steps', step: definition.step ?? lastSharedMark(curves) };
}
