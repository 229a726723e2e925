/** What came of merging one experiment. */

/** One cell with two different results. */
export interface Conflict {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  /** Stack whose result is the cell's. */
  readonly kept: string;
  /** Stack that holds the other result. */
  readonly beside: string;
}

export interface MergedExperiment {
  readonly key: string;
  readonly name: string;
  readonly isNew: boolean;
  /** An imported sweep: it has rows and no stacks. */
  readonly isImported: boolean;
  /** Stacks that came over, and stacks of which more came over. */
  readonly stacksAdded: number;
  readonly stacksExtended: number;
  /** Cells trained in both with the same result. */
  readonly identicalCells: number;
  readonly predictionsAdded: number;
  readonly conflicts: readonly Conflict[];
  /** Where both have something of their own, in words: what the target has stays. */
  readonly differences: readonly string[];
  /** What could not be merged, in words; the rest was. */
  readonly problems: readonly string[];
}
