/** The curves of one quadratic and optimizer: the exact law and what approximates it. */
import { geometric } from '#shared/figure/curves.ts';
import { adamSmallBatch } from '#shared/theory/adam-law.ts';
import { examineLaw, type LawExamination } from '#shared/theory/examine.ts';
import { meanFieldLaw } from '#shared/theory/mean-field.ts';
import { meanFieldOf } from '#shared/theory/momentum.ts';
import { momentumVariance } from '#shared/theory/momentum.ts';
import type { TheoryOptimizer } from '#shared/theory/optimizer-law.ts';
import type { NoisyQuadratic } from '#shared/theory/quadratic.ts';
import { surgeLaw } from '#shared/theory/sign-descent.ts';

export interface TheoryCurve {
  readonly name: 'exact' | 'small-batch' | 'mean-field' | 'plateau';
  readonly title: string;
  readonly meaning: string;
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

export interface TheoryPicture {
  readonly examination: LawExamination;
  /** Batch sizes shown. */
  readonly range: readonly [number, number];
  readonly curves: readonly TheoryCurve[];
  /** Loss decrease of the exact law at its optimum. */
  readonly decrease: readonly { readonly x: number; readonly y: number | null }[];
  /** End of the small-batch regime in the batch size of this optimizer; null without one. */
  readonly regimeEnd: number | null;
}

const POINTS = 160;
/** Decades shown on either side of what matters. */
const SIDE = 2;

export function theoryPicture(quadratic: NoisyQuadratic, optimizer: TheoryOptimizer): TheoryPicture {
  const examination = examineLaw(quadratic, optimizer);
  const { law, quantities, smallBatch, search } = examination;
  // Signum averages gradients: it sees the batch B/a.
  const a = optimizer.kind === 'signum' ? momentumVariance(optimizer.beta1) : 1;
  const regimeEnd = examination.regimeEnd === null ? null : a * examination.regimeEnd;
  const middle =
    search.peak?.batchSize ??
    (smallBatch.bNoise === null ? null : a * smallBatch.bNoise) ??
    regimeEnd ??
    1000;
  const range = [middle / 10 ** SIDE, Math.max(middle, regimeEnd ?? 0) * 10 ** SIDE] as const;
  const batches = geometric(range[0], range[1], POINTS);
  const exact = batches.map((batchSize) => ({ batchSize, ...law(batchSize) }));
  const curves: TheoryCurve[] = [
    {
      name: 'exact',
      title: optimizer.kind === 'adam' ? 'law (β₂ → 1)' : 'exact law',
      meaning:
        optimizer.kind === 'sgd'
          ? 'eps_max/(1 + B_noise/B), exact for SGD on a quadratic (arXiv 1812.06162).'
          : optimizer.kind === 'adam'
            ? 'Lemma 1 coordinate by coordinate, with the second moment known (β₂ → 1).'
            : 'Lemma 1 with the mean sign of every coordinate (arXiv 2405.14578, Theorem 2).',
      points: exact.map(({ batchSize, learningRate }) => ({ x: batchSize, y: learningRate })),
    },
  ];
  const small = smallBatchOf(quadratic, optimizer, examination, a);
  if (small !== null)
    curves.push({
      name: 'small-batch',
      title: 'small batch (Theorem 3)',
      meaning:
        'The surge law: valid as long as B is far below every h_i = πσ²/2μ² (arXiv 2405.14578, equations 13 to 16); shaded where it is not.',
      points: batches.map((x) => ({ x, y: small(x) })),
    });
  if (optimizer.kind !== 'sgd') {
    const scale = meanFieldScale(quadratic);
    if (scale !== null) {
      const kind = optimizer.kind === 'signum' ? 'signMomentum' : optimizer.kind;
      const form = meanFieldOf(
        {
          trace: quantities.trace,
          signOffDiagonal: quantities.signOffDiagonal,
          absoluteGradient: quantities.absoluteGradient,
          bMeanField: scale,
        },
        kind,
        'beta1' in optimizer ? optimizer.beta1 : 0,
      );
      curves.push({
        name: 'mean-field',
        title: 'mean field',
        meaning:
          'One mean sign for all coordinates, B_mf the median of πσ²/2μ² (after kexue.fm/archives/10542 and 11301).',
        points: batches.map((x) => ({ x, y: meanFieldLaw(form, x).learningRate })),
      });
    }
    if (examination.plateau.learningRate !== null)
      curves.push({
        name: 'plateau',
        title: 'large-batch limit (Theorem 4)',
        meaning: 'sum of |μ| over D + S_sign: no noise is left in any sign.',
        points: [range[0], range[1]].map((x) => ({ x, y: examination.plateau.learningRate })),
      });
  }
  return {
    examination,
    range,
    curves,
    decrease: exact.map(({ batchSize, decrease }) => ({ x: batchSize, y: decrease })),
    regimeEnd: optimizer.kind === 'sgd' ? null : regimeEnd,
  };
}

function smallBatchOf(
  quadratic: NoisyQuadratic,
  optimizer: TheoryOptimizer,
  { smallBatch }: LawExamination,
  a: number,
): ((batchSize: number) => number | null) | null {
  if (optimizer.kind === 'sgd') return null;
  if (optimizer.kind === 'adam') {
    const { bPeak, epsPeak } = adamSmallBatch(quadratic, optimizer.beta1);
    return bPeak === null || epsPeak === null ? null : (batchSize) => surgeLaw(epsPeak, bPeak, batchSize);
  }
  return (batchSize) => smallBatch.optimum(batchSize / a).learningRate;
}

function meanFieldScale({ r }: NoisyQuadratic): number | null {
  const bounds = Array.from(r, (value) => Math.PI / (2 * value * value))
    .filter((value) => Number.isFinite(value) && value > 0)
    .sort((x, y) => x - y);
  return bounds[Math.floor(bounds.length / 2)] ?? null;
}
