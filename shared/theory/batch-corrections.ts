/** Batch sizes that undo known biases of estimates from a finite number of samples. Null is no finite batch size. */
import { erf } from './erf.ts';

/**
 * Mean of the plug-in erf(√(B/2)·(r + error)) when r comes from `samples` samples, error ~ N(0, 1/samples):
 * erf(√(B/2)·r/√(1 + B/samples)).
 */
export function meanPluginSign(r: number, samples: number, batchSize: number): number {
  return erf((Math.sqrt(batchSize / 2) * r) / Math.sqrt(1 + batchSize / samples));
}

/** The plug-in at batch size B acts like B/(1 + B/samples). */
export function pluginEquivalentBatch(batchSize: number, samples: number): number {
  return batchSize / (1 + batchSize / samples);
}

/** B'' = B·samples/(samples − B), whose plug-in has the mean of the true sign at B; null for B >= samples. */
export function correctedBatch(batchSize: number, samples: number): number | null {
  return batchSize < samples ? (batchSize * samples) / (samples - batchSize) : null;
}

/**
 * Sampling B of N examples without replacement: the batch mean has the variance of an independent batch of
 * B(N − 1)/(N − B), with sigma² of divisor N; null for B >= N, where there is no noise left.
 */
export function effectiveBatchWithoutReplacement(batchSize: number, examples: number): number | null {
  return batchSize < examples ? (batchSize * (examples - 1)) / (examples - batchSize) : null;
}
