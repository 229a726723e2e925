import type { EngineProvenance, StackConfiguration } from '../protocol.ts';
import type { Prediction, PredictionOptions } from './predict.ts';

/** What main/training/probe.ts reads: one point of one run, and what to find out there. */
export interface ProbeRequest {
  readonly threads: number;
  readonly cell: Omit<StackConfiguration, 'learningRates' | 'seeds'> & {
    readonly learningRate: number;
    readonly seed: number;
  };
  readonly step: number;
  readonly lineSearch: {
    readonly batchSizes: readonly number[];
    readonly learningRates: readonly number[];
    readonly draws: number;
    readonly optimizerState: 'cold' | 'warm';
  } | null;
  readonly prediction: PredictionOptions | null;
}

export type ProbeReply =
  | {
      readonly type: 'answer';
      readonly evaluationLoss: number;
      /** For each batch size of the line search: change of the held-out loss, [learning rate][draw]; null not finite. */
      readonly changes: readonly (readonly (number | null)[])[];
      readonly prediction: Prediction | null;
      readonly dataChecksum: string;
      readonly engine: Omit<EngineProvenance, 'backend' | 'fallbackReason' | 'chunkSteps'>;
    }
  | { readonly type: 'failed'; readonly message: string };
