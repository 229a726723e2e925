/** What passes between the benchmark and a contender. */

/** The network of a row. */
export type Model =
  | { readonly kind: 'mlp'; readonly hidden: number }
  /** 3×3×16, 3×3×16, pool, 3×3×32, pool, dense 64, 10 on 28 × 28 pixels. */
  | { readonly kind: 'cnn' }
  | {
      readonly kind: 'gpt';
      readonly layers: number;
      readonly width: number;
      readonly heads: number;
      readonly context: number;
    };

/** One network and batch size, with everything a contender needs to train it. */
export interface Task {
  readonly model: Model;
  /** Numbers of one example: pixels, or the tokens of a sequence and its last target. */
  readonly features: number;
  /** Kinds of labels, or of tokens. */
  readonly classes: number;
  readonly batchSize: number;
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  /** Steps of one call. */
  readonly chunkSteps: number;
  readonly threads: number;
  /** Training examples. Images are raw float32 with int32 labels; sequences are int32 without labels. */
  readonly examples: number;
  readonly evaluationExamples: number;
  readonly exampleFile: string;
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
