import { InvalidArgumentError, type Command } from 'commander';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { checkColors } from '#shared/figure/color-vision.ts';
import {
  dotsPerInch,
  figureFormats,
  findPreset,
  parseFiguresFile,
  parsePresetFile,
  unknownPreset,
  type FigureFormat,
  type FiguresFile,
} from '#shared/figure/figures-file.ts';
import type { Preset } from '#shared/figure/presets.ts';
import { figureSpecificationSchema, type FigureSpecificationInput } from '#shared/figure/specification.ts';
import { ExperimentFileError, readText } from '#main/lab/experiment-file.ts';
import { lineColors } from '#main/lab/print/manifest.ts';
import { isRefusal, printSet, type SetOptions } from '#main/lab/print/print-set.ts';
import type { PrintedFigure } from '#main/lab/print/render.ts';
import { writeFiles } from '#main/lab/print/write-files.ts';
import type { ExperimentSummary, ReadableStore } from '#main/lab/store/types.ts';
import { BadInput } from '../exit-codes.ts';
import { requireOutputFolder } from '../output-folder.ts';
import { withReader } from '../store-access.ts';
import { notice, print, printJson } from '../terminal.ts';
import {
  finiteNumbers,
  positiveNumber,
  positiveNumbers,
  wholeNumber,
  withJson,
  withStore,
} from './options.ts';

/** What a word of --kind draws: kinds of the specification that need one experiment and nothing else. */
const kinds = ['losses', 'heat-map', 'ridge', 'migration', 'protocol'] as const;
type Kind = (typeof kinds)[number];

interface FigureCommandOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly kind?: Kind | 'all';
  readonly steps?: number[];
  readonly step?: number;
  readonly by?: 'steps' | 'loss';
  readonly targets?: number[];
  readonly moreSteps?: number;
  readonly widthMm?: number;
  readonly lossAxis?: 'auto' | 'linear' | 'log';
  readonly preset?: string;
  readonly format?: FigureFormat[];
  readonly dpi?: number;
  readonly outline?: boolean;
  readonly out: string;
}

export function addFigure(program: Command): void {
  withJson(
    withStore(
      program
        .command('figure <experiment-or-file>')
        .description(
          'print figures of an experiment, or those that a file (figures.yaml) describes: SVG, PDF, PNG, LaTeX, each with its data',
        ),
    ),
  )
    .option('--kind <kind>', `${kinds.join(', ')} or all (default)`, oneOf(...kinds, 'all'))
    .option(
      '--steps <list>',
      'marks of the panels and ridges (default: four, spread geometrically)',
      positiveNumbers,
    )
    .option('--step <n>', 'mark of the heat map (default: the last that all share)', wholeNumber)
    .option('--by <axis>', 'migration over steps or loss only (default: both)', oneOf('steps', 'loss'))
    .option('--targets <losses>', 'target losses (default: chosen from the curves)', finiteNumbers)
    .option('--more-steps <k>', 'further steps after the target loss (default: 10)', wholeNumber)
    .option('--loss-axis <axis>', 'auto (default), linear or log', oneOf('auto', 'linear', 'log'))
    .option(
      '--preset <name>',
      'journal, slide or poster, or a preset file (default: nature-89 or nature-183)',
    )
    .option('--width-mm <mm>', "width, instead of the preset's", positiveNumber)
    .option('--format <list>', `of ${figureFormats.join(', ')} (default: svg,csv)`, formatList)
    .option('--dpi <n>', 'dots per inch of PNG files (default: 300)', dots)
    .option('--outline', 'texts of SVG files as outlines')
    .requiredOption('--out <folder>', 'where the files go')
    .action(async (asked: string, options: FigureCommandOptions) => {
      const file = /\.(ya?ml|json)$/i.test(asked) ? await readFigures(asked, options) : null;
      const preset = await chosenPreset(options.preset, file?.presets ?? {});
      return withReader(options, async (store) => {
        const figures =
          file?.figures ??
          specificationsOf(store, store.experiment(asked), options).map((one) =>
            figureSpecificationSchema.parse(one),
          );
        await requireOutputFolder(options.out);
        const printed = await printOrRefuse(
          figures.map((one) => ({
            ...one,
            ...(preset === null ? {} : { preset: preset.name }),
            ...(options.widthMm === undefined ? {} : { widthMm: options.widthMm }),
          })),
          store,
          {
            formats: options.format ?? file?.formats ?? ['svg', 'csv'],
            dpi: options.dpi ?? file?.dpi ?? 300,
            outline: options.outline ?? file?.outline ?? false,
            preset: file?.preset,
            presets: { ...file?.presets, ...preset?.own },
            // Who asks for all gets all that there can be.
            onLeftOut: file === null && (options.kind ?? 'all') === 'all' ? notice : undefined,
          },
        );
        await report(printed, options);
      });
    });
}

/** What is wrong with the figures themselves is what was asked for. */
async function printOrRefuse(
  figures: FiguresFile['figures'],
  store: ReadableStore,
  options: SetOptions,
): Promise<PrintedFigure[]> {
  try {
    return await printSet(figures, store, options);
  } catch (error) {
    if (isRefusal(error)) throw new BadInput(error.message);
    throw error;
  }
}

async function report(printed: readonly PrintedFigure[], { out, json }: FigureCommandOptions): Promise<void> {
  const files = await writeFiles(
    out,
    printed.flatMap((figure) => figure.files),
  );
  for (const { name, figure } of printed)
    for (const warning of [...figure.warnings, ...checkColors(lineColors(figure), figure.paper).warnings])
      notice(`${name}: ${warning}`);
  if (json === true)
    printJson({
      files,
      figures: printed.map(({ name, figure: { caption, data, warnings, width, height } }) => ({
        name,
        widthMm: width,
        heightMm: height,
        rows: data.rows.length,
        caption,
        warnings,
      })),
    });
  else for (const file of files) print(file);
}

/** Throws ExperimentFileError with the line of every problem. */
async function readFigures(file: string, options: FigureCommandOptions): Promise<FiguresFile> {
  const inFile = ['kind', 'steps', 'step', 'by', 'targets', 'moreSteps', 'lossAxis'] as const;
  const wrong = inFile.find((name) => options[name] !== undefined);
  if (wrong !== undefined)
    throw new BadInput(
      `--${wrong.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} is for an experiment; write it into ${file}.`,
    );
  const parsed = parseFiguresFile(await readText(file, 'a file of figures'));
  if (!parsed.ok) throw new ExperimentFileError(file, parsed.problems);
  return parsed.file;
}

/** --preset is a known name, one of the file's own, or itself a file. */
async function chosenPreset(
  asked: string | undefined,
  own: Readonly<Record<string, Preset>>,
): Promise<{ readonly name: string; readonly own: Readonly<Record<string, Preset>> } | null> {
  if (asked === undefined) return null;
  if (!/\.(ya?ml|json)$/i.test(asked)) {
    if (findPreset(asked, own) === null) throw new BadInput(`--preset: ${unknownPreset(asked)}.`);
    return { name: asked, own: {} };
  }
  const parsed = parsePresetFile(await readText(asked, 'a preset file'));
  if (!parsed.ok) throw new ExperimentFileError(asked, parsed.problems);
  return { name: asked, own: { [asked]: parsed.preset } };
}

function specificationsOf(
  store: ReadableStore,
  experiment: ExperimentSummary,
  options: FigureCommandOptions,
): FigureSpecificationInput[] {
  const { kind = 'all', steps, step, by, targets, moreSteps, lossAxis } = options;
  const final = experiment.imported?.hasCurves === false;
  if (final) checkFinal(experiment, options);
  else
    checkSteps(store.curveSet(experiment.id, 'evaluationLoss'), [
      ...(steps ?? []),
      ...(step === undefined ? [] : [step]),
    ]);
  const sorted = steps === undefined ? {} : { steps: [...new Set(steps)].sort((a, b) => a - b) };
  const more = moreSteps === undefined ? {} : { moreSteps };
  const losses = { ...(targets === undefined ? {} : { targets }), ...more };
  const axis = lossAxis === undefined ? {} : { lossAxis };
  const last = step ?? sorted.steps?.at(-1);
  const of = { experiment: experiment.key };
  const wanted = (one: Kind) =>
    kind === 'all' ? !final || one === 'losses' || one === 'heat-map' : kind === one;
  const drawn: FigureSpecificationInput[] = [];
  if (wanted('losses')) drawn.push({ kind: 'losses', ...of, ...sorted, ...axis });
  if (wanted('heat-map'))
    drawn.push({ kind: 'heat-map', ...of, ...(last === undefined ? {} : { step: last }), ...axis });
  if (wanted('ridge'))
    drawn.push({
      kind: 'ridge',
      ...of,
      ...(last === undefined ? {} : { definition: { kind: 'equal-steps', step: last } }),
    });
  if (wanted('migration') && by !== 'loss') drawn.push({ kind: 'migration', ...of, by: 'steps', ...sorted });
  if (wanted('migration') && by !== 'steps') drawn.push({ kind: 'migration', ...of, by: 'loss', ...losses });
  if (wanted('protocol')) drawn.push({ kind: 'protocol', ...of, ...losses });
  return drawn;
}

/** Losses and heat map are all that an imported sweep without curves can give. */
function checkFinal(
  { name, imported }: ExperimentSummary,
  { kind, steps, step }: FigureCommandOptions,
): void {
  const impossible = imported?.analyses.find(
    ({ analysis, possible }) =>
      !possible && (analysis === 'ridge' || analysis === 'three-point optimum' || analysis === 'migration'),
  );
  const lacks = `"${name}" was imported`;
  if (impossible !== undefined && impossible.analysis !== 'migration')
    throw new BadInput(
      `${lacks}, and figures need losses on a grid of learning rates: ${impossible.reason}.`,
    );
  const needsCurves = kind === 'migration' || kind === 'protocol' || kind === 'ridge';
  if (needsCurves || steps !== undefined || step !== undefined)
    throw new BadInput(`${lacks}, and marks, ridge and migration need curves: ${impossible?.reason ?? ''}.`);
  if (kind === undefined || kind === 'all') notice(`No ridge and no migration: ${impossible?.reason ?? ''}.`);
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

function formatList(text: string): FigureFormat[] {
  return text.split(',').map((part) => oneOf(...figureFormats)(part.trim()));
}

function dots(text: string): number {
  const parsed = dotsPerInch.safeParse(Number(text));
  if (!parsed.success) throw new InvalidArgumentError('choose a whole number from 30 to 2400.');
  return parsed.data;
}

function oneOf<T extends string>(...choices: T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined)
      throw new InvalidArgumentError(`choose ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)!}.`);
    return found;
  };
}
