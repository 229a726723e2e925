/** The peak predicted at a frozen point of a run, by every rung of the ladder but the line search. */
import type { OptimizerSpecification } from '#shared/experiment/specification.ts';
import type { TrainingOptions } from '#shared/experiment/training-options.ts';
import { stream } from '#shared/random/index.ts';
import { adamSmallBatchOf } from '#shared/theory/adam-law.ts';
import type { GradientMoments } from '#shared/theory/gradient-moments.ts';
import type { Ladder, UpdateSource } from '#shared/theory/ladder.ts';
import { ladder } from '#shared/theory/ladder.ts';
import { noiseScaleWithError } from '#shared/theory/noise-scale.ts';
import { rademacherProbes } from '#shared/theory/predict.ts';
import type { HessianProduct } from '#shared/theory/predict.ts';
import type { NoiseScaleEstimate, PredictionRecord, Quantiles } from '#shared/theory/prediction-record.ts';
import { dot } from '#shared/theory/quadratic.ts';
import type { RegimeCheck } from '#shared/theory/regime.ts';
import { checkRegime, emptyRegimeLevel, regimeBounds, regimeHistogram } from '#shared/theory/regime.ts';
import type { Warning } from '#shared/theory/warnings.ts';
import { warnAboutNoiseScale, warnAboutPrediction, warnAboutRegime } from '#shared/theory/warnings.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import type { FrozenCell } from './frozen-cell.ts';
import type { GradientSource } from './gradients.ts';
import { distinctExamples, gradientMomentsAt, openHessian } from './gradients.ts';
import { updatesAt } from './updates.ts';

export interface PredictionOptions {
  readonly batchSizes: readonly number[];
  readonly samplesPerHalf: number;
  readonly hessianExamples: number;
  readonly probes: number;
  /** Minibatches for each batch size of the rungs with real updates; 0 leaves these out. */
  readonly draws: number;
}

/** What the probing process finds out; the lab adds where and by what. */
export type Prediction = Omit<PredictionRecord, 'point' | 'evaluationLoss' | 'provenance'>;

const RELATIVE_STEP = 1e-3;
/** Orders of examples here lie apart from those of replicates and of line-search draws. */
const ORDER_SEED = 2 ** 41;
const BLOCKS = 10;
const RESAMPLES = 400;
/** Share of samples with a gradient of exactly 0 above which a parameter counts as often zero. */
const OFTEN = 0.5;

/** @throws RangeError when the training set is too small for halves and curvature from different examples. */
export async function predictAt(
  tf: TensorFlow,
  source: Omit<GradientSource, 'orderSeed'> &
    Pick<TrainingOptions, 'gradientClipping' | 'microBatch'> & { readonly optimizer: OptimizerSpecification },
  frozen: FrozenCell,
  options: PredictionOptions,
): Promise<Prediction> {
  const { optimizer } = source;
  const { batchSizes, draws } = options;
  const blocks = Math.min(BLOCKS, options.samplesPerHalf);
  const samplesPerBlock = Math.floor(options.samplesPerHalf / blocks);
  const samplesPerHalf = blocks * samplesPerBlock;
  const ordered = { ...source, orderSeed: ORDER_SEED };
  const wanted = 2 * samplesPerHalf + options.hessianExamples;
  const available = distinctExamples(tf, ordered, wanted);
  if (available < wanted)
    throw new RangeError(
      `${wanted} examples are asked for (2 × ${samplesPerHalf} for gradients, ${options.hessianExamples} for curvature) and the training set has ${available}: lower --samples or --hessian-examples.`,
    );

  const { moments, noise } = await gradientMomentsAt(tf, ordered, frozen, { blocks, samplesPerBlock });
  // The curvature comes from other examples than the gradients: a shared sample would correlate their errors.
  const hessian = await openHessian(tf, ordered, frozen, {
    examples: options.hessianExamples,
    firstPosition: 2 * samplesPerHalf,
    relativeStep: RELATIVE_STEP,
  });
  const bits = stream('prediction/probes', 0);
  const probes = rademacherProbes(moments.n, options.probes, (i) => bits.uint32(i));
  const updates: UpdateSource = {
    rungs: isPlainSign(optimizer) ? ['sign-updates'] : ['sign-updates', 'optimizer-updates'],
    draws,
    draw: (rung, batchSize) =>
      updatesAt(
        tf,
        {
          ...source,
          optimizer: rung === 'sign-updates' ? { kind: 'sign' } : optimizer,
          // Clipping leaves signs alone.
          gradientClipping: rung === 'sign-updates' ? undefined : source.gradientClipping,
          optimizerState: rung === 'sign-updates' ? 'cold' : 'warm',
          batchSize,
          draws,
        },
        frozen,
      ),
  };
  const beta1 = optimizer.kind === 'adam' || optimizer.kind === 'adamw' ? optimizer.beta1 : null;
  const found = await ladder(
    moments,
    hessian.product,
    { batchSizes, probes, beta1, resamples: RESAMPLES },
    draws > 0 ? updates : null,
  );
  const asymmetry = relativeAsymmetry(probes, hessian.product);
  hessian.dispose();

  const bounds = regimeBounds(moments.mean, moments.deviation);
  const regime = batchSizes.map((b) => checkRegime(bounds, b));
  const bSimple: NoiseScaleEstimate = {
    ...noiseScaleWithError(noise.estimates),
    small: noise.small,
    big: noise.big,
    pairs: noise.estimates.length,
  };
  return {
    batchSizes,
    quantities: found.quantities,
    bNoise: found.bNoise,
    epsMax: found.epsMax,
    bSimple,
    bPeak: mostExactPeak(found),
    rungs: found.rungs,
    regime,
    histogram: { bins: regimeHistogram(bounds), emptyLevel: emptyRegimeLevel(2 * samplesPerHalf) },
    moments: summaryOf(moments),
    asymmetry,
    sampling: {
      samplesPerHalf,
      blocks,
      hessianExamples: hessian.examples,
      probes: options.probes,
      draws,
      resamples: RESAMPLES,
    },
    warnings: warningsOf(found, moments, { batchSizes, regime, bSimple, beta1 }),
  };
}

/** Sign descent as the theory has it, whose updates the first rung has already. */
function isPlainSign(optimizer: OptimizerSpecification): boolean {
  return optimizer.kind === 'sign' && (optimizer.weightDecay ?? 0) === 0;
}

/** The peak of the most exact rung, whatever those below it say: they assume more. Null where it has none inside. */
function mostExactPeak({ rungs }: Ladder): Prediction['bPeak'] {
  const { rung, peak } = rungs[rungs.length - 1];
  return peak === null || peak.atEdge !== null ? null : { ...peak, rung };
}

function warnAboutPlace({ rungs }: Ladder, batchSizes: readonly number[]): Warning[] {
  const { rung, peak } = rungs[rungs.length - 1];
  if (peak === null || peak.atEdge === null) return [];
  const batchSize = peak.batchSize.value;
  return [
    {
      code: 'peak-outside-sweep',
      sentence: `By ${rung}, the most exact rung, the optimal learning rate is highest at the ${peak.atEdge} batch size or beyond: no peak is predicted inside the sweep.`,
      numbers: {
        peak: batchSize,
        below: batchSizes.filter((b) => b < batchSize).length,
        above: batchSizes.filter((b) => b > batchSize).length,
      },
    },
  ];
}

function summaryOf({ n, active, mean, deviation, zeroShare }: GradientMoments): Prediction['moments'] {
  const live = [...active.keys()].filter((i) => active[i] === 1);
  const over = (value: (i: number) => number): Quantiles | null => {
    if (live.length === 0) return null;
    const values = Float64Array.from(live, value).sort();
    const at = (share: number) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
    return { p5: at(0.05), p50: at(0.5), p95: at(0.95) };
  };
  return {
    parameters: n,
    active: live.length,
    mu: over((i) => Math.abs(mean[i])),
    sigma: over((i) => deviation[i]),
    signalToNoise: over((i) => Math.abs(mean[i]) / deviation[i]),
    oftenZero: zeroShare.filter((share) => share > OFTEN && share < 1).length,
  };
}

function warningsOf(
  found: Ladder,
  moments: GradientMoments,
  context: {
    readonly batchSizes: readonly number[];
    readonly regime: readonly RegimeCheck[];
    readonly bSimple: NoiseScaleEstimate;
    readonly beta1: number | null;
  },
): Warning[] {
  const { trace, offDiagonal, weightedTrace, gradientMass } = found.quantities;
  const values = {
    trace: trace.value,
    offDiagonal: offDiagonal.value,
    weightedTrace: weightedTrace.value,
    gradientMass: gradientMass.value,
  };
  const { batchSizes, regime, bSimple, beta1 } = context;
  const violated = regime.findIndex((check) => check.violated);
  const { bNoise } = found;
  return [
    ...warnAboutPrediction(
      {
        trace,
        offDiagonal,
        weightedTrace,
        gradientMass: gradientMass.value,
        bNoise: bNoise?.value ?? null,
        epsMax: found.epsMax?.value ?? null,
        adam: beta1 === null ? [] : [{ beta1, ...adamSmallBatchOf(values, beta1) }],
      },
      {
        samples: 2 * moments.halfCount,
        largestBatch: Math.max(...batchSizes),
        zeroShare: moments.zeroShare,
      },
    ),
    ...warnAboutPlace(found, batchSizes),
    ...(violated < 0 ? [] : warnAboutRegime(regime[violated], batchSizes[violated])),
    ...warnAboutNoiseScale(bSimple.value, bSimple.pairs),
  ];
}

/** |u'Hv − v'Hu|/(|u| |Hv|) of the first two probes; 0 with fewer. */
function relativeAsymmetry(probes: readonly Float64Array[], product: HessianProduct): number {
  if (probes.length < 2) return 0;
  const [u, v] = probes;
  const [hu, hv] = [product(u), product(v)];
  const size = Math.sqrt(dot(u, u) * dot(hv, hv));
  return size === 0 ? 0 : Math.abs(dot(u, hv) - dot(v, hu)) / size;
}
