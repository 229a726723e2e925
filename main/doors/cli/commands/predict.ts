import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { describeRidge, formatLearningRate, ridgeTable } from '#shared/analysis/describe.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { predictionInput } from '#shared/figure/from-prediction.ts';
import type { PredictionInput } from '#shared/figure/prediction-figure.ts';
import { ridgeWarnings } from '#shared/protocol/ridge-warnings.ts';
import type { PredictedPeak, PredictedValue, PredictionRecord } from '#shared/theory/prediction-record.ts';
import { rungDefinitions } from '#shared/theory/prediction-record.ts';
import { predictedPeak } from '#main/lab/local-optimum.ts';
import { drawPrediction } from '#main/lab/science-figures.ts';
import { StoreError } from '#main/lab/store/index.ts';
import type { ExperimentSummary, ReadableStore, StoredPrediction } from '#main/lab/store/types.ts';
import { specificationOf } from '#main/lab/trained.ts';
import type { FigureOption } from '../figure-option.ts';
import { requireFigureFolder, withFigure, writeFigureOption } from '../figure-option.ts';
import { withExistingWriter, withReader } from '../store-access.ts';
import { localTime, notice, print, printJson, table } from '../terminal.ts';
import { printWarnings } from '../warnings.ts';
import { wholeNumber } from './options.ts';
import type { PointOptions } from './point-options.ts';
import { pointOf, withPoint } from './point-options.ts';
import packageFile from '../../../../package.json' with { type: 'json' };

interface PredictOptions extends PointOptions, FigureOption {
  readonly list?: boolean;
  readonly samples: number;
  readonly hessianExamples: number;
  readonly probes: number;
  readonly draws: number;
  readonly lineSearch?: boolean;
}

/** Minibatches for each batch size of the line search: as many as `surge local` takes. */
const LINE_SEARCH_DRAWS = 32;

export function addPredict(program: Command): void {
  withFigure(
    withPoint(
      program
        .command('predict <experiment>')
        .description(
          'the peak that the theory predicts from gradients and curvature at a frozen point of a run; the result is kept',
        ),
    ),
  )
    .option('--list', 'the predictions that were kept, instead of a new one')
    .option('--samples <n>', 'per-sample gradients in each of two halves', wholeNumber, 1000)
    .option('--hessian-examples <n>', 'examples of the loss whose curvature is used', wholeNumber, 2000)
    .option('--probes <n>', 'random probes for the diagonal of the Hessian', wholeNumber, 16)
    .option('--draws <n>', 'minibatches for each batch size of the rungs with real updates', wholeNumber, 16)
    .option('--line-search', 'also search along real steps, which assumes nothing')
    .action(async (name: string, options: PredictOptions) => {
      await requireFigureFolder(options);
      if (options.list === true) await withReader(options, (store) => list(store, name, options));
      else await predict(name, options);
    });
}

async function predict(name: string, options: PredictOptions): Promise<void> {
  const { experiment, record, measured, input } = await withReader(options, async (store) => {
    const experiment = store.experiment(name);
    const point = pointOf(store, experiment, options);
    const record = await predictedPeak(specificationOf(experiment), point, {
      samplesPerHalf: options.samples,
      hessianExamples: options.hessianExamples,
      probes: options.probes,
      draws: options.draws,
      lineSearchDraws: options.lineSearch === true ? LINE_SEARCH_DRAWS : 0,
      threads: availableParallelism(),
      program: packageFile.version,
    });
    const measured = measuredAt(store, experiment, record);
    return { experiment, record, measured, input: inputOf(store, experiment, record, measured) };
  });
  const key = await keep(options, experiment, record);
  if (options.json === true)
    printJson({
      experiment: experiment.key,
      name: experiment.name,
      key,
      ...record,
      measured: ridgeTable(measured),
      warnings: [...record.warnings, ...ridgeWarnings(measured)],
    });
  else printPrediction(record, measured);
  await writeFigureOption(options, () => drawPrediction(input));
}

function inputOf(
  store: ReadableStore,
  { id, name }: ExperimentSummary,
  record: PredictionRecord,
  measured: Ridge,
): PredictionInput {
  const plannedSeeds = store.curveSet(id, 'evaluationLoss').seeds.length;
  return predictionInput(record, measured, { name, plannedSeeds });
}

function measuredAt(store: ReadableStore, { id }: ExperimentSummary, { point }: PredictionRecord): Ridge {
  return ridgeOf(store.curveSet(id, 'evaluationLoss'), { kind: 'equal-steps', step: point.step });
}

/** The key of the kept prediction; null, with a notice, where the store cannot be written now. */
async function keep(
  options: PredictOptions,
  experiment: ExperimentSummary,
  record: PredictionRecord,
): Promise<string | null> {
  try {
    return await withExistingWriter(
      options,
      (store) => store.addPrediction(store.experiment(experiment.key).id, record).key,
    );
  } catch (error) {
    if (!(error instanceof StoreError && ['locked', 'busy', 'read-only', 'disk-full'].includes(error.code)))
      throw error;
    notice(`The prediction is not kept: ${error.message}`);
    return null;
  }
}

async function list(store: ReadableStore, name: string, options: PredictOptions): Promise<void> {
  const experiment = store.experiment(name);
  const predictions = store.predictions(experiment.id);
  if (options.json === true)
    printJson({
      experiment: experiment.key,
      name: experiment.name,
      predictions: predictions.map((prediction) => ({
        ...prediction,
        measured: ridgeTable(measuredAt(store, experiment, prediction)),
      })),
    });
  else if (predictions.length === 0)
    print(
      `No prediction has been made for ${experiment.name} yet: surge predict ${experiment.key} --step N.`,
    );
  else
    print(
      table(
        [
          'made',
          'step>',
          'batch>',
          'learning rate>',
          'seed>',
          'B_noise>',
          'B_simple>',
          'predicted peak>',
          'by',
          'measured peak>',
        ],
        predictions.map((p) => rowOf(p, measuredAt(store, experiment, p))),
      ),
    );
  await writeFigureOption(options, () =>
    predictions.flatMap((prediction) =>
      drawPrediction(inputOf(store, experiment, prediction, measuredAt(store, experiment, prediction))),
    ),
  );
}

function rowOf(prediction: StoredPrediction, measured: Ridge): string[] {
  const { createdAt, point, bNoise, bSimple, rungs } = prediction;
  const exact = rungs.findLast(({ rung }) => rung !== 'line-search');
  return [
    localTime(createdAt),
    String(point.step),
    String(point.batchSize),
    formatLearningRate(point.learningRate),
    String(point.seed),
    withRange(bNoise),
    withError(bSimple),
    exact?.peak == null ? '–' : peakInWords(exact.peak),
    exact?.rung ?? '–',
    measuredPeak(measured),
  ];
}

function printPrediction(record: PredictionRecord, measured: Ridge): void {
  const { point, quantities, bNoise, epsMax, bSimple, rungs, batchSizes, regime } = record;
  print(
    `Frozen at step ${point.step}: batch size ${point.batchSize}, learning rate ${formatLearningRate(point.learningRate)}, seed ${point.seed}; held-out loss ${short(record.evaluationLoss)}.`,
  );
  print(
    table(
      ['quantity', 'estimate>', 'standard error>', '5–95 %>'],
      [
        ['D = trace of H', ...columns(quantities.trace)],
        ['S_off', ...columns(quantities.offDiagonal)],
        ['M', ...columns(quantities.gradientMass)],
        [`B_simple (norms at ${bSimple.small} and ${bSimple.big})`, ...columns(bSimple)],
        ['B_noise (Theorem 3)', ...columns(bNoise)],
        ['eps_max (Theorem 3)', ...columns(epsMax)],
      ],
    ),
  );
  print('');
  print('The ladder, from the most assumptions to none; the first gap names the assumption that fails:');
  print(
    table(
      ['rung', 'peak>', '5–95 %>', 'learning rate there>', '5–95 %>', 'where'],
      [
        ...rungs.map(({ rung, peak }) => [rung, ...peakColumns(peak)]),
        ['measured (equal steps)', ...peakColumns(peakOfRidge(measured))],
      ],
    ),
  );
  for (const { rung } of rungs) print(`  ${rung}: ${rungDefinitions[rung]}.`);
  print('  measured: held-out loss of whole runs at equal steps.');
  print('');
  print(
    table(
      ['batch size>', ...rungs.map(({ rung }) => `${rung}>`), 'measured>', 'small-batch regime'],
      batchSizes.map((b, i) => {
        const found = measured.points.find((p) => p.batchSize === b);
        return [
          String(b),
          ...rungs.map(({ learningRates }) => withError(learningRates[i])),
          found?.learningRate == null
            ? '–'
            : withRange({ value: found.learningRate, interval: found.interval }),
          regime[i].violated
            ? `violated (${Math.round(100 * regime[i].massOutside)} % of M outside)`
            : 'holds',
        ];
      }),
    ),
  );
  print(describeRidge(measured));
  printWarnings([...record.warnings, ...ridgeWarnings(measured)]);
}

function peakOfRidge({ peak }: Ridge): PredictedPeak | null {
  if (peak === null) return null;
  return {
    batchSize: {
      value: peak.refinedBatchSize ?? peak.batchSize,
      standardError: null,
      interval: peak.refinedInterval,
    },
    learningRate: { value: peak.learningRate, standardError: null, interval: peak.learningRateInterval },
    atEdge: peak.atEdge,
    insideShare: 0,
  };
}

function measuredPeak(measured: Ridge): string {
  const peak = peakOfRidge(measured);
  return peak === null ? '–' : peakInWords(peak);
}

function peakInWords({ batchSize, atEdge }: PredictedPeak): string {
  if (atEdge === null) return withRange(batchSize);
  return `${atEdge === 'largest' ? '≥' : '≤'} ${short(batchSize.value)}`;
}

const short = (value: number) => String(Number(value.toPrecision(3)));

function range(interval: PredictedValue['interval']): string {
  return interval === null ? '–' : `${short(interval.low)}–${short(interval.high)}`;
}

function withRange(value: Pick<PredictedValue, 'value' | 'interval'> | null): string {
  if (value === null) return '–';
  return value.interval === null ? short(value.value) : `${short(value.value)} (${range(value.interval)})`;
}

function withError(value: { value: number | null; standardError: number | null } | null): string {
  if (value === null || value.value === null) return '–';
  const { standardError } = value;
  return standardError === null
    ? short(value.value)
    : `${short(value.value)} ± ${Number(standardError.toPrecision(2))}`;
}

function columns(
  value: {
    value: number | null;
    standardError: number | null;
    interval?: PredictedValue['interval'];
  } | null,
): string[] {
  if (value === null || value.value === null) return ['–', '–', '–'];
  const { standardError } = value;
  return [
    short(value.value),
    standardError === null ? '–' : String(Number(standardError.toPrecision(2))),
    range(value.interval ?? null),
  ];
}

function peakColumns(peak: PredictedPeak | null): string[] {
  if (peak === null) return ['–', '–', '–', '–', 'no peak'];
  const { batchSize, learningRate, atEdge } = peak;
  return [
    short(batchSize.value),
    range(batchSize.interval),
    short(learningRate.value),
    range(learningRate.interval),
    atEdge === null ? 'inside the sweep' : `at the ${atEdge} batch size or beyond`,
  ];
}
