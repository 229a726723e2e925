import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { describeDefinition } from '#shared/analysis/describe.ts';
import type { Interval } from '#shared/analysis/resampling.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import type { Definition } from '#shared/analysis/scores.ts';
import type { Budget, BudgetRecommendation } from '#shared/protocol/recommend/budget.ts';
import { recommendForBudget } from '#shared/protocol/recommend/budget.ts';
import type { GrowthKind, GrowthTable } from '#shared/protocol/recommend/growth.ts';
import { growthKinds, growthTable } from '#shared/protocol/recommend/growth.ts';
import type { Horizon } from '#shared/protocol/recommend/horizon.ts';
import { horizonTable } from '#shared/protocol/recommend/horizon.ts';
import type { RateRecommendation, RatesByBatch } from '#shared/protocol/recommend/learning-rate.ts';
import { ratesOfRidge, recommendRate } from '#shared/protocol/recommend/learning-rate.ts';
import { experimentWarnings, ridgeWarnings } from '#shared/protocol/ridge-warnings.ts';
import type { Warning } from '#shared/theory/warnings.ts';
import { stepTimes } from '#main/lab/step-times.ts';
import type { ExperimentSummary, ReadableStore } from '#main/lab/store/types.ts';
import { loadClassification } from '#main/training/data/load.ts';
import { BadInput } from '../exit-codes.ts';
import { withReader } from '../store-access.ts';
import { duration, learningRate, print, printJson, table } from '../terminal.ts';
import { printWarnings } from '../warnings.ts';
import { DEFAULT_MORE_STEPS, definitionOf } from './definition-options.ts';
import type { FamilyResult } from './imported.ts';
import { familyWithoutCurves, noRidge } from './imported.ts';
import type { SmoothOption } from './options.ts';
import {
  finiteNumber,
  methodOf,
  positiveNumber,
  withJson,
  withSmooth,
  withStore,
  wholeNumber,
} from './options.ts';

interface RecommendOptions extends SmoothOption {
  readonly store?: string;
  readonly json?: boolean;
  readonly batchSize?: number;
  readonly steps?: number;
  readonly samples?: number;
  readonly time?: number;
  readonly loss?: number;
  readonly moreSteps: number;
  readonly fewestSteps?: boolean;
  readonly horizon?: number;
  readonly schedule?: GrowthKind;
  readonly epochs: number;
  readonly interval?: number;
  readonly growth: number;
  readonly maxBatchSize?: number;
  readonly maxLearningRate?: number;
  readonly examples?: number;
}

export function addRecommend(program: Command): void {
  withSmooth(
    withJson(
      withStore(
        program
          .command('recommend <experiment>')
          .description('the learning rate for a batch size, or both for a budget, and what it rests on'),
      ),
    ),
  )
    .option('--batch-size <n>', 'the learning rate for this batch size', wholeNumber)
    .option(
      '--steps <n>',
      'budget: steps; with --batch-size the step at which learning rates are compared (default: the last shared mark)',
      wholeNumber,
    )
    .option('--samples <n>', 'budget: samples; with --batch-size the same for samples', positiveNumber)
    .option(
      '--time <seconds>',
      'budget: training time of one cell, as measured in its stacks',
      positiveNumber,
    )
    .option('--loss <target>', 'with --batch-size: learning rates compared at equal loss', finiteNumber)
    .option(
      '--more-steps <k>',
      'with --loss: k further steps, compared by their loss',
      wholeNumber,
      DEFAULT_MORE_STEPS,
    )
    .option('--fewest-steps', 'with --loss: compare the steps to the target instead')
    .option('--horizon <factor>', 'also for a run this many times as long (not verified)', positiveNumber)
    .addOption(
      new Option('--schedule <kind>', 'also a schedule of arXiv 2409.08770 from there').choices(growthKinds),
    )
    .option('--epochs <n>', 'of the schedule', wholeNumber, 300)
    .option('--interval <n>', 'epochs in a stage (default: a tenth of the epochs)', wholeNumber)
    .option('--growth <x>', 'growth of the batch size a stage', growthFactor, 2)
    .option('--max-batch-size <n>', 'where the growth of the batch size ends', wholeNumber)
    .option('--max-learning-rate <x>', 'where growth or warm-up of the learning rate ends', positiveNumber)
    .option('--examples <n>', 'training examples in an epoch (default: those of the data)', wholeNumber)
    .action((name: string, options: RecommendOptions) =>
      withReader(options, (store) => {
        const experiment = store.experiment(name);
        const result = recommend(store, experiment, options);
        if (options.json === true)
          printJson({ experiment: experiment.key, name: experiment.name, ...result });
        else printRecommendation(result);
      }),
    );
}

function growthFactor(text: string): number {
  const value = Number(text);
  if (!(value > 1 && Number.isFinite(value))) throw new InvalidArgumentError('a number above 1 is needed.');
  return value;
}

type Parts<T extends { readonly warnings: readonly Warning[] }> = Omit<T, 'warnings'>;

interface Recommendation {
  /** How learning rates were compared; null for a budget, which compares at the budget. */
  readonly definition: Definition | 'final losses' | null;
  readonly method: string;
  readonly rate: Parts<RateRecommendation> | null;
  readonly budget: Parts<BudgetRecommendation> | null;
  readonly horizon: Parts<Horizon> | null;
  readonly schedule: Parts<GrowthTable> | null;
  readonly warnings: readonly Warning[];
}

function recommend(
  store: ReadableStore,
  experiment: ExperimentSummary,
  options: RecommendOptions,
): Recommendation {
  checkQuestion(options);
  const family = familyWithoutCurves(store, experiment, options);
  if (family !== null) return recommendFromFinalLosses(family, experiment, options);
  const curves = store.curveSet(experiment.id, 'evaluationLoss');
  const method = methodOf(options);
  const warnings: Warning[] = [];
  /** Takes the warnings of a part out of it: all of them are shown in one place. */
  const take = <T extends { readonly warnings: readonly Warning[] }>(part: T): Parts<T> => {
    const { warnings: own, ...rest } = part;
    warnings.push(...own);
    return rest;
  };
  const base = { definition: null, method, rate: null, budget: null };
  let start: { batchSize: number; learningRate: number } | null;
  let answer: Pick<Recommendation, 'definition' | 'method' | 'rate' | 'budget'>;
  let ridgeAt: (batchSize: number) => number | null;
  if (options.batchSize === undefined) {
    const budget = budgetOf(options);
    const found = recommendForBudget(curves, budget, {
      method,
      stepMilliseconds: stepTimes(store.stacks(experiment.id)),
    });
    if (budget.kind === 'time' && found.rows.every((row) => row.standing === 'unknown'))
      throw new BadInput(
        `"${experiment.name}" has no measured training times: ask with --steps or --samples.`,
      );
    answer = { ...base, budget: take(found) };
    const { best } = found;
    start = best === null ? null : { batchSize: best.batchSize, learningRate: best.learningRate! };
    // A batch size of a schedule trains for as long as the best one does.
    const ridge = () =>
      ratesOfRidge(
        ridgeOf(curves, { kind: 'equal-steps', step: best!.steps! }, { method }),
        curves.learningRates,
      );
    let rates: RatesByBatch | null = null;
    ridgeAt = (batchSize) => recommendRate((rates ??= ridge()), batchSize).learningRate;
  } else {
    const definition = definitionOf(
      { ...options, ...(options.steps === undefined ? {} : { step: options.steps }) },
      curves,
    );
    const ridge = ridgeOf(curves, definition, { method });
    const rates = ratesOfRidge(ridge, curves.learningRates);
    const found = recommendRate(rates, options.batchSize);
    answer = { ...base, definition, rate: take(found) };
    warnings.push(...ridgeWarnings(ridge));
    start =
      found.learningRate === null ? null : { batchSize: options.batchSize, learningRate: found.learningRate };
    ridgeAt = (batchSize) => recommendRate(rates, batchSize).learningRate;
  }
  warnings.push(...experimentWarnings(experiment.specification));
  const horizon =
    options.horizon === undefined || start === null
      ? null
      : take(horizonTable(curves, { ...start, factor: options.horizon }, method));
  const schedule =
    options.schedule === undefined || start === null
      ? null
      : take(scheduleOf(options.schedule, start, ridgeAt, experiment, options));
  return { ...answer, horizon, schedule, warnings };
}

/** @throws BadInput when the question is none, or two. */
function checkQuestion({ batchSize, steps, samples, time, loss, fewestSteps }: RecommendOptions): void {
  const budgets = [steps, samples, time].filter((value) => value !== undefined);
  if (batchSize === undefined && (loss !== undefined || fewestSteps === true))
    throw new BadInput('--loss and --fewest-steps need --batch-size.');
  if (batchSize === undefined && budgets.length === 0)
    throw new BadInput(
      'Ask for a learning rate with --batch-size, or for both with --steps, --samples or --time.',
    );
  if (budgets.length > 1)
    throw new BadInput('--steps, --samples and --time exclude each other: choose one budget.');
  if (batchSize !== undefined && time !== undefined)
    throw new BadInput('--time is a budget and chooses the batch size itself: leave --batch-size out.');
}

function budgetOf({ steps, samples, time }: RecommendOptions): Budget {
  if (steps !== undefined) return { kind: 'steps', steps };
  return samples !== undefined ? { kind: 'samples', samples } : { kind: 'time', seconds: time! };
}

function recommendFromFinalLosses(
  family: FamilyResult,
  { name }: ExperimentSummary,
  options: RecommendOptions,
): Recommendation {
  const { batchSize, horizon, schedule } = options;
  if (batchSize === undefined)
    throw new BadInput(`"${name}" was imported without curves: only --batch-size can be answered.`);
  if (horizon !== undefined || schedule !== undefined)
    throw new BadInput(`"${name}" was imported without curves: --horizon and --schedule need them.`);
  const { ridge, laws, verdict, method, warnings } = family;
  if (ridge === null || laws === null || verdict === null) throw new BadInput(noRidge(family, name));
  const rates: RatesByBatch = {
    points: [...ridge]
      .sort((a, b) => a.batchSize - b.batchSize)
      .map((point) => ({ ...point, interval: null })),
    fit: laws,
    verdict,
    resamples: [],
    seeds: 1,
  };
  const { warnings: own, ...rate } = recommendRate(rates, batchSize);
  return {
    definition: 'final losses',
    method,
    rate,
    budget: null,
    horizon: null,
    schedule: null,
    warnings: [...own, ...warnings],
  };
}

function scheduleOf(
  kind: GrowthKind,
  start: { readonly batchSize: number; readonly learningRate: number },
  ridgeAt: (batchSize: number) => number | null,
  { specification }: ExperimentSummary,
  options: RecommendOptions,
): GrowthTable {
  const { epochs, growth, maxBatchSize } = options;
  const interval = options.interval ?? Math.max(1, Math.round(epochs / 10));
  const stages = Math.ceil(epochs / interval);
  const last = maxBatchSize ?? Math.ceil(start.batchSize * growth ** (stages - 1));
  let rates = { learningRate: start.learningRate, maxLearningRate: start.learningRate };
  if (options.maxLearningRate !== undefined) rates = { ...rates, maxLearningRate: options.maxLearningRate };
  else if (kind === 'warm-up') rates = { ...rates, learningRate: start.learningRate / 10 };
  else if (kind === 'growing-both') {
    const reached = ridgeAt(last);
    if (reached === null || reached <= start.learningRate)
      throw new BadInput(
        `At batch size ${last}, where the growth ends, the ridge ${reached === null ? 'gives no learning rate' : `gives ${learningRate(reached)}, no more than at the start`}: choose --max-learning-rate, or an end with --max-batch-size.`,
      );
    rates = { ...rates, maxLearningRate: reached };
  }
  const examples = options.examples ?? trainingExamples(specification);
  try {
    return growthTable(
      {
        kind,
        batchSize: start.batchSize,
        ...rates,
        epochs,
        examples,
        interval,
        factor: growth,
        ...(maxBatchSize === undefined ? {} : { maxBatchSize }),
      },
      ridgeAt,
    );
  } catch (error) {
    if (error instanceof RangeError) throw new BadInput(`--schedule: ${error.message}`);
    throw error;
  }
}

function trainingExamples(specification: ExperimentSummary['specification']): number {
  const workload = specification?.workload;
  // A language model draws its sequences from anywhere in the text: what an epoch is, the user must say.
  if (
    specification === null ||
    workload === undefined ||
    !('data' in workload) ||
    workload.kind === 'gpt' ||
    workload.kind === 'moe'
  )
    throw new BadInput('An epoch is not known here: give its training examples with --examples.');
  const { data, subset } = workload;
  return subset ?? loadClassification(data, specification.evaluation.examples).trainingExamples;
}

function printRecommendation(result: Recommendation): void {
  const { definition, rate, budget, horizon, schedule } = result;
  if (rate !== null) {
    if (definition !== null)
      print(
        `Learning rates compared ${definition === 'final losses' ? 'by the final losses as published' : describeDefinition(definition)}.`,
      );
    print(rate.sentence);
    if (rate.flags.length > 0) print(`Flags of this optimum: ${rate.flags.join(', ')}.`);
    if (rate.laws.length > 0)
      print(
        table(
          ['law', 'share>', 'learning rate>', '5–95 %>'],
          rate.laws.map((l) => [l.law, l.share.toFixed(2), learningRate(l.learningRate), range(l.interval)]),
        ),
      );
  }
  if (budget !== null) printBudget(budget);
  if (horizon !== null) printHorizon(horizon);
  if (schedule !== null) printSchedule(schedule);
  printWarnings(result.warnings);
}

const short = (value: number | null) => (value === null ? '–' : String(Number(value.toPrecision(4))));
const range = (interval: Interval | null) =>
  interval === null ? '–' : `${learningRate(interval.low)}–${learningRate(interval.high)}`;

function printBudget({ sentence, rows }: Parts<BudgetRecommendation>): void {
  print(sentence);
  print(
    table(
      [
        'batch size>',
        'steps>',
        'samples>',
        'time>',
        'learning rate>',
        '5–95 %>',
        'loss>',
        'best in>',
        'standing',
      ],
      rows.map((row) => [
        String(row.batchSize),
        short(row.steps),
        short(row.samples),
        row.seconds === null
          ? '–'
          : row.seconds < 1
            ? `${short(1000 * row.seconds)} ms`
            : duration(row.seconds),
        row.learningRate === null ? '–' : learningRate(row.learningRate),
        range(row.interval),
        short(row.loss),
        row.probabilityBest === null ? '–' : `${Math.round(100 * row.probabilityBest)} %`,
        row.standing,
      ]),
    ),
  );
}

function printHorizon({ factor, rows }: Parts<Horizon>): void {
  print(`\nFor a run ${short(factor)} times as long (not verified):`);
  print(
    table(
      ['source', 'exponent>', 'of', 'learning rate>', '5–95 %>', 'note'],
      rows.map((row) => [
        row.source,
        row.exponent.toFixed(3),
        row.of,
        learningRate(row.learningRate),
        range(row.interval),
        row.note,
      ]),
    ),
  );
}

function printSchedule({
  kind,
  stages,
  gamma,
  gammaBelowRootDelta,
  totalSteps,
  totalEvaluations,
}: Parts<GrowthTable>): void {
  print(
    `\nSchedule ${kind} (arXiv 2409.08770), ${short(totalSteps)} steps, ${short(totalEvaluations)} gradient evaluations:`,
  );
  print(
    table(
      [
        'stage>',
        'from epoch>',
        'batch size>',
        'learning rate>',
        'of the ridge>',
        'steps>',
        'evaluations before>',
      ],
      stages.map((stage) => [
        String(stage.stage),
        String(stage.fromEpoch),
        String(stage.batchSize),
        learningRate(stage.learningRate),
        stage.ridgeLearningRate === null ? '–' : learningRate(stage.ridgeLearningRate),
        String(stage.steps),
        short(stage.evaluationsBefore),
      ]),
    ),
  );
  if (gamma !== null && gammaBelowRootDelta !== null)
    print(
      `Learning rate ${short(gamma)} times a stage: ${gammaBelowRootDelta ? 'below' : 'not below'} the square root of the growth of the batch size, which the convergence claim needs.`,
    );
}
