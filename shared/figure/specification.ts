/**
 * The figure specification: what a file, the command line or the window's editor asks for. Every figure with every
 * option, told apart by `kind`. The look (fonts, sizes, colors) is not here but in the preset that `preset` names.
 */
import { z } from 'zod';
import { optimumMethods } from '../analysis/optimum.ts';
import { LAW_NAMES } from '../laws/laws.ts';
import { theoryPresetNames } from '../theory/examine.ts';
import { rungs } from '../theory/prediction-record.ts';

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
  /** By default chosen from the curves. */
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

export const figureSpecificationSchema = z.discriminatedUnion('kind', [
  lossesSchema,
  heatMapSchema,
  ridgeSchema,
  migrationSchema,
  protocolSchema,
  theorySchema,
  predictionSchema,
]);

/** Every default filled in. */
export type FigureSpecification = z.output<typeof figureSpecificationSchema>;
/** What a person writes. */
export type FigureSpecificationInput = z.input<typeof figureSpecificationSchema>;
export type FigureKind = FigureSpecification['kind'];
export type SpecificationOf<Kind extends FigureKind> = Extract<FigureSpecification, { readonly kind: Kind }>;

export const figureKinds = figureSpecificationSchema.options.map(({ shape }) => shape.kind.value);

/** Kinds that fit into one column. */
const narrow: readonly FigureKind[] = ['heat-map', 'ridge'];

/** The preset asked for, or the kind's own. */
export function presetNameOf({ kind, preset }: FigureSpecification): string {
  return preset ?? (narrow.includes(kind) ? 'nature-89' : 'nature-183');
}
