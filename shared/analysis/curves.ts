/**
 * The curves of one experiment as every analysis sees them: a dense grid batch × learning rate × seed, each cell with
 * its values at the marks. Nothing is averaged or dropped here; a missing cell has recorded = 0.
 */
export interface CurveSet {
  /** Ascending, in the workload's batch unit. */
  readonly batchSizes: readonly number[];
  /** Ascending. */
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  /** Steps of the marks for each batch size, ascending; they differ between batch sizes when the length is in samples. */
  readonly marks: readonly (readonly number[])[];
  /** Stride of the mark axis: the largest marks[b].length. */
  readonly stride: number;
  /** Loss at the marks, [batch][learning rate][seed][mark], row-major. Non-finite values are data, not holes. */
  readonly values: Float64Array;
  /** Marks recorded so far, [batch][learning rate][seed]. */
  readonly recorded: Uint32Array;
  /** First step whose loss was not finite, [batch][learning rate][seed]; Infinity where that never happened. */
  readonly divergedAt: Float64Array;
  /** True when divergedAt is known to cover every recorded value that is not finite, so that nobody has to look again. */
  readonly checked?: boolean;
}

/** Index of a cell in `recorded` and `divergedAt`; times `stride` (plus the mark) in `values`. */
export function cellIndex(curves: CurveSet, batch: number, learningRate: number, seed: number): number {
  return (batch * curves.learningRates.length + learningRate) * curves.seeds.length + seed;
}
