import type { Command } from 'commander';
import { describeDefinition, ridgeTable } from '#shared/analysis/describe.ts';
import { defaultTargets } from '#shared/analysis/migration.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { importedRidgeInput, protocolInput, ridgeInput } from '#shared/figure/from-protocol.ts';
import type { LawFit } from '#shared/laws/fit.ts';
import type { PaperProtocol } from '#shared/protocol/paper.ts';
import { paperProtocol, paperWarnings } from '#shared/protocol/paper.ts';
import type { RidgeLaws } from '#shared/protocol/ridge-laws.ts';
import { lawsOfRidge } from '#shared/protocol/ridge-laws.ts';
import { experimentWarnings, ridgeWarnings } from '#shared/protocol/ridge-warnings.ts';
import type { Warning } from '#shared/theory/warnings.ts';
import { drawProtocol, drawRidge } from '#main/lab/science-figures.ts';
import { BadInput } from '../exit-codes.ts';
import type { FigureOption } from '../figure-option.ts';
import { requireFigureFolder, withFigure, writeFigureOption } from '../figure-option.ts';
import { withReader } from '../store-access.ts';
import { learningRate, print, printJson, printResults, table } from '../terminal.ts';
import { printWarnings } from '../warnings.ts';
import type { DefinitionOptions } from './definition-options.ts';
import { DEFAULT_MORE_STEPS, definitionOf, withDefinition } from './definition-options.ts';
import { familyWithoutCurves, noRidge, printFamilyLaws, printSteps } from './imported.ts';
import type { SmoothOption } from './options.ts';
import { finiteNumbers, methodOf, withJson, withSmooth, withStore, wholeNumber } from './options.ts';

interface ProtocolOptions extends SmoothOption, FigureOption {
  readonly store?: string;
  readonly json?: boolean;
  readonly target?: number[];
  readonly k: number;
}

interface LawsOptions extends DefinitionOptions, SmoothOption, FigureOption {
  readonly store?: string;
  readonly json?: boolean;
}

export function addLaws(program: Command): void {
  withDefinition(
    withFigure(
      withSmooth(
        withJson(
          withStore(
            program
              .command('laws <experiment>')
              .description('rival laws fitted to the ridge, and what may be concluded from them'),
          ),
        ),
      ),
    ),
  ).action((name: string, options: LawsOptions) =>
    withReader(options, async (store) => {
      await requireFigureFolder(options);
      const experiments = store.experimentOrFamilies(name);
      const results = experiments.map((experiment) => {
        const head = { experiment: experiment.key, name: experiment.name };
        const family = familyWithoutCurves(store, experiment, options);
        if (family !== null) {
          const { method, ridge, laws, verdict, steps, analyses, warnings } = family;
          if (ridge === null && steps === null && experiments.length === 1)
            throw new BadInput(noRidge(family, experiment.name));
          const show = () => {
            print(ridge === null ? noRidge(family, experiment.name) : `${experiment.name}:`);
            printFamilyLaws(laws, verdict);
            printSteps(steps);
            printWarnings(warnings);
          };
          const plannedSeeds = Math.max(1, store.importedFamily(experiment.id).seeds.length);
          const input =
            ridge === null || laws === null || verdict === null
              ? null
              : importedRidgeInput(ridge, laws, verdict, { name: experiment.name, plannedSeeds });
          return {
            input,
            json: {
              ...head,
              definition: 'final losses',
              method,
              points: ridge,
              laws,
              verdict,
              steps,
              analyses,
              warnings,
            },
            show,
          };
        }
        const curves = store.curveSet(experiment.id, 'evaluationLoss');
        const ridge = ridgeOf(curves, definitionOf(options, curves), { method: methodOf(options) });
        const laws = lawsOfRidge(ridge, curves.learningRates);
        const warnings = [...ridgeWarnings(ridge), ...experimentWarnings(experiment.specification)];
        const show = () => {
          if (experiments.length > 1) print(`${experiment.name}:`);
          print(
            `Laws of the ridge ${describeDefinition(ridge.definition)}, ${laws.points.length} batch sizes:`,
          );
          printLaws(laws);
          printWarnings(warnings);
        };
        const input = ridgeInput(ridge, laws, { name: experiment.name, plannedSeeds: curves.seeds.length });
        return { json: { ...head, ...ridgeTable(ridge), laws, warnings }, show, input };
      });
      printResults(results, options.json === true);
      await writeFigureOption(options, () => results.flatMap(({ input }) => drawRidge(input)));
    }),
  );

  const protocol = program.command('protocol').description('published protocols as one command');
  withFigure(
    withSmooth(
      withJson(
        withStore(
          protocol
            .command('paper <experiment>')
            .description(
              'arXiv 2405.14578, section 3: reach a target loss, then k more steps; B_noise, S and E, laws',
            ),
        ),
      ),
    ),
  )
    .option(
      '--target <losses>',
      'target losses, comma-separated (default: chosen from the curves)',
      finiteNumbers,
    )
    .option('--k <steps>', 'further steps after the target', wholeNumber, DEFAULT_MORE_STEPS)
    .action((name: string, options: ProtocolOptions) =>
      withReader(options, async (store) => {
        await requireFigureFolder(options);
        const experiment = store.experiment(name);
        const curves = store.curveSet(experiment.id, 'evaluationLoss');
        const targets = options.target ?? defaultTargets(curves);
        const method = methodOf(options);
        const results = targets.map((target) => paperProtocol(curves, target, options.k, { method }));
        const warnings = experimentWarnings(experiment.specification);
        if (options.json === true)
          printJson({
            experiment: experiment.key,
            name: experiment.name,
            protocol: 'arXiv 2405.14578, section 3',
            method,
            targets: results.map((result) => {
              const { ridge, ...rest } = result;
              return { ...rest, peak: ridge.peak, warnings: paperWarnings(result) };
            }),
            warnings,
          });
        else {
          results.forEach((result) => printPaper(result, paperWarnings(result)));
          if (results.length > 1) printTargets(results);
          printWarnings(warnings);
        }
        const naming = { name: experiment.name, plannedSeeds: curves.seeds.length };
        await writeFigureOption(options, () => drawProtocol(protocolInput(results, naming)));
      }),
    );
}

export function printLaws({ fit, weighted, intervals, profile, verdict }: RidgeLaws): void {
  print(
    table(
      ['law', 'parameters', 'ΔAICc>', 'weight>', 'leave-one-out>', 'SSR>', 'note'],
      fit.fits.map((f) => [
        f.law,
        parameters(f, intervals),
        f.deltaAicc.toFixed(2),
        f.akaikeWeight.toFixed(2),
        f.leaveOneOut.meanSquare.toPrecision(3),
        f.sumOfSquares.toPrecision(3),
        f.atBound.length === 0 ? '' : `${f.atBound.join(', ')} at the end of its range`,
      ]),
    ),
  );
  print(
    weighted
      ? 'Weighted by the bootstrap variance of each optimum.'
      : 'Unweighted: the optima have no bootstrap variance.',
  );
  for (const { law, reason } of fit.notOffered) print(`${law} is not offered: ${reason}`);
  for (const { index, reason } of fit.dropped) print(`point ${index + 1} was left out: ${reason}`);
  if (profile !== null) {
    const end = (open: boolean, value: number) => (open ? 'open' : value.toPrecision(3));
    print(
      `Surge law: B_noise ${profile.best.toPrecision(3)}, ${Math.round(100 * profile.level)} % likelihood interval ${end(profile.openBelow, profile.interval[0])} to ${end(profile.openAbove, profile.interval[1])}.`,
    );
  }
  print(verdict.sentence);
  for (const reason of verdict.reasons) print(`  ${reason}`);
}

function parameters(fit: LawFit, intervals: RidgeLaws['intervals']): string {
  const drawn = intervals.find((i) => i.law === fit.law);
  return Object.entries(fit.parameters)
    .map(([name, value]) => {
      const range = drawn?.intervals.find((i) => i.parameter === name);
      const bracket =
        range === undefined ? '' : ` [${range.lower.toPrecision(2)}–${range.upper.toPrecision(2)}]`;
      return `${name} ${value.toPrecision(3)}${bracket}`;
    })
    .join(', ');
}

function printPaper(result: PaperProtocol, warnings: readonly Warning[]): void {
  print(`\nTarget loss ${result.target}, then ${result.moreSteps} more steps:`);
  const number = (x: number | null, digits = 3) => (x === null ? '–' : String(Number(x.toPrecision(digits))));
  print(
    table(
      ['batch size>', 'learning rate>', 'S>', 'E>', 'further decrease>', 'flags'],
      result.rows.map((r) => [
        String(r.batchSize),
        r.learningRate === null ? '–' : learningRate(r.learningRate),
        number(r.steps),
        number(r.examples),
        number(r.decrease),
        r.flags.join(', '),
      ]),
    ),
  );
  const { line, logSpace, bNoiseInterval } = result;
  if (line !== null)
    print(
      `Equation 22 (line through 1/E, 1/S): B_noise ${number(line.bNoise)}, S_min ${number(line.stepsMin)}, E_min ${number(line.examplesMin)}, R² ${number(line.rSquared)}`,
    );
  if (logSpace !== null)
    print(
      `Log-space fit: B_noise ${number(logSpace.bNoise)}${bNoiseInterval === null ? '' : ` [${number(bNoiseInterval.low)}–${number(bNoiseInterval.high)}]`}, S_min ${number(logSpace.stepsMin)}, E_min ${number(logSpace.examplesMin)}${logSpace.atBound ? ' (at the edge of what these batch sizes can tell)' : ''}`,
    );
  if (line === null && logSpace === null)
    print('S and E could not be fitted: fewer than two batch sizes reached the target.');
  if (result.curves !== null) {
    const { epsMax } = result.curves;
    print(
      `Equations 23, 24 with this B_noise: eps_max ${learningRate(epsMax.surge)} (surge), ${learningRate(epsMax.alpha1)} (alpha 1), ${learningRate(epsMax.alphaHalf)} (alpha 1/2)`,
    );
  }
  printWarnings(warnings);
}

function printTargets(results: readonly PaperProtocol[]): void {
  print('\nOver the target losses:');
  const number = (x: number | null | undefined) => (x == null ? '–' : String(Number(x.toPrecision(3))));
  const range = (interval: { low: number; high: number } | null | undefined) =>
    interval == null ? '–' : `${number(interval.low)}–${number(interval.high)}`;
  print(
    table(
      ['target loss>', 'B_noise (eq 22)>', 'B_noise (log)>', '5–95 %>', 'peak B>', '5–95 %>', 'batch sizes>'],
      results.map((r) => [
        number(r.target),
        number(r.line?.bNoise),
        number(r.logSpace?.bNoise),
        range(r.bNoiseInterval),
        number(r.ridge.peak?.batchSize),
        range(r.ridge.peak?.interval),
        String(r.rows.filter((row) => row.steps !== null).length),
      ]),
    ),
  );
}
