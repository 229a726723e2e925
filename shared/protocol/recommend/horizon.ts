/**
 * A learning rate carried to a longer run. The published exponents contradict each other, and the sweep's own is an
 * extrapolation: every row is "not verified", and none is an answer.
 */
import type { CurveSet } from '../../analysis/curves.ts';
import type { Interval, Resampling } from '../../analysis/resampling.ts';
import { interval, resampling } from '../../analysis/resampling.ts';
import { ridgesOf } from '../../analysis/ridge.ts';
import type { OptimumMethod } from '../../analysis/optimum.ts';
import type { Warning } from '../../theory/warnings.ts';

export interface HorizonRow {
  readonly source: string;
  /** What the learning rate is proportional to a power of. */
  readonly of: 'steps' | 'tokens' | 'compute';
  readonly exponent: number;
  readonly exponentInterval: Interval | null;
  readonly learningRate: number;
  readonly interval: Interval | null;
  readonly verified: false;
  readonly note: string;
}

export interface Horizon {
  /** Length of the longer run over that of the sweep. */
  readonly factor: number;
  readonly rows: readonly HorizonRow[];
  readonly warnings: readonly Warning[];
}

interface PublishedExponent {
  readonly source: string;
  readonly of: 'tokens' | 'compute';
  readonly exponent: number;
  readonly error: number | null;
  readonly note: string;
}

const published: readonly PublishedExponent[] = [
  {
    source: 'arXiv 2510.03871',
    of: 'tokens',
    exponent: -0.28,
    error: 0.07,
    note: 'Scion, constant learning rate, batch size tuned along',
  },
  {
    source: 'arXiv 2503.04715 (Step Law)',
    of: 'tokens',
    exponent: 0.307,
    error: null,
    note: 'AdamW, with the batch size growing as tokens^0.5713',
  },
  {
    source: 'DeepSeek LLM',
    of: 'compute',
    exponent: -0.125,
    error: null,
    note: 'constants taken from other papers; compute grows as the tokens of a fixed model',
  },
];

/** The exponent is read from the last tenth to the whole of the training, in which the ridge has left its start. */
const SPAN = 10;
const FEWEST_MARKS = 3;

/** `learningRate` at `batchSize` for a run `factor` times as long. */
export function horizonTable(
  curves: CurveSet,
  { batchSize, learningRate, factor }: { batchSize: number; learningRate: number; factor: number },
  method?: OptimumMethod,
): Horizon {
  const own = ownExponent(curves, batchSize, resampling(curves.seeds.length), method);
  const scaled = (exponent: number) => learningRate * factor ** exponent;
  const ends = (range: Interval): Interval => {
    const pair = [scaled(range.low), scaled(range.high)];
    return { low: Math.min(...pair), high: Math.max(...pair) };
  };
  const rows = published.map(({ source, of, exponent, error, note }): HorizonRow => {
    const range =
      error === null ? null : { low: exponent - NORMAL_95 * error, high: exponent + NORMAL_95 * error };
    return {
      source,
      of,
      exponent,
      exponentInterval: range,
      learningRate: scaled(exponent),
      interval: range === null ? null : ends(range),
      verified: false,
      note,
    };
  });
  if (own !== null)
    rows.unshift({
      source: 'this sweep',
      of: 'steps',
      exponent: own.exponent,
      exponentInterval: own.interval,
      learningRate: scaled(own.exponent),
      interval: own.interval === null ? null : ends(own.interval),
      verified: false,
      note: `slope of the optimum at batch size ${own.batchSize} over steps ${own.from} to ${own.to}, carried on`,
    });
  return {
    factor,
    rows,
    warnings: [
      {
        code: 'not-verified',
        sentence:
          'Not verified: no row was checked on a run of this length, and the published exponents contradict each other even in sign.',
        numbers: { factor },
      },
    ],
  };
}

const NORMAL_95 = 1.6449;

interface OwnExponent {
  readonly batchSize: number;
  readonly from: number;
  readonly to: number;
  readonly exponent: number;
  readonly interval: Interval | null;
}

/** d ln(optimum)/d ln(step) at the batch size of the grid that is nearest in ln B, over the last decade of its marks. */
function ownExponent(
  curves: CurveSet,
  batchSize: number,
  bootstrap: Resampling,
  method?: OptimumMethod,
): OwnExponent | null {
  const away = (b: number) => Math.abs(Math.log(b / batchSize));
  const nearest = curves.batchSizes.reduce((a, b) => (away(b) < away(a) ? b : a));
  const batch = curves.batchSizes.indexOf(nearest);
  const last = curves.marks[batch].at(-1) ?? 0;
  const steps = curves.marks[batch].filter((step) => step * SPAN >= last);
  const ridges = ridgesOf(
    curves,
    steps.map((step) => ({ kind: 'equal-steps', step })),
    { bootstrap, ...(method === undefined ? {} : { method }) },
  );
  // An optimum at the end of the grid is no measurement.
  const used = ridges.flatMap((ridge, i) => {
    const point = ridge.points[batch];
    const doubtful = ['edge-low', 'edge-high', 'one-learning-rate'] as const;
    return point.learningRate === null || doubtful.some((flag) => point.flags.includes(flag))
      ? []
      : [{ step: steps[i], point }];
  });
  if (used.length < FEWEST_MARKS) return null;
  const x = used.map(({ step }) => Math.log(step));
  const slopes = Float64Array.from({ length: bootstrap.resamples }, (_, r) =>
    slope(
      x,
      used.map(({ point }) => point.resampled[r]),
    ),
  );
  return {
    batchSize: nearest,
    from: used[0].step,
    to: used[used.length - 1].step,
    exponent: slope(
      x,
      used.map(({ point }) => Math.log(point.learningRate!)),
    ),
    interval: interval(slopes, Math.min(...used.map(({ point }) => point.seeds))),
  };
}

/** Of the line of least squares. */
function slope(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [cx, cy] = [mean(x), mean(y)];
  const cross = x.reduce((sum, v, i) => sum + (v - cx) * (y[i] - cy), 0);
  return cross / x.reduce((sum, v) => sum + (v - cx) ** 2, 0);
}
