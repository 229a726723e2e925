/** Independent repetitions of an estimate, some of which may have none. */

export interface MeanWithError {
  readonly mean: number;
  /** From the spread of the repetitions; null with one. */
  readonly standardError: number | null;
  /** Repetitions that had a value. */
  readonly repetitions: number;
}

/** Null when fewer than half of the repetitions have a value: a mean over the lucky ones would be biased. */
export function meanWithError(values: readonly (number | null)[]): MeanWithError | null {
  const known = values.filter((v) => v !== null && Number.isFinite(v)) as number[];
  if (known.length === 0 || known.length < values.length / 2) return null;
  const mean = known.reduce((sum, v) => sum + v, 0) / known.length;
  const square = known.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return {
    mean,
    standardError: known.length < 2 ? null : Math.sqrt(square / (known.length - 1) / known.length),
    repetitions: known.length,
  };
}
