/** Definitions of the "critical batch size". They differ, so every value carries the name of its definition. */

export type CriticalBatchDefinition =
  /** E_min/S_min of the steps/examples hyperbola (arXiv 1812.06162). */
  | 'examples-over-steps'
  /** Where steps exceed linear scaling from a reference batch size by a given share (arXiv 2410.21676 uses 20 %). */
  | 'overhead'
  /** Predicted from gradient noise, tr(Sigma)/|G|². */
  | 'gradient-noise';

export interface CriticalBatch {
  readonly definition: CriticalBatchDefinition;
  readonly batchSize: number;
}

/** (1 + overhead)·B0 + overhead·B_crit, which the hyperbola gives for linear scaling from B0 = `reference`. */
export function overheadCriticalBatch(bCrit: number, reference: number, overhead = 0.2): CriticalBatch {
  return { definition: 'overhead', batchSize: (1 + overhead) * reference + overhead * bCrit };
}

export interface AdaptiveFrontier {
  /** B(s) = √(r·B_noise(s)) at each step, r the price of a step in examples. */
  readonly batchSizes: readonly number[];
  /** gamma = (∫√B_noise ds)²/(S_min E_min) in (S/S_min − 1)(E/E_min − 1) = gamma; 1 when B_noise is constant. */
  readonly gamma: number;
}

/**
 * Batch size that follows a changing noise scale (arXiv 1812.06162, appendix D). `noiseScales` are B_noise at equal
 * stretches of a run that would take S_min steps at infinite batch; E_min is then the sum of B_noise over those steps.
 */
export function adaptiveBatch(noiseScales: readonly number[], price: number): AdaptiveFrontier {
  if (noiseScales.length === 0 || !noiseScales.every((value) => value > 0 && Number.isFinite(value)))
    throw new RangeError('The noise scales must be one or more positive numbers.');
  if (!(price > 0)) throw new RangeError(`The price of a step must be positive, not ${price}.`);
  const meanRoot = noiseScales.reduce((sum, value) => sum + Math.sqrt(value), 0) / noiseScales.length;
  const mean = noiseScales.reduce((sum, value) => sum + value, 0) / noiseScales.length;
  return {
    batchSizes: noiseScales.map((value) => Math.sqrt(price * value)),
    gamma: meanRoot ** 2 / mean,
  };
}
