/**
 * What the theory predicts at one frozen point of a run, as it is kept in the store, listed and drawn. Pure data, JSON
 * from end to end: null where the data allow no number.
 */
import type { HistogramBin, RegimeCheck } from './regime.ts';
import type { Warning } from './warnings.ts';

/** A frozen point: the run of this cell after this step. */
export interface PointOfRun {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly step: number;
}

/** An estimate with its resampling error; null where too few resamples had a value. */
export interface PredictedValue {
  readonly value: number;
  readonly standardError: number | null;
  /** 5–95 % over resampled halves, probes and minibatches. */
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/** From the most assumptions to none (science of arXiv 2405.14578): the first gap names the assumption that fails. */
export const rungs = [
  'small-batch',
  'adam-small-batch',
  'erf',
  'sign-updates',
  'optimizer-updates',
  'line-search',
] as const;
export type RungName = (typeof rungs)[number];

/** One line each: what the rung computes and what it takes for granted. */
export const rungDefinitions: Readonly<Record<RungName, string>> = {
  'small-batch':
    'Theorem 3: 2·eps_max/(√(B_noise/B) + √(B/B_noise)); sign descent, Gaussian and independent noise, quadratic loss, B far below pi·sigma²/(2 mu²)',
  'adam-small-batch':
    'the same with the momentum of Adam: B_peak = a·D/K, a = (1 − beta1)/(1 + beta1); beta2 near 1, gradients slow against the momentum',
  erf: 'Theorem 2, mean signs erf(√(B/2)·mu/sigma): sign descent, Gaussian and independent noise, quadratic loss',
  'sign-updates': 'Lemma 1 over signs of real minibatch gradients: sign descent, quadratic loss; any noise',
  'optimizer-updates':
    'Lemma 1 over real steps of the run’s optimizer with its state: quadratic loss; nothing else',
  'line-search':
    'mean held-out loss after one real step of the optimizer at every learning rate: no assumption',
};

export interface PredictedPeak {
  readonly batchSize: PredictedValue;
  readonly learningRate: PredictedValue;
  /** The highest point is the smallest or largest batch size with an optimum: the law may go on rising beyond. */
  readonly atEdge: 'smallest' | 'largest' | null;
  /** Share of resamples with a peak inside the batch sizes. */
  readonly insideShare: number;
}

export interface Rung {
  readonly rung: RungName;
  /** Predicted optimal learning rate at each batch size of the record; null where the rung has no finite one. */
  readonly learningRates: readonly (PredictedValue | null)[];
  /** Null when no batch size has an optimum. */
  readonly peak: PredictedPeak | null;
}

/** Points of a distribution over the parameters. */
export interface Quantiles {
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
}

export interface NoiseScaleEstimate {
  readonly value: number | null;
  readonly standardError: number | null;
  /** Batch sizes whose gradient norms were compared, and the pairs averaged. */
  readonly small: number;
  readonly big: number;
  readonly pairs: number;
}

export interface PredictionRecord {
  readonly point: PointOfRun;
  /** Held-out loss at the point. */
  readonly evaluationLoss: number;
  readonly batchSizes: readonly number[];
  readonly quantities: {
    /** D, S_off, T2 and M of arXiv 2405.14578 over the active parameters. */
    readonly trace: PredictedValue;
    readonly offDiagonal: PredictedValue;
    readonly weightedTrace: PredictedValue;
    readonly gradientMass: PredictedValue;
  };
  /** pi·D/(2·S_off); null unless D > 0 and S_off > 0. */
  readonly bNoise: PredictedValue | null;
  /** M/(2·√(D·S_off)); null likewise. */
  readonly epsMax: PredictedValue | null;
  /** tr(Sigma)/|G|² from gradient norms at two batch sizes (arXiv 1812.06162, appendix A.1). */
  readonly bSimple: NoiseScaleEstimate;
  /** Peak of the most exact rung but the line search; null where it has none inside the swept batch sizes. */
  readonly bPeak: (PredictedPeak & { readonly rung: RungName }) | null;
  readonly rungs: readonly Rung[];
  readonly regime: readonly RegimeCheck[];
  readonly histogram: {
    /** pi·sigma²/(2·mu²) over parameters with a gradient, bins equally wide in its logarithm. */
    readonly bins: readonly HistogramBin[];
    /** Beyond this level the histogram shows the number of samples, not the network. */
    readonly emptyLevel: number;
  };
  readonly moments: {
    readonly parameters: number;
    /** Parameters with gradient noise; the others never move under sign descent. */
    readonly active: number;
    /** |mu|. */
    readonly mu: Quantiles | null;
    readonly sigma: Quantiles | null;
    /** |mu|/sigma. */
    readonly signalToNoise: Quantiles | null;
    /** Parameters whose gradient is exactly 0 on more than half of the samples, but not on all. */
    readonly oftenZero: number;
  };
  /** |u'Hv − v'Hu|/(|u| |Hv|) of two probes: 0 for an exact Hessian. */
  readonly asymmetry: number;
  readonly sampling: {
    readonly samplesPerHalf: number;
    /** Blocks of each half that are resampled. */
    readonly blocks: number;
    /** The curvature is that of the mean loss over this many examples; its own sampling error is not in the intervals. */
    readonly hessianExamples: number;
    readonly probes: number;
    /** Minibatches for each batch size of the rungs with real updates. */
    readonly draws: number;
    readonly resamples: number;
  };
  readonly warnings: readonly Warning[];
  /** Where and by what it was computed. */
  readonly provenance: {
    readonly program: string;
    readonly dataChecksum: string;
    readonly engine: {
      readonly device: string;
      readonly threads: number;
      readonly tensorflow: string;
      readonly node: string;
      readonly platform: string;
      readonly cpu: string;
    };
  };
}
