import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { LossAxis } from '#shared/figure/loss-panels.ts';
import { finalLosses } from '#shared/import/curves.ts';
import { drawFigures, drawFinalFigures, figureKinds, writeDrawn } from '#main/lab/figures.ts';
import type { FigureKind, NamedFigure } from '#main/lab/figures.ts';
import type { ExperimentSummary, ReadableStore } from '#main/lab/store/types.ts';
import { BadInput } from '../exit-codes.ts';
import { requireOutputFolder } from '../output-folder.ts';
import { withReader } from '../store-access.ts';
import { notice, print, printJson } from '../terminal.ts';
import { DEFAULT_MORE_STEPS } from './definition-options.ts';
import {
  finiteNumbers,
  positiveNumber,
  positiveNumbers,
  wholeNumber,
  withJson,
  withStore,
} from './options.ts';

interface FigureCommandOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly kind: FigureKind | 'all';
  readonly steps?: number[];
  readonly step?: number;
  readonly by?: 'steps' | 'loss';
  readonly targets?: number[];
  readonly moreSteps: number;
  readonly widthMm?: number;
  readonly lossAxis: LossAxis;
  readonly out: string;
}

export function addFigure(program: Command): void {
  withJson(
    withStore(
      program
        .command('figure <experiment>')
        .description(
          'print figures as SVG, each with its data as CSV: losses, heat map, migration of the peak',
        ),
    ),
  )
    .option('--kind <kind>', `${figureKinds.join(', ')} or all`, oneOf(...figureKinds, 'all'), 'all')
    .option(
      '--steps <list>',
      'marks of the panels and ridges (default: four, spread geometrically)',
      positiveNumbers,
    )
    .option('--step <n>', 'mark of the heat map (default: the last of the steps)', wholeNumber)
    .option('--by <axis>', 'migration over steps or loss only (default: both)', oneOf('steps', 'loss'))
    .option('--targets <losses>', 'target losses (default: chosen from the curves)', finiteNumbers)
    .option('--more-steps <k>', 'further steps after the target loss', wholeNumber, DEFAULT_MORE_STEPS)
    .option('--width-mm <mm>', 'width (default: 183, the heat map 89)', width)
    .option('--loss-axis <axis>', 'auto, linear or log', oneOf('auto', 'linear', 'log'), 'auto')
    .requiredOption('--out <folder>', 'where the files go')
    .action((name: string, options: FigureCommandOptions) =>
      withReader(options, async (store) => {
        const experiment = store.experiment(name);
        if (experiment.imported?.hasCurves === false)
          return report(experiment, await drawFinal(store, experiment, options), options);
        const curves = store.curveSet(experiment.id, 'evaluationLoss');
        checkSteps(curves, [...(options.steps ?? []), ...(options.step === undefined ? [] : [options.step])]);
        await requireOutputFolder(options.out);
        const { steps, step, by, targets, moreSteps, lossAxis } = options;
        const figures = drawFigures(curves, experiment.name, {
          kinds: options.kind === 'all' ? figureKinds : [options.kind],
          moreSteps,
          lossAxis,
          ...(steps === undefined ? {} : { steps: [...new Set(steps)].sort((a, b) => a - b) }),
          ...(step === undefined ? {} : { step }),
          ...(by === undefined ? {} : { by }),
          ...(targets === undefined ? {} : { targets }),
          ...(options.widthMm === undefined ? {} : { width: options.widthMm }),
        });
        await report(experiment, figures, options);
      }),
    );
}

async function report(
  experiment: ExperimentSummary,
  figures: readonly NamedFigure[],
  options: FigureCommandOptions,
): Promise<void> {
  const files = await writeDrawn(figures, options.out);
  for (const { name: figureName, figure } of figures)
    for (const warning of figure.warnings) notice(`${figureName}: ${warning}`);
  if (options.json === true)
    printJson({
      experiment: experiment.key,
      name: experiment.name,
      files,
      figures: figures.map(({ name: figureName, figure: { caption, data, warnings } }) => ({
        name: figureName,
        rows: data.rows.length,
        caption,
        warnings,
      })),
    });
  else for (const file of files) print(file);
}

/** Losses and heat map of an imported sweep without curves. */
async function drawFinal(
  store: ReadableStore,
  { id, name, imported }: ExperimentSummary,
  { kind, out, lossAxis, steps, step, widthMm }: FigureCommandOptions,
): Promise<NamedFigure[]> {
  const impossible = imported?.analyses.find(
    ({ analysis, possible }) =>
      !possible && (analysis === 'ridge' || analysis === 'three-point optimum' || analysis === 'migration'),
  );
  const lacks = `"${name}" was imported`;
  if (impossible !== undefined && impossible.analysis !== 'migration')
    throw new BadInput(
      `${lacks}, and figures need losses on a grid of learning rates: ${impossible.reason}.`,
    );
  if (kind === 'migration' || steps !== undefined || step !== undefined)
    throw new BadInput(`${lacks}, and marks and migration need curves: ${impossible?.reason ?? ''}.`);
  await requireOutputFolder(out);
  if (kind === 'all') notice(`No migration: ${impossible?.reason ?? ''}.`);
  const column = imported?.mapping.columns.loss ?? 'loss';
  const kinds: FigureKind[] = kind === 'all' ? ['losses', 'heat-map'] : [kind];
  return drawFinalFigures(
    finalLosses(store.importedFamily(id)),
    name,
    imported?.goal === 'maximize' ? `−${column}` : column,
    { kinds, lossAxis, ...(widthMm === undefined ? {} : { width: widthMm }) },
  );
}

/** A step that no cell has been evaluated at, nor between, would give an empty figure. */
function checkSteps(curves: CurveSet, steps: readonly number[]): void {
  const last = Math.max(0, ...curves.marks.map((marks) => marks.at(-1) ?? 0));
  for (const step of steps) {
    if (!Number.isInteger(step)) throw new BadInput(`--steps: ${step} is not a whole number of steps.`);
    if (step > last)
      throw new BadInput(`Step ${step} lies beyond the last mark, ${last}: choose an earlier one.`);
  }
}

const NARROWEST = 60;
const WIDEST = 1_000;

function width(text: string): number {
  const value = positiveNumber(text);
  if (value < NARROWEST || value > WIDEST)
    throw new InvalidArgumentError(`choose ${NARROWEST} to ${WIDEST} mm: the axes need their room.`);
  return value;
}

function oneOf<T extends string>(...choices: T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined)
      throw new InvalidArgumentError(`choose ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)!}.`);
    return found;
  };
}
