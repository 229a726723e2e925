/**
 * The ladder of predictions at a frozen point, from the small-batch law to real updates, each with errors by resampling
 * halves, probes and minibatches together (arXiv 2405.14578; own estimators of predict.ts). All rungs use the same
 * moments, Hessian products and probes, so that a gap between two of them is the assumption that separates them.
 */
import { adamSmallBatchOf } from './adam-law.ts';
import { correctedBatch } from './batch-corrections.ts';
import { erf } from './erf.ts';
import type { GradientMoments } from './gradient-moments.ts';
import type { LocalOptimum } from './lemma1.ts';
import { lemma1 } from './lemma1.ts';
import { momentumVariance } from './momentum.ts';
import type { HessianProduct } from './predict.ts';
import type { PredictedPeak, PredictedValue, Rung, RungName } from './prediction-record.ts';
import { dot } from './quadratic.ts';
import type { Resampled } from './resampled.ts';
import { addResampled, resampledMean, resampledPeak, Resampler } from './resampled.ts';
import { smallBatchLaw } from './sign-descent.ts';

/** Parts of every estimate, in this order. */
const [HALF_A, HALF_B, PROBES, DRAWS] = [0, 1, 2, 3] as const;
const PARTS = 4;

const noParts = (): Float64Array[] => Array.from({ length: PARTS }, () => new Float64Array(0));

/** A vector that depends on one half's mean gradient, with what each block of that half adds to it. */
interface HalfVector {
  readonly whole: Float64Array;
  /** Deviation that block k stands for, [block][coordinate]. */
  blocks(k: number): Float64Array;
}

/** f(mean/deviation) of one half by coordinate, 0 for inactive ones; blocks move it along f'. */
function halfVector(
  moments: GradientMoments,
  half: 'A' | 'B',
  f: (r: number) => number,
  derivative: (r: number) => number,
): HalfVector {
  const { active, deviation } = moments;
  const mean = half === 'A' ? moments.meanA : moments.meanB;
  const blocks = half === 'A' ? moments.blocksA : moments.blocksB;
  const ratios = mean.map((value, i) => (active[i] === 1 ? value / deviation[i] : 0));
  const slopes = ratios.map((r, i) => (active[i] === 1 ? derivative(r) / deviation[i] : 0));
  return {
    whole: ratios.map((r, i) => (active[i] === 1 ? f(r) : 0)),
    blocks: (k) => slopes.map((slope, i) => slope * (blocks[k][i] - mean[i])),
  };
}

const times = (a: Float64Array, b: Float64Array) => a.map((value, i) => value * b[i]);

/** H v and, over probes z, the vectors z∘H(z∘v). */
function products(product: HessianProduct, probes: readonly Float64Array[], v: Float64Array) {
  const whole = Float64Array.from(product(v));
  const diagonal = probes.map((z) => times(z, Float64Array.from(product(times(z, v)))));
  const mean = new Float64Array(v.length);
  for (const row of diagonal) row.forEach((value, i) => (mean[i] += value / probes.length));
  return { whole, diagonal, mean };
}

/**
 * Diagonal and off-diagonal part of the form a'H b, a of half A and b of half B: the diagonal is the mean over probes of
 * (z∘a)'H(z∘b) (Hutchinson 1990), so that neither part has the bias of a squared mean.
 */
function splitForm(
  moments: GradientMoments,
  product: HessianProduct,
  probes: readonly Float64Array[],
  a: HalfVector,
  b: HalfVector,
): { readonly diagonal: Resampled; readonly offDiagonal: Resampled } {
  const hb = products(product, probes, b.whole);
  const ha = products(product, probes, a.whole);
  const values = Float64Array.from(hb.diagonal, (row) => dot(a.whole, row));
  const probed = resampledMean(values, PROBES, PARTS);
  const moved = (left: (k: number) => Float64Array, count: number, right: Float64Array) =>
    Float64Array.from({ length: count }, (_, k) => dot(left(k), right));
  const counts = [moments.blocksA.length, moments.blocksB.length];
  const parts = (wholeB: Float64Array, wholeA: Float64Array) => {
    const out = noParts();
    out[HALF_A] = moved((k) => a.blocks(k), counts[0], wholeB);
    out[HALF_B] = moved((k) => b.blocks(k), counts[1], wholeA);
    return out;
  };
  const diagonal = addResampled({ value: 0, parts: parts(hb.mean, ha.mean) }, probed);
  const whole = { value: dot(a.whole, hb.whole), parts: parts(hb.whole, ha.whole) };
  return { diagonal, offDiagonal: addResampled(whole, diagonal, -1) };
}

/** (a.mu_B + b.mu_A)/2 with the movement of both halves. */
function splitSlope(moments: GradientMoments, a: HalfVector, b: HalfVector): Resampled {
  const { meanA, meanB, blocksA, blocksB } = moments;
  const side = (
    own: HalfVector,
    ownBlocks: number,
    other: HalfVector,
    mean: Float64Array,
    otherMean: Float64Array,
    blocks: readonly Float64Array[],
  ) =>
    Float64Array.from({ length: ownBlocks }, (_, k) => {
      const shift = blocks[k].map((value, i) => value - mean[i]);
      return (dot(own.blocks(k), otherMean) + dot(other.whole, shift)) / 2;
    });
  const parts = noParts();
  parts[HALF_A] = side(a, blocksA.length, b, meanA, meanB, blocksA);
  parts[HALF_B] = side(b, blocksB.length, a, meanB, meanA, blocksB);
  return { value: (dot(a.whole, meanB) + dot(b.whole, meanA)) / 2, parts };
}

/** Real updates V, theta ← theta − eps·V, of one rung and batch size: one a minibatch. */
export interface UpdateSource {
  readonly rungs: readonly ('sign-updates' | 'optimizer-updates')[];
  /** Minibatches of every batch size. */
  readonly draws: number;
  /** Asked for one at a time, since updates are as long as the network. */
  readonly draw: (rung: UpdateSource['rungs'][number], batchSize: number) => Promise<readonly Float64Array[]>;
}

export interface LadderOptions {
  readonly batchSizes: readonly number[];
  /** Rademacher vectors (predict.ts: rademacherProbes). */
  readonly probes: readonly Float64Array[];
  /** Momentum of Adam; null when the optimizer is another. */
  readonly beta1: number | null;
  readonly resamples: number;
}

interface LadderQuantities {
  readonly trace: PredictedValue;
  readonly offDiagonal: PredictedValue;
  readonly weightedTrace: PredictedValue;
  readonly gradientMass: PredictedValue;
}

export interface Ladder {
  readonly quantities: LadderQuantities;
  readonly bNoise: PredictedValue | null;
  readonly epsMax: PredictedValue | null;
  /** K of the law with Adam's momentum, its error included; null for other optimizers. */
  readonly adamK: PredictedValue | null;
  readonly rungs: readonly Rung[];
}

/** All rungs but the line search; those of real updates only where `updates` is not null. */
export async function ladder(
  moments: GradientMoments,
  product: HessianProduct,
  options: LadderOptions,
  updates: UpdateSource | null,
): Promise<Ladder> {
  const { batchSizes, probes, beta1 } = options;
  const sizes = [moments.blocksA.length, moments.blocksB.length, probes.length];
  if (updates !== null) sizes.push(updates.draws);
  const resampler = new Resampler(sizes, options.resamples);

  const one = () => 1;
  const identity = (r: number) => r;
  const [ra, rb] = [halfVector(moments, 'A', identity, one), halfVector(moments, 'B', identity, one)];
  const trace = resampledMean(
    Float64Array.from(probes, (z) => {
      const active = times(z, moments.active);
      return dot(active, Float64Array.from(product(active)));
    }),
    PROBES,
    PARTS,
  );
  const { diagonal: weightedTrace, offDiagonal } = splitForm(moments, product, probes, ra, rb);
  const gradientMass = splitSlope(moments, ra, rb);

  const rungs: Rung[] = [];
  const small = [trace, offDiagonal, gradientMass];
  const rate = (estimates: readonly Resampled[], law: (v: readonly number[]) => LocalOptimum) =>
    positive(resampler.combine(estimates, (v) => law(v).learningRate)?.value);
  const bNoise = resampler.combine(small, ([d, s, m]) => smallBatchLaw(d, s, m).bNoise);
  const epsMax = resampler.combine(small, ([d, s, m]) => smallBatchLaw(d, s, m).epsMax);
  rungs.push({
    rung: 'small-batch',
    learningRates: batchSizes.map((b) => rate(small, ([d, s, m]) => smallBatchLaw(d, s, m).optimum(b))),
    peak: closedPeak(batchSizes, resampler.estimate(offDiagonal), bNoise, epsMax),
  });

  let adamK: PredictedValue | null = null;
  if (beta1 !== null) {
    const a = momentumVariance(beta1);
    const all = [trace, offDiagonal, gradientMass, weightedTrace];
    const law = ([d, s, m, t]: readonly number[]) =>
      adamSmallBatchOf({ trace: d, offDiagonal: s, weightedTrace: t, gradientMass: m }, beta1);
    adamK = resampler.combine(all, (v) => law(v).k)?.value ?? null;
    rungs.push({
      rung: 'adam-small-batch',
      // The surge form with aD for D and K for S_off.
      learningRates: batchSizes.map((b) =>
        rate(all, (v) => smallBatchLaw(a * v[0], law(v).k, v[2]).optimum(b)),
      ),
      peak: closedPeak(
        batchSizes,
        adamK,
        resampler.combine(all, (v) => law(v).bPeak),
        resampler.combine(all, (v) => law(v).epsPeak),
      ),
    });
  }

  rungs.push(
    sampledRung(
      'erf',
      batchSizes.map((b) => {
        const corrected = correctedBatch(b, moments.halfCount);
        if (corrected === null) return null;
        const root = Math.sqrt(corrected / 2);
        const f = (r: number) => erf(root * r);
        const derivative = (r: number) => (2 / Math.sqrt(Math.PI)) * root * Math.exp(-((root * r) ** 2));
        const [ea, eb] = [halfVector(moments, 'A', f, derivative), halfVector(moments, 'B', f, derivative)];
        const { offDiagonal: off } = splitForm(moments, product, probes, ea, eb);
        return { slope: splitSlope(moments, ea, eb), curvature: addResampled(off, trace) };
      }),
      batchSizes,
      resampler,
    ),
  );

  for (const rung of updates?.rungs ?? []) {
    const laws: SampledLaw[] = [];
    for (const b of batchSizes) laws.push(lawOfUpdates(moments, product, await updates!.draw(rung, b)));
    rungs.push(sampledRung(rung, laws, batchSizes, resampler));
  }

  return {
    quantities: {
      trace: resampler.estimate(trace),
      offDiagonal: resampler.estimate(offDiagonal),
      weightedTrace: resampler.estimate(weightedTrace),
      gradientMass: resampler.estimate(gradientMass),
    },
    bNoise: bNoise?.value ?? null,
    epsMax: epsMax?.value ?? null,
    adamK,
    rungs,
  };
}

interface SampledLaw {
  readonly slope: Resampled;
  readonly curvature: Resampled;
}

/** Lemma 1 from real updates: slopes V'G with the gradient of all samples, curvatures V'HV. */
function lawOfUpdates(
  moments: GradientMoments,
  product: HessianProduct,
  updates: readonly Float64Array[],
): SampledLaw {
  const { mean, meanA, meanB, blocksA, blocksB } = moments;
  const average = new Float64Array(mean.length);
  for (const v of updates) v.forEach((x, i) => (average[i] += x / updates.length));
  const slopes = resampledMean(
    Float64Array.from(updates, (v) => dot(v, mean)),
    DRAWS,
    PARTS,
  );
  const parts = [...slopes.parts];
  const moved = (blocks: readonly Float64Array[], half: Float64Array) =>
    Float64Array.from(blocks, (block) => (dot(average, block) - dot(average, half)) / 2);
  parts[HALF_A] = moved(blocksA, meanA);
  parts[HALF_B] = moved(blocksB, meanB);
  const curvatures = Float64Array.from(updates, (v) => dot(v, Float64Array.from(product(v))));
  return { slope: { value: slopes.value, parts }, curvature: resampledMean(curvatures, DRAWS, PARTS) };
}

/** A negative optimum says that the noise has outweighed the gradient: no learning rate can be predicted. */
function positive(value: PredictedValue | undefined): PredictedValue | null {
  return value !== undefined && value.value > 0 ? value : null;
}

function sampledRung(
  rung: RungName,
  laws: readonly (SampledLaw | null)[],
  batchSizes: readonly number[],
  resampler: Resampler,
): Rung {
  const curves = laws.map(
    (law) =>
      law &&
      resampler.combine(
        [law.slope, law.curvature],
        ([slope, curvature]) => lemma1(slope, curvature).learningRate,
      ),
  );
  return {
    rung,
    learningRates: curves.map((c) => positive(c?.value)),
    peak: resampledPeak(batchSizes, curves, resampler),
  };
}

/**
 * The peak of a law in closed form, which does not need the grid. None is predicted where `pull`, the curvature that
 * brings the law down again (S_off, or K for Adam), does not differ from 0 by its interval.
 */
function closedPeak(
  batchSizes: readonly number[],
  pull: PredictedValue | null,
  place: ReturnType<Resampler['combine']>,
  height: ReturnType<Resampler['combine']>,
): PredictedPeak | null {
  if (place === null || height === null || !(pull?.interval != null && pull.interval.low > 0)) return null;
  const [least, most] = [Math.min(...batchSizes), Math.max(...batchSizes)];
  const at = place.value.value;
  return {
    batchSize: place.value,
    learningRate: height.value,
    atEdge: at <= least ? 'smallest' : at >= most ? 'largest' : null,
    insideShare: place.resampled.filter((b) => b > least && b < most).length / place.resampled.length,
  };
}
