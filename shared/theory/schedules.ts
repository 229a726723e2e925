/**
 * Schedules in which the batch, the learning rate or both grow (H. Umeda, H. Iiduka, arXiv 2409.08770; the linear batch
 * growth and the count of gradient evaluations after arXiv 2508.05297). m = floor(epoch/interval) is the stage. Growth,
 * warm-up and the cosine change once an epoch; the linear, polynomial and diminishing decays change at every step.
 */

export type BatchSchedule =
  | { readonly kind: 'constant'; readonly start: number }
  /**
   * ceil(start·factor^m). With a cap the growth is bent to reach it at the last stage: min(p·factor^m + q, cap),
   * p = (cap − start)/(factor^((epochs − interval)/interval) − 1), q = start − p.
   */
  | { readonly kind: 'exponential'; readonly start: number; readonly factor: number; readonly cap?: number }
  /** start + increment·m. */
  | { readonly kind: 'linear'; readonly start: number; readonly increment: number };

export type RateSchedule =
  | { readonly kind: 'constant' | 'cosine' | 'linear' | 'diminishing'; readonly start: number }
  /** start·(1 − t/total steps)^power. */
  | { readonly kind: 'polynomial'; readonly start: number; readonly power: number }
  /**
   * min(start·gamma^m, max), gamma = (max/start)^(interval/(epochs − interval)); with `factor` the growth is bent as for
   * a capped batch and gamma is that factor.
   */
  | { readonly kind: 'growth'; readonly start: number; readonly max: number; readonly factor?: number }
  /** start·gamma_w^floor(epoch/warmupInterval) up to warmupEpochs, then max or a cosine from max to 0. */
  | {
      readonly kind: 'warmup';
      readonly start: number;
      readonly max: number;
      readonly warmupEpochs: number;
      readonly warmupInterval: number;
      readonly then: 'constant' | 'cosine';
    };

export interface ScheduleSpecification {
  readonly epochs: number;
  /** Training examples in an epoch. */
  readonly examples: number;
  /** Epochs in a stage. */
  readonly interval: number;
  readonly batch: BatchSchedule;
  readonly learningRate: RateSchedule;
}

export interface ScheduledEpoch {
  readonly epoch: number;
  readonly batchSize: number;
  /** At the first step of the epoch. */
  readonly learningRate: number;
  readonly steps: number;
  readonly stepsBefore: number;
  /** Per-sample gradient evaluations before this epoch: the sum of the batch size over steps. */
  readonly evaluationsBefore: number;
}

export interface Schedule {
  readonly epochs: readonly ScheduledEpoch[];
  readonly totalSteps: number;
  readonly totalEvaluations: number;
  /** Growth factor of the learning rate per stage; null when it does not grow. */
  readonly gamma: number | null;
  /** gamma < √delta, the condition under which growing both converges; null without growth of both. */
  readonly gammaBelowRootDelta: boolean | null;
  /** Learning rate at step t, counted over the whole run. @throws RangeError outside the run. */
  readonly learningRateAt: (step: number) => number;
}

/** Subtracted before rounding up, so that a power that is a whole number but for rounding stays it. */
const ROUNDING = 1e-9;

function positive(name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value)))
    throw new RangeError(`${name} must be a positive number, not ${value}.`);
}

function whole(name: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value > 0))
    throw new RangeError(`${name} must be a positive whole number, not ${value}.`);
}

/** value(m) of a growth by `factor` a stage from `start` that reaches `cap` at the last stage. */
function bentGrowth(start: number, factor: number, cap: number, stages: number, m: number): number {
  const p = (cap - start) / (factor ** stages - 1);
  return Math.min(p * factor ** m + (start - p), cap);
}

function checkSchedule(specification: ScheduleSpecification): void {
  const { epochs, examples, interval, batch, learningRate } = specification;
  whole('epochs', epochs);
  whole('examples', examples);
  whole('interval', interval);
  positive('batch.start', batch.start);
  positive('learningRate.start', learningRate.start);
  const bends = batch.kind === 'exponential' && batch.cap !== undefined;
  if ((bends || learningRate.kind === 'growth') && epochs <= interval)
    throw new RangeError(
      `interval (${interval}) must be shorter than epochs (${epochs}) for anything to grow.`,
    );
  if (batch.kind === 'exponential') {
    positive('batch.factor', batch.factor);
    if (batch.cap !== undefined && !(batch.cap >= batch.start && batch.factor > 1))
      throw new RangeError('A batch cap needs batch.cap >= batch.start and batch.factor > 1.');
  }
  if (batch.kind === 'linear' && !(batch.increment >= 0))
    throw new RangeError(`batch.increment must be at least 0, not ${batch.increment}.`);
  if (learningRate.kind === 'growth' || learningRate.kind === 'warmup')
    positive('learningRate.max', learningRate.max);
  if (learningRate.kind === 'growth' && learningRate.factor !== undefined && !(learningRate.factor > 1))
    throw new RangeError(`learningRate.factor must be above 1, not ${learningRate.factor}.`);
  if (learningRate.kind === 'warmup') {
    const { warmupEpochs, warmupInterval } = learningRate;
    whole('learningRate.warmupEpochs', warmupEpochs);
    whole('learningRate.warmupInterval', warmupInterval);
    if (!(warmupInterval < warmupEpochs && warmupEpochs < epochs))
      throw new RangeError('learningRate needs warmupInterval < warmupEpochs < epochs.');
  }
}

function batchSizeAt({ batch, epochs, interval }: ScheduleSpecification, m: number): number {
  const value = (): number => {
    switch (batch.kind) {
      case 'constant':
        return batch.start;
      case 'linear':
        return batch.start + batch.increment * m;
      case 'exponential':
        return batch.cap === undefined
          ? batch.start * batch.factor ** m
          : bentGrowth(batch.start, batch.factor, batch.cap, (epochs - interval) / interval, m);
    }
  };
  return Math.ceil(value() - ROUNDING);
}

function growthFactor({ learningRate, epochs, interval }: ScheduleSpecification): number | null {
  if (learningRate.kind !== 'growth') return null;
  return learningRate.factor ?? (learningRate.max / learningRate.start) ** (interval / (epochs - interval));
}

function rateAt(
  specification: ScheduleSpecification,
  epoch: number,
  step: number,
  totalSteps: number,
): number {
  const { learningRate: rate, epochs, interval } = specification;
  const m = Math.floor(epoch / interval);
  const cosine = (from: number, share: number) => (from / 2) * (1 + Math.cos(Math.PI * share));
  switch (rate.kind) {
    case 'constant':
      return rate.start;
    case 'cosine':
      return cosine(rate.start, epoch / epochs);
    case 'linear':
      return rate.start * (1 - step / totalSteps);
    case 'polynomial':
      return rate.start * (1 - step / totalSteps) ** rate.power;
    case 'diminishing':
      return rate.start / Math.sqrt(step + 1);
    case 'growth': {
      const stages = (epochs - interval) / interval;
      if (rate.factor !== undefined) return bentGrowth(rate.start, rate.factor, rate.max, stages, m);
      return Math.min(rate.start * (rate.max / rate.start) ** (m / stages), rate.max);
    }
    case 'warmup': {
      const { start, max, warmupEpochs: end, warmupInterval } = rate;
      if (epoch < end) {
        const gamma = (max / start) ** (warmupInterval / (end - warmupInterval));
        return start * gamma ** Math.floor(epoch / warmupInterval);
      }
      return rate.then === 'constant' ? max : cosine(max, (epoch - end) / (epochs - end));
    }
  }
}

/** Lays a schedule out epoch by epoch. @throws RangeError naming the field that is wrong. */
export function layOutSchedule(specification: ScheduleSpecification): Schedule {
  checkSchedule(specification);
  const { epochs, examples, interval, batch } = specification;
  const sizes = Array.from({ length: epochs }, (_, epoch) =>
    batchSizeAt(specification, Math.floor(epoch / interval)),
  );
  const totalSteps = sizes.reduce((sum, size) => sum + Math.ceil(examples / size), 0);
  let stepsBefore = 0;
  let evaluationsBefore = 0;
  const rows = sizes.map((batchSize, epoch): ScheduledEpoch => {
    const steps = Math.ceil(examples / batchSize);
    const learningRate = rateAt(specification, epoch, stepsBefore, totalSteps);
    const row = { epoch, batchSize, learningRate, steps, stepsBefore, evaluationsBefore };
    stepsBefore += steps;
    evaluationsBefore += steps * batchSize;
    return row;
  });
  const gamma = growthFactor(specification);
  return {
    epochs: rows,
    totalSteps,
    totalEvaluations: evaluationsBefore,
    gamma,
    gammaBelowRootDelta:
      gamma === null || batch.kind !== 'exponential' ? null : gamma < Math.sqrt(batch.factor),
    learningRateAt(step) {
      if (!(Number.isSafeInteger(step) && step >= 0 && step < totalSteps))
        throw new RangeError(`Step ${step} is outside the run of ${totalSteps} steps.`);
      // The last epoch that starts at or before the step.
      let [low, high] = [0, epochs - 1];
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if (rows[middle].stepsBefore <= step) low = middle;
        else high = middle - 1;
      }
      return rateAt(specification, low, step, totalSteps);
    },
  };
}
