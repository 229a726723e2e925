/** A figure that is kept with its experiment: what it is made of, and the numbers that it last showed. */

/** As it is stored; checked again when it is drawn. */
export interface SavedFigureRecord {
  /** What a person chose (shared/figure/specification.ts), as plain JSON. */
  readonly specification: Readonly<Record<string, unknown>>;
  readonly preset: string;
  /** Keys of all experiments in it; the first one keeps it. */
  readonly experiments: readonly string[];
  /** The drawn data as CSV; '' when they are too large to be kept. */
  readonly csv: string;
}

export interface SavedFigure extends SavedFigureRecord {
  /** One figure of an experiment has it. */
  readonly name: string;
  /** When its numbers were drawn. UTC epoch milliseconds. */
  readonly savedAt: number;
}
