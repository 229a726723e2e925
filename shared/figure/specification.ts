/**
 * The figure specification: what a file, the command line or the window's editor asks for. Every figure with every
 * option, told apart by `kind`. The look (fonts, sizes, colors) is not here but in the preset that `preset` names.
 */
import { z } from 'zod';
import { optimumMethods } from '../analysis/optimum.ts';
import { metrics } from '../experiment/stack.ts';
import { LAW_NAMES } from '../laws/laws.ts';
import { theoryPresetNames } from '../theory/examine.ts';
import { rungs } from '../theory/prediction-record.ts';
import { MOST_COMPARED } from './compare-figure.ts';
import { bands } from './loss-curves.ts';

const positive = z.number().positive().finite();
const beta = z.number().min(0).lt(1);
const whole = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);
const steps = z.array(positive).min(1).max(100);
const targets = z.array(z.number().finite()).min(1).max(24);
/** Steps after the target loss. */
const moreSteps = whole.default(10);
const method = z.enum(optimumMethods).default('three-point');
const lossAxis = z.enum(['auto', 'linear', 'log']).default('auto');
/** Losses that the optimum may be read off. */
const lossMetric = z.enum(['evaluationLoss', 'trainingLoss']).default('evaluationLoss');

const everyFigure = {
  /** File name without extension; by default made of the experiment and the kind. */
  name: z.string().min(1).max(120).optional(),
  /** Above the figure. Journals put titles into the caption: none by default. */
  title: z.string().max(300).default(''),
  /** Name of a preset, such as nature-89. By default one or two columns of Nature, by the kind. */
  preset: z.string().min(1).max(60).optional(),
  /** Millimetres, instead of the preset's width. */
  widthMm: z.number().min(20).max(2_000).optional(),
};

/** Part of the experiment; everything when absent. */
const chosen = {
  seeds: z.array(z.number().int().nonnegative()).min(1).optional(),
  batchSizes: z.array(positive).min(1).optional(),
  learningRates: z.array(positive).min(1).optional(),
};

const oneExperiment = {
  ...everyFigure,
  /** Name or key of a stored experiment. */
  experiment: z.string().min(1),
};

/** Definition of the optimal learning rate; see Definition in shared/analysis. */
export const definitionSchema = z.discriminatedUnion('kind', [
  /** At the last mark that all batch sizes share when `step` is absent. */
  z.strictObject({ kind: z.literal('equal-steps'), step: positive.optional() }),
  z.strictObject({ kind: z.literal('equal-samples'), samples: positive }),
  z.strictObject({
    kind: z.literal('equal-loss'),
    target: z.number().finite(),
    moreSteps,
    passage: z.enum(['each-seed', 'mean-curve']).default('each-seed'),
  }),
  z.strictObject({
    kind: z.literal('fewest-steps'),
    target: z.number().finite(),
    passage: z.enum(['each-seed', 'mean-curve']).default('each-seed'),
  }),
]);
export type DefinitionSpecification = z.output<typeof definitionSchema>;

const definition = definitionSchema.prefault({ kind: 'equal-steps' });

const lossesSchema = z.strictObject({
  kind: z.literal('losses'),
  ...oneExperiment,
  ...chosen,
  metric: lossMetric,
  /** One panel a step; by default four, spread geometrically. */
  steps: steps.optional(),
  lossAxis,
});

const heatMapSchema = z.strictObject({
  kind: z.literal('heat-map'),
  ...oneExperiment,
  ...chosen,
  metric: lossMetric,
  step: positive.optional(),
  lossAxis,
});

const ridgeSchema = z.strictObject({
  kind: z.literal('ridge'),
  ...oneExperiment,
  ...chosen,
  metric: lossMetric,
  definition,
  method,
  /** auto: the best law with surge, alpha1 and alpha_half. An empty list draws none. */
  laws: z.union([z.literal('auto'), z.array(z.enum(LAW_NAMES))]).default('auto'),
  /** The noise scale of the surge law as a vertical line with its interval. */
  noiseScale: z.boolean().default(true),
});

const migrationSchema = z.strictObject({
  kind: z.literal('migration'),
  ...oneExperiment,
  ...chosen,
  metric: lossMetric,
  by: z.enum(['steps', 'loss']).default('steps'),
  /** With by steps: the ridges that are drawn; by default four, spread geometrically. */
  steps: steps.optional(),
  /** With by loss; by default chosen from the curves. */
  targets: targets.optional(),
  moreSteps,
});

const protocolSchema = z.strictObject({
  kind: z.literal('protocol'),
  ...oneExperiment,
  ...chosen,
  metric: lossMetric,
  /** By default three, chosen from the curves. */
  targets: targets.optional(),
  moreSteps,
  method,
});

const optimizerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sign') }),
  z.strictObject({ kind: z.literal('sgd') }),
  z.strictObject({ kind: z.literal('signum'), beta1: beta.default(0.9) }),
  z.strictObject({ kind: z.literal('adam'), beta1: beta.default(0.9), beta2: beta.default(0.999) }),
]);

/** Laws of a noisy quadratic; it needs no stored data unless `experiment` names one with a quadratic workload. */
const theorySchema = z.strictObject({
  kind: z.literal('theory'),
  ...everyFigure,
  problem: z
    .union([
      z.strictObject({ preset: z.enum(theoryPresetNames) }),
      z.strictObject({ experiment: z.string().min(1) }),
    ])
    .default({ preset: 'peak' }),
  optimizer: optimizerSchema.default({ kind: 'sign' }),
  /** By default powers of two around the peak. */
  batchSizes: z.array(positive).min(1).max(1_000).optional(),
  /** Draws of the simulation for each batch size; 0 leaves it out. */
  draws: z.number().int().min(0).max(1_000_000).default(0),
});

const predictionSchema = z.strictObject({
  kind: z.literal('prediction'),
  ...oneExperiment,
  ...chosen,
  metric: lossMetric,
  /** Of the frozen point; the newest prediction of the experiment when absent. */
  step: whole.optional(),
  /** Rungs that are drawn; all when absent. */
  rungs: z.array(z.enum(rungs)).min(1).optional(),
  method,
});

const curvesSchema = z.strictObject({
  kind: z.literal('curves'),
  ...oneExperiment,
  seeds: chosen.seeds,
  metric: z.enum(metrics).default('evaluationLoss'),
  /** By default the best learning rate of up to six batch sizes. */
  cells: z
    .array(z.strictObject({ batchSize: positive, learningRate: positive }))
    .min(1)
    .max(24)
    .optional(),
  by: z.enum(['steps', 'samples']).default('steps'),
  /** Over seeds: lowest to highest, 5–95 % interval of the mean, or none. */
  band: z.enum(bands).default('range'),
  /** Steps in which the weight of the smoothing halves; null: no smoothing. */
  halfLife: positive.nullable().default(null),
  lossAxis,
  progressAxis: z.enum(['log', 'linear']).default('log'),
});

const statesSchema = z.strictObject({ kind: z.literal('states'), ...oneExperiment });

const compareSchema = z.strictObject({
  kind: z.literal('compare'),
  ...everyFigure,
  /** Names or keys; the others are compared with the first. */
  experiments: z.array(z.string().min(1)).min(2).max(MOST_COMPARED),
  ...chosen,
  metric: lossMetric,
  definition,
  method,
  /** The second panel: each optimum over that of the first experiment. */
  difference: z.boolean().default(true),
});

const batchSchedule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), start: positive }),
  z.strictObject({
    kind: z.literal('exponential'),
    start: positive,
    factor: positive,
    cap: positive.optional(),
  }),
  z.strictObject({
    kind: z.literal('linear'),
    start: positive,
    increment: z.number().nonnegative().finite(),
  }),
]);

const rateSchedule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['constant', 'cosine', 'linear', 'diminishing']), start: positive }),
  z.strictObject({ kind: z.literal('polynomial'), start: positive, power: positive }),
  z.strictObject({ kind: z.literal('growth'), start: positive, max: positive, factor: positive.optional() }),
  z.strictObject({
    kind: z.literal('warmup'),
    start: positive,
    max: positive,
    warmupEpochs: whole,
    warmupInterval: whole,
    then: z.enum(['constant', 'cosine']),
  }),
]);

/** Schedules of arXiv 2409.08770 and 2508.05297; see shared/theory/schedules.ts. */
const scheduleSchema = z.strictObject({
  kind: z.literal('schedule'),
  ...everyFigure,
  schedules: z
    .array(
      z.strictObject({
        label: z.string().min(1).max(120),
        epochs: whole.max(100_000),
        /** Training examples in an epoch. */
        examples: whole,
        /** Epochs in a stage. */
        interval: whole,
        batch: batchSchedule,
        learningRate: rateSchedule,
      }),
    )
    .min(1)
    .max(6),
  rateAxis: z.enum(['linear', 'log']).default('linear'),
});

export const figureSpecificationSchema = z.discriminatedUnion('kind', [
  lossesSchema,
  heatMapSchema,
  ridgeSchema,
  migrationSchema,
  protocolSchema,
  theorySchema,
  predictionSchema,
  curvesSchema,
  statesSchema,
  compareSchema,
  scheduleSchema,
]);

/** Every default filled in. */
export type FigureSpecification = z.output<typeof figureSpecificationSchema>;
/** What a person writes. */
export type FigureSpecificationInput = z.input<typeof figureSpecificationSchema>;
export type FigureKind = FigureSpecification['kind'];
export type SpecificationOf<Kind extends FigureKind> = Extract<FigureSpecification, { readonly kind: Kind }>;

export const figureKinds = figureSpecificationSchema.options.map(({ shape }) => shape.kind.value);

/** Kinds that fit into one column. */
const narrow: readonly FigureKind[] = ['heat-map', 'ridge', 'states'];

/** The preset asked for, or the kind's own. */
export function presetNameOf({ kind, preset }: FigureSpecification): string {
  return preset ?? (narrow.includes(kind) ? 'nature-89' : 'nature-183');
}
