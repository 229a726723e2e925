/**
 * A made-up sweep that behaves like a real one: the optimal learning rate follows the surge law, B_noise grows as the
 * loss falls, steps far above the optimum raise the loss and still larger ones diverge, and replicates scatter.
 */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { stream } from '#shared/random/index.ts';
import { surgeLaw } from '#shared/theory/sign-descent.ts';

export const powers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from * 2 ** i);

/** `count` values at equal ratios. */
export const spaced = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => from * (to / from) ** (count === 1 ? 0 : i / (count - 1)));

export interface SweepOptions {
  readonly batchSizes?: readonly number[];
  readonly learningRates?: readonly number[];
  readonly seeds?: number;
  readonly marks?: readonly number[];
  /** Height of the surge law: other optimizers have others. */
  readonly epsMax?: number;
  /** B_noise at loss 1. */
  readonly bNoise?: number;
  readonly noise?: number;
  /** Marks recorded of a cell; all when absent. */
  readonly recorded?: (batch: number, rate: number, seed: number) => number;
}

const START = 2.3;
const FLOOR = 0.08;
/** Learning rates above this multiple of the optimum diverge. */
const DIVERGENCE = 5;

export function syntheticSweep(options: SweepOptions = {}): CurveSet {
  const {
    batchSizes = powers(1, 9),
    learningRates = spaced(2e-4, 2e-2, 12),
    seeds = 6,
    marks = [1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320],
    epsMax = 4e-3,
    bNoise = 14,
    noise = 0.02,
    recorded = () => marks.length,
  } = options;
  const normals = stream('test/synthetic-sweep', 0);
  let drawn = 0;
  const cells = batchSizes.length * learningRates.length * seeds;
  const values = new Float64Array(cells * marks.length);
  const divergedAt = new Float64Array(cells).fill(Infinity);
  const counts = new Uint32Array(cells);
  let cell = 0;
  for (const [b, batchSize] of batchSizes.entries())
    for (const [k, learningRate] of learningRates.entries())
      for (let seed = 0; seed < seeds; seed++, cell++) {
        const luck = new Float64Array(1);
        normals.fillNormal(luck, drawn++);
        let loss = START;
        let mark = 0;
        for (let step = 1; step <= marks[marks.length - 1]; step++) {
          const scale = bNoise / loss ** 1.4;
          const ratio = learningRate / surgeLaw(epsMax * Math.sqrt(loss), scale, batchSize);
          if (ratio > DIVERGENCE && step > 4) {
            divergedAt[cell] = step;
            break;
          }
          const gain = (2 * ratio - ratio ** 2) / (1 + scale / batchSize);
          loss = Math.min(6, Math.max(FLOOR, loss - 0.05 * loss * gain * (1 + 2 * noise * luck[0])));
          if (step !== marks[mark]) continue;
          const scatter = new Float64Array(1);
          normals.fillNormal(scatter, drawn++);
          values[cell * marks.length + mark] = loss * (1 + (noise / Math.sqrt(batchSize)) * scatter[0]);
          mark++;
        }
        values.fill(NaN, cell * marks.length + mark, (cell + 1) * marks.length);
        counts[cell] = Math.min(marks.length, recorded(b, k, seed));
      }
  return {
    batchSizes,
    learningRates,
    seeds: Array.from({ length: seeds }, (_, i) => i),
    marks: batchSizes.map(() => marks),
    stride: marks.length,
    values,
    recorded: counts,
    divergedAt,
  };
}
