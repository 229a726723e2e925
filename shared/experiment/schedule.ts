/**
 * Schedules of the learning rate: a factor on the peak rate, which is the one that the grid has. A run warms up
 * linearly, then decays or grows. Steps are those of a cell's whole run, so the factor of a step depends on how long the
 * run is. k is the step from 0, w the steps of the warm-up, T those of the run.
 */
import { z } from 'zod';

const wholePositive = z.number().int().positive().max(1e9);
const share = z.number().positive().max(1);
const inside = z.number().positive().lt(1);

/** Factor (k+1)/(w+1) in the first w steps, so that no step is wasted at zero and step w + 1 has the peak rate. */
const warmUp = {
  warmUpSteps: wholePositive.optional(),
  /** Share of the run, rounded to whole steps. */
  warmUpShare: share.optional(),
};
/** Share of the peak rate that the decay goes towards; the step after the last one would have it. */
const final = z.number().min(0).max(1).default(0);

const onlyOneWarmUp = [
  (schedule: { warmUpSteps?: number | undefined; warmUpShare?: number | undefined }) =>
    schedule.warmUpSteps === undefined || schedule.warmUpShare === undefined,
  { message: 'give warmUpSteps or warmUpShare, not both' },
] as const;

export const scheduleSchema = z.discriminatedUnion('kind', [
  /** The peak rate after the warm-up. */
  z.strictObject({ kind: z.literal('constant'), ...warmUp }).refine(...onlyOneWarmUp),
  /** final + (1−final)·(1 + cos(π (k−w)/(T−w)))/2 (arXiv 1608.03983 without restarts). */
  z.strictObject({ kind: z.literal('cosine'), ...warmUp, final }).refine(...onlyOneWarmUp),
  /** 1 − (1−final)·(k−w)/(T−w). */
  z.strictObject({ kind: z.literal('linear'), ...warmUp, final }).refine(...onlyOneWarmUp),
  /** √((w+1)/(k+1)) after the warm-up (arXiv 1706.03762, equation 3). */
  z.strictObject({ kind: z.literal('inverse-sqrt'), ...warmUp }).refine(...onlyOneWarmUp),
  /** factor^(drops so far); exactly one of the fields below says where the drops are, counted from the run's start. */
  z
    .strictObject({
      kind: z.literal('step'),
      ...warmUp,
      factor: inside.default(0.1),
      everySteps: wholePositive.optional(),
      everyShare: share.optional(),
      atSteps: z.array(wholePositive).min(1).max(1_000).optional(),
      atShares: z.array(inside).min(1).max(1_000).optional(),
    })
    .refine(...onlyOneWarmUp)
    .refine(
      ({ everySteps, everyShare, atSteps, atShares }) =>
        [everySteps, everyShare, atSteps, atShares].filter((where) => where !== undefined).length === 1,
      { message: 'give exactly one of everySteps, everyShare, atSteps or atShares' },
    ),
  /**
   * Growth by stages of equal length (H. Umeda, H. Iiduka, arXiv 2409.08770): start·gamma^m in stage m, with
   * gamma = (1/start)^(1/(stages−1)), so that the last stage has the peak rate.
   */
  z.strictObject({
    kind: z.literal('growth'),
    /** Share of the peak rate in the first stage. */
    start: inside.default(0.1),
    stages: z.number().int().min(2).max(10_000).default(10),
  }),
]);

export type RateSchedule = z.output<typeof scheduleSchema>;

/** Steps of the warm-up in a run of this many steps; 0 without one. */
export function warmUpStepsOf(schedule: RateSchedule, totalSteps: number): number {
  if (schedule.kind === 'growth') return 0;
  return schedule.warmUpSteps ?? Math.round((schedule.warmUpShare ?? 0) * totalSteps);
}

/** Factor on the peak learning rate at `step` (1 is the first) of a run of `totalSteps`. */
export function rateFactor(schedule: RateSchedule, step: number, totalSteps: number): number {
  const k = step - 1;
  const w = warmUpStepsOf(schedule, totalSteps);
  const warm = k < w ? (k + 1) / (w + 1) : 1;
  const progress = k < w ? 0 : (k - w) / (totalSteps - w);
  switch (schedule.kind) {
    case 'constant':
      return warm;
    case 'cosine':
      return warm * (schedule.final + ((1 - schedule.final) * (1 + Math.cos(Math.PI * progress))) / 2);
    case 'linear':
      return warm * (1 - (1 - schedule.final) * progress);
    case 'inverse-sqrt':
      return k < w ? warm : Math.sqrt((w + 1) / (k + 1));
    case 'step':
      return warm * schedule.factor ** dropsBefore(schedule, k, totalSteps);
    case 'growth': {
      const stage = Math.min(schedule.stages - 1, Math.floor((k * schedule.stages) / totalSteps));
      return schedule.start ** (1 - stage / (schedule.stages - 1));
    }
  }
}

function dropsBefore(
  { everySteps, everyShare, atSteps, atShares }: Extract<RateSchedule, { kind: 'step' }>,
  k: number,
  totalSteps: number,
): number {
  // Shares are rounded to whole steps, so that 0.7 of 10 steps is 7 whatever the product's last bit is.
  const places = atSteps ?? atShares?.map((at) => Math.round(at * totalSteps));
  if (places !== undefined) return places.filter((place) => k >= place).length;
  const every = everySteps ?? Math.max(1, Math.round((everyShare ?? 1) * totalSteps));
  return Math.floor(k / every);
}

/** 'warm-up of 100 steps, then cosine to 0.1 of the peak learning rate' */
export function describeSchedule(schedule: RateSchedule): string {
  const then = decayInWords(schedule);
  if (schedule.kind === 'growth') return then;
  const { warmUpSteps, warmUpShare } = schedule;
  if (warmUpSteps === undefined && warmUpShare === undefined) return then;
  const length =
    warmUpSteps === undefined
      ? `${percent(warmUpShare ?? 0)} of the run`
      : `${warmUpSteps} step${warmUpSteps === 1 ? '' : 's'}`;
  return `warm-up of ${length}, then ${then}`;
}

function decayInWords(schedule: RateSchedule): string {
  switch (schedule.kind) {
    case 'constant':
      return 'constant';
    case 'cosine':
    case 'linear':
      return `${schedule.kind} decay to ${schedule.final === 0 ? 'zero' : percent(schedule.final)}`;
    case 'inverse-sqrt':
      return 'decay as 1/√step';
    case 'step': {
      const { factor, everySteps, everyShare, atSteps, atShares } = schedule;
      const where =
        atSteps !== undefined
          ? `at steps ${atSteps.join(', ')}`
          : atShares !== undefined
            ? `at ${atShares.map(percent).join(', ')} of the run`
            : everySteps !== undefined
              ? `every ${everySteps} steps`
              : `every ${percent(everyShare ?? 1)} of the run`;
      return `times ${factor} ${where}`;
    }
    case 'growth':
      return `growth from ${percent(schedule.start)} in ${schedule.stages} stages`;
  }
}

function percent(value: number): string {
  return `${Number((100 * value).toPrecision(3))} %`;
}
