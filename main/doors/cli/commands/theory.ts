import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { simulateProblem, theoryInput } from '#shared/figure/from-theory.ts';
import type { SimulatedOptimum, TheoryProblem } from '#shared/figure/from-theory.ts';
import { examineLaw, presetQuadratic, theoryBatchSizes, theoryPresetNames } from '#shared/theory/examine.ts';
import type { TheoryPreset } from '#shared/theory/examine.ts';
import type { TheoryOptimizer } from '#shared/theory/optimizer-law.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { checkRegime, regimeBounds } from '#shared/theory/regime.ts';
import {
  warnAboutOptimum,
  warnAboutPeak,
  warnAboutRegime,
  warnAboutStrongSurge,
} from '#shared/theory/warnings.ts';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { drawTheory } from '#main/lab/science-figures.ts';
import { BadInput } from '../exit-codes.ts';
import type { FigureOption } from '../figure-option.ts';
import { requireFigureFolder, withFigure, writeFigureOption } from '../figure-option.ts';
import { learningRate, print, printJson, table } from '../terminal.ts';
import { printWarnings } from '../warnings.ts';
import { positiveNumbers, withJson, wholeNumber } from './options.ts';

interface TheoryOptions extends FigureOption {
  readonly json?: boolean;
  readonly preset?: TheoryPreset;
  readonly optimizer: TheoryOptimizer['kind'];
  readonly beta1: number;
  readonly beta2: number;
  readonly batchSizes?: number[];
  readonly simulate?: number;
}

export function addTheory(program: Command): void {
  withFigure(
    withJson(
      program
        .command('theory [file]')
        .description(
          'the laws of a noisy quadratic beside a simulation of the real update: peak, plateau, warnings',
        ),
    ),
  )
    .addOption(
      new Option('--preset <name>', '100 equal coordinates, curvature of growing correlation').choices(
        theoryPresetNames,
      ),
    )
    .addOption(
      new Option('--optimizer <kind>', 'whose law')
        .choices(['sign', 'sgd', 'signum', 'adam'])
        .default('sign'),
    )
    .option('--beta1 <x>', 'momentum of signum and adam', momentum, 0.9)
    .option('--beta2 <x>', 'of adam', momentum, 0.999)
    .option('--batch-sizes <list>', 'batch sizes of the table, comma-separated', positiveNumbers)
    .option(
      '--simulate <draws>',
      'simulate the real update with this many draws for each batch size',
      wholeNumber,
    )
    .action(async (file: string | undefined, options: TheoryOptions) => {
      await requireFigureFolder(options);
      const problem = await problemOf(file, options);
      const simulated = options.simulate === undefined ? [] : simulateProblem(problem, options.simulate);
      const result = examine(problem, simulated);
      if (options.json === true) printJson(result);
      else printTheory(result, problem.optimizer);
      const draws = options.simulate ?? null;
      await writeFigureOption(options, () => drawTheory(theoryInput(problem, simulated, draws)));
    });
}

async function problemOf(file: string | undefined, options: TheoryOptions): Promise<TheoryProblem> {
  const { preset, batchSizes } = options;
  const optimizer = optimizerOf(options);
  if ((file === undefined) === (preset === undefined))
    throw new BadInput('Give an experiment file whose workload is quadratic, or a --preset.');
  if (preset !== undefined)
    return { name: preset, quadratic: presetQuadratic(preset), optimizer, batchSizes };
  const { specification } = await readExperimentFile(file!);
  const { workload, name } = specification;
  if (workload.kind !== 'quadratic')
    throw new BadInput(`${file}: workload.kind is ${workload.kind}; the theory needs quadratic.`);
  return { name, quadratic: noisyQuadratic(workload), optimizer, batchSizes };
}

function optimizerOf({ optimizer, beta1, beta2 }: TheoryOptions): TheoryOptimizer {
  switch (optimizer) {
    case 'signum':
      return { kind: 'signum', beta1 };
    case 'adam':
      return { kind: 'adam', beta1, beta2 };
    default:
      return { kind: optimizer };
  }
}

function examine(problem: TheoryProblem, simulations: readonly SimulatedOptimum[]) {
  const { quadratic, optimizer } = problem;
  const examined = examineLaw(quadratic, optimizer);
  const { law, quantities, smallBatch: small, plateau: limit, search } = examined;
  const { trace, offDiagonal, gradientMass } = quantities;
  const batchSizes = problem.batchSizes ?? theoryBatchSizes(examined);
  const rows = batchSizes.map((batchSize) => {
    const exact = law(batchSize);
    const simulated = simulations.find((one) => one.batchSize === batchSize)?.optimum;
    return {
      batchSize,
      exact: exact.learningRate,
      decrease: exact.decrease,
      smallBatch: optimizer.kind === 'sign' ? small.optimum(batchSize).learningRate : null,
      simulated: simulated?.learningRate ?? null,
      simulatedStandardError: simulated?.learningRateStandardError ?? null,
    };
  });
  const sign = optimizer.kind === 'sign';
  // Theorem 3 is read at its own peak.
  const regime =
    sign && small.bNoise !== null
      ? warnAboutRegime(checkRegime(regimeBounds(quadratic.mu, quadratic.sigma), small.bNoise), small.bNoise)
      : [];
  const withoutOptimum = batchSizes.find((batchSize) => law(batchSize).learningRate === null);
  return {
    quantities: {
      trace,
      offDiagonal,
      signOffDiagonal: quantities.signOffDiagonal,
      gradientMass,
      regimeBound: quantities.regimeBound,
    },
    theorem3: { bNoise: small.bNoise, epsMax: small.epsMax },
    plateau: limit.learningRate,
    peak: search.peak,
    extrema: search.extrema,
    rows,
    warnings: [
      ...warnAboutPeak(search, sign ? small.bNoise : null, null),
      ...(withoutOptimum === undefined || search.undefinedFrom !== null
        ? []
        : warnAboutOptimum(law(withoutOptimum), withoutOptimum)),
      ...regime,
      ...warnAboutStrongSurge(search),
    ],
  };
}

function printTheory(result: ReturnType<typeof examine>, optimizer: TheoryOptimizer): void {
  const number = (x: number | null) => (x === null ? '–' : String(Number(x.toPrecision(4))));
  const { quantities, theorem3, peak } = result;
  print(
    `D ${number(quantities.trace)}, S_off ${number(quantities.offDiagonal)}, S_sign ${number(quantities.signOffDiagonal)}, M ${number(quantities.gradientMass)}; the small-batch regime needs B far below ${number(quantities.regimeBound)}.`,
  );
  if (optimizer.kind === 'sign')
    print(
      `Theorem 3: B_noise ${number(theorem3.bNoise)}, eps_max ${number(theorem3.epsMax)}; plateau ${number(result.plateau)}.`,
    );
  print(
    peak === null
      ? 'No peak: the optimal learning rate of the law has no maximum.'
      : `The law peaks at B = ${number(peak.batchSize)} with ${learningRate(peak.learningRate)}${peak.prominence === null ? '' : `, ${(100 * peak.prominence).toPrecision(3)} % above the plateau`}.`,
  );
  const simulated = result.rows.some((r) => r.simulated !== null);
  print(
    table(
      ['batch size>', 'law>', 'small-batch>', ...(simulated ? ['simulated>', 'standard error>'] : [])],
      result.rows.map((r) => [
        number(r.batchSize),
        r.exact === null ? '–' : learningRate(r.exact),
        r.smallBatch === null ? '–' : learningRate(r.smallBatch),
        ...(simulated
          ? [
              r.simulated === null ? '–' : learningRate(r.simulated),
              r.simulatedStandardError === null ? '–' : learningRate(r.simulatedStandardError),
            ]
          : []),
      ]),
    ),
  );
  printWarnings(result.warnings);
}

function momentum(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('a number from 0 to below 1 is needed.');
  return value;
}
