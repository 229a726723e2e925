/** What passes between the benchmark and a contender. */

/** One network and batch size, with everything a contender needs to train it. */
export interface Task {
  readonly features: number;
  readonly hidden: number;
  readonly classes: number;
  readonly batchSize: number;
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  /** Steps of one call. */
  readonly chunkSteps: number;
  readonly threads: number;
  /** Training examples; the two files hold them as raw float32 and int32. */
  readonly examples: number;
  readonly evaluationExamples: number;
  readonly imageFile: string;
  readonly labelFile: string;
  /** Read by our engine only. */
  readonly mode: 'compiled' | 'eager';
}

export type ContenderRequest =
  | { readonly command: 'prepare'; readonly task: Task }
  | { readonly command: 'measure'; readonly seconds: number };

export type ContenderReply =
  | { readonly version: string }
  | { readonly prepareMilliseconds: number }
  /** Microseconds per run-step (one optimizer step of one cell), and the mean training loss at the end. */
  | { readonly microseconds: number; readonly loss: number };
