/**
 * What a ridge allows to be said, in words. Surge is one candidate among others; "no law is preferred" and "no surge"
 * are ordinary answers.
 */
import type { RidgeRates } from './bootstrap.ts';
import { fitOf, parameterCount } from './fit.ts';
import type { LawFit, RidgeFit } from './fit.ts';
import { LAWS, lawPeak } from './laws.ts';
import type { LawName } from './laws.ts';

/** A law is named only when AICc puts it this far ahead of every rival, and leave-one-out agrees. */
export const DECISIVE_AICC = 4;
/** Bootstrap probability from which a fall (or rise) counts as beyond error. */
export const DECISIVE_PROBABILITY = 0.95;
/**
 * Without resamples a fall must exceed this many residual deviations: the highest of about ten equal optima lies up to
 * about three deviations above a given one by noise alone.
 */
export const DECISIVE_DEVIATIONS = 3;

/**
 * The free exponent interpolates between laws and has no theory of its own: it is never named, but whenever it fits
 * decisively better than the law that is, the sentence says so and gives the exponent.
 */
const DESCRIPTIVE: readonly LawName[] = ['alpha_free'];

/** How far the optimum at one end of the sweep lies below the highest one. */
export interface EndDrop {
  readonly batchSize: number;
  /** Optimum at this end / highest optimum. */
  readonly ratio: number;
  /** Bootstrap probability that the drop exceeds one step of the learning-rate grid; null without resamples. */
  readonly probability: number | null;
  readonly beyondError: boolean;
}

export interface Verdict {
  /** winner: `law` is named; undecided: none is preferred; too-few-points: no law could be offered. */
  readonly choice: 'winner' | 'undecided' | 'too-few-points';
  readonly law: LawName | null;
  /** Shape beyond error, without any law: peak (rise and fall), rise, fall, flat; null below three points. */
  readonly shape: 'peak' | 'rise' | 'fall' | 'flat' | null;
  /** True only when a law with a peak is named and both its rise and its fall are beyond error. */
  readonly surge: boolean;
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly rise: EndDrop | null;
  readonly fall: EndDrop | null;
  /** (ln f)^2/12 of the learning-rate grid factor f; null when no factor was given. */
  readonly quantizationVariance: number | null;
  /** Laws whose residual variance is below it: the grid cannot tell them apart. */
  readonly belowQuantization: readonly LawName[];
}

export interface VerdictOptions {
  /** Ratio of neighbouring learning rates of the grid. */
  readonly gridFactor?: number;
  /** Bootstrap ridges, [resample][point], in the order of `ridge.points`. */
  readonly resamples?: readonly RidgeRates[];
}

/** Median ratio of neighbouring learning rates, or null when there are fewer than two. */
export function gridFactor(learningRates: readonly number[]): number | null {
  const sorted = [...new Set(learningRates)].sort((a, b) => a - b);
  const ratios = sorted
    .slice(1)
    .map((rate, i) => rate / sorted[i])
    .sort((a, b) => a - b);
  return ratios[Math.floor((ratios.length - 1) / 2)] ?? null;
}

/** Residual standard deviation of ln LR. */
function residualDeviation(fit: LawFit): number {
  const degrees = fit.residuals.length - (parameterCount(fit.law) - 1);
  return Math.sqrt(fit.sumOfSquares / degrees);
}

function endDrop(ridge: RidgeFit, end: number, options: VerdictOptions): EndDrop {
  const step = options.gridFactor ?? 1;
  const rates = ridge.points.map((point) => point.learningRate);
  const ratio = rates[end] / Math.max(...rates);
  let probability: number | null = null;
  let beyondError: boolean;
  if (options.resamples !== undefined && options.resamples.length > 0) {
    let beyond = 0;
    let counted = 0;
    for (const resample of options.resamples) {
      const here = resample[end];
      if (!(typeof here === 'number' && here > 0)) continue;
      const highest = Math.max(...resample.filter((rate): rate is number => rate !== null && rate > 0));
      counted++;
      if (highest / here > step) beyond++;
    }
    probability = counted === 0 ? null : beyond / counted;
    beyondError = probability !== null && probability >= DECISIVE_PROBABILITY;
  } else {
    const best = ridge.fits[0];
    const noise = best === undefined ? Infinity : DECISIVE_DEVIATIONS * residualDeviation(best);
    beyondError = -Math.log(ratio) > Math.max(Math.log(step), noise, 1e-9);
  }
  return { batchSize: ridge.points[end].batchSize, ratio, probability, beyondError };
}

const percent = (ratio: number) => `${Math.round((1 - ratio) * 100)} %`;

function describeDrop(drop: EndDrop): string {
  const bootstrap =
    drop.probability === null
      ? ''
      : `; more than one grid step in ${Math.round(drop.probability * 100)} % of resamples`;
  return `at batch size ${drop.batchSize} the optimum is ${percent(drop.ratio)} below the highest${bootstrap}`;
}

function shapeOf(rise: EndDrop, fall: EndDrop): 'peak' | 'rise' | 'fall' | 'flat' {
  if (rise.beyondError) return fall.beyondError ? 'peak' : 'rise';
  return fall.beyondError ? 'fall' : 'flat';
}

interface Choice {
  readonly law: LawName | null;
  readonly reasons: string[];
}

/**
 * The law to name. A more general law that contains the best one exactly or as a limit is not its rival: it cannot lose
 * by more than its penalty, and when it does not win, its extra freedom has bought nothing.
 */
function chooseLaw(candidates: readonly LawFit[], belowQuantization: readonly LawName[]): Choice {
  const [best, ...others] = candidates;
  const { extensions } = LAWS[best.law];
  const rivals = others.filter((fit) => !extensions.includes(fit.law));
  const runnerUp = rivals[0];
  const reasons: string[] = [];
  if (runnerUp === undefined) {
    return { law: null, reasons: ['there is no rival to compare with'] };
  }
  const lead = runnerUp.aicc - best.aicc;
  if (!(lead > DECISIVE_AICC)) {
    reasons.push(
      `AICc puts ${best.law} only ${lead.toFixed(1)} ahead of ${runnerUp.law} (more than ${DECISIVE_AICC} is needed)`,
    );
  }
  const bestLeftOut = [best, ...rivals].reduce((a, b) =>
    b.leaveOneOut.meanSquare < a.leaveOneOut.meanSquare ? b : a,
  );
  if (bestLeftOut.law !== best.law) {
    reasons.push(`AICc prefers ${best.law}, leave-one-out ${bestLeftOut.law}`);
  }
  const hidden = rivals.find((fit) => belowQuantization.includes(fit.law));
  if (belowQuantization.includes(best.law) && hidden !== undefined) {
    reasons.push(
      `the residuals of ${best.law} and ${hidden.law} are both below the quantization of the learning-rate grid`,
    );
  }
  if (reasons.length > 0) return { law: null, reasons };
  reasons.push(`${best.law} is ${lead.toFixed(1)} AICc ahead of ${runnerUp.law}, and leave-one-out agrees`);
  for (const fit of others) {
    if (extensions.includes(fit.law)) reasons.push(`${fit.law}, which contains it, brings no improvement`);
  }
  return { law: best.law, reasons };
}

/** What to add when a free exponent describes the ridge decisively better than the best law with a theory. */
function freeExponent(ridge: RidgeFit, best: LawFit): string {
  const free = fitOf(ridge, 'alpha_free');
  const alpha = free?.parameters.alpha;
  if (free === undefined || alpha === undefined || best.aicc - free.aicc <= DECISIVE_AICC) return '';
  return ` A free exponent fits better: alpha = ${alpha.toPrecision(2)}.`;
}

/** The verdict on one fitted ridge. */
export function judgeRidge(ridge: RidgeFit, options: VerdictOptions = {}): Verdict {
  const n = ridge.points.length;
  const quantizationVariance =
    options.gridFactor === undefined ? null : Math.log(options.gridFactor) ** 2 / 12;
  const belowQuantization =
    quantizationVariance === null
      ? []
      : ridge.fits.filter((fit) => fit.sumOfSquares / n < quantizationVariance).map((fit) => fit.law);
  const rise = n < 3 ? null : endDrop(ridge, 0, options);
  const fall = n < 3 ? null : endDrop(ridge, n - 1, options);
  const shape = rise === null || fall === null ? null : shapeOf(rise, fall);
  const common = { shape, rise, fall, quantizationVariance, belowQuantization };
  const candidates = ridge.fits.filter((fit) => !DESCRIPTIVE.includes(fit.law));
  if (candidates.length === 0) {
    return {
      ...common,
      choice: 'too-few-points',
      law: null,
      surge: false,
      sentence: `No law can be fitted to ${n} ${n === 1 ? 'point' : 'points'}.`,
      reasons: ridge.notOffered.map(({ law, reason }) => `${law}: ${reason}`),
    };
  }
  const { law, reasons } = chooseLaw(candidates, belowQuantization);
  const parameters = law === null ? null : fitOf(ridge, law)!.parameters;
  const peaked = law !== null && parameters !== null && lawPeak(law, parameters) !== null;
  const name = law === null ? 'No law is preferred' : law;
  let sentence: string;
  if (shape === 'peak') {
    sentence = peaked
      ? `${name}: the optimum rises and falls beyond error.`
      : `${name}; the optimum rises and falls beyond error${law === null ? '' : ', which this law cannot show'}.`;
  } else if (shape === 'fall') {
    sentence = `${name}; the optimum falls with batch size, and no rise before that is beyond error.`;
  } else {
    sentence = `${name}, no surge: monotone within error.`;
  }
  sentence += freeExponent(ridge, candidates[0]);
  if (rise !== null && fall !== null) reasons.push(describeDrop(rise), describeDrop(fall));
  return {
    ...common,
    choice: law === null ? 'undecided' : 'winner',
    law,
    surge: shape === 'peak' && peaked,
    sentence,
    reasons,
  };
}
