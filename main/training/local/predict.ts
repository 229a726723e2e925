/** The peak predicted at a frozen point of a run, by every rung of the ladder (science: section 8). */
import { checkRegime, regimeBounds, regimeHistogram } from '#shared/theory/regime.ts';
import type { HistogramBin, RegimeCheck } from '#shared/theory/regime.ts';
import { normEstimates } from '#shared/theory/gradient-moments.ts';
import type { CheckpointPrediction } from '#shared/theory/predict.ts';
import { exactLawFromHalves, predictFromCheckpoint, rademacherProbes } from '#shared/theory/predict.ts';
import { stream } from '#shared/random/index.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import type { FrozenCell } from './frozen-cell.ts';
import type { GradientSource } from './gradients.ts';
import { gradientMomentsAt, openHessian } from './gradients.ts';

export interface PredictionOptions {
  readonly batchSizes: readonly number[];
  readonly samplesPerHalf: number;
  readonly hessianExamples: number;
  readonly probes: number;
  /** Independent repetitions with other samples and probes; their spread is the standard error. */
  readonly repetitions: number;
  readonly beta1: readonly number[];
}

export interface Prediction {
  readonly repetitions: readonly (CheckpointPrediction & {
    readonly bSimple: number | null;
    /** Exact law at each batch size; null where the samples say nothing. */
    readonly exactLaw: readonly (number | null)[];
    /** |u'Hv − v'Hu| / (|u| |Hv|) of two probes: 0 for an exact Hessian, so a check of the finite differences. */
    readonly asymmetry: number;
  })[];
  /** From the first repetition: where the small-batch theory holds, for each batch size. */
  readonly regime: readonly RegimeCheck[];
  readonly histogram: readonly HistogramBin[];
  readonly samples: number;
}

const RELATIVE_STEP = 1e-3;
/** Orders of these repetitions lie apart from those of replicates and of line-search draws. */
const FIRST_ORDER_SEED = 2 ** 41;

export async function predictAt(
  tf: TensorFlow,
  source: Omit<GradientSource, 'orderSeed'>,
  frozen: FrozenCell,
  options: PredictionOptions,
): Promise<Prediction> {
  const repetitions: Prediction['repetitions'][number][] = [];
  let regime: RegimeCheck[] = [];
  let histogram: readonly HistogramBin[] = [];
  for (let r = 0; r < options.repetitions; r++) {
    const ordered = { ...source, orderSeed: FIRST_ORDER_SEED + r };
    const moments = await gradientMomentsAt(tf, ordered, frozen, options.samplesPerHalf);
    // The curvature comes from other examples than the gradients: a shared sample would correlate their errors.
    const hessian = await openHessian(tf, ordered, frozen, {
      examples: options.hessianExamples,
      firstPosition: 2 * options.samplesPerHalf,
      relativeStep: RELATIVE_STEP,
    });
    const bits = stream('prediction/probes', r);
    const probes = rademacherProbes(moments.n, options.probes, (i) => bits.uint32(i));
    const diagonal = { probes };
    const prediction = predictFromCheckpoint(moments, hessian.product, diagonal, { beta1: options.beta1 });
    const exactLaw = options.batchSizes.map(
      (b) => exactLawFromHalves(moments, hessian.product, diagonal, b)?.learningRate ?? null,
    );
    const [u, v] = probes;
    const asymmetry = v === undefined ? 0 : relativeAsymmetry(u, v, hessian.product);
    hessian.dispose();
    repetitions.push({ ...prediction, bSimple: normEstimates(moments).bSimpleDebiased, exactLaw, asymmetry });
    if (r === 0) {
      const bounds = regimeBounds(moments.mean, moments.deviation);
      regime = options.batchSizes.map((b) => checkRegime(bounds, b));
      histogram = regimeHistogram(bounds);
    }
  }
  return { repetitions, regime, histogram, samples: 2 * options.samplesPerHalf };
}

function relativeAsymmetry(
  u: Float64Array,
  v: Float64Array,
  product: (x: Float64Array) => ArrayLike<number>,
): number {
  const inner = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  };
  const [hu, hv] = [product(u), product(v)];
  const size = Math.sqrt(inner(u, u) * inner(hv, hv));
  return size === 0 ? 0 : Math.abs(inner(u, hv) - inner(v, hu)) / size;
}
