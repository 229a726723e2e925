import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { Option } from 'commander';
import { formatLearningRate, describeRidge, ridgeTable } from '#shared/analysis/describe.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { meanWithError } from '#shared/theory/repetitions.ts';
import type { MeanWithError } from '#shared/theory/repetitions.ts';
import type { PointOfRun } from '#main/lab/local-optimum.ts';
import { localCurves, predictedPeak } from '#main/lab/local-optimum.ts';
import type { ExperimentSummary, ReadableStore } from '#main/lab/store/types.ts';
import { specificationOf } from '#main/lab/trained.ts';
import { BadInput } from '../exit-codes.ts';
import { withReader } from '../store-access.ts';
import { print, printJson, table } from '../terminal.ts';
import { positiveNumber, withJson, withStore, wholeNumber } from './options.ts';
import { printRidge } from './ridge.ts';

interface PointOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly seed?: number;
  readonly step: number;
}

function withPoint(command: Command): Command {
  return withJson(withStore(command))
    .requiredOption('--step <n>', 'freeze the run after this step', wholeNumber)
    .option('--batch-size <n>', 'of the frozen run (default: the middle one)', wholeNumber)
    .option(
      '--learning-rate <x>',
      'of the frozen run (default: the optimum of that batch size at that step)',
      positiveNumber,
    )
    .option(
      '--seed <n>',
      'of the frozen run (default: the first)',
      (text) => wholeNumber(String(Number(text) + 1)) - 1,
    );
}

export function addLocal(program: Command): void {
  withPoint(
    program
      .command('local <experiment>')
      .description(
        'the local optimal learning rates at a frozen point of a run, by line search over minibatches',
      ),
  )
    .option('--draws <n>', 'minibatches for each batch size', wholeNumber, 32)
    .addOption(
      new Option(
        '--optimizer-state <state>',
        'cold: the optimizer starts afresh; warm: it keeps the run’s moments',
      )
        .choices(['cold', 'warm'])
        .default('warm'),
    )
    .action((name: string, options: PointOptions & { draws: number; optimizerState: 'cold' | 'warm' }) =>
      withReader(options, async (store) => {
        const experiment = store.experiment(name);
        const point = pointOf(store, experiment, options);
        const curves = await localCurves(specificationOf(experiment), point, {
          draws: options.draws,
          optimizerState: options.optimizerState,
          threads: availableParallelism(),
        });
        const ridge = ridgeOf(curves, { kind: 'local', ...point });
        if (options.json === true)
          printJson({ experiment: experiment.key, name: experiment.name, ...ridgeTable(ridge) });
        else printRidge(ridge);
      }),
    );

  withPoint(
    program
      .command('predict <experiment>')
      .description(
        'the peak that the theory predicts from gradients and curvature at a frozen point of a run',
      ),
  )
    .option('--samples <n>', 'per-sample gradients in each of two halves', wholeNumber, 1000)
    .option('--hessian-examples <n>', 'examples of the loss whose curvature is used', wholeNumber, 2000)
    .option('--probes <n>', 'random probes for the diagonal of the Hessian', wholeNumber, 16)
    .option('--repetitions <n>', 'independent repetitions; their spread is the error', wholeNumber, 4)
    .action(
      (
        name: string,
        options: PointOptions & {
          samples: number;
          hessianExamples: number;
          probes: number;
          repetitions: number;
        },
      ) =>
        withReader(options, async (store) => {
          const experiment = store.experiment(name);
          const point = pointOf(store, experiment, options);
          const found = await predictedPeak(specificationOf(experiment), point, {
            samplesPerHalf: options.samples,
            hessianExamples: options.hessianExamples,
            probes: options.probes,
            repetitions: options.repetitions,
            threads: availableParallelism(),
          });
          const curves = store.curveSet(experiment.id, 'evaluationLoss');
          const measured = ridgeOf(curves, { kind: 'equal-steps', step: point.step });
          const summary = summarise(found.prediction, found.batchSizes);
          if (options.json === true)
            printJson({
              experiment: experiment.key,
              name: experiment.name,
              point,
              evaluationLoss: found.evaluationLoss,
              engine: found.engine,
              summary,
              ...found.prediction,
              measured: ridgeTable(measured),
            });
          else printPrediction(point, summary, found.batchSizes, found.prediction.regime, measured);
        }),
    );
}

type Prediction = Awaited<ReturnType<typeof predictedPeak>>['prediction'];

function summarise(prediction: Prediction, batchSizes: readonly number[]) {
  const { repetitions } = prediction;
  const over = (value: (r: Prediction['repetitions'][number]) => number | null) =>
    meanWithError(repetitions.map(value));
  const offDiagonal = over((r) => r.offDiagonal.value);
  return {
    trace: over((r) => r.trace.value),
    offDiagonal,
    gradientMass: over((r) => r.gradientMass),
    bSimple: over((r) => r.bSimple),
    bNoise: over((r) => r.bNoise),
    epsMax: over((r) => r.epsMax),
    adamPeak: over((r) => r.adam[0]?.bPeak ?? null),
    exactLaw: batchSizes.map((_, i) => over((r) => r.exactLaw[i])),
    /** Two standard errors around S_off hold zero: no peak can be claimed from it. */
    undetermined:
      offDiagonal === null ||
      (offDiagonal.standardError !== null && Math.abs(offDiagonal.mean) < 2 * offDiagonal.standardError),
  };
}

function printPrediction(
  point: PointOfRun,
  summary: ReturnType<typeof summarise>,
  batchSizes: readonly number[],
  regime: Prediction['regime'],
  measured: ReturnType<typeof ridgeOf>,
): void {
  print(
    `Frozen at step ${point.step}: batch size ${point.batchSize}, learning rate ${formatLearningRate(point.learningRate)}, seed ${point.seed}.`,
  );
  print(
    table(
      ['quantity', 'estimate>', 'standard error>'],
      [
        ['D = trace of H', ...shown(summary.trace)],
        ['S_off', ...shown(summary.offDiagonal)],
        ['M', ...shown(summary.gradientMass)],
        ['B_simple', ...shown(summary.bSimple)],
        ['B_noise (Theorem 3)', ...shown(summary.bNoise)],
        ['eps_max (Theorem 3)', ...shown(summary.epsMax)],
        ...(summary.adamPeak === null ? [] : [['B_peak (Adam, small batch)', ...shown(summary.adamPeak)]]),
      ],
    ),
  );
  if (summary.undetermined)
    print('No peak is predicted: S_off is not different from zero by two standard errors.');
  print('');
  print(
    table(
      [
        'batch size>',
        'exact law>',
        'standard error>',
        'small-batch regime',
        'measured at equal steps>',
        '5–95 %>',
      ],
      batchSizes.map((b, i) => {
        const law = summary.exactLaw[i];
        const point_ = measured.points.find((p) => p.batchSize === b);
        return [
          String(b),
          ...shown(law),
          regime[i].violated
            ? `violated (${Math.round(100 * regime[i].massOutside)} % of M outside)`
            : 'holds',
          point_?.learningRate == null ? '–' : formatLearningRate(point_.learningRate),
          point_?.interval == null
            ? '–'
            : `${formatLearningRate(point_.interval.low)}–${formatLearningRate(point_.interval.high)}`,
        ];
      }),
    ),
  );
  print(
    'The laws assume sign descent, Gaussian and independent coordinates and a quadratic loss; the measured ridge is of whole runs. A gap between them names the assumption that fails.',
  );
  print(describeRidge(measured));
}

function shown(estimate: MeanWithError | null): [string, string] {
  if (estimate === null) return ['–', '–'];
  return [
    estimate.mean.toPrecision(3),
    estimate.standardError === null ? '–' : estimate.standardError.toPrecision(2),
  ];
}

/** Fills in what was not given: the middle batch size and its optimum at that step. */
function pointOf(store: ReadableStore, experiment: ExperimentSummary, options: PointOptions): PointOfRun {
  const curves = store.curveSet(experiment.id, 'evaluationLoss');
  const batchSize = options.batchSize ?? curves.batchSizes[curves.batchSizes.length >> 1];
  const seed = options.seed ?? curves.seeds[0];
  let { learningRate } = options;
  if (learningRate === undefined) {
    const ridge = ridgeOf(curves, { kind: 'equal-steps', step: options.step });
    learningRate = ridge.points.find((p) => p.batchSize === batchSize)?.learningRate ?? undefined;
    if (learningRate === undefined)
      throw new BadInput(
        `Batch size ${batchSize} has no optimal learning rate at step ${options.step}; choose one with --learning-rate.`,
      );
  }
  return { batchSize, learningRate, seed, step: options.step };
}
