/** Data of a known structure, controls for everything that is measured on real data. All from the counter streams. */
import { stream } from '#shared/random/index.ts';
import type { LabelledExamples } from './classification.ts';

/** Interleaved spirals in the plane, one arm a class: radius 0…1 along the arm, one and a half turns, Gaussian noise. */
export function spirals(arms: number, examples: number, noise: number, seed: number): LabelledExamples {
  const along = stream('spirals/radius', seed);
  const scatter = new Float64Array(2 * examples);
  stream('spirals/noise', seed).fillNormal(scatter, 0);
  const images = new Float32Array(2 * examples);
  const labels = new Int32Array(examples);
  for (let i = 0; i < examples; i++) {
    const arm = (labels[i] = i % arms);
    const radius = along.uniform(i);
    const angle = 3 * Math.PI * radius + (2 * Math.PI * arm) / arms;
    images[2 * i] = radius * Math.cos(angle) + noise * scatter[2 * i];
    images[2 * i + 1] = radius * Math.sin(angle) + noise * scatter[2 * i + 1];
  }
  return { features: 2, image: null, images, labels };
}

export interface TeacherOptions {
  readonly features: number;
  readonly hidden: number;
  readonly classes: number;
  readonly examples: number;
  /** Share of labels that are drawn at random instead. */
  readonly noise: number;
  readonly seed: number;
}

/** Standard normal inputs labelled by the largest output of a random network with one hidden tanh layer. */
export function teacher({
  features,
  hidden,
  classes,
  examples,
  noise,
  seed,
}: TeacherOptions): LabelledExamples {
  const first = new Float64Array(hidden * features);
  const second = new Float64Array(classes * hidden);
  stream('teacher/first', seed).fillNormal(first, 0);
  stream('teacher/second', seed).fillNormal(second, 0);
  const images = new Float32Array(examples * features);
  stream('teacher/inputs', seed).fillNormal(images, 0);
  const flips = stream('teacher/flips', seed);
  const others = stream('teacher/labels', seed);
  const labels = Int32Array.from({ length: examples }, (_, i) => {
    if (flips.uniform(i) < noise) return others.below(i, classes);
    const units = Array.from({ length: hidden }, (_unused, h) => {
      let sum = 0;
      for (let f = 0; f < features; f++) sum += first[h * features + f] * images[i * features + f];
      return Math.tanh(sum / Math.sqrt(features));
    });
    let best = 0;
    let most = -Infinity;
    for (let c = 0; c < classes; c++) {
      const output = units.reduce((sum, unit, h) => sum + second[c * hidden + h] * unit, 0);
      if (output > most) [best, most] = [c, output];
    }
    return best;
  });
  return { features, image: null, images, labels };
}

export interface LinearOptions {
  readonly features: number;
  readonly examples: number;
  readonly noise: number;
  /** Feature i (from 1) has the variance i^−decay: 0 is isotropic, larger is worse conditioned. */
  readonly decay: number;
  readonly seed: number;
}

export interface RegressionData {
  readonly training: RegressionExamples;
  readonly evaluation: RegressionExamples;
}

export interface RegressionExamples {
  readonly features: number;
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
}

/** y = w·x + noise·z with standard normal w and z; the last `evaluationExamples` of them are held out. */
export function linearData(
  { features, examples, noise, decay, seed }: LinearOptions,
  evaluationExamples: number,
): RegressionData {
  const inputs = new Float32Array(examples * features);
  stream('linear/inputs', seed).fillNormal(inputs, 0);
  const weights = new Float64Array(features);
  stream('linear/weights', seed).fillNormal(weights, 0);
  const deviations = Float64Array.from({ length: features }, (_, f) => (f + 1) ** (-decay / 2));
  inputs.forEach((value, i) => (inputs[i] = value * deviations[i % features]));
  const errors = new Float64Array(examples);
  stream('linear/noise', seed).fillNormal(errors, 0);
  const targets = Float32Array.from(errors, (error, i) => {
    let sum = noise * error;
    for (let f = 0; f < features; f++) sum += weights[f] * inputs[i * features + f];
    return sum;
  });
  const cut = examples - evaluationExamples;
  const part = (from: number, to: number): RegressionExamples => ({
    features,
    inputs: inputs.slice(from * features, to * features),
    targets: targets.slice(from, to),
  });
  return { training: part(0, cut), evaluation: part(cut, examples) };
}
