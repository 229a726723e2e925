/**
 * Means over seeds of a table of scores, once with every seed and once for every bootstrap resample. This is where the
 * time of an analysis goes (resamples × seeds × learning rates × marks), hence flat arrays and plain loops.
 */
import type { CurveSet } from './curves.ts';
import type { Resampling } from './resampling.ts';
import type { ScoreTable, TargetDefinition } from './scores.ts';
import { code, curveOf, scoreTable, targetScore } from './scores.ts';

export interface Averages {
  readonly rates: number;
  /** 1 + resamples: row 0 is the plain mean. */
  readonly rows: number;
  readonly instants: number;
  /** [learning rate][row][instant]; NaN where there is none. */
  readonly values: Float64Array;
  /** Status of a learning rate: the worst of its seeds (index into `statuses`), [learning rate][instant]. */
  readonly states: Uint8Array;
  /** Seeds with that status, same layout. */
  readonly counts: Uint32Array;
  /** Mean step at which the target was reached, same layout; NaN where there is none. */
  readonly reached: Float64Array;
  /** Bits of `note` of any seed in the mean, same layout. */
  readonly notes: Uint8Array;
  /** Cells without a value yet, or censored, over all learning rates, [instant]. */
  readonly missing: Uint32Array;
  readonly censored: Uint32Array;
  /** Seeds in every mean, [instant]. */
  readonly seeds: Uint32Array;
  /** 1 where every mean is over the same seeds, [instant]. */
  readonly paired: Uint8Array;
}

/**
 * Seeds are taken where every usable learning rate has them, so that learning rates differ by the learning rate alone.
 * When no seed is common, each learning rate is averaged over its own seeds and nothing is resampled (paired = 0).
 * A learning rate with a diverged seed has no mean: divergence is decided by all seeds, never by a resample.
 * `order` gives the column of a seed in the resampling.
 */
export function averagesOf(table: ScoreTable, bootstrap: Resampling, order: Uint32Array): Averages {
  const { rates, seeds, instants } = table;
  const averages = emptyAverages(rates, bootstrap.resamples + 1, instants);
  for (let start = 0; start < instants;) {
    let end = start + 1;
    while (end < instants && samePattern(table, end)) end++;
    averageRun(table, averages, bootstrap, order, start, end);
    start = end;
  }
  noteSeeds(table, averages, seeds);
  return averages;
}

function emptyAverages(rates: number, rows: number, instants: number): Averages {
  return {
    rates,
    rows,
    instants,
    values: new Float64Array(rates * rows * instants).fill(NaN),
    states: new Uint8Array(rates * instants),
    counts: new Uint32Array(rates * instants),
    reached: new Float64Array(rates * instants).fill(NaN),
    notes: new Uint8Array(rates * instants),
    missing: new Uint32Array(instants),
    censored: new Uint32Array(instants),
    seeds: new Uint32Array(instants),
    paired: new Uint8Array(instants).fill(1),
  };
}

/** Whether every cell has the same status at this instant as at the one before. */
function samePattern({ states, instants }: ScoreTable, instant: number): boolean {
  for (let at = instant; at < states.length; at += instants) if (states[at] !== states[at - 1]) return false;
  return true;
}

/** From the status that decides to the one that counts least. */
const PRECEDENCE = [code.diverged, code.censored] as const;

function averageRun(
  table: ScoreTable,
  averages: Averages,
  bootstrap: Resampling,
  order: Uint32Array,
  start: number,
  end: number,
): void {
  const { rates, seeds, instants, states } = table;
  const usable: number[] = [];
  const tally = new Uint32Array(4);
  const all = new Uint32Array(4);
  for (let rate = 0; rate < rates; rate++) {
    tally.fill(0);
    for (let seed = 0; seed < seeds; seed++) tally[states[(rate * seeds + seed) * instants + start]]++;
    const worst =
      PRECEDENCE.find((status) => tally[status] > 0) ?? (tally[code.finite] > 0 ? code.finite : code.missing);
    if (worst === code.finite) usable.push(rate);
    averages.states.fill(worst, rate * instants + start, rate * instants + end);
    averages.counts.fill(tally[worst], rate * instants + start, rate * instants + end);
    tally.forEach((count, status) => (all[status] += count));
  }
  averages.missing.fill(all[code.missing], start, end);
  averages.censored.fill(all[code.censored], start, end);
  const has = (rate: number, seed: number) =>
    states[(rate * seeds + seed) * instants + start] === code.finite;
  const every = Array.from({ length: seeds }, (_, seed) => seed);
  const common = every.filter((seed) => usable.every((rate) => has(rate, seed)));
  const paired = common.length > 0;
  averages.paired.fill(paired ? 1 : 0, start, end);
  let fewest = seeds;
  const shared = paired ? restrictedWeights(bootstrap, common, order) : null;
  for (const rate of usable) {
    const over = paired ? common : every.filter((seed) => has(rate, seed));
    fewest = Math.min(fewest, over.length);
    accumulate(table, averages, rate, over, shared ?? plainWeights(over.length), start, end);
  }
  averages.seeds.fill(usable.length === 0 ? 0 : fewest, start, end);
}

/** Weights [row][place in `over`] that sum to 1 in a row; NaN in a resample that drew none of these seeds. */
function restrictedWeights(bootstrap: Resampling, over: readonly number[], order: Uint32Array): Float64Array {
  const rows = bootstrap.resamples + 1;
  const weights = new Float64Array(rows * over.length);
  weights.fill(1 / over.length, 0, over.length);
  // With one seed there is nothing to draw.
  if (over.length === 1) return weights.fill(NaN, 1);
  for (let r = 0; r < bootstrap.resamples; r++) {
    let total = 0;
    for (const seed of over) total += bootstrap.weights[r * bootstrap.seeds + order[seed]];
    for (let i = 0; i < over.length; i++)
      weights[(r + 1) * over.length + i] =
        total === 0 ? NaN : bootstrap.weights[r * bootstrap.seeds + order[over[i]]] / total;
  }
  return weights;
}

function plainWeights(count: number): Float64Array {
  return new Float64Array(count).fill(1 / count);
}

function accumulate(
  table: ScoreTable,
  averages: Averages,
  rate: number,
  over: readonly number[],
  weights: Float64Array,
  start: number,
  end: number,
): void {
  const { seeds, instants, values: scores } = table;
  const { values, rows } = averages;
  const count = over.length;
  const drawn = weights.length / count;
  const rowStarts = new Int32Array(count + 3);
  const rowWeights = new Float64Array(count + 3);
  for (let row = 0; row < drawn; row++) {
    const out = (rate * rows + row) * instants;
    if (Number.isNaN(weights[row * count])) continue;
    let members = 0;
    for (let i = 0; i < count; i++) {
      const weight = weights[row * count + i];
      if (weight === 0) continue;
      rowStarts[members] = (rate * seeds + over[i]) * instants;
      rowWeights[members++] = weight;
    }
    // Four seeds a pass, since loading and storing the sums costs as much as adding; the last pass is filled up.
    rowWeights.fill(0, members);
    rowStarts.fill(rowStarts[0], members);
    values.fill(0, out + start, out + end);
    for (let i = 0; i < members; i += 4) {
      const [a, b, c, d] = [rowStarts[i], rowStarts[i + 1], rowStarts[i + 2], rowStarts[i + 3]];
      const [wa, wb, wc, wd] = [rowWeights[i], rowWeights[i + 1], rowWeights[i + 2], rowWeights[i + 3]];
      for (let p = start; p < end; p++)
        values[out + p] +=
          wa * scores[a + p] + wb * scores[b + p] + (wc * scores[c + p] + wd * scores[d + p]);
    }
  }
}

/** Steps reached (their mean over the seeds that have one) and notes, for the learning rates with a mean. */
function noteSeeds(table: ScoreTable, averages: Averages, seeds: number): void {
  const { instants } = table;
  for (let rate = 0; rate < table.rates; rate++)
    for (let i = 0; i < instants; i++) {
      const at = rate * instants + i;
      if (averages.states[at] !== code.finite) continue;
      let sum = 0;
      let count = 0;
      for (let seed = 0; seed < seeds; seed++) {
        const cell = (rate * seeds + seed) * instants + i;
        if (table.states[cell] !== code.finite) continue;
        averages.notes[at] |= table.notes[cell];
        sum += table.reached[cell];
        count++;
      }
      averages.reached[at] = sum / count;
    }
}

/**
 * The same for definitions with a target that the mean over seeds must reach: curves are averaged first, in every
 * resample anew, and the passage is read off the mean curve. The mean ends where its shortest curve ends.
 */
export function meanCurveAverages(
  curves: CurveSet,
  batch: number,
  definitions: readonly TargetDefinition[],
  bootstrap: Resampling,
  order: Uint32Array,
): Averages {
  const steps = curves.marks[batch];
  const rates = curves.learningRates.length;
  const seeds = curves.seeds.length;
  const result = emptyAverages(rates, bootstrap.resamples + 1, definitions.length);
  const rowSteps = definitions.length;
  const cells = Array.from({ length: rates }, (_, rate) =>
    Array.from({ length: seeds }, (_, seed) => curveOf(curves, batch, rate, seed)),
  );
  const run = cells.filter((list) => list.some((curve) => curve.recorded > 0));
  const every = Array.from({ length: seeds }, (_, seed) => seed);
  const common = every.filter((seed) => run.every((list) => list[seed].recorded > 0));
  const over = common.length > 0 ? common : every;
  const weights = restrictedWeights(bootstrap, over, order);
  const marks = scoreTable(
    curves,
    batch,
    steps.map((step) => ({ kind: 'equal-steps', step })),
  );
  const absent = cells.flat().filter((curve) => curve.recorded === 0).length;
  result.missing.fill(absent);
  result.seeds.fill(over.length);
  if (common.length === 0) result.paired.fill(0);
  for (let rate = 0; rate < rates; rate++) {
    const members = over.map((seed) => cells[rate][seed]).filter((curve) => curve.recorded > 0);
    if (members.length === 0) {
      result.states.fill(code.missing, rate * rowSteps, (rate + 1) * rowSteps);
      result.counts.fill(seeds, rate * rowSteps, (rate + 1) * rowSteps);
      continue;
    }
    // Divergence is decided by all seeds, in the mean or not.
    const divergedAt = Math.min(...cells[rate].map((curve) => curve.divergedAt));
    const recorded = Math.min(...members.map((curve) => curve.recorded));
    const present = over.filter((seed) => cells[rate][seed].recorded > 0);
    const used = common.length > 0 ? weights : plainWeights(present.length);
    const means = emptyAverages(1, bootstrap.resamples + 1, steps.length);
    const single: ScoreTable = {
      ...marks,
      rates: 1,
      values: marks.values.subarray(rate * seeds * steps.length, (rate + 1) * seeds * steps.length),
    };
    accumulate(single, means, 0, present, used, 0, steps.length);
    for (let row = 0; row < result.rows; row++) {
      const values = means.values.subarray(row * steps.length, (row + 1) * steps.length);
      if (Number.isNaN(values[0])) continue;
      for (let i = 0; i < definitions.length; i++) {
        const score = targetScore({ steps, values, recorded, divergedAt }, definitions[i]);
        result.values[(rate * result.rows + row) * rowSteps + i] = score.value;
        if (row > 0) continue;
        const at = rate * rowSteps + i;
        result.states[at] = score.state;
        result.counts[at] = score.state === code.finite ? present.length : members.length;
        result.reached[at] = score.reached;
        result.notes[at] = score.notes;
        if (score.state === code.censored) result.censored[i] += members.length;
        if (score.state === code.missing) result.missing[i] += members.length;
      }
    }
  }
  return result;
}
