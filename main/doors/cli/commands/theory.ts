import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { equicorrelatedQuadratic } from '#shared/theory/equicorrelated.ts';
import { lawOfOptimizer } from '#shared/theory/optimizer-law.ts';
import type { TheoryOptimizer } from '#shared/theory/optimizer-law.ts';
import { peakRange, searchPeak } from '#shared/theory/peak-search.ts';
import type { NoisyQuadratic } from '#shared/theory/quadratic.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { checkRegime, regimeBounds } from '#shared/theory/regime.ts';
import { plateau, signQuantities, smallBatchLaw } from '#shared/theory/sign-descent.ts';
import { simulateLineSearch } from '#shared/theory/simulator.ts';
import {
  warnAboutOptimum,
  warnAboutPeak,
  warnAboutRegime,
  warnAboutStrongSurge,
} from '#shared/theory/warnings.ts';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { BadInput } from '../exit-codes.ts';
import { learningRate, print, printJson, table } from '../terminal.ts';
import { printWarnings } from '../warnings.ts';
import { positiveNumbers, withJson, wholeNumber } from './options.ts';

/** The negative controls of the theory and the case with a peak: n = 100 equal coordinates with r = 0.02. */
const PRESETS: Readonly<Record<string, number>> = {
  diagonal: 0,
  'no-peak': 0.005,
  peak: 0.05,
  'strong-peak': 0.5,
};

/** How far the search goes, in units of 1/min r²: from there on the laws are at their plateau. */
const SIGN_REACH = 35;
const ADAM_REACH = 1e4;

interface TheoryOptions {
  readonly json?: boolean;
  readonly preset?: string;
  readonly optimizer: TheoryOptimizer['kind'];
  readonly beta1: number;
  readonly beta2: number;
  readonly batchSizes?: number[];
  readonly simulate?: number;
}

export function addTheory(program: Command): void {
  withJson(
    program
      .command('theory [file]')
      .description(
        'the laws of a noisy quadratic beside a simulation of the real update: peak, plateau, warnings',
      ),
  )
    .addOption(
      new Option('--preset <name>', '100 equal coordinates, curvature of growing correlation').choices(
        Object.keys(PRESETS),
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
      const quadratic = await quadraticOf(file, options.preset);
      const optimizer = optimizerOf(options);
      const result = examine(quadratic, optimizer, options);
      if (options.json === true) printJson(result);
      else printTheory(result, optimizer);
    });
}

async function quadraticOf(file: string | undefined, preset: string | undefined): Promise<NoisyQuadratic> {
  if ((file === undefined) === (preset === undefined))
    throw new BadInput('Give an experiment file whose workload is quadratic, or a --preset.');
  if (preset !== undefined)
    return equicorrelatedQuadratic({ n: 100, rho: PRESETS[preset], mu: 0.02, sigma: 1 });
  const { specification } = await readExperimentFile(file!);
  const { workload } = specification;
  if (workload.kind !== 'quadratic')
    throw new BadInput(`${file}: workload.kind is ${workload.kind}; the theory needs quadratic.`);
  return noisyQuadratic(workload);
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

function examine(quadratic: NoisyQuadratic, optimizer: TheoryOptimizer, options: TheoryOptions) {
  const quantities = signQuantities(quadratic);
  const { trace, offDiagonal, gradientMass } = quantities;
  const law = lawOfOptimizer(quadratic, optimizer);
  const limit = plateau(quantities);
  const small = smallBatchLaw(trace, offDiagonal, gradientMass);
  const range = peakRange(quadratic.r, optimizer.kind === 'adam' ? ADAM_REACH : SIGN_REACH, small.bNoise);
  const search =
    range === null
      ? { range: [1, 1] as const, extrema: [], peaks: [], peak: null, undefinedFrom: null }
      : searchPeak(law, range, optimizer.kind === 'sgd' ? null : limit.learningRate);
  const batchSizes = options.batchSizes ?? defaultBatchSizes(search.peak?.batchSize ?? small.bNoise ?? 1024);
  const rows = batchSizes.map((batchSize) => {
    const exact = law(batchSize);
    const simulated =
      options.simulate === undefined
        ? null
        : simulateLineSearch(quadratic, { optimizer, batchSize, draws: options.simulate, seed: 0 }).optimum;
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

/** Powers of two, five octaves on either side. */
function defaultBatchSizes(middle: number): number[] {
  const centre = Math.max(5, Math.round(Math.log2(middle)));
  return Array.from({ length: 11 }, (_, i) => 2 ** (centre - 5 + i));
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
