/** Loss surfaces with a known ridge, for tests and benches of the analysis. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { cellIndex } from '#shared/analysis/curves.ts';
import { stream } from '#shared/random/index.ts';

export interface SyntheticCurves {
  readonly batchSizes: readonly number[];
  readonly learningRates: readonly number[];
  readonly seeds: number;
  /** The same for every batch size, or one list each. */
  readonly marks: readonly number[] | readonly (readonly number[])[];
  /** The optimal learning rate. */
  readonly optimum: (batchSize: number, step: number) => number;
  /** Deviation of ln of a seed's own optimum around it, as if each replicate had another one. */
  readonly noise?: number;
  /** Deviation of noise on the losses themselves, independent between cells. */
  readonly cellNoise?: number;
  /** Added to every loss of a seed, the same at all learning rates. */
  readonly offset?: (seed: number) => number;
  /** Loss at the optimum. */
  readonly floor?: (batchSize: number, step: number) => number;
  readonly randomSeed?: number;
}

/** loss = floor(B, s) + offset(seed) + (ln LR − ln optimum(B, s) − own shift)² / 10: parabolas, so that the vertex is exact. */
export function syntheticCurves(options: SyntheticCurves): CurveSet {
  const { batchSizes, learningRates, seeds, optimum, noise = 0, cellNoise = 0 } = options;
  const floor = options.floor ?? ((_, step) => 2 / (1 + step / 50));
  const marks = batchSizes.map((_, batch) => {
    const list = options.marks[batch];
    return Array.isArray(list) ? (list as number[]) : (options.marks as number[]);
  });
  const stride = marks.reduce((most, list) => Math.max(most, list.length), 0);
  const cells = batchSizes.length * learningRates.length * seeds;
  const curves: CurveSet = {
    batchSizes,
    learningRates,
    seeds: Array.from({ length: seeds }, (_, i) => i),
    marks,
    stride,
    values: new Float64Array(cells * stride).fill(NaN),
    recorded: new Uint32Array(cells),
    divergedAt: new Float64Array(cells).fill(Infinity),
  };
  const random = stream('synthetic', options.randomSeed ?? 0);
  const cellRandom = stream('synthetic-cells', options.randomSeed ?? 0);
  batchSizes.forEach((batchSize, batch) => {
    const best = marks[batch].map((step) => Math.log(optimum(batchSize, step)));
    const lowest = marks[batch].map((step) => floor(batchSize, step));
    for (let seed = 0; seed < seeds; seed++) {
      const shift = noise * random.normal(batch * seeds + seed);
      const offset = options.offset?.(seed) ?? 0;
      learningRates.forEach((rate, index) => {
        const cell = cellIndex(curves, batch, index, seed);
        curves.recorded[cell] = marks[batch].length;
        const x = Math.log(rate);
        const own = offset + cellNoise * cellRandom.normal(cell);
        for (let m = 0; m < marks[batch].length; m++)
          curves.values[cell * stride + m] = lowest[m] + own + (x - best[m] - shift) ** 2 / 10;
      });
    }
  });
  return curves;
}
