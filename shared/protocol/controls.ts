/**
 * Negative controls as one list: what must not look like a surge, on problems with a known answer and on a sweep's own
 * grid and noise (laws of arXiv 2405.14578, kexue.fm/archives/11280 and 11301).
 */
import type { CurveSet } from '../analysis/curves.ts';
import { migrationOverSamples } from '../analysis/migration.ts';
import type { OptimumMethod } from '../analysis/optimum.ts';
import { resampling } from '../analysis/resampling.ts';
import { ridgeOf } from '../analysis/ridge.ts';
import type { Definition } from '../analysis/scores.ts';
import { announceRate, budgetControl, permutationControl } from '../laws/controls.ts';
import { fitOf } from '../laws/fit.ts';
import { wilsonInterval } from '../laws/intervals.ts';
import type { LawName } from '../laws/laws.ts';
import { stream } from '../random/index.ts';
import { adamPeak } from '../theory/adam-law.ts';
import { equicorrelatedPeak, equicorrelatedQuadratic } from '../theory/equicorrelated.ts';
import { lawOfOptimizer } from '../theory/optimizer-law.ts';
import { peakRange, searchPeak } from '../theory/peak-search.ts';
import type { PeakSearch } from '../theory/peak-search.ts';
import type { NoisyQuadratic } from '../theory/quadratic.ts';
import { noisyQuadratic } from '../theory/quadratic.ts';
import { signPeak } from '../theory/peak-search.ts';
import { signQuantities, smallBatchLaw } from '../theory/sign-descent.ts';
import { lawsOfRidge } from './ridge-laws.ts';

export interface Control {
  readonly code: string;
  readonly title: string;
  readonly expected: string;
  readonly found: string;
  /** Null when the sweep does not allow this control; `found` says why. */
  readonly behaves: boolean | null;
  readonly numbers: Readonly<Record<string, number>>;
}

const COORDINATES = 100;
/** mu and sigma of every coordinate: r = 0.02. */
const MU = 0.02;
const SIGMA = 1;
const BETA = 0.9;
/** Peaks are compared to four digits. */
const TOLERANCE = 1e-4;

const short = (value: number) => String(Number(value.toPrecision(4)));
const near = (value: number, wanted: number) => Math.abs(value / wanted - 1) <= TOLERANCE;
const described = (search: PeakSearch | null) =>
  search?.peak == null ? 'no peak' : `peak at B = ${short(search.peak.batchSize)}`;
const peakNumbers = (search: PeakSearch | null): Record<string, number> =>
  search?.peak == null ? {} : { peak: search.peak.batchSize };

/** Curvatures and signal to noise spread over two decades, so that equal coordinates are no special case. */
function spreadDiagonal(): NoisyQuadratic {
  const place = (i: number) => i / (COORDINATES - 1) - 0.5;
  return noisyQuadratic({
    mu: Array.from({ length: COORDINATES }, (_, i) => (i % 2 === 0 ? 1 : -1) * MU * 10 ** place(i)),
    sigma: Array.from({ length: COORDINATES }, () => SIGMA),
    hessian: Array.from({ length: COORDINATES }, (_, i) =>
      Array.from({ length: COORDINATES }, (_, j) => (i === j ? 10 ** (2 * place((7 * i) % COORDINATES)) : 0)),
    ),
  });
}

const withoutPeak = (code: string, title: string, search: PeakSearch | null): Control => ({
  code,
  title,
  expected: 'no peak',
  found: described(search),
  behaves: search !== null && search.peak === null,
  numbers: peakNumbers(search),
});

/** B_noise of Theorem 3; null where it is not defined. */
function theorem3(quadratic: NoisyQuadratic): number | null {
  const { trace, offDiagonal, gradientMass } = signQuantities(quadratic);
  return smallBatchLaw(trace, offDiagonal, gradientMass).bNoise;
}

function equicorrelated(rho: number): Control {
  const problem = { n: COORDINATES, rho, mu: MU, sigma: SIGMA };
  const quadratic = equicorrelatedQuadratic(problem);
  const bNoise = theorem3(quadratic);
  const search = signPeak(quadratic);
  const closed = equicorrelatedPeak(problem).bPeak;
  const found = search?.peak?.batchSize ?? null;
  const formula = bNoise === null ? 'Theorem 3 undefined' : `Theorem 3 says ${short(bNoise)}`;
  return {
    code: `equicorrelated-${rho}`,
    title: `${COORDINATES} equal coordinates, correlation ${rho}`,
    expected: `${closed === null ? 'no peak' : `peak at B = ${short(closed)}`} by closed form (${formula})`,
    found: described(search),
    behaves: closed === null ? search !== null && found === null : found !== null && near(found, closed),
    numbers: {
      ...peakNumbers(search),
      ...(bNoise === null ? {} : { bNoise }),
      ...(closed === null ? {} : { closed }),
    },
  };
}

function negativeCurvature(): Control {
  const problem = { n: COORDINATES, rho: -0.005, mu: MU, sigma: SIGMA };
  const quadratic = equicorrelatedQuadratic(problem);
  const bNoise = theorem3(quadratic);
  const search = signPeak(quadratic);
  return {
    code: 'negative-off-diagonal',
    title: 'S_off < 0',
    expected: 'B_noise undefined, no peak',
    found: `B_noise ${bNoise === null ? 'undefined' : short(bNoise)}, ${described(search)}`,
    behaves: bNoise === null && search !== null && search.peak === null,
    numbers: { offDiagonal: signQuantities(quadratic).offDiagonal ?? NaN, ...peakNumbers(search) },
  };
}

/** SGD on a problem on which sign descent has a strong peak. */
function sgd(): Control {
  const quadratic = equicorrelatedQuadratic({ n: COORDINATES, rho: 0.5, mu: MU, sigma: SIGMA });
  const law = lawOfOptimizer(quadratic, { kind: 'sgd' });
  const range = peakRange(quadratic.r, 1e6, null)!;
  const search = searchPeak(law, range, null);
  const growth = law(range[1]).learningRate! / law(range[1] / 2).learningRate!;
  return {
    code: 'sgd-saturates',
    title: 'SGD, correlation 0.5',
    expected: 'no peak; levels off',
    found: `${described(search)}; the last doubling of B adds ${(100 * (growth - 1)).toPrecision(2)} %`,
    behaves: search.peak === null && growth < 1.01,
    numbers: { growth, ...peakNumbers(search) },
  };
}

function momentum(): Control[] {
  const quadratic = equicorrelatedQuadratic({ n: COORDINATES, rho: 0, mu: MU, sigma: SIGMA });
  const range = peakRange(quadratic.r, 35, null)!;
  const signum = searchPeak(lawOfOptimizer(quadratic, { kind: 'signum', beta1: BETA }), range, null);
  const adam = adamPeak(quadratic, BETA);
  // Equal coordinates have one B_mf = sigma²/mu², so that the mean-field form is exact (kexue.fm/archives/11301).
  const wanted = ((SIGMA / MU) ** 2 * (1 - BETA)) / (3 * BETA - 1);
  const found = adam?.peak?.batchSize ?? null;
  return [
    withoutPeak('diagonal-signum', `diagonal H, Signum ${BETA}`, signum),
    withoutPeak('diagonal-adam-low', 'diagonal H, Adam beta1 = 0.25', adamPeak(quadratic, 0.25)),
    {
      code: 'diagonal-adam-high',
      title: `diagonal H, Adam beta1 = ${BETA}`,
      expected: `peak at B = ${short(wanted)}`,
      found: described(adam),
      behaves: found !== null && near(found, wanted),
      numbers: { wanted, ...peakNumbers(adam) },
    },
  ];
}

/** Controls with a known answer; they need no data. */
export function theoryControls(): Control[] {
  return [
    withoutPeak('diagonal-sign', 'diagonal H, sign descent', signPeak(spreadDiagonal())),
    equicorrelated(0.005),
    equicorrelated(0.05),
    equicorrelated(0.5),
    negativeCurvature(),
    sgd(),
    ...momentum(),
  ];
}

export interface SweepControlOptions {
  /** Ridges to simulate, and permutations. */
  readonly simulations: number;
  readonly method?: OptimumMethod;
}

/** More false alarms than this, beyond the error of the count, is misbehaviour. */
const ALLOWED_RATE = 0.05;
/** Resamples of a simulated ridge: enough for a share of 95 %. */
const RESAMPLES = 100;
const FEWEST_POINTS = 3;

/** Controls on a sweep's own grid, noise and ridge. */
export function sweepControls(
  curves: CurveSet,
  definition: Definition,
  { simulations, method }: SweepControlOptions,
): Control[] {
  const bootstrap = resampling(curves.seeds.length);
  const options = { bootstrap, ...(method === undefined ? {} : { method }) };
  const laws = lawsOfRidge(ridgeOf(curves, definition, options), curves.learningRates);
  // Without replicates the scatter around the best law stands for the noise.
  const scatter = Math.sqrt((laws.fit.fits[0]?.sumOfSquares ?? 0) / Math.max(1, laws.points.length));
  const noise = laws.weighted ? laws.points.map(({ weight }) => 1 / Math.sqrt(weight!)) : scatter;
  const simulated = (law: LawName): Control => {
    const base = {
      code: `simulated-${law}`,
      title: `ridges simulated from ${law} with this sweep's grid and noise`,
      expected: `a surge announced in at most ${100 * ALLOWED_RATE} %`,
    };
    const fit = fitOf(laws.fit, law);
    if (fit === undefined)
      return {
        ...base,
        found: `${law} cannot be fitted to ${laws.points.length} batch sizes`,
        behaves: null,
        numbers: {},
      };
    const bits = stream(`controls/${law}`, 0);
    let counter = 0;
    const { announced, rate, interval } = announceRate({
      truth: { law, parameters: fit.parameters },
      batchSizes: laws.points.map((point) => point.batchSize),
      noise,
      learningRates: curves.learningRates,
      count: simulations,
      random: () => bits.uniform(counter++),
      ...(laws.weighted ? { resamples: RESAMPLES } : {}),
    });
    return {
      ...base,
      found: `${announced} of ${simulations} [${percent(interval[0])}–${percent(interval[1])}]`,
      behaves: interval[0] <= ALLOWED_RATE,
      numbers: { announced, simulations, rate, low: interval[0], high: interval[1] },
    };
  };
  return [
    simulated('alpha1'),
    simulated('constant'),
    permuted(laws.points, simulations),
    budget(curves, options),
  ];
}

const percent = (share: number) => `${(100 * share).toPrecision(2)} %`;

function permuted(points: ReturnType<typeof lawsOfRidge>['points'], count: number): Control {
  const base = {
    code: 'permuted',
    title: 'batch sizes of the ridge shuffled',
    expected: `surge beats the constant in at most ${100 * ALLOWED_RATE} %`,
  };
  const bits = stream('controls/permutation', 0);
  let counter = 0;
  const surge = permutationControl(points, {
    count,
    random: () => bits.uniform(counter++),
    laws: ['surge'],
  }).find(({ law }) => law === 'surge');
  if (surge === undefined)
    return {
      ...base,
      found: `no law can be fitted to ${points.length} batch sizes`,
      behaves: null,
      numbers: {},
    };
  const { chanceRate, pValue, gain } = surge;
  const [low, high] = wilsonInterval(Math.round(chanceRate * count), count);
  return {
    ...base,
    found: `${percent(chanceRate)} [${percent(low)}–${percent(high)}]; the real ridge has p = ${pValue.toPrecision(2)}`,
    behaves: low <= ALLOWED_RATE,
    numbers: { chanceRate, low, high, pValue, gain },
  };
}

function budget(curves: CurveSet, options: Parameters<typeof ridgeOf>[2]): Control {
  const base = {
    code: 'equal-samples',
    title: 'the fall at equal steps and at equal samples',
    expected: 'no fall at equal samples alone',
  };
  const [first = [], ...others] = curves.marks;
  const shared = first.findLast((step) => others.every((marks) => marks.includes(step)));
  const known = (ridge: { points: readonly { learningRate: number | null }[] }) =>
    ridge.points.filter(({ learningRate }) => learningRate !== null).length;
  // As many batch sizes as can be compared, and then as late as possible.
  const best = migrationOverSamples(curves, options).reduce<Definition | null>(
    (chosen, ridge, _, all) =>
      known(ridge) >= FEWEST_POINTS && known(ridge) === Math.max(...all.map(known))
        ? ridge.definition
        : chosen,
    null,
  );
  if (shared === undefined || best?.kind !== 'equal-samples')
    return {
      ...base,
      found: `fewer than ${FEWEST_POINTS} batch sizes share a number of ${shared === undefined ? 'steps' : 'samples'}`,
      behaves: null,
      numbers: {},
    };
  const verdict = (definition: Definition) =>
    lawsOfRidge(ridgeOf(curves, definition, options), curves.learningRates).verdict;
  const steps = verdict({ kind: 'equal-steps', step: shared });
  const samples = verdict(best);
  const { onlyAtEqualTokens, sentence } = budgetControl(steps, samples);
  return {
    ...base,
    found: `${sentence.replaceAll('tokens', 'samples')} (step ${shared}; ${short(best.samples)} samples)`,
    behaves: !onlyAtEqualTokens,
    numbers: { step: shared, samples: best.samples },
  };
}
