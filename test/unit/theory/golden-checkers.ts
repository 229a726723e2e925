/** What the product computes for each kind of golden entry of the theory, under the names of the golden file. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import {
  adamLaw,
  adamLawUpdateRms,
  adamMeanUpdates,
  adamPeak,
  adamSmallBatch,
} from '#shared/theory/adam-law.ts';
import {
  correctedBatch,
  effectiveBatchWithoutReplacement,
  meanPluginSign,
  pluginEquivalentBatch,
} from '#shared/theory/batch-corrections.ts';
import { correlatedSignLaw, signCovarianceAtZero } from '#shared/theory/correlated-signs.ts';
import {
  batchAtLinearisationError,
  elementaryErf,
  elementaryErfError,
  erf,
  erfc,
} from '#shared/theory/erf.ts';
import { equicorrelatedPeak, equicorrelatedQuadratic } from '#shared/theory/equicorrelated.ts';
import { gradientMoments, normEstimates } from '#shared/theory/gradient-moments.ts';
import { meanFieldBeta, meanFieldLaw, meanFieldSummary } from '#shared/theory/mean-field.ts';
import { adamUpdateRms, meanFieldOf } from '#shared/theory/momentum.ts';
import { noiseScale, NoiseScaleAverage, noiseScaleOfMeans } from '#shared/theory/noise-scale.ts';
import { levelCrossings, signPeak } from '#shared/theory/peak-search.ts';
import { matrixProduct, predictFromCheckpoint } from '#shared/theory/predict.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import { regimeBounds } from '#shared/theory/regime.ts';
import { layOutSchedule } from '#shared/theory/schedules.ts';
import type { BatchSchedule, RateSchedule } from '#shared/theory/schedules.ts';
import { sgdLaw, sgdQuantities } from '#shared/theory/sgd.ts';
import {
  elementarySignLaw,
  exactSignLaw,
  meanSigns,
  plateau,
  signQuantities,
  smallBatchLaw,
} from '#shared/theory/sign-descent.ts';
import { fitStepsLine, fitStepsLogSpace, paperCurves } from '#shared/theory/steps-examples.ts';
import type { PeakSearch } from '#shared/theory/peak-search.ts';
import type { GoldenActual, GoldenChecker } from '../../support/golden.ts';

type Rows = number[][];
interface QuadraticInputs {
  mu: number[];
  sigma: number[];
  H: Rows;
  B: number[];
}

function peakFields(search: PeakSearch | null): GoldenActual {
  const peak = search?.peak ?? null;
  return {
    extrema: (search?.extrema ?? []).map(({ type, batchSize, learningRate }) => ({
      type,
      B: batchSize,
      eps: learningRate,
    })),
    peak_exists: peak !== null,
    B_peak: peak?.batchSize ?? null,
    eps_peak: peak?.learningRate ?? null,
    peak_over_inf: peak === null || peak.prominence === null ? null : 1 + peak.prominence,
  };
}

function signLaw({ mu, sigma, H, B }: QuadraticInputs): GoldenActual {
  const quadratic = noisyQuadratic({ mu, sigma, hessian: H });
  const quantities = signQuantities(quadratic);
  const infinite = plateau(quantities);
  const small = smallBatchLaw(quantities.trace, quantities.offDiagonal, quantities.gradientMass);
  const exact = B.map((b) => exactSignLaw(quadratic, b));
  const elementary = B.map((b) => elementarySignLaw(quadratic, b));
  const theorem3 = B.map((b) => small.optimum(b));
  return {
    D: quantities.trace,
    M: quantities.gradientMass,
    S_off: quantities.offDiagonal,
    S_sign: quantities.signOffDiagonal,
    regime_bound_min: quantities.regimeBound,
    regime_bound: quantities.regimeBounds,
    eps_inf: infinite.learningRate,
    dL_inf: infinite.decrease,
    B_noise: small.bNoise,
    eps_max: small.epsMax,
    eps_max_lower_bound: small.epsMaxLowerBound,
    dL_max: small.decreaseMax,
    thm3_half_points: small.halfPoints,
    E: B.map((b) => meanSigns(quadratic, b)),
    eps_exact: exact.map((optimum) => optimum.learningRate),
    dL_exact: exact.map((optimum) => optimum.decrease),
    eps_erf_approx: elementary.map((optimum) => optimum.learningRate),
    dL_erf_approx: elementary.map((optimum) => optimum.decrease),
    eps_thm3: theorem3.map((optimum) => optimum.learningRate),
    dL_thm5: theorem3.map((optimum) => optimum.decrease),
    ...peakFields(signPeak(quadratic)),
  };
}

function equicorrelated(inputs: {
  n: number;
  rho: number;
  mu: number;
  sigma: number;
  B: number[];
}): GoldenActual {
  const quadratic = equicorrelatedQuadratic(inputs);
  const quantities = signQuantities(quadratic);
  const infinite = plateau(quantities).learningRate!;
  const { bNoise } = smallBatchLaw(quantities.trace, quantities.offDiagonal, quantities.gradientMass);
  const closed = equicorrelatedPeak(inputs);
  const search = signPeak(quadratic)!;
  const fields = peakFields(search);
  // Search and closed form must agree on whether there is a peak and where; the entry then checks the closed form.
  if ((closed.bPeak === null) !== (search.peak === null))
    throw new Error('closed form and search disagree on the peak');
  if (closed.bPeak !== null && Math.abs(search.peak!.batchSize / closed.bPeak - 1) > 1e-5)
    throw new Error('closed form and search disagree on the position of the peak');
  const law = (b: number) => exactSignLaw(quadratic, b);
  const level = (search.peak?.learningRate ?? infinite) / 2;
  const crossings = levelCrossings(law, level, search.peak?.batchSize ?? search.range[1], search.range);
  return {
    ...fields,
    D: quantities.trace,
    S_off: quantities.offDiagonal,
    S_sign: quantities.signOffDiagonal,
    beta_star: closed.betaStar,
    beta_star_squared: closed.betaStar === null ? null : closed.betaStar ** 2,
    B_noise: bNoise,
    regime_bound: quantities.regimeBound,
    B_peak: closed.bPeak,
    eps_inf: infinite,
    half_level: level,
    B_half_left: crossings.left,
    B_half_right: crossings.right,
    eps_exact: inputs.B.map((b) => law(b).learningRate),
    dL_exact: inputs.B.map((b) => law(b).decrease),
  };
}

function meanField(inputs: {
  D: number;
  S_sign: number;
  sum_abs_g: number;
  B_mf: number;
  beta1: number;
  optimizer: 'sign' | 'sign_momentum' | 'adam';
  B: number[];
}): GoldenActual {
  const optimizer = inputs.optimizer === 'sign_momentum' ? 'signMomentum' : inputs.optimizer;
  const form = meanFieldOf(
    {
      trace: inputs.D,
      signOffDiagonal: inputs.S_sign,
      absoluteGradient: inputs.sum_abs_g,
      bMeanField: inputs.B_mf,
    },
    optimizer,
    inputs.beta1,
  );
  const summary = meanFieldSummary(form);
  const rms = (b: number) => (optimizer === 'adam' ? adamUpdateRms(inputs.beta1, inputs.B_mf, b) : 1);
  return {
    effective_scale: form.scale,
    beta: inputs.B.map((b) => meanFieldBeta(form.scale, b)),
    eta: inputs.B.map((b) => meanFieldLaw(form, b).learningRate),
    eta_inf: summary.etaInf,
    beta_star: summary.betaStar,
    peak_exists: summary.bPeak !== null,
    B_peak: summary.bPeak,
    eta_peak: summary.etaPeak,
    peak_over_inf: summary.peakOverPlateau,
    dL_max: summary.decreaseMax,
    B_noise_loss: summary.bNoise,
    dL: inputs.B.map((b) => meanFieldLaw(form, b).decrease),
    inverse_gap: summary.inverseGap,
    update_rms_small_batch: rms(Number.MIN_VALUE),
    update_rms: inputs.B.map(rms),
  };
}

function adam(inputs: QuadraticInputs & { beta1: number }): GoldenActual {
  const { mu, sigma, H, B, beta1 } = inputs;
  const quadratic = noisyQuadratic({ mu, sigma, hessian: H });
  const quantities = signQuantities(quadratic);
  const small = adamSmallBatch(quadratic, beta1);
  return {
    a: small.a,
    D: quantities.trace,
    M: quantities.gradientMass,
    S_off: quantities.offDiagonal,
    T2: small.weightedTrace,
    K: small.k,
    small_batch_B_peak: small.bPeak,
    small_batch_eps_peak: small.epsPeak,
    eps_inf: plateau(quantities).learningRate,
    E: B.map((b) => adamMeanUpdates(quadratic, b)),
    eps_opt: B.map((b) => adamLaw(quadratic, beta1, b).learningRate),
    dL_opt: B.map((b) => adamLaw(quadratic, beta1, b).decrease),
    update_rms: B.map((b) => adamLawUpdateRms(quadratic, beta1, b)),
    ...peakFields(adamPeak(quadratic, beta1)),
  };
}

function stepsFit({ B, S }: { B: number[]; S: number[] }): GoldenActual {
  const points = B.map((batchSize, i) => ({ batchSize, steps: S[i] }));
  const line = fitStepsLine(points)!;
  const log = fitStepsLogSpace(points)!;
  return {
    E: points.map(({ batchSize, steps }) => batchSize * steps),
    ols: {
      slope: line.slope,
      intercept: line.intercept,
      B_noise: line.bNoise,
      S_min: line.stepsMin,
      E_min: line.examplesMin,
      r_squared: line.rSquared,
      se_slope: line.slopeStandardError,
      se_intercept: line.interceptStandardError,
    },
    log_space: {
      B_noise: log.bNoise,
      S_min: log.stepsMin,
      E_min: log.examplesMin,
      ssr: log.sumOfSquares,
      se_ln_B_noise: log.lnBNoiseStandardError,
      se_ln_S_min: log.lnStepsMinStandardError,
    },
  };
}

function epsScale(inputs: {
  B: number[];
  eps_opt: number[];
  B_noise: number;
  B_curve: number[];
}): GoldenActual {
  const ridge = inputs.B.map((batchSize, i) => ({ batchSize, learningRate: inputs.eps_opt[i] }));
  const curves = paperCurves(ridge, inputs.B_noise)!;
  const fields = (curve: typeof curves.surge) => ({
    eps_max: curve.epsMax,
    curve: inputs.B_curve.map(curve.at),
  });
  return {
    surge: fields(curves.surge),
    alpha1: fields(curves.alpha1),
    alpha_half: fields(curves.alphaHalf),
  };
}

function twoBatch(inputs: {
  B_small: number;
  B_big: number;
  ema_decay: number;
  gsq_small: number[];
  gsq_big: number[];
}): GoldenActual {
  const average = new NoiseScaleAverage({ small: inputs.B_small, big: inputs.B_big }, inputs.ema_decay);
  const steps = inputs.gsq_small.map((small, i) => {
    const estimate = average.add(small, inputs.gsq_big[i]);
    return { estimate, averages: average.averages, ratio: average.noiseScale };
  });
  return {
    grad_sq: steps.map(({ estimate }) => estimate.gradientSquare),
    trace_sigma: steps.map(({ estimate }) => estimate.noiseTrace),
    B_simple_single: steps.map(({ estimate }) => noiseScale(estimate)),
    ema_grad_sq: steps.map(({ averages }) => averages.gradientSquare),
    ema_trace_sigma: steps.map(({ averages }) => averages.noiseTrace),
    B_simple_ema: steps.map(({ ratio }) => ratio),
    B_simple_ratio_of_means: noiseScaleOfMeans(steps.map(({ estimate }) => estimate)),
  };
}

function covSignGeneral(inputs: QuadraticInputs & { corr: Rows }): GoldenActual {
  const { mu, sigma, H, B, corr } = inputs;
  const quadratic = noisyQuadratic({ mu, sigma, hessian: H });
  const laws = B.map((b) => correlatedSignLaw(quadratic, corr, b));
  const rows = (flat: Float64Array) => mu.map((_, i) => flat.slice(i * mu.length, (i + 1) * mu.length));
  return {
    E: laws.map((law) => law.meanSigns),
    cov: laws.map((law) => rows(law.covariance)),
    eps_opt: laws.map((law) => law.optimum.learningRate),
    eps_opt_independent: B.map((b) => exactSignLaw(quadratic, b).learningRate),
  };
}

interface ScheduleInputs {
  epochs: number;
  train_size: number;
  interval: number;
  delta: number;
  b0: number;
  eta0: number;
  eta_max: number;
  batch: 'constant' | 'exp';
  b_max?: number;
  lr: string;
  lr_growth_rate?: number;
  power?: number;
  warmup_epochs?: number;
  warmup_interval?: number;
  table_epochs: number[];
}

function rateSchedule(inputs: ScheduleInputs): RateSchedule {
  const { eta0: start, eta_max: max } = inputs;
  switch (inputs.lr) {
    case 'constant':
    case 'cosine':
    case 'linear':
    case 'diminishing':
      return { kind: inputs.lr, start };
    case 'poly':
      return { kind: 'polynomial', start, power: inputs.power! };
    case 'exp_growth':
      return {
        kind: 'growth',
        start,
        max,
        ...(inputs.lr_growth_rate === undefined ? {} : { factor: inputs.lr_growth_rate }),
      };
    case 'warmup_constant':
    case 'warmup_cosine':
      return {
        kind: 'warmup',
        start,
        max,
        warmupEpochs: inputs.warmup_epochs!,
        warmupInterval: inputs.warmup_interval!,
        then: inputs.lr === 'warmup_cosine' ? 'cosine' : 'constant',
      };
    default:
      throw new Error(`unknown schedule ${inputs.lr}`);
  }
}

function schedule(inputs: ScheduleInputs): GoldenActual {
  const batch: BatchSchedule =
    inputs.batch === 'constant'
      ? { kind: 'constant', start: inputs.b0 }
      : {
          kind: 'exponential',
          start: inputs.b0,
          factor: inputs.delta,
          ...(inputs.b_max === undefined ? {} : { cap: inputs.b_max }),
        };
  const laidOut = layOutSchedule({
    epochs: inputs.epochs,
    examples: inputs.train_size,
    interval: inputs.interval,
    batch,
    learningRate: rateSchedule(inputs),
  });
  return {
    gamma: laidOut.gamma,
    gamma_below_sqrt_delta: laidOut.gammaBelowRootDelta,
    total_steps: laidOut.totalSteps,
    columns: ['epoch', 'lr_at_first_step', 'batch', 'steps_in_epoch', 'steps_before_epoch'],
    table: inputs.table_epochs.map((index) => {
      const { epoch, learningRate, batchSize, steps, stepsBefore } = laidOut.epochs[index];
      return [epoch, learningRate, batchSize, steps, stepsBefore];
    }),
  };
}

function estimators(inputs: { grads_A: Rows; grads_B: Rows; H: Rows }): GoldenActual {
  const moments = gradientMoments(inputs.grads_A, inputs.grads_B);
  const norms = normEstimates(moments);
  const product = matrixProduct(inputs.H);
  const diagonal = { diagonal: inputs.H.map((row, i) => row[i]) };
  const plugin = predictFromCheckpoint(moments, product, diagonal, { plugin: true });
  const split = predictFromCheckpoint(moments, product, diagonal);
  return {
    mean: moments.mean,
    var: moments.variance,
    trace_sigma: norms.noiseTrace,
    grad_sq_plugin: norms.gradientSquarePlugin,
    grad_sq_debiased: norms.gradientSquareDebiased,
    B_simple_plugin: norms.bSimplePlugin,
    B_simple_debiased: norms.bSimpleDebiased,
    D: split.trace.value,
    M_plugin: plugin.gradientMass,
    M_debiased: norms.gradientMassDebiased,
    M_split: split.gradientMass,
    S_off_plugin: plugin.offDiagonal.value,
    S_off_split: split.offDiagonal.value,
    B_noise_plugin: plugin.bNoise,
    B_noise_split: split.bNoise,
    regime_bound_plugin: regimeBounds(moments.mean, moments.deviation).h,
  };
}

function erfBias({ r, n, B }: { r: number; n: number; B: number[] }): GoldenActual {
  return {
    E_true: B.map((b) => erf(Math.sqrt(b / 2) * r)),
    E_plugin_mean: B.map((b) => meanPluginSign(r, n, b)),
    B_corrected: B.map((b) => correctedBatch(b, n)),
    B_plugin_equivalent: B.map((b) => pluginEquivalentBatch(b, n)),
  };
}

function sgd(inputs: { G: number[]; H: Rows; Sigma: Rows; B: number[] }): GoldenActual {
  const law = sgdLaw(sgdQuantities(inputs.G, inputs.H, inputs.Sigma));
  return {
    eps_max: law.epsMax,
    B_noise: law.bNoise,
    B_simple: law.bSimple,
    dL_max: law.decreaseMax,
    eps_opt: inputs.B.map((b) => law.optimum(b).learningRate),
    dL_opt: inputs.B.map((b) => law.optimum(b).decrease),
  };
}

function erfValues(inputs: { x: number[]; linearisation_error: number[] }): GoldenActual {
  const worst = elementaryErfError();
  return {
    erf: inputs.x.map(erf),
    erfc: inputs.x.map(erfc),
    elementary_approx: inputs.x.map(elementaryErf),
    approx_max_abs_error: worst.error,
    approx_max_error_at: worst.at,
    linearisation_error: inputs.linearisation_error,
    batch_over_regime_bound_at_that_error: inputs.linearisation_error.map(batchAtLinearisationError),
  };
}

/** Read off a sweep of one batch size and one seed, as the product does it. */
function parabola({ lr, loss }: { lr: number[]; loss: (number | null)[] }): GoldenActual {
  const curves: CurveSet = {
    batchSizes: [1],
    learningRates: lr,
    seeds: [0],
    marks: [[1]],
    stride: 1,
    values: Float64Array.from(loss, (value) => value ?? NaN),
    recorded: new Uint32Array(lr.length).fill(1),
    divergedAt: Float64Array.from(loss, (value) => (value === null ? 1 : Infinity)),
  };
  const [point] = ridgeOf(curves, { kind: 'equal-steps', step: 1 }).points;
  return {
    grid_index: lr.indexOf(point.gridLearningRate!),
    lr_grid: point.gridLearningRate,
    edge: point.flags.includes('edge-low') || point.flags.includes('edge-high'),
    neighbour_diverged: point.flags.includes('diverged-neighbour'),
    lr_opt: point.learningRate,
    loss_at_opt: point.score,
    curvature: point.curvature,
  };
}

/** By group and kind: an entry of an unknown pair has no checker, and the test fails. */
export const goldenCheckers: Readonly<Record<string, GoldenChecker>> = {
  'a/sign_law': signLaw,
  'b/equicorrelated': equicorrelated,
  'c/sign_law': signLaw,
  'd/mean_field': meanField,
  'd/adam_law': adam,
  'e/se_fit': stepsFit,
  'e/eps_scale': epsScale,
  'f/two_batch': twoBatch,
  'g/cov_sign_zero_mean': ({ rho }: { rho: number[] }) => ({ cov: rho.map(signCovarianceAtZero) }),
  'g/cov_sign_general': covSignGeneral,
  'i/schedule': schedule,
  'k/estimators': estimators,
  'k/erf_bias': erfBias,
  'k/finite_population': ({ N, B }: { N: number; B: number[] }) => ({
    B_effective: B.map((b) => effectiveBatchWithoutReplacement(b, N)),
  }),
  'l/sgd_law': sgd,
  'm/erf': erfValues,
  'n/parabola': parabola,
};

/** Groups whose entries another test walks, and the file that does it. */
export const CHECKED_ELSEWHERE: Readonly<Record<string, string>> = {
  h: 'test/integration/engine/optimizers.test.ts',
  j: 'test/unit/laws/golden-j.test.ts',
};
