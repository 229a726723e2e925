/** The form's words for the fields of a specification. */

const kinds: Readonly<Record<string, string>> = {
  mlp: 'multilayer perceptron',
  cnn: 'convolutional network',
  resnet18: 'ResNet-18',
  gpt: 'transformer (GPT)',
  moe: 'transformer with a mixture of experts',
  logistic: 'logistic regression',
  'linear-regression': 'linear regression',
  external: 'your own program',
  quadratic: 'noisy quadratic (the theory’s world)',
  sgd: 'SGD',
  momentum: 'SGD with momentum',
  'ema-momentum': 'SGD with averaged momentum (EMA)',
  nesterov: 'SGD with Nesterov momentum',
  sign: 'sign descent',
  signum: 'Signum',
  adam: 'Adam',
  adamw: 'AdamW',
  adagrad: 'Adagrad',
  rmsprop: 'RMSProp',
  lion: 'Lion',
  adafactor: 'Adafactor',
  digits: 'digits (10\u202f000 of MNIST, included)',
  idx: 'IDX files',
  numpy: 'NumPy arrays',
  csv: 'CSV table',
  spirals: 'spirals',
  teacher: 'random teacher network',
  'moby-dick': 'Moby Dick (included)',
  relu: 'ReLU',
  'inverse-sqrt': '1/√step',
  growth: 'growth by stages',
  norm: 'by the norm of the whole gradient',
};

const figureKinds: Readonly<Record<string, string>> = {
  'equal-steps': 'at equal steps',
  'equal-samples': 'at equal samples',
  'equal-loss': 'after an equal loss',
  'fewest-steps': 'with the fewest steps to a loss',
  'each-seed': 'of each seed',
  'mean-curve': 'of the mean curve',
  evaluationLoss: 'evaluation loss',
  trainingLoss: 'training loss',
  evaluationAccuracy: 'evaluation accuracy',
};

const labels: Readonly<Record<string, string>> = {
  hidden: 'Hidden widths',
  activation: 'Activation',
  channels: 'Channels',
  poolAfter: 'Pool after convolution',
  dense: 'Dense width',
  kernel: 'Kernel side',
  data: 'Data',
  images: 'Training images',
  labels: 'Training labels',
  evaluationImages: 'Evaluation images',
  evaluationLabels: 'Evaluation labels',
  mu: 'Mean gradient μ',
  sigma: 'Gradient deviation σ',
  hessian: 'Hessian H',
  start: 'Start',
  beta1: 'β₁',
  beta2: 'β₂',
  beta: 'β',
  alpha: 'α',
  epsilon: 'ε',
  epsilon1: 'ε₁',
  epsilon2: 'ε₂',
  momentum: 'Momentum',
  weightDecay: 'Weight decay',
  definition: 'Optimal learning rate',
  target: 'Target loss',
  targets: 'Target losses',
  moreSteps: 'Steps after it',
  passage: 'Passage',
  lossAxis: 'Loss axis',
  progressAxis: 'Progress axis',
  halfLife: 'Smoothing half-life',
  noiseScale: 'Mark the noise scale',
  difference: 'Draw the difference',
  method: 'Optimum by',
  beta2Decay: 'β₂ decay',
  clip: 'Clip',
  warmUpSteps: 'Warm-up steps',
  warmUpShare: 'or share of the run',
  final: 'Rate at the end',
  everySteps: 'Drop every n steps',
  everyShare: 'or every share of the run',
  atSteps: 'or at steps',
  atShares: 'or at shares of the run',
  stages: 'Stages',
};

const hints: Readonly<Record<string, string>> = {
  hidden: 'one a layer; none: softmax regression',
  channels: 'one a convolution',
  poolAfter: 'convolutions counted from 1',
  mu: 'one a parameter',
  sigma: 'one a parameter',
  hessian: 'one row a line',
  halfLife: 'steps; empty: no smoothing',
  seeds: 'empty: all',
  batchSizes: 'empty: all',
  learningRates: 'empty: all',
  steps: 'empty: chosen from the curves',
  targets: 'empty: chosen from the curves',
  step: 'empty: the last common one',
  images: 'path on the lab’s computer',
  final: 'share of the peak',
  factor: 'of the learning rate at each drop',
  warmUpShare: '0.05: the first 5 %',
};

export function kindWords(kind: string): string {
  return kinds[kind] ?? figureKinds[kind] ?? kind;
}

/** 'someField' without words of its own is 'Some field'. */
export function labelWords(name: string): string {
  const plain = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return labels[name] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

export function hintWords(name: string): string {
  return hints[name] ?? '';
}
