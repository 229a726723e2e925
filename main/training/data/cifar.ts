/**
 * CIFAR-10 and CIFAR-100 in their binary version: records of label bytes (CIFAR-100 has the coarse class before the fine
 * one) and 3 × 32 × 32 bytes, channel by channel, row by row.
 */
import type { LabelledExamples } from './classification.ts';
import { DataError } from './classification.ts';

const CHANNELS = 3;
const SIDE = 32;
const FEATURES = CHANNELS * SIDE * SIDE;

/** Pixels stay bytes. The last label byte of a record is the class. `place` is what messages call the bytes. */
export function cifarExamples(
  parts: readonly Uint8Array[],
  labelBytes: 1 | 2,
  place: string,
): LabelledExamples {
  const record = labelBytes + FEATURES;
  const broken = parts.find((part) => part.length % record !== 0 || part.length === 0);
  if (broken !== undefined)
    throw new DataError(
      `${place}: has a part of ${broken.length} bytes, which is no whole number of records of ${record}; the file is truncated or damaged`,
    );
  const total = parts.reduce((sum, part) => sum + part.length / record, 0);
  const images = new Uint8Array(total * FEATURES);
  const labels = new Int32Array(total);
  let example = 0;
  for (const part of parts)
    for (let at = 0; at < part.length; at += record, example++) {
      labels[example] = part[at + labelBytes - 1];
      images.set(part.subarray(at + labelBytes, at + record), example * FEATURES);
    }
  return { features: FEATURES, image: { channels: CHANNELS, height: SIDE, width: SIDE }, images, labels };
}
