/** What an experiment and its measured ridge must be read with. One warning a code, with all batch sizes that it concerns. */
import type { OptimumFlag } from '../analysis/optimum.ts';
import type { Ridge } from '../analysis/ridge.ts';
import { describeSchedule } from '../experiment/schedule.ts';
import type { Specification } from '../experiment/specification.ts';
import type { ImportedOptimum } from '../import/ridge.ts';
import { DECISIVE_PROBABILITY } from '../laws/verdict.ts';
import type { Warning, WarningCode } from '../theory/warnings.ts';

/** Adam's epsilon is left out of the theory; up to here it is far below the gradients of ordinary networks. */
const LARGE_EPSILON = 1e-6;
const FEW_SEEDS = 3;
/** A fall by this factor is strong: the optimum at the peak is twice that at the largest batch size. */
const STRONG_FALL = 2;

const short = (value: number) => String(Number(value.toPrecision(3)));

/** 'batch size 4', 'batch sizes 1, 2, 4', and of more than six the first and the last. */
function named(batchSizes: readonly number[]): string {
  const list =
    batchSizes.length <= 6
      ? batchSizes.join(', ')
      : `${batchSizes.slice(0, 3).join(', ')}, …, ${batchSizes[batchSizes.length - 1]} (${batchSizes.length} in all)`;
  return `${batchSizes.length === 1 ? 'batch size' : 'batch sizes'} ${list}`;
}

/** Nothing where no batch size is concerned. */
function about(
  code: WarningCode,
  batchSizes: readonly number[],
  sentence: (names: string) => string,
): Warning[] {
  if (batchSizes.length === 0) return [];
  const numbers = {
    batchSizes: batchSizes.length,
    smallest: Math.min(...batchSizes),
    largest: Math.max(...batchSizes),
  };
  return [{ code, sentence: sentence(named(batchSizes)), numbers }];
}

/** Warnings of a ridge of an experiment trained here, or of imported curves. */
export function ridgeWarnings(ridge: Ridge): Warning[] {
  const { points, definition } = ridge;
  const known = points.filter((point) => point.learningRate !== null);
  const flagged = (...flags: OptimumFlag[]) =>
    known.filter((point) => flags.some((flag) => point.flags.includes(flag))).map((p) => p.batchSize);
  const few = known.filter((point) => point.seeds < FEW_SEEDS);
  const local = definition.kind === 'local';
  return [
    ...seedWarnings(
      few.map((point) => point.batchSize),
      Math.min(...few.map((point) => point.seeds)),
      local ? 'draw' : 'seed',
    ),
    ...edgeWarnings(flagged('edge-low', 'edge-high', 'one-learning-rate')),
    ...flatWarnings(flagged('flat')),
    ...about(
      'edge-of-stability',
      flagged('diverged-neighbour'),
      (names) =>
        `At ${names} the best learning rate stands next to one that diverges: near the edge of stability the quadratic model of the theory does not hold.`,
    ),
    ...leftOut(ridge),
    ...about(
      'early-target',
      flagged('early-target', 'first-mark'),
      (names) =>
        `At ${names} the target is reached in fewer than ten steps: the comparison is about the first moments of training.`,
    ),
    ...peakWarnings(ridge),
  ];
}

function seedWarnings(batchSizes: readonly number[], seeds: number, noun: string): Warning[] {
  return about('few-seeds', batchSizes, (names) =>
    seeds <= 1
      ? `One ${noun} at ${names}: there is no interval, and a single optimum is off by a factor of 1.3 to 2 by noise alone.`
      : `Only ${seeds} ${noun}s at ${names}: the intervals are rough.`,
  ).map((warning) => ({ ...warning, numbers: { ...warning.numbers, seeds } }));
}

const edgeWarnings = (batchSizes: readonly number[]) =>
  about(
    'optimum-on-edge',
    batchSizes,
    (names) =>
      `At ${names} the best learning rate is the lowest or highest that was run: the optimum may lie outside the grid.`,
  );

const flatWarnings = (batchSizes: readonly number[]) =>
  about(
    'flat-optimum',
    batchSizes,
    (names) => `At ${names} every learning rate is nearly as good as the best: the optimum is flat.`,
  );

/** Diverged and censored learning rates, counted over batch sizes. */
function leftOut({ points }: Ridge): Warning[] {
  const of = (reason: 'diverged' | 'censored') =>
    points.reduce((sum, point) => sum + point.dropped.filter((d) => d.reason === reason).length, 0);
  const [diverged, censored] = [of('diverged'), of('censored')];
  return leftOutWarning(diverged, censored);
}

function leftOutWarning(diverged: number, censored: number): Warning[] {
  if (diverged + censored === 0) return [];
  const parts = [
    ...(diverged > 0 ? [`${diverged} with a diverged run`] : []),
    ...(censored > 0 ? [`${censored} that did not reach the target in the steps trained`] : []),
  ];
  return [
    {
      code: 'cells-left-out',
      sentence: `Learning rates left out of the comparison, over all batch sizes: ${parts.join(', ')}.`,
      numbers: { diverged, censored },
    },
  ];
}

function peakWarnings({ peak, points, definition }: Ridge): Warning[] {
  const known = points.filter((point) => point.learningRate !== null);
  if (peak === null || known.length < 2) return [];
  const below = known.filter((point) => point.batchSize < peak.batchSize).length;
  const above = known.filter((point) => point.batchSize > peak.batchSize).length;
  const warnings = placeWarnings(peak.batchSize, below, above);
  if (peak.atEdge === null && peak.flags.includes('below-resolution'))
    warnings.push({
      code: 'prominence-below-resolution',
      sentence: `On one side at least the ridge falls from its peak by less than one step of the learning-rate grid (${short(peak.riseFromSmallest)} and ${short(peak.fallToLargest)} times).`,
      numbers: { riseFromSmallest: peak.riseFromSmallest, fallToLargest: peak.fallToLargest },
    });
  const fall = peak.probabilityOfFall ?? 0;
  if (fall < DECISIVE_PROBABILITY) return warnings;
  const numbers = { fallToLargest: peak.fallToLargest, probabilityOfFall: fall };
  if (definition.kind === 'equal-samples')
    warnings.push({
      code: 'fall-at-equal-samples',
      sentence:
        'The optimum falls with the batch size at equal samples, where larger batches take fewer steps: a fall that is not there at equal steps too is not the surge.',
      numbers,
    });
  else if (peak.fallToLargest >= STRONG_FALL)
    warnings.push({
      code: 'strong-surge',
      sentence: `The optimum at the peak is ${short(peak.fallToLargest)} times that at the largest batch size: a sign that the Hessian which the optimizer implies, diag|g|, does not fit the true one.`,
      numbers,
    });
  return warnings;
}

function placeWarnings(batchSize: number, below: number, above: number): Warning[] {
  const numbers = { peak: batchSize, below, above };
  if (below === 0 || above === 0)
    return [
      {
        code: 'peak-outside-sweep',
        sentence: `The optimum is highest at the ${below === 0 ? 'smallest' : 'largest'} batch size, ${short(batchSize)}: a peak, if there is one, lies outside the sweep.`,
        numbers,
      },
    ];
  if (Math.min(below, above) >= 3) return [];
  return [
    {
      code: 'few-batches-beside-peak',
      sentence: `Batch sizes with an optimum: ${below} below the peak at ${short(batchSize)}, ${above} above it; at least 3 on either side are needed.`,
      numbers,
    },
  ];
}

/** Warnings of a ridge of final losses, which has neither resamples nor states of cells. */
export function importedRidgeWarnings(ridge: readonly ImportedOptimum[], seeds: number): Warning[] {
  const ascending = [...ridge].sort((a, b) => a.batchSize - b.batchSize);
  const sizes = ascending.map((point) => point.batchSize);
  const flagged = (...flags: ImportedOptimum['flags'][number][]) =>
    ascending.filter((p) => flags.some((flag) => p.flags.includes(flag))).map((p) => p.batchSize);
  const failed = ascending.reduce((sum, point) => sum + point.failed, 0);
  const top = ascending.reduce(
    (best, point, i) => (point.learningRate > ascending[best].learningRate ? i : best),
    0,
  );
  return [
    ...(seeds < FEW_SEEDS ? seedWarnings(sizes, seeds, 'seed') : []),
    ...edgeWarnings(flagged('lowest-rate', 'highest-rate')),
    ...flatWarnings(flagged('flat')),
    ...leftOutWarning(failed, 0),
    ...(ascending.length < 2 ? [] : placeWarnings(sizes[top], top, ascending.length - 1 - top)),
  ];
}

/** What of an experiment the theory does not know of. Null for a sweep whose settings were not recorded. */
export function experimentWarnings(specification: Specification | null): Warning[] {
  if (specification === null)
    return [
      {
        code: 'settings-not-recorded',
        sentence:
          'Optimizer settings and schedules of this sweep are not recorded: where beta1, beta2, the momentum convention or the schedule differ between cells, their learning rates cannot be compared.',
        numbers: {},
      },
    ];
  return [...outsideTheory(specification), ...heavyBall(specification)];
}

function outsideTheory({ optimizer, workload, schedule, gradientClipping }: Specification): Warning[] {
  const ingredients: string[] = [];
  const numbers: Record<string, number> = {};
  if (schedule !== undefined)
    ingredients.push(
      `the learning-rate schedule (${describeSchedule(schedule)}; learning rates are its peak, and a mark before the last step sees only its beginning)`,
    );
  if (gradientClipping !== undefined) {
    ingredients.push(`clipping of the gradient by ${gradientClipping.kind}`);
    numbers.gradientLimit = gradientClipping.limit;
  }
  if ('weightDecay' in optimizer && optimizer.weightDecay !== undefined && optimizer.weightDecay > 0) {
    ingredients.push('weight decay');
    numbers.weightDecay = optimizer.weightDecay;
  }
  if (optimizer.kind === 'adafactor') {
    ingredients.push('clipping of the update', 'a learning rate that is capped at 1/√t');
    numbers.clip = optimizer.clip;
  }
  if ('epsilon' in optimizer && optimizer.epsilon > LARGE_EPSILON) {
    ingredients.push(`epsilon = ${short(optimizer.epsilon)} beside the gradient`);
    numbers.epsilon = optimizer.epsilon;
  }
  if (workload.kind !== 'quadratic')
    ingredients.push('generalization (the loss is that of held-out examples)');
  if (ingredients.length === 0) return [];
  return [
    {
      code: 'outside-the-theory',
      sentence: `Not in the theory: ${ingredients.join(', ')}.`,
      numbers: { ...numbers, ingredients: ingredients.length },
    },
  ];
}

function heavyBall({ optimizer }: Specification): Warning[] {
  if (optimizer.kind !== 'momentum' && optimizer.kind !== 'nesterov') return [];
  const { momentum } = optimizer;
  if (momentum === 0) return [];
  const factor = 1 / (1 - momentum);
  return [
    {
      code: 'heavy-ball-learning-rate',
      sentence: `Learning rates are those of heavy-ball momentum ${momentum}: with an exponential average of the gradient they are ${short(factor)} times larger.`,
      numbers: { momentum, factor },
    },
  ];
}
