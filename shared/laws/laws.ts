/**
 * Rival laws for the optimal learning rate against batch size (arXiv 2405.14578, equations 2, 14 and 24;
 * arXiv 1812.06162, equation 2.5; the mean-field form after kexue.fm/archives/10542 and 11280).
 *
 * Every law is written as ln eps(B) = ln a + g(ln B; shape). The scale a is profiled out when a law is fitted, so a law
 * only gives g and its derivatives with respect to its shape coordinates. Batch scales and beta* are strictly positive
 * and live on a logarithmic coordinate; exponents live on a linear one.
 */

export const LAW_NAMES = [
  'surge',
  'alpha1',
  'alpha_half',
  'alpha_free',
  'power',
  'constant',
  'mean_field',
] as const;
export type LawName = (typeof LAW_NAMES)[number];

/** Names of fitted parameters. Learning rates are in the sweep's own unit, batch scales in its batch unit. */
export type ParameterName =
  'epsMax' | 'epsPeak' | 'amplitude' | 'bNoise' | 'bMeanField' | 'betaStar' | 'alpha' | 'exponent';
export type LawParameters = Readonly<Partial<Record<ParameterName, number>>>;

export interface ShapeParameter {
  readonly name: ParameterName;
  /** log: the fit moves in ln(value). */
  readonly coordinate: 'log' | 'linear';
  /** Allowed values, given the smallest and largest batch size of the ridge. */
  readonly bounds: (smallest: number, largest: number) => readonly [lower: number, upper: number];
  /** Points of the coarse scan that checks the optimum. */
  readonly scanPoints: number;
}

export interface Law {
  readonly name: LawName;
  /** What a reader calls it. */
  readonly title: string;
  readonly scale: 'epsMax' | 'epsPeak' | 'amplitude';
  readonly shape: readonly ShapeParameter[];
  /**
   * g(ln B) at the shape coordinates `at`; writes dg/d(coordinate) into `gradient` (length = shape.length).
   */
  readonly lnShape: (lnBatch: number, at: ArrayLike<number>, gradient: Float64Array) => number;
  /** More general laws that contain this one, exactly or as a limit: they cannot lose to it by more than their penalty. */
  readonly extensions: readonly LawName[];
}

/** ln(1 + e^x) without overflow. */
function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** 1 / (1 + e^-x) without overflow. */
function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const power = Math.exp(x);
  return power / (1 + power);
}

/** ln(2 / (e^t + e^-t)) = -ln cosh t without overflow. */
function lnSech(t: number): number {
  const size = Math.abs(t);
  return Math.LN2 - size - Math.log1p(Math.exp(-2 * size));
}

/** Range of a batch scale: a twentieth of the smallest batch size to twenty times the largest. */
const batchScaleBounds = (smallest: number, largest: number) => [smallest / 20, largest * 20] as const;

function noiseScale(scanPoints: number): ShapeParameter {
  return { name: 'bNoise', coordinate: 'log', bounds: batchScaleBounds, scanPoints };
}

/** a (1 + Bn/B)^-alpha with a fixed exponent (arXiv 2405.14578, equation 24). */
function saturating(name: LawName, title: string, alpha: number, extensions: readonly LawName[]): Law {
  return {
    name,
    title,
    scale: 'epsMax',
    shape: [noiseScale(61)],
    extensions,
    lnShape(lnBatch, at, gradient) {
      const x = at[0] - lnBatch;
      gradient[0] = -alpha * logistic(x);
      return -alpha * softplus(x);
    },
  };
}

export const LAWS: Readonly<Record<LawName, Law>> = {
  /** 2a / (sqrt(Bn/B) + sqrt(B/Bn)): arXiv 2405.14578, equation 14. Peak at Bn. */
  surge: {
    name: 'surge',
    title: 'surge',
    scale: 'epsMax',
    shape: [noiseScale(61)],
    extensions: ['mean_field'],
    lnShape(lnBatch, at, gradient) {
      const t = (lnBatch - at[0]) / 2;
      gradient[0] = Math.tanh(t) / 2;
      return lnSech(t);
    },
  },
  /** a / (1 + Bn/B): arXiv 1812.06162, the SGD law. */
  alpha1: saturating('alpha1', 'saturating, alpha = 1', 1, ['alpha_free']),
  /** a (1 + Bn/B)^-1/2: square-root rise, then saturation. */
  alpha_half: saturating('alpha_half', 'saturating, alpha = 1/2', 0.5, ['alpha_free', 'mean_field']),
  /** a (1 + Bn/B)^-alpha. */
  alpha_free: {
    name: 'alpha_free',
    title: 'saturating, free alpha',
    scale: 'epsMax',
    shape: [noiseScale(31), { name: 'alpha', coordinate: 'log', bounds: () => [0.05, 4], scanPoints: 13 }],
    extensions: [],
    lnShape(lnBatch, at, gradient) {
      const x = at[0] - lnBatch;
      const alpha = Math.exp(at[1]);
      const value = -alpha * softplus(x);
      gradient[0] = -alpha * logistic(x);
      gradient[1] = value;
      return value;
    },
  },
  /** a B^p. */
  power: {
    name: 'power',
    title: 'power of the batch size',
    scale: 'amplitude',
    shape: [{ name: 'exponent', coordinate: 'linear', bounds: () => [-3, 3], scanPoints: 25 }],
    extensions: ['alpha_free'],
    lnShape(lnBatch, at, gradient) {
      gradient[0] = lnBatch;
      return at[0] * lnBatch;
    },
  },
  /** a. */
  constant: {
    name: 'constant',
    title: 'constant',
    scale: 'amplitude',
    shape: [],
    extensions: ['power', 'alpha1', 'alpha_half', 'alpha_free', 'mean_field'],
    lnShape: () => 0,
  },
  /**
   * 2a / (b/beta + beta/b) with beta = (1 + B_mf/B)^-1/2 and b = beta*: a peak and a plateau. b >= 1 means monotone.
   * Contains surge (B_mf to infinity, B_mf b^2 fixed) and alpha_half (b to infinity).
   */
  mean_field: {
    name: 'mean_field',
    title: 'mean field',
    scale: 'epsPeak',
    shape: [
      { name: 'bMeanField', coordinate: 'log', bounds: batchScaleBounds, scanPoints: 29 },
      { name: 'betaStar', coordinate: 'log', bounds: () => [0.01, 100], scanPoints: 21 },
    ],
    extensions: [],
    lnShape(lnBatch, at, gradient) {
      const x = at[0] - lnBatch;
      const t = -0.5 * softplus(x) - at[1];
      const slope = -Math.tanh(t);
      gradient[0] = -0.5 * logistic(x) * slope;
      gradient[1] = -slope;
      return lnSech(t);
    },
  },
};

/** Shape coordinate of a value, and back. */
export function toCoordinate(parameter: ShapeParameter, value: number): number {
  return parameter.coordinate === 'log' ? Math.log(value) : value;
}
export function fromCoordinate(parameter: ShapeParameter, coordinate: number): number {
  return parameter.coordinate === 'log' ? Math.exp(coordinate) : coordinate;
}

/**
 * Learning rate that a law gives at a batch size (same unit as its batch scale).
 * @throws RangeError when a parameter of the law is missing or the batch size is not positive.
 */
export function evaluateLaw(name: LawName, parameters: LawParameters, batchSize: number): number {
  if (!(batchSize > 0)) throw new RangeError(`Batch size must be positive, not ${batchSize}.`);
  const law = LAWS[name];
  const scale = parameters[law.scale];
  if (scale === undefined) throw new RangeError(`The law ${name} needs the parameter ${law.scale}.`);
  const at = law.shape.map((parameter) => {
    const value = parameters[parameter.name];
    if (value === undefined) throw new RangeError(`The law ${name} needs the parameter ${parameter.name}.`);
    return toCoordinate(parameter, value);
  });
  return scale * Math.exp(law.lnShape(Math.log(batchSize), at, new Float64Array(at.length)));
}

/**
 * Batch size at which a fitted law peaks, or null when it rises or falls throughout. For the mean-field form
 * B_peak = B_mf b^2/(1 - b^2) if b = beta* < 1 (kexue.fm/archives/11280).
 */
export function lawPeak(name: LawName, parameters: LawParameters): number | null {
  if (name === 'surge') return parameters.bNoise ?? null;
  if (name === 'mean_field' && parameters.betaStar !== undefined && parameters.betaStar < 1) {
    const squared = parameters.betaStar ** 2;
    return parameters.bMeanField === undefined ? null : (parameters.bMeanField * squared) / (1 - squared);
  }
  return null;
}
